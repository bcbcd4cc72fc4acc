"""A compa that trains in seconds: strips instead of HTSAT, clips of one second."""

from __future__ import annotations

from dataclasses import replace

from earshot.data.compositions import CompositionConfig
from earshot.encoders.strip_transformer import StripTransformerConfig
from earshot.encoders.text_transformer import TextTransformerConfig
from earshot.models.towers import AudioTower, TextTower, WordText
from earshot.recipes import compa
from earshot.synth.combinations import CombinationConfig
from earshot.training.fit import FitConfig


def tiny_config(first: int = 40, second: int = 200, third: int = 200) -> compa.Config:
    small = compa.Config.small()
    model = replace(
        small.model,
        audio=AudioTower(strips=StripTransformerConfig(32, strip=2, dim=48, depth=2)),
        text=TextTower(words=WordText(transformer=TextTransformerConfig(48, 1, 4))),
        dim=32,
        window_s=1.0,
        fill="none",
    )

    def stage(objective: compa.Objective, steps: int) -> compa.Stage:
        fit = FitConfig(steps, learning_rate=2e-3, warmup_steps=10, checkpoint_every=500)
        return compa.Stage(objective, fit, batch_size=8)

    toy = CombinationConfig(
        kinds=("dog bark", "siren", "rain", "piano"),
        axes=(),
        held_out=0.0,
        n_train=72,
        n_test=24,
        event_s=0.5,
        clip_s=0.5,
    )
    return replace(
        small,
        model=model,
        first=stage("captions", first),
        second=stage("hard_negatives", second),
        third=stage("modular", third),
        compositions=CompositionConfig(n_events=(0.2, 0.8), clip_s=1.0),
        toy=toy,
        n_twins=60,
        n_retrieved=40,
    )
