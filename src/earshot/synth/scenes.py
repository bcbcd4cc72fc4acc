"""Scenes of one to four sounds, in order or at once, with exact event lists and true captions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from earshot.core.seed import generator
from earshot.synth import noise
from earshot.synth.captions import Described, captions_of
from earshot.synth.kind import AXES, AXIS_OF
from earshot.synth.render import active_rms, render_with
from earshot.synth.scene_config import SceneConfig
from earshot.synth.sounds import SOUNDS
from earshot.synth.take import Take

# Groups follow one another; the members of a group sound at once.
SHAPES = {
    "single": ((1,),),
    "then": ((1, 1),),
    "while": ((2,),),
    "mixed": ((1, 1, 1), (2, 1), (1, 2), (2, 2), (1, 1, 2), (2, 1, 1)),
}
HEARD = 0.01  # of its peak: where an event begins and ends
LEAST_ROOM_S = 0.3


@dataclass(frozen=True)
class Event:
    """One sound in a scene: where it is heard, what it is, and the gain it was mixed with."""

    kind: str
    attributes: dict[str, str]
    onset_s: float
    offset_s: float
    gain_db: float  # beside the level that its loudness and distance give it


@dataclass(frozen=True)
class Scene:
    """A mix and all that is true of it."""

    waveform: np.ndarray  # [samples] float32 in [-1, 1]
    sample_rate: int
    events: tuple[Event, ...]  # by onset
    captions: tuple[str, ...]
    relation: str  # single, then, while or mixed


@dataclass(frozen=True)
class Segment:
    """A rendered sound, cut to where it is heard, not yet placed."""

    kind: str
    attributes: dict[str, str]
    waveform: np.ndarray
    gain_db: float = field(default=0.0)


def make_scene(seed: int, config: SceneConfig | None = None, index: int = 0) -> Scene:
    """Scene `index` of a seed: the same whatever other scenes are made."""
    config = config or SceneConfig()
    rng = generator(seed, index, "scene")
    relation, sizes = draw_shape(config, rng)
    plan = draw_plan(sizes, config, rng)
    rooms = draw_rooms(len(sizes), config, rng)
    groups = [
        [render_segment(kind, attributes, room, config, rng) for kind, attributes in group]
        for group, room in zip(plan, rooms, strict=True)
    ]
    scene = arrange(groups, rooms, relation, config, rng)
    described: list[list[Described]] = [[(SOUNDS[k], a) for k, a in group] for group in plan]
    return replace(scene, captions=captions_of(described, config.n_captions, rng))


def make_scenes(n: int, seed: int, config: SceneConfig | None = None) -> Iterator[Scene]:
    """Scenes 0 to n - 1 of a seed."""
    config = config or SceneConfig()
    return (make_scene(seed, config, index) for index in range(n))


def draw_shape(config: SceneConfig, rng: np.random.Generator) -> tuple[str, tuple[int, ...]]:
    """A relation by its weight, and the sizes of its groups."""
    names = list(config.relations)
    weights = np.array([config.relations[name] for name in names], dtype=np.float64)
    relation = names[int(rng.choice(len(names), p=weights / weights.sum()))]
    shapes = SHAPES[relation]
    return relation, shapes[int(rng.integers(len(shapes)))]


def draw_plan(
    sizes: Sequence[int], config: SceneConfig, rng: np.random.Generator
) -> list[list[tuple[str, dict[str, str]]]]:
    """Different kinds for every event, each with its attributes."""
    names = config.kind_names
    kinds = [names[i] for i in rng.choice(len(names), sum(sizes), replace=False)]
    events = [(kind, draw_attributes(kind, config, rng)) for kind in kinds]
    if config.combinations == "held_out":
        pairs = [pair for pair in config.held_out if pair[0] in names] or list(config.held_out)
        kind, value = pairs[int(rng.integers(len(pairs)))]
        slot = kinds.index(kind) if kind in kinds else int(rng.integers(len(kinds)))
        events[slot] = (kind, {AXIS_OF[value]: value})
    plan = iter(events)
    return [[next(plan) for _ in range(size)] for size in sizes]


def draw_attributes(kind: str, config: SceneConfig, rng: np.random.Generator) -> dict[str, str]:
    """None, one or two attributes that the kind obeys, without held-out pairs where asked."""
    if rng.random() >= config.attribute_rate:
        return {}
    axes = [axis for axis in SOUNDS[kind].attributes if axis in config.axes]
    count = min(len(axes), 1 if rng.random() < 0.75 else 2)
    chosen = sorted(rng.choice(len(axes), count, replace=False)) if count else []
    drawn = {axes[i]: AXES[axes[i]][int(rng.integers(2))] for i in chosen}
    if config.combinations == "all":
        return drawn
    held_out = set(config.held_out)
    return {axis: value for axis, value in drawn.items() if (kind, value) not in held_out}


def draw_rooms(n_groups: int, config: SceneConfig, rng: np.random.Generator) -> np.ndarray:
    """Seconds for each group: a fair share of the clip, a little uneven."""
    shares = rng.uniform(0.85, 1.15, n_groups)
    return config.duration_s * 0.97 * shares / shares.sum()


def render_segment(
    kind: str,
    attributes: Mapping[str, str],
    room_s: float,
    config: SceneConfig,
    rng: np.random.Generator,
) -> Segment:
    """The sound in the room it has, cut to where it is heard, at a gain of its own."""
    sound = SOUNDS[kind]
    room_s = max(room_s - 0.06, LEAST_ROOM_S)
    if sound.one_shot:
        waveform = render_with(sound, attributes, None, config.sample_rate, rng)
        waveform = _cut(waveform, room_s, config.sample_rate)
    else:
        length = attributes.get("length")
        room_s = min(room_s, sound.span_s[1] * (1.6 if length == "long" else 1.0))
        share = {"short": (0.28, 0.38), "long": (0.95, 1.0)}.get(length or "", (0.62, 0.85))
        if "speed" in attributes and length is None:
            share = (0.85, 1.0)  # a rate takes time to be heard
        length_s = max(rng.uniform(*share) * room_s, LEAST_ROOM_S)
        rest = {axis: value for axis, value in attributes.items() if axis != "length"}
        waveform = render_with(sound, rest, length_s, config.sample_rate, rng)
    gain_db = float(rng.uniform(-2, 2))
    start, end = heard_span(waveform)
    heard = waveform[start:end] * np.float32(10 ** (gain_db / 20))
    return Segment(kind, dict(attributes), heard, gain_db)


def arrange(
    groups: Sequence[Sequence[Segment]],
    rooms: np.ndarray,
    relation: str,
    config: SceneConfig,
    rng: np.random.Generator,
) -> Scene:
    """Place the groups one after another and mix; a scene without captions yet."""
    n_samples = round(config.duration_s * config.sample_rate)
    mix = np.zeros(n_samples, dtype=np.float32)
    placed: list[tuple[int, Segment]] = []
    begin = 0
    for number, (group, room) in enumerate(zip(groups, rooms, strict=True)):
        longest = max(group, key=lambda segment: len(segment.waveform))
        end = n_samples if number == len(groups) - 1 else begin + round(room * config.sample_rate)
        slack = max(end - begin - len(longest.waveform), 0)
        start = begin + int(rng.uniform(0, slack))
        for segment in group:
            inside = len(longest.waveform) - len(segment.waveform)
            at = start if segment is longest else start + int(rng.uniform(0, inside))
            placed.append((at, segment))
        begin = max(end, start + len(longest.waveform))
    for at, segment in placed:
        piece = segment.waveform[: n_samples - at]
        mix[at : at + len(piece)] += piece
    mix += _background([segment for _, segment in placed], n_samples, config, rng)
    peak = float(np.max(np.abs(mix)))
    down_db = min(0.0, 20 * np.log10(0.99 / max(peak, 1e-9)))
    rate = config.sample_rate
    events = [
        Event(s.kind, s.attributes, at / rate, min(at + len(s.waveform), n_samples) / rate,
              s.gain_db + down_db)
        for at, s in placed
    ]  # fmt: skip
    events.sort(key=lambda event: event.onset_s)
    return Scene(mix * np.float32(10 ** (down_db / 20)), rate, tuple(events), (), relation)


def heard_span(waveform: np.ndarray) -> tuple[int, int]:
    """First sample that is heard, and the one after the last."""
    level = np.abs(waveform)
    where = np.flatnonzero(level >= HEARD * level.max())
    return int(where[0]), int(where[-1]) + 1


def _background(
    segments: Sequence[Segment], n_samples: int, config: SceneConfig, rng: np.random.Generator
) -> np.ndarray:
    """Noise of some colour, below the softest event by an SNR in the configured range; or none."""
    present, slope, snr_db = rng.random(), rng.uniform(-6, 0), rng.uniform(*config.snr_db)
    if present >= config.background:
        return np.zeros(n_samples, dtype=np.float32)
    softest = min(active_rms(segment.waveform, config.sample_rate) for segment in segments)
    hiss = noise.sloped(Take(rng, config.sample_rate, n_samples), slope)
    return (hiss * softest * 10 ** (-snr_db / 20)).astype(np.float32)


def _cut(waveform: np.ndarray, room_s: float, sample_rate: int) -> np.ndarray:
    """At most `room_s`, with a fade where it had to be cut."""
    n_samples = round(room_s * sample_rate)
    if len(waveform) <= n_samples:
        return waveform
    waveform = waveform[:n_samples].copy()
    fade = min(n_samples, sample_rate // 10)
    waveform[-fade:] *= np.linspace(1, 0, fade, dtype=np.float32)
    return waveform
