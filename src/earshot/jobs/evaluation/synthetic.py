"""The suite's own clips: procedural sounds, scenes and twins, the same for every model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from earshot.audio import Audio
from earshot.core.seed import generator
from earshot.data.clip import Clip
from earshot.data.clip_set import ClipSet
from earshot.jobs.evaluation.twins import TwinItem
from earshot.synth import (
    SOUNDS,
    SceneConfig,
    TwinPair,
    attribute_pairs,
    make_scenes,
    order_pairs,
    render_sound,
)
from earshot.synth.combinations import TWELVE, TWELVE_MORE

SAMPLE_RATE = 32_000  # Hz; every model hears the same sounds, at its own rate
EVENT_S = 2.0  # of a single sound
APART = 7_310_000  # added to the seed: far from those that models are trained with


@dataclass(frozen=True)
class SuiteSizes:
    """How many of each; the defaults take a minute of one core with earshot-small."""

    per_kind: int = 4  # sounds of each of the kinds
    n_scenes: int = 400
    n_twins: int = 200  # of order, and of attributes
    n_pairs: int = 200  # of the temporal suite
    per_event: int = 8  # sounds of each of the kinds that these pairs are made of

    @classmethod
    def quick(cls) -> SuiteSizes:
        """A quarter of it: intervals are twice as wide."""
        return cls(per_kind=1, n_scenes=100, n_twins=50, n_pairs=50, per_event=2)


def sounds(sizes: SuiteSizes, seed: int) -> ClipSet:
    """Single sounds of every kind, labelled by it."""
    name = f"synthetic sounds, seed {seed}"
    return _singles(tuple(SOUNDS), sizes.per_kind, "sound", seed, name)


def events(sizes: SuiteSizes, seed: int) -> ClipSet:
    """Single sounds of 24 kinds, to be made into pairs by the temporal suite."""
    name = f"synthetic events, seed {seed}"
    return _singles((*TWELVE, *TWELVE_MORE), sizes.per_event, "event", seed, name)


def _singles(kinds: Sequence[str], per_kind: int, what: str, seed: int, name: str) -> ClipSet:
    def clip(kind: str, turn: int) -> Clip:
        own = int(generator(APART + seed, turn, f"suite {what} {kind}").integers(2**31))
        waveform = render_sound(kind, duration_s=EVENT_S, sample_rate=SAMPLE_RATE, seed=own)
        return Clip(Audio(waveform, SAMPLE_RATE), labels=(kind,), id=f"{what} {kind} {turn}")

    return ClipSet([clip(kind, turn) for kind in kinds for turn in range(per_kind)], name=name)


def scenes(sizes: SuiteSizes, clip_s: float, seed: int) -> ClipSet:
    """Scenes of one to four sounds, in order or at once, each with five captions."""
    clips = [
        Clip(
            Audio(scene.waveform, scene.sample_rate),
            captions=tuple(dict.fromkeys(scene.captions)),
            id=f"scene {index}",
        )
        for index, scene in enumerate(make_scenes(sizes.n_scenes, APART + seed, _config(clip_s)))
    ]
    return ClipSet(clips, name=f"synthetic scenes of {clip_s:g} s, seed {seed}")


def order_twins(sizes: SuiteSizes, clip_s: float, seed: int) -> Iterator[TwinItem]:
    """ "A then B" and "B then A", of the same two sounds."""
    for index, pair in enumerate(order_pairs(sizes.n_twins, APART + seed, _config(clip_s))):
        yield _item(f"order {index}", pair)


def attribute_twins(sizes: SuiteSizes, clip_s: float, seed: int) -> Iterator[TwinItem]:
    """ "A loud, B soft" and "A soft, B loud", one after the other."""
    for index, pair in enumerate(attribute_pairs(sizes.n_twins, APART + seed, _config(clip_s))):
        yield _item(f"attribute {index}", pair)


def _config(clip_s: float) -> SceneConfig:
    return SceneConfig(sample_rate=SAMPLE_RATE, duration_s=clip_s)


def _item(name: str, pair: TwinPair) -> TwinItem:
    both = (pair.scene, pair.swapped_scene)
    one, other = (Audio(scene.waveform, scene.sample_rate) for scene in both)
    return TwinItem(name, (one, other), (pair.caption, pair.swapped_caption))
