"""A model of ours from its checkpoint: built by its own recipe, believing nothing unseen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from earshot.core.checkpoint import Checkpoint
from earshot.core.config import from_dict
from earshot.core.errors import EarShotError
from earshot.models.restoring import built, own_config, restore

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
        return built(checkpoint, lambda: _build(checkpoint))


def _build(checkpoint: Checkpoint) -> SoundEncoder:
    """The model with random weights."""
    from earshot.models.sound_encoder import SoundEncoder
    from earshot.recipes import find_recipe

    recipe = find_recipe(checkpoint.recipe)
    build = getattr(recipe, "build", None)
    model = build(from_dict(recipe.Config, own_config(checkpoint))) if build else None
    if not isinstance(model, SoundEncoder):
        raise EarShotError(
            got=f"{checkpoint.folder}, a model of recipe {checkpoint.recipe!r}",
            expected="a model that embeds sound",
            mend="Use a model of an alignment or representation paper: earshot papers.",
        )
    return model
