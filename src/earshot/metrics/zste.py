"""ZSTE: zero-shot temporal evaluation, what a model tells apart in clips of two events."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from earshot.core.errors import EarShotError
from earshot.metrics.resampling import resample
from earshot.metrics.weighted import weighted_mean
from earshot.text.prompts import PLAIN, fill_prompt
from earshot.text.temporal import AFTER, BEFORE, UNSEEN, WHILE, plain, relate

Read = Callable[[Sequence[str]], np.ndarray]  # texts -> unit rows [texts, dim]
Rows = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class TemporalSounds:
    """Clips of one event and of two, as a model hears them; labels by their place in `labels`."""

    labels: tuple[str, ...]
    single: Rows  # [clips, dim], unit rows
    single_target: NDArray[np.int64]  # [clips]
    single_group: NDArray[np.int64]  # [clips], the recording that each was cut from
    forward: Rows  # [pairs, dim], first then second
    reverse: Rows  # [pairs, dim], second then first
    overlap: Rows  # [pairs, dim], both at once
    first: NDArray[np.int64]  # [pairs]
    second: NDArray[np.int64]  # [pairs]

    def __post_init__(self) -> None:
        n_labels, n_pairs = len(self.labels), len(self.first)
        even = all(len(each) == n_pairs for each in (self.forward, self.reverse, self.overlap))
        if n_labels < 3 or not n_pairs or not len(self.single) or not even:
            raise EarShotError(
                got=f"{n_labels} labels, {len(self.single)} clips and {n_pairs} pairs",
                expected="at least 3 labels, a clip, and three versions of at least one pair",
                mend="Evaluate on more clips.",
            )


@dataclass(frozen=True, eq=False)
class TaskFigure:
    """One task's figure: a share of right answers from 0 to 1, or a mean rank from 1.5 up."""

    question: str
    n: int
    chance: float
    value: float
    low: float  # ends of the 95 % bootstrap interval
    high: float
    draws: NDArray[np.float64] = field(repr=False)  # what the bootstrap's draws came to


def zste(
    sounds: TemporalSounds, read: Read, *, prompt: str = PLAIN, seed: int = 0
) -> dict[str, TaskFigure]:
    """Every task by its name, in the order of the suite.

    1: a clip of one event, named among all labels. 2: two events at once; A both labels are the two
    best, B at least one of them is among the two best, C the right "X while Y" among all with X or
    with Y, D the mean rank of the two labels (lower is better). 3: the same for one after the
    other, with "X before Y" in C. 4: "X before Y" or "Y before X", given both names, on both
    orders; with "after", and with connectives that teaching has not used. 5: before, after or
    while, given both names.

    Equal scores fall in an order drawn by `seed`: what cannot be told apart comes out at chance.
    Bootstraps draw recordings (1) or pairs (others).
    Source: arXiv:2408.09269, Sec. 4. Differs: sub-tasks beyond 1A, 2A and 2C are our own reading.
    """
    return _Suite(sounds, read, prompt, seed).figures()


