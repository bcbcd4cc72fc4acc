"""An order of clips in which every class comes as often as any other, however rare it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from earshot.core.errors import EarShotError
from earshot.core.seed import generator
from earshot.data.clip import Clip


@dataclass(frozen=True)
class BalancedOrder:
    """Batches in which the classes take turns; a function of the fields alone.

    An endless queue of classes, shuffled anew each time that it has held every class once; whoever
    is next gives its next clip, in an order of its own that is shuffled anew each time that it has
    given every clip once. A clip of several classes stands in the order of each of them. Any part
    of the queue is found without what comes before it, so that a run can be resumed anywhere.
    Source: arXiv:1912.10211, section V-C, and its code.
    """

    members: tuple[tuple[int, ...], ...]  # of each class that has any: the indices of its clips
    n_clips: int
    batch_size: int
    seed: int

    @classmethod
    def of_clips(cls, clips: Sequence[Clip], batch_size: int, seed: int) -> BalancedOrder:
        """The order of labelled clips; those without a label never come. Refused if all are so."""
        of_label: dict[str, list[int]] = {}
        for index, clip in enumerate(clips):
            for label in dict.fromkeys(clip.labels):
                of_label.setdefault(label, []).append(index)
        if not of_label:
            raise EarShotError(
                got=f"{len(clips)} clips without a label",
                expected="labels to balance",
                mend="Name their labels in the manifest, or draw clips without balancing.",
            )
        members = tuple(tuple(of_label[label]) for label in sorted(of_label))
        return cls(members, len(clips), batch_size, seed)

    @property
    def n_steps(self) -> int:
        """Whole batches in an epoch, which is as many draws as there are clips."""
        return max(1, self.n_clips // self.batch_size)

    def epoch(self, epoch: int) -> tuple[list[np.ndarray], np.ndarray]:
        """The batches of one epoch, and no clips left over; rare clips may occur many times."""
        size = min(self.batch_size, self.n_clips)
        first = epoch * self.n_steps * size
        drawn = self.draws(first, first + self.n_steps * size)
        return [drawn[i : i + size] for i in range(0, len(drawn), size)], drawn[:0]

    def draws(self, first: int, end: int) -> np.ndarray:
        """The clips of places `first` to `end` - 1 of the endless queue."""
        n_classes = len(self.members)
        found = np.empty(end - first, dtype=np.int64)
        for place in range(first, end):
            turn, position = divmod(place, n_classes)
            found[place - first] = self._next_of(int(self._queue(turn)[position]), turn)
        return found

    def _next_of(self, which: int, turn: int) -> int:
        """The clip that the class gives at its turn of that number, from 0 on."""
        clips = self.members[which]
        epoch, position = divmod(turn, len(clips))
        key = (which, epoch)
        if key not in self._orders:
            for old in [each for each in self._orders if each[0] == which]:
                del self._orders[old]
            rng = generator(self.seed, "clips of a class", which, epoch)
            self._orders[key] = rng.permutation(clips)
        return int(self._orders[key][position])

    def _queue(self, turn: int) -> np.ndarray:
        """The order of the classes in one turn of all."""
        if turn not in self._queues:
            self._queues.clear()
            rng = generator(self.seed, "queue of classes", turn)
            self._queues[turn] = rng.permutation(len(self.members))
        return self._queues[turn]

    @cached_property
    def _orders(self) -> dict[tuple[int, int], np.ndarray]:
        """The order in use of each class."""
        return {}

    @cached_property
    def _queues(self) -> dict[int, np.ndarray]:
        """The queue in use."""
        return {}
