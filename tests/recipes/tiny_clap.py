"""A clap that trains in seconds: strips instead of HTSAT, six kinds of sound, one-second clips."""

from __future__ import annotations

from dataclasses import replace

from earshot.encoders.strip_transformer import StripTransformerConfig
from earshot.encoders.text_transformer import TextTransformerConfig
from earshot.models.towers import AudioTower, TextTower, WordText
from earshot.recipes import clap
from earshot.synth.combinations import CombinationConfig
from earshot.training.fit import FitConfig


def tiny_config(steps: int = 80) -> clap.Config:
    small = clap.Config.small()
    model = replace(
        small.model,
        audio=AudioTower(strips=StripTransformerConfig(32, strip=8, dim=64, depth=2)),
        text=TextTower(words=WordText(transformer=TextTransformerConfig(48, 1, 4))),
        dim=32,
        window_s=1.0,
        fill="none",
    )
    toy = CombinationConfig(
        kinds=("dog bark", "siren", "frog", "footsteps", "songbird", "wood block"),
        axes=("pitch",),
        n_train=256,
        n_test=48,
        event_s=1.0,
        clip_s=1.0,
    )
    fit = FitConfig(steps=steps, learning_rate=3e-3, warmup_steps=10, checkpoint_every=500)
    return replace(small, model=model, toy=toy, batch_size=32, max_s=1.0, fit=fit)
