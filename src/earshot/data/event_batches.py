"""Training batches of one and of two events, made of labelled clips as they are read."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from earshot.audio.mixing import to_peak
from earshot.core.errors import EarShotError
from earshot.core.seed import generator
from earshot.data.batch import Batch
from earshot.data.event_pairs import N_VERSIONS, version_of
from earshot.data.loader import BatchLoader
from earshot.text.temporal import AFTER, AND, BEFORE, WHILE, plain, relate


@dataclass
class EventBatch:
    """Three rows a pair, one pair after the other; `base` are other clips with captions."""

    waveform: Tensor  # [rows, samples], float32 in [-1, 1], zeros after n_samples
    n_samples: Tensor  # [rows], int64
    captions: list[str]
    labels_hot: Tensor  # [rows, n_labels], 1.0 for each event of the row
    meanings: Tensor  # [rows], int64: what is said, the same number for "A after B", "B before A"
    base: Batch | None = None

    def to(self, device: torch.device | str) -> EventBatch:
        """The same batch with its tensors on `device`."""
        moved = {
            name: getattr(self, name).to(device, non_blocking=True)
            for name in ("waveform", "n_samples", "labels_hot", "meanings")
        }
        base = None if self.base is None else self.base.to(device)
        return dataclasses.replace(self, **moved, base=base)


@dataclass(frozen=True)
class _Row:
    waveform: np.ndarray
    caption: str
    events: tuple[int, ...]
    meaning: int


class EventBatches:
    """Batches by step, as a BatchLoader gives them, of what its clips make in twos.

    `loader` gives clips of one label each, twice as many a batch as there are pairs; `base` gives
    the captioned clips that are mixed in. Batches are a function of loaders, seed and step alone.

    one_or_two: the two clips of a pair by themselves, and both together, after each other or at
    once: "X", "Y", "X and Y". orders: forward, reverse and overlapped, "X before Y", "Y before X",
    "X while Y"; half of the orders are worded with "after". With twins=False every row is of
    another pair, so that no pair meets its reverse by design. With shuffled=True the three captions
    of a pair go to its versions at random: the control without the signal.
    """

    def __init__(
        self,
        loader: BatchLoader,
        labels: Sequence[str],
        *,
        seed: int,
        base: BatchLoader | None = None,
        twins: bool = True,
        shuffled: bool = False,
    ) -> None:
        if loader.batch_size // loader.world % 2:
            raise EarShotError(
                got=f"{loader.batch_size} clips for {loader.world} processes",
                expected="two clips a pair on every process",
                mend="Make the number of pairs a multiple of the number of processes.",
            )
        self.loader, self.base, self.labels = loader, base, tuple(labels)
        self.seed, self.twins, self.shuffled = seed, twins, shuffled
        self._index_of = {label: index for index, label in enumerate(self.labels)}

    def one_or_two(self, start_step: int = 0) -> Iterator[EventBatch]:
        """Batches of single events and of two, from `start_step` on, without end."""
        for batch, base, rng in self._steps("one or two", start_step):
            sounds, events = self._clips(batch)
            rows = []
            for one, other in partners(events, rng):
                version = 0 if rng.random() < 0.5 else 2
                both = version_of(sounds[one], sounds[other], self.loader.sample_rate, version)
                said = (events[one], events[other])
                said = said if rng.random() < 0.5 else said[::-1]
                rows += [self._single(sounds[i], events[i]) for i in (one, other)]
                rows.append(self._row(both, AND, *said, -1))
            yield self._batch(rows, base)

    def orders(self, start_step: int = 0) -> Iterator[EventBatch]:
        """Batches of two events in three versions, from `start_step` on, without end."""
        for batch, base, rng in self._steps("orders", start_step):
            sounds, events = self._clips(batch)
            if self.twins:
                drawn = [(pair, list(range(N_VERSIONS))) for pair in partners(events, rng)]
            else:
                drawn = [
                    (pair, [int(rng.integers(N_VERSIONS))])
                    for _ in range(N_VERSIONS)
                    for pair in partners(events, rng)
                ]
            rows = []
            for (one, other), wanted in drawn:
                told = rng.permutation(N_VERSIONS) if self.shuffled else np.arange(N_VERSIONS)
                for version in wanted:
                    heard = version_of(sounds[one], sounds[other], self.loader.sample_rate, version)
                    said = int(told[version])
                    rows.append(self._told(heard, said, events[one], events[other], rng))
            yield self._batch(rows, base)

    def _steps(
        self, what: str, start_step: int
    ) -> Iterator[tuple[Batch, Batch | None, np.random.Generator]]:
        """Single clips, base clips, and a generator of each step's own."""
        singles = self.loader.batches(start_step)
        bases = None if self.base is None else self.base.batches(start_step)
        try:
            for step, batch in enumerate(singles, start_step):
                rng = generator(self.seed, what, step, self.loader.rank)
                yield batch, None if bases is None else next(bases), rng
        finally:  # ends the threads of the loaders
            for each in (singles, bases):
                if each is not None:
                    each.close()  # type: ignore[attr-defined]  # a generator

    def _clips(self, batch: Batch) -> tuple[list[np.ndarray], list[int]]:
        """Waveforms at one peak, and the event of each."""
        lengths = batch.n_samples.tolist()
        sounds = [row[:n].numpy() for row, n in zip(batch.waveform, lengths, strict=True)]
        events = [self._index_of[clip.labels[0]] for clip in batch.clips]
        return [to_peak(sound) for sound in sounds], events

    def _single(self, heard: np.ndarray, event: int) -> _Row:
        return _Row(heard, plain(self.labels[event]), (event,), -1)

    def _told(
        self, heard: np.ndarray, version: int, first: int, second: int, rng: np.random.Generator
    ) -> _Row:
        """A sound with the caption of that version of the pair."""
        template = BEFORE if rng.random() < 0.5 else AFTER  # two ways to say the same
        if version == 1:
            first, second = second, first
        n = len(self.labels)
        if version == 2:
            first, second = (first, second) if rng.random() < 0.5 else (second, first)
            low, high = sorted((first, second))
            return self._row(heard, WHILE, first, second, n * n + low * n + high)
        return self._row(heard, template, first, second, first * n + second)

    def _row(self, heard: np.ndarray, template: str, first: int, second: int, meaning: int) -> _Row:
        caption = relate(template, self.labels[first], self.labels[second])
        return _Row(heard, caption, (first, second), meaning)

    def _batch(self, rows: list[_Row], base: Batch | None) -> EventBatch:
        lengths = [len(row.waveform) for row in rows]
        waveform = torch.zeros(len(rows), max(lengths))
        hot = torch.zeros(len(rows), len(self.labels))
        for i, row in enumerate(rows):
            waveform[i, : lengths[i]] = torch.from_numpy(row.waveform)
            hot[i, list(row.events)] = 1.0
        return EventBatch(
            waveform=waveform,
            n_samples=torch.tensor(lengths),
            captions=[row.caption for row in rows],
            labels_hot=hot,
            meanings=torch.tensor([row.meaning for row in rows]),
            base=base,
        )


def partners(events: Sequence[int], rng: np.random.Generator) -> list[tuple[int, int]]:
    """Clips in twos, by index: of two events where no event has more than half of the clips.

    Every clip is in one pair; an odd one is left out.
    """
    place = {event: i for i, event in enumerate(rng.permutation(sorted(set(events))).tolist())}
    order = sorted(rng.permutation(len(events)).tolist(), key=lambda i: place[events[i]])
    half = len(order) // 2  # half a batch on lies another event
    pairs = [(order[i], order[i + half]) for i in range(half)]
    return [pair[::-1] if rng.random() < 0.5 else pair for pair in pairs]
