"""A cwcl that trains in seconds: strips for a CNN, four intents, one take of every word."""

from __future__ import annotations

from dataclasses import replace

from earshot.encoders.strip_transformer import StripTransformerConfig
from earshot.models.towers import AudioTower
from earshot.recipes import cwcl
from earshot.synth.commands import CommandConfig
from earshot.training.fit import FitConfig

INTENTS = ("feed the dog", "open the door", "run a bath", "stroke the cat")


def tiny_config(steps: int = 60) -> cwcl.Config:
    small = cwcl.Config.small()
    strips = AudioTower(strips=StripTransformerConfig(32, strip=4, dim=64, depth=2))
    return replace(
        small,
        model=replace(small.model, audio=strips),
        toy=CommandConfig(intents=INTENTS, n_train=160, n_test=48, takes=1),
        batch_size=32,
        kappa=4.0,
        fit=FitConfig(steps=steps, learning_rate=2e-3, warmup_steps=5, checkpoint_every=500),
    )
