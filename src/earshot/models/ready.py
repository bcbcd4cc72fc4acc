"""A model of sound and words by name, for whoever lies below the jobs: nothing is fetched."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from earshot.core.checkpoint import Checkpoint, is_checkpoint, read_checkpoint
from earshot.core.config import from_dict
from earshot.core.errors import EarShotError
from earshot.core.files import is_file
from earshot.models.embedder import Embedder
from earshot.models.towers import TwoTowerConfig, build_two_tower
from earshot.text.deferred import DeferredTokenizer
from earshot.text.pretrained import has_tokenizer


def ready_embedder(model: str | Path = "earshot-small", *, device: str = "cpu") -> Embedder:
    """The embedder of a shipped name, of a run folder, or of a published CLAP on this disk.

    A run folder is any whose config has a two-tower model under `model`. Raises EarShotError for
    what is none of these.
    """
    shipped = Path(str(resources.files("earshot"))) / "weights" / str(model)
    folder = shipped if is_checkpoint(shipped) else Path(model).expanduser()
    if is_checkpoint(folder):
        return _own(read_checkpoint(folder), str(model), device)
    if is_file(folder) or is_file(folder / "config.json"):
        from earshot.models.loading import load_foreign

        return load_foreign(folder, name=str(model), device=device)
    raise EarShotError(
        got=f"the model {str(model)!r}",
        expected="a model that ships (earshot-small), a run folder, or a CLAP's folder or file",
        mend="Correct its name; one from a hub must be on this disk.",
    )


def _own(checkpoint: Checkpoint, name: str, device: str) -> Embedder:
    """A two-tower model of ours with its weights."""
    import torch

    described = dict(checkpoint.config.get("model") or {})
    pieces, file = (described.get("text") or {}).get("bpe"), checkpoint.folder / "tokenizer.json"
    if pieces and file.is_file():
        described["text"] = {**described["text"], "bpe": {**pieces, "tokenizer": str(file)}}
    try:
        config = from_dict(TwoTowerConfig, described)
        with torch.random.fork_rng(devices=[]):
            model = build_two_tower(config)
        model.load_state_dict(checkpoint.weights())
    except (EarShotError, RuntimeError) as fault:
        raise EarShotError(
            got=f"{checkpoint.folder}, a run of {checkpoint.recipe!r} "
            f"({str(fault).partition(chr(10))[0][:160]})",
            expected="a model of sound and words",
            mend="Name one of an alignment paper: earshot papers.",
        ) from fault
    if isinstance(model.tokenizer, DeferredTokenizer) and has_tokenizer(checkpoint.folder):
        model.tokenizer.files = checkpoint.folder
    return Embedder(model, name, device=device)
