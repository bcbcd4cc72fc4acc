"""Batches that never repeat: between-class mixes with soft targets, and scenes with an order.

Source: arXiv:1711.10282 (mixing two classes at a random ratio, and learning the ratio).
Differs: powers of mel bands add, where the paper adds waveforms: the same for unrelated sounds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from earshot.synth import SOUNDS
from phrases import TAUGHT, THEN, WHILE
from scenery import Scenery, ordered, told
from sounds import Sound, concept_of, phrases_of

UNSAID = (-1, -1)  # no order
SILENCE = 1e-10  # power of a band
REAL = ("esc10", "instruments", "effects")


@dataclass(frozen=True)
class Mixes:
    """Log-mels [batch, n_mels, frames], n_frames [batch], and the share of each concept."""

    log_mel: Tensor
    n_frames: Tensor
    shares: Tensor  # [batch, concepts], rows sum to 1


@dataclass(frozen=True)
class Scenes:
    """Log-mels of two sounds each, true captions, and captions that tell the order wrongly."""

    log_mel: Tensor
    n_frames: Tensor
    captions: list[str]
    wrong: list[str]  # for each clip, a caption that is not true of it
    order: Tensor  # [batch, 2] concepts that are heard first and last; -1 where at once
    order_told: Tensor  # [batch, 2] the same of the captions
    order_wrong: Tensor  # [batch, 2] and of the wrong ones


@dataclass(frozen=True)
class Composed:
    """One scene before it is stacked: its power [n_mels, frames] and what Scenes holds of it."""

    power: np.ndarray
    caption: str
    wrong: str | None
    order: tuple[int, int]
    order_told: tuple[int, int]
    order_wrong: tuple[int, int]


class Mixer:
    """Draws sounds by concept, bends them at random, and puts them together."""

    def __init__(self, sounds: Sequence[Sound], scenes: Sequence[Scenery]):
        self.rendered = scenes
        self.by_concept: dict[str, dict[bool, list[Sound]]] = {}
        for sound in sounds:
            pools = self.by_concept.setdefault(sound.concept, {True: [], False: []})
            pools[sound.origin != "synth"].append(sound)
        self.concepts = sorted(self.by_concept)
        self.place = {concept: i for i, concept in enumerate(self.concepts)}
        self.taught = [c for c in self.concepts if c in TAUGHT]
        played = {sound.concept for sound in sounds if sound.origin == "instruments"}
        instruments = [c for c in self.taught if c in played]
        outdoors = [c for c in self.taught if c not in played]
        speech = [c for c in self.concepts if c.startswith(("says ", "speech "))]
        others = [c for c in self.concepts if c not in {*TAUGHT, *speech}]
        # instruments are the harder to tell apart
        self.shelves = ((0.32, outdoors), (0.42, instruments), (0.21, others), (0.05, speech))
        self.phrases = {concept: phrases_of(concept) for concept in self.concepts}
        self.n_mels = sounds[0].mels[0].shape[0]

    def concept(self, rng: np.random.Generator) -> str:
        """A concept: mostly a class with many recordings."""
        shelf = self.shelves[rng.choice(4, p=[share for share, _ in self.shelves])][1]
        return shelf[rng.integers(len(shelf))]

    def phrase(self, concept: str, rng: np.random.Generator) -> str:
        """One of the ways to call it."""
        return self.phrases[concept][rng.integers(len(self.phrases[concept]))]

    def draw(self, rng: np.random.Generator, concept: str, n_frames: int) -> np.ndarray:
        """Power [n_mels, at most n_frames] of a sound, bent, its loud parts at a power of 1."""
        pools = self.by_concept[concept]
        real = bool(pools[True]) and (not pools[False] or rng.random() < 0.93)
        pool = pools[real]
        sound = pool[rng.integers(len(pool))]
        log_mel = sound.mels[rng.integers(len(sound.mels))]
        if log_mel.shape[1] > n_frames:
            log_mel = log_mel[:, audible_start(rng, log_mel, n_frames) :][:, :n_frames]
        power = np.power(10.0, log_mel.astype(np.float32) / 10)
        power *= equaliser(rng, self.n_mels)[:, None]
        loudness = np.sort(power.mean(0))[-max(1, power.shape[1] // 10) :].mean()
        return power / max(float(loudness), SILENCE)

    def filled(self, rng: np.random.Generator, concept: str, n_frames: int) -> np.ndarray:
        """A draw; a short one is often repeated, or set somewhere into n_frames of silence."""
        power = self.draw(rng, concept, n_frames)
        length, how = power.shape[1], rng.random()
        if length < n_frames and how < 0.4:
            gap = int(rng.integers(n_frames // 2)) if rng.random() < 0.5 else 0
            tile = np.pad(power, ((0, 0), (0, gap)), constant_values=SILENCE)
            return np.tile(tile, (1, -(-n_frames // tile.shape[1])))[:, :n_frames]
        if length < n_frames and how < 0.7:
            start = int(rng.integers(n_frames - length + 1))
            return np.pad(
                power, ((0, 0), (start, n_frames - length - start)), constant_values=SILENCE
            )
        return power

    def mixes(self, rng: np.random.Generator, n: int, n_frames: int, mix_share: float) -> Mixes:
        """n clips of at most n_frames; mix_share of them hold two concepts at a random ratio."""
        powers, shares = [], torch.zeros(n, len(self.concepts))
        for row in range(n):
            first = self.concept(rng)
            power, ratio = self.filled(rng, first, n_frames), 1.0
            if rng.random() < mix_share:
                second, ratio = self.concept(rng), float(rng.random())
                other = self.filled(rng, second, n_frames)
                power = added(power * ratio**2, other * (1 - ratio) ** 2)
                shares[row, self.place[second]] += 1 - ratio
            shares[row, self.place[first]] += ratio
            powers.append(hiss(rng, power))
        return Mixes(*stacked(rng, powers, n_frames, masks=2), shares)

    def scenes(self, rng: np.random.Generator, n: int, n_frames: int) -> Scenes:
        """n clips of several sounds with right and wrong captions, half of them procedural."""
        fitting = [s for s in self.rendered if n_frames / 2.1 < s.log_mel.shape[1] <= n_frames]
        made = [
            self.bent(rng, pick(rng, fitting)) if row % 2 else self.composed(rng, n_frames)
            for row in range(n)
        ]
        powers = [hiss(rng, scene.power + SILENCE) for scene in made]
        captions = [scene.caption for scene in made]
        wrong = [
            scene.wrong or captions[row - 1] for row, scene in enumerate(made)
        ]  # where a scene has no turned caption, a neighbour's serves
        order, said, turned = (
            torch.tensor([getattr(scene, name) for scene in made])
            for name in ("order", "order_told", "order_wrong")
        )
        log_mel, lengths = stacked(rng, powers, n_frames, masks=1)
        return Scenes(log_mel, lengths, captions, wrong, order, said, turned)

    def tellings(self, rng: np.random.Generator, n: int) -> tuple[list[str], Tensor]:
        """n captions of two sounds in order, without the sounds; the concepts [n, 2] they name."""
        captions, orders, kinds = [], [], list(SOUNDS)
        for row in range(n):
            if row % 2:
                first, last = self.pair(rng)
                names = {"a": self.phrase(first, rng), "b": self.phrase(last, rng)}
                captions.append(pick(rng, THEN).format(**names))
            else:
                two = [kinds[i] for i in rng.choice(len(kinds), size=2, replace=False)]
                captions.append(ordered((two[0], two[1]), rng)[0])
                first, last = map(concept_of, two)
            orders.append((self.place[first], self.place[last]))
        return captions, torch.tensor(orders)

    def bent(self, rng: np.random.Generator, scene: Scenery) -> Composed:
        """A procedural scene, equalised at random, told anew."""
        caption, wrong = told(scene, rng)
        power = np.power(10.0, scene.log_mel.astype(np.float32) / 10)
        power *= equaliser(rng, self.n_mels)[:, None]
        if scene.order is None:
            return Composed(power, caption, wrong, UNSAID, UNSAID, UNSAID)
        first, last = (self.place[concept_of(kind)] for kind in scene.order)
        return Composed(power, caption, wrong, (first, last), (first, last), (last, first))

    def composed(self, rng: np.random.Generator, n_frames: int) -> Composed:
        """Two sounds, one after the other or together."""
        first, last = self.pair(rng)
        gains = 10 ** (rng.uniform(-4, 4, 2) / 10)
        a, b = self.phrase(first, rng), self.phrase(last, rng)
        forth, then = (self.place[first], self.place[last]), pick(rng, THEN)
        if rng.random() < 0.25:
            one, two = (self.filled(rng, c, n_frames) for c in (first, last))
            caption, wrong = pick(rng, WHILE).format(a=a, b=b), then.format(a=a, b=b)
            power = added(one * gains[0], two * gains[1])
            return Composed(power, caption, wrong, UNSAID, UNSAID, forth)
        at = int(n_frames * rng.uniform(0.3, 0.7))
        before = self.draw(rng, first, int(at * rng.uniform(0.6, 1.0))) * gains[0]
        after = self.draw(rng, last, int((n_frames - at) * rng.uniform(0.6, 1.0))) * gains[1]
        lead = int(rng.integers(0, at - before.shape[1] + 1))
        power = added(np.pad(before, ((0, 0), (lead, 0))), np.pad(after, ((0, 0), (at, 0))))
        caption, wrong = then.format(a=a, b=b), then.format(a=b, b=a)
        return Composed(power, caption, wrong, forth, forth, forth[::-1])

    def pair(self, rng: np.random.Generator) -> tuple[str, str]:
        """Two different concepts, often both procedural."""
        pool = (
            self.concepts
            if rng.random() < 0.5
            else [c for c in self.concepts if self.by_concept[c][False]]
        )
        first, second = rng.choice(len(pool), size=2, replace=False)
        return pool[first], pool[second]


def pick(rng: np.random.Generator, options: Sequence[str]) -> str:
    """One of them."""
    return options[rng.integers(len(options))]


def audible_start(rng: np.random.Generator, log_mel: np.ndarray, n_frames: int) -> int:
    """Where to cut n_frames: a random place, tried again while it is mostly silence."""
    energy = np.power(10.0, log_mel.astype(np.float32) / 10).sum(0)
    expected = 0.3 * energy.sum() * n_frames / len(energy)
    for _ in range(5):
        start = int(rng.integers(len(energy) - n_frames + 1))
        if energy[start : start + n_frames].sum() > expected:
            break
    return start


def equaliser(rng: np.random.Generator, n_mels: int, spread_db: float = 3.0) -> np.ndarray:
    """A smooth random gain curve [n_mels], as powers."""
    knots = rng.normal(0, spread_db, 5)
    return 10 ** (np.interp(np.linspace(0, 1, n_mels), np.linspace(0, 1, 5), knots) / 10).astype(
        np.float32
    )


def hiss(rng: np.random.Generator, power: np.ndarray) -> np.ndarray:
    """Half the time with steady noise 25 to 60 dB below, of a random slope."""
    if rng.random() < 0.5:
        return power
    slope = np.exp(rng.normal() * np.linspace(-2, 2, len(power)))[:, None]
    return power + 10 ** rng.uniform(-6, -2.5) * power.mean() * slope


def added(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Two powers that begin together, as long as the longer."""
    length = max(first.shape[1], second.shape[1])
    return sum(np.pad(p, ((0, 0), (0, length - p.shape[1]))) for p in (first, second))


def stacked(
    rng: np.random.Generator, powers: Sequence[np.ndarray], n_frames: int, masks: int
) -> tuple[Tensor, Tensor]:
    """Log-mels in dB [batch, n_mels, n_frames] and their lengths, each with random bands hidden.

    Every other time the short ones end in silence, and count as long as the rest.
    """
    batch = np.full((len(powers), powers[0].shape[0], n_frames), SILENCE, np.float32)
    for row, power in zip(batch, powers, strict=True):
        row[:, : power.shape[1]] = power
        level = power.mean()
        for _ in range(masks):  # a hidden band reads as the clip's mean level: no edge to learn
            height, width = rng.integers(0, len(row) // 5), rng.integers(0, min(60, power.shape[1]))
            low, start = rng.integers(len(row) - height), rng.integers(power.shape[1] - width)
            row[low : low + height, : power.shape[1]] = level * 10**-2.5
            row[:, start : start + width] = level * 10**-2.5
    lengths = torch.tensor([power.shape[1] for power in powers])
    if rng.random() < 0.5:
        lengths[:] = n_frames
    return 10 * torch.from_numpy(batch).clamp(min=SILENCE).log10(), lengths
