"""Any two-tower model as the start of a training: ours by its config, others' by their files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from earshot.core.errors import EarShotError
from earshot.jobs.loading import find_checkpoint, load

if TYPE_CHECKING:
    from earshot.models.start import Start


def find_start(model: str | Path) -> Start:
    """The model that `load` finds under `model`, to be trained further.

    Raises EarShotError for Microsoft's checkpoints: what is trained from a published model is
    saved as a CLAP folder of `transformers`, which has no words for their shape.
    """
    from earshot.core.config import from_dict
    from earshot.models.loading.save_transformers import fits_transformers
    from earshot.models.start import Start
    from earshot.models.towers import TwoTowerConfig

    checkpoint, embedder = find_checkpoint(model), load(model)
    name = embedder.name
    if checkpoint is not None:
        config = from_dict(TwoTowerConfig, checkpoint.config["model"], "model")
        return Start(name, embedder.model, config)
    if not fits_transformers(embedder.model):
        raise EarShotError(
            got=f"{os.fspath(model)} as the start of a training",
            expected="a model trained here, a CLAP folder of transformers or a LAION .pt",
            mend="Train that shape from the beginning: --preset msclap_2023 of `earshot run clap`.",
        )
    return Start(name, embedder.model, None)
