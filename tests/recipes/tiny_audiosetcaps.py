"""An audiosetcaps that trains in seconds: four kinds of sound, a gate that knows a little."""

from __future__ import annotations

from dataclasses import replace

from earshot.recipes import audiosetcaps
from earshot.synth.caption_scenes import CaptionScenesConfig
from earshot.training.fit import FitConfig


def tiny_config(steps: int = 3) -> audiosetcaps.Config:
    small = audiosetcaps.Config.small()
    scenes = CaptionScenesConfig(
        kinds=("rain", "siren", "dog bark", "piano"), duration_s=1.0, relations=("single",)
    )
    toy = audiosetcaps.ToyConfig(n_train=24, n_clean=24, n_test=12, gate_steps=10, scenes=scenes)
    short = FitConfig(steps=steps, learning_rate=2e-3, warmup_steps=1)
    return replace(small, toy=toy, batch_size=8, fit=short, finetune=replace(short, steps=2))
