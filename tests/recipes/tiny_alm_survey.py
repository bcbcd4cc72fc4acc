"""An alm_survey that trains in seconds: ten kinds of sound, of which four are held out."""

from __future__ import annotations

from dataclasses import replace

from earshot.recipes import alm_survey
from earshot.synth.kind_clips import KindClipsConfig

KINDS = (
    "rain",
    "dog bark",
    "siren",
    "piano",
    "clock tick",
    "cow",
    "drill",
    "gong",
    "owl",
    "typing",
)


def little(config: alm_survey.Config) -> alm_survey.Config:
    """Narrower convolutions: two thirds of the time."""
    cnn = config.model.audio.cnn
    assert cnn is not None
    audio = replace(config.model.audio, cnn=replace(cnn, channels=(8, 16, 32, 64), dim=64))
    return replace(config, model=replace(config.model, audio=audio))


def tiny_config(steps: int = 3) -> alm_survey.Config:
    small = little(alm_survey.Config.small())
    toy = KindClipsConfig(n_train=2, n_test=7, kinds=KINDS)
    fit = replace(small.fit, steps=steps)
    return replace(small, n_held_out=4, batch_size=12, fit=fit, toy=toy)
