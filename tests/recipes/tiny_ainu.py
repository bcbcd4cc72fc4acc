"""An ainu_adaptation that trains in seconds: a few made-up utterances, a very small model."""

from __future__ import annotations

from dataclasses import replace

from earshot.recipes import ainu_adaptation
from earshot.synth.phone_speech import PhoneSpeechConfig


def tiny_config(steps: int = 4) -> ainu_adaptation.Config:
    small = ainu_adaptation.Config.small()
    encoder = replace(
        small.model.audio.wav2vec2, dim=32, depth=2, mlp_dim=64, n_mels=20, position_kernel=8
    )
    speech = PhoneSpeechConfig(shortest=4, longest=6, n_followers=4)
    return replace(
        small,
        model=replace(
            small.model,
            audio=replace(small.model.audio, wav2vec2=encoder),
            features=replace(small.model.features, n_mels=20),
        ),
        base_fit=replace(small.base_fit, steps=steps, warmup_steps=1),
        continued_fit=replace(small.continued_fit, steps=steps, warmup_steps=1),
        fine_tune_fit=replace(small.fine_tune_fit, steps=steps, warmup_steps=1),
        batch_size=8,
        toy=replace(
            small.toy,
            family=replace(small.toy.family, speech=speech),
            n_base=20,
            n_target=24,
            n_other=16,
            n_test=8,
        ),
    )
