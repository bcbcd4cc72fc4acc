"""A gradient_harmonization that trains in seconds: two of six sounds in a second."""

from __future__ import annotations

from dataclasses import replace

from earshot.encoders.strip_transformer import StripTransformerConfig
from earshot.recipes import gradient_harmonization as gh
from earshot.training.fit import FitConfig

KINDS = ("dog bark", "siren", "frog", "footsteps", "songbird", "wood block")


def tiny_config(steps: int = 80, **harmony) -> gh.Config:
    small = gh.Config.small()
    toy = replace(small.toy, n_train=192, n_test=48)
    toy = replace(toy, scenes=replace(toy.scenes, kinds=KINDS))
    return replace(
        small,
        view=replace(small.view, strips=StripTransformerConfig(32, strip=4, dim=32, depth=1)),
        harmony=replace(small.harmony, **harmony),
        fit=FitConfig(steps=steps, learning_rate=3e-3, warmup_steps=10, checkpoint_every=500),
        batch_size=32,
        toy=toy,
    )
