"""A gradient_harmonization that trains in seconds: six kinds of sound, one-second clips."""

from __future__ import annotations

from dataclasses import replace

from earshot.encoders.agnostic import TrunkConfig, WaveStemConfig
from earshot.models.three_streams import ViewConfig
from earshot.recipes import gradient_harmonization as gh
from earshot.synth.combinations import CombinationConfig
from earshot.training.fit import FitConfig


def tiny_config(steps: int = 80, **harmony) -> gh.Config:
    small = gh.Config.small()
    toy = CombinationConfig(
        kinds=("dog bark", "siren", "frog", "footsteps", "songbird", "wood block"),
        axes=("pitch",),
        held_out=0.0,
        n_train=192,
        n_test=48,
        event_s=1.0,
        clip_s=1.0,
    )
    return replace(
        small,
        view=ViewConfig(WaveStemConfig(256, 64), TrunkConfig(32, 1, 4, 64, 0.0, 0.0)),
        harmony=replace(small.harmony, **harmony),
        fit=FitConfig(steps=steps, learning_rate=3e-3, warmup_steps=10, checkpoint_every=500),
        batch_size=32,
        toy=toy,
    )
