"""A reclap that trains in seconds: eight invented sounds, of which four are held out."""

from __future__ import annotations

from dataclasses import replace

from earshot.recipes import reclap
from earshot.synth.invented import InventedConfig


def tiny_config(steps: int = 3) -> reclap.Config:
    small = reclap.Config.small()
    toy = InventedConfig(n_seen=5, n_held_out=3, n_train=40, n_test=24, n_rewrites=3, n_prompts=4)
    return replace(small, toy=toy, batch_size=16, fit=replace(small.fit, steps=steps))
