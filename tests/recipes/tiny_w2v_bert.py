"""A w2v-BERT that trains in a second or two."""

from __future__ import annotations

from dataclasses import replace

from earshot.encoders.conformer import ConformerConfig
from earshot.features import KaldiFbankConfig
from earshot.layers.span_mask import SpanMaskConfig
from earshot.models.audio_tower import AudioTower, SoundEncoderConfig
from earshot.recipes.w2v_bert import Config


def tiny_config(*, steps: int = 4) -> Config:
    """A few utterances of six phones, heard in 16 bands by two blocks of 32 dimensions."""
    small = Config.small()
    conformer = ConformerConfig(
        n_mels=16, n_stacked=4, dim=32, depth=2, n_heads=2, inner_dim=64, kernel=3, left=8
    )
    quick = replace(small.probe.probe, learning_rates=(1e-2,), steps=60, check_every=20)
    books = replace(small.pretraining.quantizer, n_codes=16, dim=16, temperature_decay=0.98)
    speech = replace(small.toy.speech, n_followers=2, noise_db=15.0, shortest=6, longest=8)
    return replace(
        small,
        model=SoundEncoderConfig(
            fbank=KaldiFbankConfig(n_mels=16, gain=2.0**15, per_bin=True, precision="single"),
            audio=AudioTower(conformer=conformer),
            window_s=2.0,
        ),
        pretraining=replace(
            small.pretraining,
            quantizer=books,
            mask=SpanMaskConfig(0.15, 3),
            shared_dim=16,
            n_distractors=10,
        ),
        fit=replace(small.fit, steps=steps, warmup_steps=5, learning_rate=5e-3),
        batch_size=8,
        max_s=2.0,
        probe=replace(small.probe, probe=quick),
        toy=replace(small.toy, speech=speech, n_phones=6, n_train=48, n_probe=32, n_test=16),
    )
