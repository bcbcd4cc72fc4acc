"""Clips of every kind with every pair of attributes, some of the combinations held for the test."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from earshot.audio import Audio
from earshot.core.errors import EarShotError
from earshot.core.seed import generator
from earshot.data.clip import Clip
from earshot.data.clip_set import ClipSet
from earshot.synth import noise
from earshot.synth.captions import captions_of
from earshot.synth.kind import AXES
from earshot.synth.phrases import ADJECTIVES, with_adjectives
from earshot.synth.render import active_rms, render_sound
from earshot.synth.sounds import SOUNDS
from earshot.synth.take import Take

TWELVE = (
    "dog bark", "duck", "frog", "songbird", "woodpecker", "footsteps",
    "hammering", "clapping", "ringtone", "siren", "door knock", "wood block",
)  # fmt: skip  # kinds that obey pitch and speed and repeat within two seconds
TWELVE_MORE = (
    "crow", "owl", "laughter", "whistling", "car horn", "sonar ping",
    "hand bell", "clock tick", "drum", "piano", "trumpet", "violin",
)  # fmt: skip  # kinds that obey pitch and are heard within one second

Combination = tuple[str, tuple[str, ...]]  # a kind, and a word of each axis


@dataclass(frozen=True)
class CombinationConfig:
    """A closed world of kinds times attribute words, and how its clips sound."""

    kinds: tuple[str, ...] = TWELVE
    axes: tuple[str, ...] = ("pitch", "speed")
    held_out: float = 0.2  # share of the combinations that no training clip shows
    n_train: int = 1_200  # clips
    n_test: int = 200  # clips, over all combinations alike
    n_captions: int = 5  # a clip
    sample_rate: int = 16_000  # Hz
    event_s: float = 2.0  # the sound itself
    clip_s: float = 2.0  # the clip, in which the sound lies anywhere
    snr_db: tuple[float, float] = (15.0, 30.0)  # the sound against noise through the whole clip

    def __post_init__(self) -> None:
        for wrong, got, expected in (
            (self.event_s > self.clip_s, f"event_s={self.event_s:g}", f"at most {self.clip_s:g} s"),
            (not 0 <= self.held_out < 1, f"held_out={self.held_out:g}", "from 0 to below 1"),
            (min(self.n_train, self.n_test) < 1, f"{self.n_train} and {self.n_test} clips",
             "at least one of each"),
        ):  # fmt: skip
            if wrong:
                raise EarShotError(got=got, expected=expected, mend="Change that field.")


def combination_clips(seed: int, config: CombinationConfig | None = None) -> ClipSet:
    """Splits "train" and "test" in memory; a label is a combination, "a low-pitched slow dog bark".

    Each kind has at most one combination held out for two axes, so every word of a held-out one is
    heard in training, with other kinds and other words. Test clips come from all combinations.
    """
    config = config or CombinationConfig()
    everything = combinations(config)
    unseen = set(held_out_combinations(seed, config))
    seen = [each for each in everything if each not in unseen]
    clips = [
        _clip(seed, "train", index, seen[index % len(seen)], config)
        for index in range(config.n_train)
    ]
    clips += [
        _clip(seed, "test", index, everything[index % len(everything)], config)
        for index in range(config.n_test)
    ]
    return ClipSet(clips, name="combinations", labels=[label_of(each) for each in everything])


def combinations(config: CombinationConfig) -> list[Combination]:
    """All of them, in a fixed order."""
    words = list(itertools.product(*(AXES[axis] for axis in config.axes)))
    return [(kind, each) for kind in config.kinds for each in words]


def held_out_combinations(seed: int, config: CombinationConfig) -> list[Combination]:
    """A share of the combinations, spread over the kinds as evenly as can be."""
    rng = generator(seed, "held-out combinations")
    words = list(itertools.product(*(AXES[axis] for axis in config.axes)))
    n_wanted = round(config.held_out * len(config.kinds) * len(words))
    kinds = [config.kinds[i] for i in rng.permutation(len(config.kinds))]
    turns = {kind: rng.permutation(len(words)) for kind in kinds}
    order = [(kind, words[turns[kind][turn]]) for turn in range(len(words)) for kind in kinds]
    return order[:n_wanted]


def label_of(combination: Combination) -> str:
    """The combination as a noun phrase, in its plainest words."""
    kind, words = combination
    return with_adjectives(SOUNDS[kind].nouns[0], [ADJECTIVES[word][0] for word in words])


def _clip(
    seed: int, split: str, index: int, combination: Combination, config: CombinationConfig
) -> Clip:
    rng = generator(seed, index, f"combination {split}")
    kind, words = combination
    attributes = dict(zip(config.axes, words, strict=True))
    rate = config.sample_rate
    event = render_sound(
        kind,
        attributes=attributes,
        duration_s=config.event_s,
        sample_rate=rate,
        seed=int(rng.integers(2**31)),
    )
    n_samples = round(config.clip_s * rate)
    level = active_rms(event, rate) * 10 ** (-rng.uniform(*config.snr_db) / 20)
    hiss = noise.sloped(Take(rng, rate, n_samples), rng.uniform(-6.0, 0.0))
    waveform = (hiss * level).astype(np.float32)
    start = int(rng.integers(n_samples - len(event) + 1))
    waveform[start : start + len(event)] += event
    return Clip(
        audio=Audio(np.clip(waveform, -1.0, 1.0), rate),
        captions=captions_of([[(SOUNDS[kind], attributes)]], config.n_captions, rng),
        labels=(label_of(combination),),
        split=split,
        id=f"{split}-{seed}-{index:05d}",
    )
