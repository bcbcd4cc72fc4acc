"""A coconut that trains in seconds: six words, three tasks, one layer."""

from __future__ import annotations

from dataclasses import replace

from earshot.recipes import coconut
from earshot.synth.spoken_words import SpokenWordsConfig
from earshot.training.fit import FitConfig


def tiny_config(steps: int = 16) -> coconut.Config:
    small = coconut.Config.small()
    writer = replace(
        small.model.writer,
        log_mel=replace(small.model.writer.log_mel, hop_length=160, n_mels=24),
        n_features=24,
        dim=48,
        mlp_dim=96,
        encoder_depth=1,
        conv_dim=48,
        dropout=0.0,
        most_tokens=9,
    )
    return replace(
        small,
        model=replace(small.model, writer=writer, contrast_dim=32),
        toy=SpokenWordsConfig(
            words=("alarm", "coffee", "door", "kitchen", "music", "timer"),
            n_train=24,
            n_test=8,
            snr_db=(20.0, 30.0),
        ),
        fit=FitConfig(steps=steps, learning_rate=5e-3, warmup_steps=3, checkpoint_every=1_000),
        n_tasks=3,
        memory=0.09,  # two clips a word
        batch_size=16,
        n_rehearsal=6,
    )
