"""A beats that trains in seconds: three kinds of sound, patches of a few bands."""

from __future__ import annotations

from dataclasses import replace

from earshot.layers.ema_codebook import EmaCodebookConfig
from earshot.recipes import beats
from earshot.synth.event_pool import EventPoolConfig

KINDS = ("siren", "door knock", "wind")


def tiny_config(steps: int = 60) -> beats.Config:
    small = beats.Config.small()
    sizes = small.model.audio.beats
    assert sizes is not None
    trunk = replace(sizes.transformer, dim=32, depth=2, n_heads=2, mlp_dim=64, conv_groups=4)
    audio = replace(small.model.audio, beats=replace(sizes, embed_dim=32, transformer=trunk))
    fit = replace(small.fit, steps=steps, warmup_steps=5, learning_rate=2e-3)
    return replace(
        small,
        model=replace(small.model, audio=audio),
        fit=fit,
        tokenizer_fit=replace(fit, steps=max(2, 2 * steps // 3)),
        first=replace(small.first, n_codes=16, code_dim=8),
        codebook=EmaCodebookConfig(n_codes=16, dim=8, kmeans_steps=4),
        batch_size=16,
        tokenizer_batch_size=16,
        toy=EventPoolConfig(
            kinds=KINDS, other_kinds=(), n_pool=96, n_train=12, n_test=12, snr_db=(10.0, 20.0)
        ),
        probe=replace(small.probe, steps=100, learning_rates=(3e-3,)),
    )
