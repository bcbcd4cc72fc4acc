"""A model of ours from its checkpoint: built by its own recipe, believing nothing unseen."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from earshot.core.checkpoint import Checkpoint
from earshot.core.config import from_dict
from earshot.core.errors import EarShotError
from earshot.jobs.restoring import MEND, restore

if TYPE_CHECKING:
    from earshot.models.sound_encoder import SoundEncoder


def rebuild(checkpoint: Checkpoint) -> SoundEncoder:
    """The model of a checkpoint with its weights.

    Raises EarShotError for another kind of model, and for a config and weights that do not belong
    together. That is found out on the meta device, which holds no numbers: what a damaged config
    asks for is never allocated.
    """
    from earshot.recipes import find_recipe

    find_recipe(checkpoint.recipe)
    return restore(checkpoint, lambda: _build(checkpoint))


def untrained(checkpoint: Checkpoint, seed: int = 0) -> SoundEncoder:
    """The model of a checkpoint as it was before any training: what its shape alone is worth."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return _build(checkpoint)


def _build(checkpoint: Checkpoint) -> SoundEncoder:
    """The model with random weights."""
    from earshot.models.sound_encoder import SoundEncoder
    from earshot.recipes import find_recipe

    recipe = find_recipe(checkpoint.recipe)
    build = getattr(recipe, "build", None)
    try:
        model = build(from_dict(recipe.Config, _own_pieces(checkpoint))) if build else None
    except EarShotError:
        raise
    except Exception as fault:  # sizes that do not fit together fail in the libraries, in all ways
        raise EarShotError(
            got=f"{checkpoint.folder}, whose config builds no model ({type(fault).__name__}: "
            f"{str(fault).partition(chr(10))[0][:200]})",
            expected="the config that its weights were trained with",
            mend=MEND,
        ) from fault
    if not isinstance(model, SoundEncoder):
        raise EarShotError(
            got=f"{checkpoint.folder}, a model of recipe {checkpoint.recipe!r}",
            expected="a model that embeds sound",
            mend="Use a model of an alignment or representation paper: earshot papers.",
        )
    return model


def _own_pieces(checkpoint: Checkpoint) -> dict[str, Any]:
    """The config, with a tokenizer.json beside the weights in the place of where it was trained."""
    config, file = copy.deepcopy(checkpoint.config), checkpoint.folder / "tokenizer.json"
    pieces = config.get("model", {}).get("text", {}).get("bpe")
    if pieces and file.is_file():
        pieces["tokenizer"] = str(file)
    return config