class _Suite:
    """The tasks over one set of sounds."""

    def __init__(self, sounds: TemporalSounds, read: Read, prompt: str, seed: int) -> None:
        self.sounds, self.read, self.prompt = sounds, read, prompt
        self.rng = np.random.default_rng(seed)
        self.names = read([fill_prompt(prompt, plain(label)) for label in sounds.labels])
        self.pairs = np.arange(len(sounds.first))

    def figures(self) -> dict[str, TaskFigure]:
        found = {"1": self._single()}
        found |= self._both("2", self.sounds.overlap, "two events at once")
        found |= self._both("3", self.sounds.forward, "one event after the other")
        return found | self._orders() | {"5": self._relation()}

    def _single(self) -> TaskFigure:
        ranks = self._ranks(self.sounds.single @ self.names.T)
        hits = np.take_along_axis(ranks, self.sounds.single_target[:, None], 1)[:, 0] == 1
        n_labels = len(self.sounds.labels)
        question = f"one event, among {n_labels} labels"
        return _figure(question, 1 / n_labels, hits, self.sounds.single_group)

    def _both(self, task: str, heard: Rows, what: str) -> dict[str, TaskFigure]:
        """The four sub-tasks of finding both events of a clip."""
        sounds, n = self.sounds, len(self.sounds.labels)
        ranks = self._ranks(heard @ self.names.T)
        own = np.stack([ranks[self.pairs, sounds.first], ranks[self.pairs, sounds.second]], 1)
        couples = n * (n - 1) / 2
        neither = (n - 2) * (n - 3) / 2  # couples without either
        found = [np.asarray(each) for each in ((own <= 2).all(axis=1), (own <= 2).any(axis=1))]
        return {
            f"{task}A": _figure(f"{what}: both in the top 2", 1 / couples, found[0], self.pairs),
            f"{task}B": _figure(
                f"{what}: at least one in the top 2", 1 - neither / couples, found[1], self.pairs
            ),
            f"{task}C": self._caption(heard, what, ordered=task == "3"),
            f"{task}D": _figure(f"{what}: mean rank", (n + 1) / 2, own.mean(1), self.pairs),
        }

    def _caption(self, heard: Rows, what: str, *, ordered: bool) -> TaskFigure:
        """The right caption among all that keep one of the two labels where it is."""
        template = BEFORE if ordered else WHILE
        n = len(self.sounds.labels)
        couples: list[tuple[int, int]] = []
        for first, second in zip(self.sounds.first, self.sounds.second, strict=True):
            others = [each for each in range(n) if each not in (first, second)]
            couples.append((first, second))  # the right one leads
            couples += [(first, each) for each in others] + [(each, second) for each in others]
        n_texts = 2 * n - 3
        rows = self._scores(heard, [self._say(template, *couple) for couple in couples], n_texts)
        if not ordered:  # "Y while X" says the same
            turned = [self._say(template, second, first) for first, second in couples]
            rows = rows + self._scores(heard, turned, n_texts)
        hits = self._ranks(rows)[:, 0] == 1
        word = template.split()[1]
        return _figure(f"{what}: X {word} Y among {n_texts}", 1 / n_texts, hits, self.pairs)

    def _orders(self) -> dict[str, TaskFigure]:
        """Which came first, in each wording."""
        heard = np.concatenate([self.sounds.forward, self.sounds.reverse])
        first = np.concatenate([self.sounds.first, self.sounds.second])
        second = np.concatenate([self.sounds.second, self.sounds.first])
        groups = np.concatenate([self.pairs, self.pairs])
        hits = {}
        for name, template in {"before": BEFORE, "after": AFTER, **UNSEEN}.items():
            texts = []
            for one, other in zip(first, second, strict=True):
                texts += [self._say(template, one, other), self._say(template, other, one)]
            hits[name] = self._ranks(self._scores(heard, texts, 2))[:, 0] == 1
        known, unseen = ["before", "after"], list(UNSEEN)
        wanted = {"4": known, **{f"4_{name}": [name] for name in known}}
        wanted |= {"4_unseen": unseen, **{f"4_{name}": [name] for name in unseen}}
        return {
            name: _figure(
                f"which came first, in the words {', '.join(words).replace('_', ' ')}",
                0.5,
                np.concatenate([hits[word] for word in words]),
                np.tile(groups, len(words)),
            )
            for name, words in wanted.items()
        }

    def _relation(self) -> TaskFigure:
        """Before, after or while, of all three versions of every pair."""
        heard = np.concatenate([self.sounds.forward, self.sounds.reverse, self.sounds.overlap])
        texts = []
        for one, other in zip(self.sounds.first, self.sounds.second, strict=True):
            # AFTER names its second label first: "X after Y" is what the reverse says
            texts += [
                self._say(BEFORE, one, other),
                self._say(AFTER, other, one),
                self._say(WHILE, one, other),
            ]
        ranks = self._ranks(self._scores(heard, texts * 3, 3))
        right = np.repeat(np.arange(3), len(self.pairs))
        hits = ranks[np.arange(len(ranks)), right] == 1
        return _figure("before, after or while", 1 / 3, hits, np.tile(self.pairs, 3))

    def _say(self, template: str, first: int, second: int) -> str:
        labels = self.sounds.labels
        return relate(template, labels[first], labels[second], self.prompt)

    def _scores(self, heard: Rows, texts: Sequence[str], n_texts: int) -> Rows:
        """Cosines [clips, n_texts] of each clip with its own `n_texts` of the texts."""
        distinct = list(dict.fromkeys(texts))
        rows = self.read(distinct)
        place = {text: i for i, text in enumerate(distinct)}
        own = rows[[place[text] for text in texts]].reshape(len(heard), n_texts, -1)
        return np.einsum("cd,ctd->ct", heard, own)

    def _ranks(self, scores: NDArray[np.float32]) -> NDArray[np.int64]:
        """Rank of every candidate, 1 is best; equal ones in a drawn order. [rows, candidates]"""
        order = np.lexsort((self.rng.random(scores.shape), -scores), axis=1)
        return np.argsort(order, axis=1) + 1


def _figure(question: str, chance: float, values: NDArray, groups: NDArray[np.int64]) -> TaskFigure:
    numbers = values.astype(np.float64)
    found = resample(lambda weights: {"mean": weighted_mean(numbers, weights)}, groups)
    low, high = found.intervals["mean"]
    value, draws = found.values["mean"], found.draws["mean"]
    return TaskFigure(question, len(values), chance, value, low, high, draws)
