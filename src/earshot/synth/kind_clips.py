"""Clips of one procedural sound each, evenly many of every kind."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from earshot.audio import Audio
from earshot.core.errors import EarShotError
from earshot.data.clip import Clip
from earshot.data.clip_set import ClipSet
from earshot.synth.scene_config import SceneConfig
from earshot.synth.scenes import make_scene


@dataclass(frozen=True)
class KindClipsConfig:
    """How many clips of each kind, and what scenes they are."""

    n_train: int = 6  # clips of a kind
    n_test: int = 10  # clips of a kind
    kinds: tuple[str, ...] = ()  # names in SOUNDS to choose from; none means all
    clip_s: float = 1.0
    sample_rate: int = 16_000  # Hz
    attribute_rate: float = 0.0  # share of sounds that are loud or soft, fast or slow, ...

    def __post_init__(self) -> None:
        if min(self.n_train, self.n_test) < 1:
            raise EarShotError(
                got=f"{self.n_train} and {self.n_test} clips of a kind",
                expected="at least one of each",
                mend="Change that field.",
            )


def kind_clips(
    seed: int, kinds: tuple[str, ...], split: str, config: KindClipsConfig | None = None
) -> ClipSet:
    """The "train" or "test" clips of some kinds, in memory; a label is a kind's name.

    Clip i of a kind is the same whatever other kinds are asked for.
    """
    return _kind_clips(seed, kinds, split, config or KindClipsConfig())


@lru_cache(maxsize=6)  # the arms of a claim share them
def _kind_clips(seed: int, kinds: tuple[str, ...], split: str, config: KindClipsConfig) -> ClipSet:
    n = config.n_train if split == "train" else config.n_test
    first = 0 if split == "train" else config.n_train
    clips = []
    for kind in kinds:
        scenes = SceneConfig(
            sample_rate=config.sample_rate,
            duration_s=config.clip_s,
            kinds=(kind,),
            relations={"single": 1.0},
            attribute_rate=config.attribute_rate,
        )
        for index in range(first, first + n):
            scene = make_scene(seed, scenes, index)
            clips.append(
                Clip(
                    audio=Audio(scene.waveform, scene.sample_rate),
                    captions=scene.captions,
                    labels=(kind,),
                    split=split,
                    id=f"{kind}-{seed}-{index:04d}",
                )
            )
    return ClipSet(clips, name="kinds of sound", labels=list(kinds))
