"""Scenes for captioning: sixteen kinds of sound, alone, in order or at once, with all said of them.

A clip has five true captions and the exact list of its events, against which any other caption can
be scored. Source: the toy counterpart of arXiv:2411.18953's clips.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from earshot.audio import Audio
from earshot.core.errors import EarShotError, unknown_name
from earshot.core.seed import generator
from earshot.data.clip import Clip
from earshot.data.clip_set import ClipSet
from earshot.synth.captions import captions_of
from earshot.synth.kind import AXES, SoundKind
from earshot.synth.render import RATES, render_with
from earshot.synth.scene_config import SceneConfig
from earshot.synth.scenes import SHAPES, Scene, Segment, arrange, draw_rooms, heard_span
from earshot.synth.sounds import SOUNDS
from earshot.synth.voices import SPEAKERS

SPEECH = "speech"
KINDS = (
    "dog bark", "siren", "rain", "engine idling", "footsteps", "church bell", "reversing beeps",
    "songbird", "wind", "typing", SPEECH, "piano", "guitar", "drum", "bubbles", "smoke alarm",
)  # fmt: skip
AXES_HERE = ("loudness", "speed")
RELATIONS = ("single", "then", "while")
LEAST_S = 1.0
OF_TEN = ("train",) * 8 + ("val", "test")  # the split of a clip by the last digit of its number


@dataclass(frozen=True)
class CaptionScenesConfig:
    """How scenes are drawn."""

    kinds: tuple[str, ...] = KINDS  # two or more of these
    relations: tuple[str, ...] = RELATIONS  # one event, one after another, both at once; all alike
    attribute_rate: float = 0.5  # share of events that are loud or soft, fast or slow
    n_captions: int = 5
    sample_rate: int = 16_000  # Hz, 8 000 to 48 000
    duration_s: float = 4.0  # seconds, at least 1
    background: float = 0.7  # share of scenes with noise in the background

    def __post_init__(self) -> None:
        for kind in self.kinds:
            if kind not in KINDS:
                raise unknown_name("kind of sound", kind, KINDS)
        for relation in self.relations:
            if relation not in RELATIONS:
                raise unknown_name("relation", relation, RELATIONS)
        for wrong, got, expected in (
            (len(set(self.kinds)) < 2, f"{len(set(self.kinds))} kinds of sound", "2 or more"),
            (not self.relations, "no relations", f"one or more of {', '.join(RELATIONS)}"),
            (not 0 <= self.attribute_rate <= 1, f"attribute_rate={self.attribute_rate:g}",
             "0 to 1"),
            (not 1 <= self.n_captions <= 12, f"n_captions={self.n_captions}", "1 to 12"),
            (not RATES[0] <= self.sample_rate <= RATES[1], f"sample_rate={self.sample_rate} Hz",
             f"{RATES[0]} to {RATES[1]} Hz"),
            (not LEAST_S <= self.duration_s <= 60, f"duration_s={self.duration_s:g}", "1 to 60 s"),
            (not 0 <= self.background <= 1, f"background={self.background:g}", "0 to 1"),
        ):  # fmt: skip
            if wrong:
                raise EarShotError(got=got, expected=expected, mend="Change that field.")

    @property
    def frame(self) -> SceneConfig:
        """What these scenes share with all others."""
        return SceneConfig(
            sample_rate=self.sample_rate,
            duration_s=self.duration_s,
            background=self.background,
            relations=dict.fromkeys(self.relations, 1.0),
        )


@lru_cache(maxsize=2)
def caption_scenes(
    n: int,
    seed: int,
    config: CaptionScenesConfig = CaptionScenesConfig(),  # noqa: B008
) -> ClipSet:
    """`n` clips in memory, of ten in a row eight for "train", one for "val", one for "test".

    A clip depends on seed, number and config alone: more clips begin with the same ones. Its labels
    are its kinds of sound, sorted; `extra["events"]` lists them by onset as {kind, onset_s,
    offset_s, attributes}, `extra["relation"]` says how they lie. The last two sets made are kept.
    1,000 clips of four seconds take 256 MB and 15 to 25 s of one core.
    """
    if n < 1:
        raise EarShotError(got=f"n={n}", expected="at least 1 clip", mend="Ask for more.")
    clips = [caption_clip(seed, index, config) for index in range(n)]
    return ClipSet(clips, name="caption scenes", labels=sorted(set(config.kinds)))


def caption_clip(seed: int, index: int, config: CaptionScenesConfig | None = None) -> Clip:
    """Clip `index` of a seed."""
    config = config or CaptionScenesConfig()
    rng = generator(seed, index, "caption scene")
    relation = config.relations[int(rng.integers(len(config.relations)))]
    (sizes,) = SHAPES[relation]
    drawn = iter(rng.choice(sorted(set(config.kinds)), sum(sizes), replace=False))
    groups = [[_event(str(next(drawn)), config, rng) for _ in range(size)] for size in sizes]
    rooms = draw_rooms(len(sizes), config.frame, rng)
    rendered = [
        [_segment(sound, attributes, float(room), config, rng) for sound, attributes in group]
        for group, room in zip(groups, rooms, strict=True)
    ]
    scene = arrange(rendered, rooms, relation, config.frame, rng)
    spoken = [[(sound, _spoken(attributes)) for sound, attributes in group] for group in groups]
    scene = replace(scene, captions=captions_of(spoken, config.n_captions, rng))
    return _clip(scene, f"scene-{seed}-{index:06d}", OF_TEN[index % 10])


def kind_words() -> dict[str, tuple[str, ...]]:
    """What captions call each kind: nouns, "a dog barking", and "a dog barks"."""
    sounds: dict[str, list[SoundKind]] = {
        kind: list(SPEAKERS.values()) if kind == SPEECH else [SOUNDS[kind]] for kind in KINDS
    }
    return {
        kind: tuple(
            dict.fromkeys(
                words
                for sound in each
                for words in (
                    *sound.synonyms,
                    *(" ".join(action.split(" | ")[:2]) for action in sound.actions),
                )
            )
        )
        for kind, each in sounds.items()
    }


def _event(
    kind: str, config: CaptionScenesConfig, rng: np.random.Generator
) -> tuple[SoundKind, dict[str, str]]:
    """A kind and its attributes: at most one of loudness and speed, and who speaks."""
    speaker = list(SPEAKERS)[int(rng.integers(len(SPEAKERS)))]
    present, axis_draw, word_draw = rng.random(), rng.random(), int(rng.integers(2))
    sound = SPEAKERS[speaker] if kind == SPEECH else SOUNDS[kind]
    attributes = {"speaker": speaker} if kind == SPEECH else {}
    axes = [axis for axis in AXES_HERE if axis in sound.attributes]
    if present < config.attribute_rate:
        axis = axes[int(axis_draw * len(axes))]
        attributes[axis] = AXES[axis][word_draw]
    return sound, attributes


def _segment(
    sound: SoundKind,
    attributes: dict[str, str],
    room_s: float,
    config: CaptionScenesConfig,
    rng: np.random.Generator,
) -> Segment:
    """The sound through most of the room it has, cut to where it is heard."""
    share = (0.85, 1.0) if "speed" in attributes else (0.6, 0.9)  # a rate takes time to be heard
    length_s = max(0.3, min((room_s - 0.06) * rng.uniform(*share), sound.span_s[1]))
    waveform = render_with(sound, _spoken(attributes), length_s, config.sample_rate, rng)
    gain_db = float(rng.uniform(-2, 2))
    start, end = heard_span(waveform)
    heard = waveform[start:end] * np.float32(10 ** (gain_db / 20))
    return Segment(sound.name, attributes, heard, gain_db)


def _spoken(attributes: dict[str, str]) -> dict[str, str]:
    """The attributes that words and levels are made of; who speaks is the sound itself."""
    return {axis: word for axis, word in attributes.items() if axis in AXES}


def _clip(scene: Scene, name: str, split: str) -> Clip:
    events: list[dict[str, Any]] = [
        {
            "kind": event.kind,
            "onset_s": round(event.onset_s, 4),
            "offset_s": round(event.offset_s, 4),
            "attributes": dict(event.attributes),
        }
        for event in scene.events
    ]
    return Clip(
        audio=Audio(scene.waveform, scene.sample_rate),
        captions=scene.captions,
        labels=tuple(sorted({event.kind for event in scene.events})),
        split=split,
        id=name,
        extra={"events": events, "relation": scene.relation},
    )
