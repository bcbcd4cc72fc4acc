"""A decoder of brains in seconds: three subjects, quiet noise, a short language."""

from __future__ import annotations

from dataclasses import replace

from earshot.models.brain_module import DeepMelConfig
from earshot.models.predictive_speech import PredictiveSpeechConfig
from earshot.recipes.brain_decoding import Config
from earshot.synth.brain import BrainSimConfig
from earshot.training.fit import FitConfig


def tiny_config(steps: int = 60) -> Config:
    """Subject layers, clamp and contrast all matter to it."""
    small = Config.small()
    sim = BrainSimConfig(
        n_subjects=3, n_sensors=16, n_stories=3, story_s=100.0, n_words=80, n_features=16, noise=4.0
    )
    return replace(
        small,
        model=replace(small.model, n_virtual=16, n_waves=4, width=24, conv_depth=3, head_width=32),
        windows=replace(small.windows, before_s=0.25, after_s=1.0),
        fit=FitConfig(steps=steps, learning_rate=4e-3, warmup_steps=5, checkpoint_every=1_000),
        batch_size=32,
        n_test=60,
        toy=sim,
    )


def tiny_speech_config(kind: str, steps: int = 60) -> Config:
    """The same on sound, with features of that kind."""
    tiny, spoken = tiny_config(steps), Config.small_speech()
    deep = DeepMelConfig(n_mels=20, width=16, conv_depth=2, dim=16)
    taught = PredictiveSpeechConfig()
    taught = replace(taught, encoder=replace(taught.encoder, dim=16, depth=1), n_negatives=16)
    return replace(
        tiny,
        model=replace(tiny.model, dim=16, deep_mel=deep),
        speech=replace(
            spoken.speech,
            kind=kind,
            mel=replace(spoken.speech.mel, n_mels=20),
            taught=taught,
            fit=FitConfig(steps=6, learning_rate=1e-3, warmup_steps=2, checkpoint_every=2),
        ),
        toy=replace(tiny.toy, spoken=True, n_stories=2, story_s=60.0, noise=1.0),
    )
