"""A model as a folder that the hub's tools know: config, weights, processor, tokenizer, card."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

import earshot
from earshot.adapters.model_card import model_card
from earshot.core.checkpoint import (
    HUB_CONFIG_NAME,
    MODEL_TYPE,
    WEIGHTS_NAME,
    Checkpoint,
)
from earshot.core.errors import EarShotError
from earshot.core.files import replacing, write_text
from earshot.jobs.loading import find_checkpoint, load
from earshot.models.loading import save_transformers
from earshot.text.tokenizer import BpeTokenizer

if TYPE_CHECKING:
    from earshot.models.embedder import Embedder

Form = Literal["auto", "earshot", "clap"]
PROCESSOR, CARD = "preprocessor_config.json", "README.md"


@dataclass(frozen=True)
class SavedFolder:
    """A folder on disk that loads again; `max_difference` from the model's own embeddings."""

    folder: Path
    form: Literal["earshot", "clap"]
    fingerprint: str  # of the model as the folder loads
    max_difference: float


def save_folder(
    model: str | Path,
    out: Path,
    *,
    form: Form = "auto",
    license: str | None = None,
    name: str | None = None,
) -> SavedFolder:
    """Write the model that `load` finds under `model` into the folder `out`, and load it again.

    form "earshot" is for models trained here: `earshot.load(out)` has the same fingerprint. "clap"
    is for models of CLAP's shape: transformers' ClapModel and ClapProcessor read it, and so does
    EarShot. "auto" takes the first where it fits, else the second. `license` and `name` go into the
    card. Raises when `out` holds files already, or the model fits neither form.
    """
    _check_empty(out)
    checkpoint, embedder = find_checkpoint(model), load(model)
    if form == "earshot" and checkpoint is None:
        raise EarShotError(
            got=f"{embedder.name}, which no recipe of EarShot built, in the form of EarShot's own",
            expected="a run folder or a name that ships",
            mend="Use --form clap: a checkpoint of CLAP's shape is saved for transformers.",
        )
    if checkpoint is not None and form != "clap":
        chosen: Literal["earshot", "clap"] = "earshot"
        _write_own(checkpoint, embedder, out)
    else:
        chosen = "clap"
        save_transformers(embedder.model, out)
        save_tokenizer(embedder.model.tokenizer, out)
    title = name or Path(embedder.name).name
    card = model_card(embedder, title, form=chosen, license=license, checkpoint=checkpoint)
    write_text(out / CARD, card)
    again = load(out)
    return SavedFolder(out, chosen, again.fingerprint, _difference(embedder, again))


def _write_own(checkpoint: Checkpoint, embedder: Embedder, out: Path) -> None:
    """Weights as they are, and the recipe's facts inside config.json."""
    with replacing(out / WEIGHTS_NAME) as part:
        shutil.copyfile(checkpoint.folder / WEIGHTS_NAME, part)
    model = embedder.model
    config = {
        "architectures": [type(model).__name__],
        "model_type": MODEL_TYPE,
        "earshot_version": earshot.__version__,
        "projection_dim": embedder.dim,
        MODEL_TYPE: checkpoint.facts,
    }
    front_end = getattr(model.features, "config", None)
    processor = {
        "feature_extractor_type": type(model.features).__name__,
        "sampling_rate": model.sample_rate,
        "max_length_s": model.window_s,
        "hop_s": embedder.hop_s,
        "padding": model.fill,
        "features": asdict(front_end) if is_dataclass(front_end) else repr(front_end),
    }
    for file, facts in ((HUB_CONFIG_NAME, config), (PROCESSOR, processor)):
        write_text(out / file, json.dumps(facts, indent=2, sort_keys=True) + "\n")
    save_tokenizer(model.tokenizer, out)


def save_tokenizer(tokenizer: Any, out: Path) -> None:
    """The tokenizer's files where it has any, and what its ids depend on where it has none."""
    if isinstance(tokenizer, BpeTokenizer):
        tokenizer.save(out / "tokenizer.json")
    elif hasattr(tokenizer, "save"):
        tokenizer.save(out)
    else:
        facts = {"tokenizer_class": type(tokenizer).__name__, **tokenizer.facts}
        write_text(out / "tokenizer_config.json", json.dumps(facts, indent=2) + "\n")


def _difference(before: Embedder, after: Embedder) -> float:
    """The largest difference between two models' embeddings of a tone and of some words."""
    time_s = np.arange(round(before.window_s * before.sample_rate)) / before.sample_rate
    sounds = [0.3 * np.sin(2 * np.pi * 440 * time_s).astype(np.float32)]
    sounds.append(sounds[0][: len(time_s) // 2])
    texts = ["a dog barks in the rain", ""]
    pairs = (
        (before.embed_waveforms(sounds), after.embed_waveforms(sounds)),
        (before.embed_texts(texts), after.embed_texts(texts)),
    )
    return max(float(np.abs(one - other).max()) for one, other in pairs)


def _check_empty(out: Path) -> None:
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise EarShotError(
            got=f"{out}, which holds something already",
            expected="a new or an empty folder",
            mend="Name another one, or empty it.",
        )
