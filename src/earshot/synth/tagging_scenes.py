"""Clips of a few sounds at once, common and rare kinds, for tagging; and of one, for a new task."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from earshot.audio import Audio
from earshot.core.errors import EarShotError, unknown_name
from earshot.core.seed import generator
from earshot.data.clip import Clip
from earshot.data.clip_set import ClipSet
from earshot.synth import noise
from earshot.synth.render import active_rms, render_sound
from earshot.synth.sounds import SOUNDS
from earshot.synth.take import Take

PEAK = 0.9  # of a mix that would clip


@dataclass(frozen=True)
class TaggingScenesConfig:
    """Which kinds of sound, how often each, and how clips sound."""

    kinds: tuple[str, ...]  # names in SOUNDS
    n_train: int = 1_200  # clips
    n_test: int = 320  # clips, in which all kinds are alike
    events: tuple[int, int] = (1, 3)  # fewest and most kinds in a clip
    skew: float = 0.0  # of training clips: the n-th kind comes 1 / n**skew as often as the first
    sample_rate: int = 16_000  # Hz
    clip_s: float = 1.0
    gain_db: tuple[float, float] = (-12.0, 0.0)  # of each event
    snr_db: tuple[float, float] = (3.0, 20.0)  # the softest event against noise of some colour

    def __post_init__(self) -> None:
        for kind in self.kinds:
            if kind not in SOUNDS:
                raise unknown_name("kind of sound", kind, SOUNDS)
        fewest, most = self.events
        if not 1 <= fewest <= most <= len(set(self.kinds)) or min(self.n_train, self.n_test) < 1:
            raise EarShotError(
                got=f"{fewest} to {most} events of {len(set(self.kinds))} kinds in "
                f"{self.n_train} and {self.n_test} clips",
                expected="at least one event, of different kinds, and clips of both splits",
                mend="Change these fields.",
            )

    def shares(self) -> np.ndarray:
        """How likely a first event of each kind is in training [kinds]; `kinds[0]` most."""
        weights = 1.0 / np.arange(1, len(self.kinds) + 1) ** self.skew
        return weights / weights.sum()


def tagging_scenes(seed: int, config: TaggingScenesConfig) -> ClipSet:
    """Splits "train" and "test" in memory; a clip's labels are the kinds of sound in it.

    The order of the kinds' frequency is drawn by `seed`. In training a kind comes as its share
    says, in the test all alike.
    """
    order = generator(seed, "tagging kinds").permutation(len(config.kinds))
    kinds = [config.kinds[int(i)] for i in order]
    alike = np.full(len(kinds), 1 / len(kinds))
    clips = [
        _clip(seed, "train", index, kinds, config.shares(), config)
        for index in range(config.n_train)
    ]
    clips += [_clip(seed, "test", index, kinds, alike, config) for index in range(config.n_test)]
    return ClipSet(clips, name="tagging scenes", labels=sorted(kinds))


def _clip(
    seed: int,
    split: str,
    index: int,
    kinds: list[str],
    shares: np.ndarray,
    config: TaggingScenesConfig,
) -> Clip:
    rng = generator(seed, index, f"tagging {split}")
    fewest, most = config.events
    n_events = int(rng.integers(fewest, most + 1))
    if most == 1 and not config.skew:
        drawn = [index % len(kinds)]  # as many clips of each
    else:
        drawn = [int(i) for i in rng.choice(len(kinds), n_events, replace=False, p=shares)]
    rate, n_samples = config.sample_rate, round(config.clip_s * config.sample_rate)
    events = [_event(kinds[i], rng, config) for i in drawn]
    softest = min(active_rms(event, rate) for event in events)
    hiss = noise.sloped(Take(rng, rate, n_samples), rng.uniform(-6.0, 0.0))
    mix = sum(events) + hiss * softest * 10 ** (-rng.uniform(*config.snr_db) / 20)
    peak = float(np.abs(mix).max())
    waveform = (mix * min(1.0, PEAK / peak)).astype(np.float32)
    return Clip(
        audio=Audio(waveform, rate),
        labels=tuple(sorted(kinds[i] for i in drawn)),
        split=split,
        id=f"{split}-{seed}-{index:05d}",
    )


def _event(kind: str, rng: np.random.Generator, config: TaggingScenesConfig) -> np.ndarray:
    """One take of a kind [samples] at some gain, beginning anywhere in the clip's first half."""
    waveform = render_sound(
        kind,
        duration_s=config.clip_s,
        sample_rate=config.sample_rate,
        seed=int(rng.integers(2**31)),
    )
    start = int(rng.integers(len(waveform) // 2)) if SOUNDS[kind].one_shot else 0
    placed = np.zeros(len(waveform))
    placed[start:] = waveform[: len(waveform) - start]
    return placed * 10 ** (rng.uniform(*config.gain_db) / 20)
