"""A panns that trains in seconds: six kinds of sound, three new ones."""

from __future__ import annotations

from dataclasses import replace

from earshot.recipes import panns
from earshot.synth.tagging_scenes import TaggingScenesConfig
from earshot.training.fit import FitConfig

KINDS = ("sine tone", "clock tick", "white noise", "rising sweep", "busy tone", "falling sweep")
NEW = ("laser zap", "microwave beep", "hi-hat")


def tiny_config(steps: int = 60, shots: tuple[int, ...] = (4,)) -> panns.Config:
    small = panns.Config.small()
    cnn = replace(small.cnn, n_mels=16, channels=(6, 8, 12, 16), dim=16)
    features = replace(small.model.features, sample_rate=8_000, n_fft=256, hop_length=125,
                       n_mels=16, f_max=4_000.0)  # fmt: skip
    sounds = {"sample_rate": 8_000, "clip_s": 0.5, "snr_db": (15.0, 30.0)}
    fit = FitConfig(steps=steps, learning_rate=5e-3, warmup_steps=5, checkpoint_every=1_000)
    tasks = replace(
        small.tasks,
        toy=TaggingScenesConfig(NEW, n_train=30, n_test=60, events=(1, 1), **sounds),
        shots=shots,
        transfer=replace(
            small.tasks.transfer, fit=replace(fit, steps=steps // 3), frozen_fit=fit, batch_size=12
        ),
    )
    config = replace(
        small,
        fit=fit,
        batch_size=16,
        toy=TaggingScenesConfig(KINDS, n_train=120, n_test=60, events=(1, 2), skew=1.0, **sounds),
        model=replace(small.model, features=features),
        tasks=tasks,
    )
    return config.with_cnn(cnn)
