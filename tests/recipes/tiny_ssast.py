"""An SSAST so small that a test trains it in seconds, on sounds that differ in level most."""

from __future__ import annotations

from dataclasses import replace

from earshot.encoders.patches import PatchConfig
from earshot.features import KaldiFbank
from earshot.models.audio_tower import AudioTower
from earshot.recipes import ssast
from earshot.synth.event_pool import EventPoolConfig


def tiny_config(steps: int = 100) -> ssast.Config:
    small = ssast.Config.small()
    fbank = replace(small.model.fbank, n_mels=32)
    encoder = replace(
        small.model.audio.spectrogram,
        patches=PatchConfig(n_mels=32, height=8, width=8),
        dim=32,
        depth=2,
        n_heads=2,
        mlp_dim=64,
        fill=KaldiFbank(fbank).pad_value,
    )
    fit = replace(small.transfer.fit, steps=10, warmup_steps=2, checkpoint_every=10)
    return replace(
        small,
        model=replace(small.model, audio=AudioTower(spectrogram=encoder), fbank=fbank),
        masking=replace(small.masking, share=0.5, sides=(2,)),
        fit=replace(
            small.fit,
            steps=steps,
            learning_rate=8e-3,
            warmup_steps=5,
            checkpoint_every=max(1, steps // 3),
        ),
        transfer=replace(small.transfer, fit=fit),
        probe=replace(small.probe, fit=replace(fit, learning_rate=1e-2)),
        batch_size=16,
        n_labelled=8,
        toy=EventPoolConfig(
            kinds=("siren", "clapping", "frog", "violin"),
            other_kinds=("owl", "wind"),
            n_pool=96,
            n_train=8,
            n_test=12,
            snr_db=(20.0, 30.0),
            gain_db=(-30.0, 0.0),
            slope_db=(-3.0, -3.0),
        ),
    )
