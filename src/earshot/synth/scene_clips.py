"""Clips of two sounds at once, of few kinds: what a clip is lies in which two it has."""

from __future__ import annotations

from dataclasses import dataclass, field

from earshot.audio import Audio
from earshot.core.errors import EarShotError
from earshot.data.clip import Clip
from earshot.data.clip_set import ClipSet
from earshot.synth.combinations import TWELVE
from earshot.synth.scene_config import SceneConfig
from earshot.synth.scenes import make_scene


def _two_at_once() -> SceneConfig:
    return SceneConfig(
        duration_s=1.0,
        kinds=TWELVE,
        relations={"while": 1.0},
        attribute_rate=0.0,
        background=1.0,
        snr_db=(15.0, 30.0),
    )


@dataclass(frozen=True)
class SceneClipsConfig:
    """How many clips, and what scenes they hold."""

    n_train: int = 1_200  # clips
    n_test: int = 200  # clips
    scenes: SceneConfig = field(default_factory=_two_at_once)

    def __post_init__(self) -> None:
        if min(self.n_train, self.n_test) < 1:
            raise EarShotError(
                got=f"{self.n_train} and {self.n_test} clips",
                expected="at least one of each",
                mend="Change that field.",
            )


def scene_clips(seed: int, config: SceneClipsConfig | None = None) -> ClipSet:
    """Splits "train" and "test" in memory; a clip's labels are its kinds of sound, sorted."""
    config = config or SceneClipsConfig()
    clips = []
    for index in range(config.n_train + config.n_test):
        scene = make_scene(seed, config.scenes, index)
        clips.append(
            Clip(
                audio=Audio(scene.waveform, scene.sample_rate),
                captions=scene.captions,
                labels=tuple(sorted({event.kind for event in scene.events})),
                split="train" if index < config.n_train else "test",
                id=f"scene-{seed}-{index:05d}",
            )
        )
    return ClipSet(clips, name="scenes", labels=list(config.scenes.kind_names))
