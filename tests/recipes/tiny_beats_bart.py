"""The recipe at a size that a test has time for."""

from __future__ import annotations

from dataclasses import replace

from earshot.data.caption_mixups import MixupConfig
from earshot.recipes.beats_bart import Config
from earshot.synth.caption_scenes import CaptionScenesConfig

KINDS = ("dog bark", "siren", "church bell", "rain", "drum", "songbird")


def tiny_config(steps: int = 60) -> Config:
    """Six kinds of sound in clips of a second, a tagger and a captioner of 32 units."""
    small = Config.small()
    encoder = small.model.encoder
    assert encoder.audio.cnn is not None
    cnn = replace(encoder.audio.cnn, channels=(4, 8, 16, 32), dim=32)
    model = replace(
        small.model,
        encoder=replace(encoder, audio=replace(encoder.audio, cnn=cnn), window_s=1.0),
        post=replace(small.model.post, dim=32, n_heads=2, mlp_dim=32, dropout=0.0),
        head_dim=32,
        decoder=replace(
            small.model.decoder, dim=32, depth=1, n_heads=2, mlp_dim=32, vocab_size=300, dropout=0.0
        ),
    )
    fit = replace(small.fit, steps=steps, learning_rate=5e-3, warmup_steps=5)
    assert small.encoder_fit is not None
    return replace(
        small,
        model=model,
        encoder_fit=replace(small.encoder_fit, steps=steps, warmup_steps=5),
        mixup_fit=fit,
        fit=fit,
        batch_size=16,
        mixups=MixupConfig(n_pairs=40),
        toy=CaptionScenesConfig(kinds=KINDS, duration_s=1.0, attribute_rate=0.0, n_captions=3),
        n_toy=80,
        beam=replace(small.beam, max_tokens=20),
        nucleus=replace(small.nucleus, n_samples=4, max_tokens=20),
    )
