"""Any model as the start of a training: a whole two-tower model, or the encoder that hears."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from earshot.core.errors import EarShotError
from earshot.jobs.loading import find_checkpoint, load

if TYPE_CHECKING:
    from earshot.models.start import Ears, Start
    from earshot.models.towers import TwoTowerConfig

EARS = "audio encoder of "  # how the start of a run is called that began with an encoder alone


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


def start_with_encoder(model: str | Path, config: TwoTowerConfig, seed: int) -> Start:
    """A two-tower model of `config` that hears with the trained encoder found under `model`.

    Front end, audio encoder and window are those of `model`; its text tower and both projections
    start at random, by `seed`. Raises EarShotError for a model that was not built from a config of
    an encoder, such as a CLAP of others.
    """
    from dataclasses import replace

    from earshot.core.seed import seed_all
    from earshot.models.start import Start
    from earshot.models.towers import build_two_tower

    embedder = load(model)
    ears = embedder.model.config
    if ears is None:
        raise _no_ears(model)
    heard = {name: getattr(ears, name) for name in ("features", "fbank", "waveform", "audio")}
    whole = replace(config, **heard, window_s=ears.window_s, fill=ears.fill, long_clips="crop")
    seed_all(seed)
    two_tower = build_two_tower(whole)
    two_tower.audio_encoder.load_state_dict(embedder.model.audio_encoder.state_dict())
    return Start(EARS + embedder.name, two_tower, whole)


def find_ears(model: str | Path) -> Ears:
    """The trained encoder found under `model`, for a captioner that hears with it.

    Raises EarShotError for a model that was not built from a config of an encoder, such as a CLAP
    of others.
    """
    from earshot.models.audio_tower import SoundEncoderConfig, build_sound_encoder
    from earshot.models.start import Ears

    embedder = load(model)
    ears = embedder.model.config
    if ears is None:
        raise _no_ears(model)
    heard = {name: getattr(ears, name) for name in ("features", "fbank", "waveform", "audio")}
    config = SoundEncoderConfig(**heard, window_s=ears.window_s, fill=ears.fill)
    encoder = build_sound_encoder(config)
    encoder.audio_encoder.load_state_dict(embedder.model.audio_encoder.state_dict())
    return Ears(EARS + embedder.name, encoder.eval(), config)


def _no_ears(model: str | Path) -> EarShotError:
    return EarShotError(
        got=f"{os.fspath(model)} as an audio encoder",
        expected="a run of a representation paper, or a published encoder (PANNs, AST, BEATs)",
        mend="Go on from a whole two-tower model with --model.",
    )
