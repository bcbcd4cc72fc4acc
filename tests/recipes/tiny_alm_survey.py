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


def tiny_config(steps: int = 3) -> alm_survey.Config:
    small = alm_survey.Config.small()
    toy = KindClipsConfig(n_train=2, n_test=7, kinds=KINDS)
    fit = replace(small.fit, steps=steps)
    return replace(small, n_held_out=4, batch_size=12, fit=fit, toy=toy)
