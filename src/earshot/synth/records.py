"""One clip of a data set, by kind: its sound and what the manifest says of it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from earshot.core.config import to_dict
from earshot.core.errors import unknown_name
from earshot.core.seed import generator
from earshot.synth import espeak, fluidsynth
from earshot.synth.captions import captions_of
from earshot.synth.render import render_with
from earshot.synth.scene_config import SceneConfig
from earshot.synth.scenes import Event, draw_attributes, heard_span, make_scene
from earshot.synth.sounds import SOUNDS
from earshot.synth.tunes import TuneConfig, tune
from earshot.synth.utterances import GRAMMAR, utterance

DATASET_KINDS = ("scenes", "sounds", "tunes", "speech")


@dataclass(frozen=True)
class SoundsConfig:
    """Single sounds without background, one kind after another, as long as they naturally last."""

    sample_rate: int = 16_000  # Hz
    kinds: tuple[str, ...] = ()  # names in SOUNDS; none means all
    attribute_rate: float = 0.5  # share of clips that carry one or two attributes
    n_captions: int = 5

    def __post_init__(self) -> None:
        self.scenes()  # the same checks

    def scenes(self) -> SceneConfig:
        """The settings that single sounds share with scenes."""
        return SceneConfig(
            sample_rate=self.sample_rate,
            kinds=self.kinds,
            relations={"single": 1.0},
            attribute_rate=self.attribute_rate,
            n_captions=self.n_captions,
        )


@dataclass(frozen=True)
class SpeechConfig:
    """Short spoken sentences."""

    sample_rate: int = 16_000  # Hz
    languages: tuple[str, ...] = tuple(GRAMMAR)
    engine: Literal["auto", "espeak", "formant"] = "auto"
    n_captions: int = 5

    def __post_init__(self) -> None:
        for language in self.languages:
            if language not in GRAMMAR:
                raise unknown_name("language", language, GRAMMAR)


Config = SceneConfig | SoundsConfig | TuneConfig | SpeechConfig
CONFIGS: dict[str, type[Config]] = {
    "scenes": SceneConfig,
    "sounds": SoundsConfig,
    "tunes": TuneConfig,
    "speech": SpeechConfig,
}


def settled(config: Config) -> Config:
    """The config with "auto" replaced by what this machine has, so that a resumed run agrees."""
    if isinstance(config, TuneConfig) and config.voice == "auto":
        return dataclasses.replace(
            config, voice="fluidsynth" if fluidsynth.fluidsynth_works() else "own"
        )
    if isinstance(config, SpeechConfig) and config.engine == "auto":
        return dataclasses.replace(config, engine="espeak" if espeak.espeak_works() else "formant")
    return config


def make_record(config: Config, seed: int, index: int) -> tuple[np.ndarray, dict[str, Any]]:
    """Clip `index` of a seed: its waveform [samples] and its manifest fields."""
    if isinstance(config, SceneConfig):
        return _scene(config, seed, index)
    if isinstance(config, SoundsConfig):
        return _sound(config, seed, index)
    if isinstance(config, TuneConfig):
        return _tune(config, seed, index)
    return _speech(config, seed, index)


def _scene(config: SceneConfig, seed: int, index: int) -> tuple[np.ndarray, dict[str, Any]]:
    scene = make_scene(seed, config, index)
    return scene.waveform, {
        "captions": list(scene.captions),
        "labels": [event.kind for event in scene.events],
        "relation": scene.relation,
        "events": [_event(event) for event in scene.events],
    }


def _sound(config: SoundsConfig, seed: int, index: int) -> tuple[np.ndarray, dict[str, Any]]:
    scenes = config.scenes()
    kind = scenes.kind_names[index % len(scenes.kind_names)]
    rng = generator(seed, index, "sound")
    attributes = draw_attributes(kind, scenes, rng)
    waveform = render_with(SOUNDS[kind], attributes, None, config.sample_rate, rng)
    start, end = heard_span(waveform)
    event = Event(kind, attributes, start / config.sample_rate, end / config.sample_rate, 0.0)
    return waveform, {
        "captions": list(captions_of([[(SOUNDS[kind], attributes)]], config.n_captions, rng)),
        "labels": [kind],
        "category": SOUNDS[kind].category,
        "events": [_event(event)],
    }


def _tune(config: TuneConfig, seed: int, index: int) -> tuple[np.ndarray, dict[str, Any]]:
    made = tune(seed, config, index)
    return made.waveform, {
        "captions": list(made.captions),
        "labels": list(made.instruments),
        "tempo_bpm": made.tempo_bpm,
        "metre": made.metre,
        "key": made.key,
        "beats_s": [round(float(beat), 4) for beat in made.beats_s],
        "downbeats_s": [round(float(beat), 4) for beat in made.downbeats_s],
        "chords": [{"start_s": round(c.start_s, 4), "name": c.name} for c in made.chords],
        "voice": made.voice,
    }


def _speech(config: SpeechConfig, seed: int, index: int) -> tuple[np.ndarray, dict[str, Any]]:
    made = utterance(
        seed, index, sample_rate=config.sample_rate, languages=config.languages,
        engine=config.engine, n_captions=config.n_captions,
    )  # fmt: skip
    return made.waveform, {
        "captions": list(made.captions),
        "labels": ["speech"],
        "transcript": made.transcript,
        "language": made.language,
        "voice": made.voice,
        "engine": made.engine,
    }


def _event(event: Event) -> dict[str, Any]:
    """Times to a tenth of a millisecond, gains to a hundredth of a decibel."""
    return {
        "kind": event.kind,
        "attributes": event.attributes,
        "onset_s": round(event.onset_s, 4),
        "offset_s": round(event.offset_s, 4),
        "gain_db": round(event.gain_db, 2),
    }


def facts_of(kind: str, seed: int, config: Config, format: str) -> dict[str, Any]:
    """What two runs must share for their clips to be the same."""
    return {"kind": kind, "seed": seed, "format": format, "config": to_dict(config)}
