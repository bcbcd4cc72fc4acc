"""Batches of composed clips without end, a function of clips, seed and step alone."""

from __future__ import annotations

import dataclasses
import itertools
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import torch
from torch import Tensor

from earshot.core.errors import EarShotError
from earshot.core.seed import generator
from earshot.data.clip import Clip
from earshot.data.compositions import Composition, CompositionConfig, compose
from earshot.data.faults import LoadFault
from earshot.data.segments import Segments

AHEAD = 2  # batches composed ahead of the one in use


@dataclass(frozen=True)
class CompositionBatch:
    """What one training step takes."""

    waveform: Tensor  # [batch, samples], float32, zeros after n_samples
    n_samples: Tensor  # [batch], int64, real lengths
    captions: list[str]  # of the whole clip
    positives: list[tuple[str, ...]]
    negatives: list[tuple[str, ...]]
    labels: list[tuple[str, ...]]  # the events of each clip

    def __len__(self) -> int:
        return len(self.captions)

    def to(self, device: torch.device | str) -> CompositionBatch:
        """The same batch with its tensors on `device`."""
        return dataclasses.replace(
            self,
            waveform=self.waveform.to(device, non_blocking=True),
            n_samples=self.n_samples.to(device, non_blocking=True),
        )


class CompositionLoader:
    """Endless batches of clips composed of `clips`, each of which has one label.

    Starting at step k gives what an uninterrupted run would give from step k on. `batch_size`
    counts the whole batch: with `world` processes each composes its slice of it. Clips that cannot
    be read stand in `failures`; another clip of their label takes their place.
    """

    def __init__(
        self,
        clips: Sequence[Clip],
        config: CompositionConfig,
        *,
        batch_size: int,
        sample_rate: int,  # Hz
        seed: int = 0,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        if batch_size < 1 or batch_size % world or not 0 <= rank < world:
            raise EarShotError(
                got=f"batch_size={batch_size} for process {rank} of {world}",
                expected="a batch of at least 1 that the processes share evenly",
                mend=f"Make batch_size a multiple of {world}.",
            )
        self.config, self.batch_size, self.seed = config, batch_size, seed
        self.rank, self.world = rank, world
        self.segments = Segments(clips, sample_rate=sample_rate, longest_s=config.longest_s)

    @property
    def failures(self) -> list[LoadFault]:
        """Clips that could not be read so far."""
        return self.segments.failures

    def batches(self, start_step: int = 0) -> Iterator[CompositionBatch]:
        """Batches from `start_step` on, without end, composed in a thread beside the caller's."""
        ahead: deque[Future[CompositionBatch]] = deque()
        with ThreadPoolExecutor(1, thread_name_prefix="compose") as pool:
            try:
                for step in itertools.count(start_step):
                    ahead.append(pool.submit(self.batch, step))
                    if len(ahead) > AHEAD:
                        yield ahead.popleft().result()
            finally:  # the caller stopped
                for job in ahead:
                    job.cancel()

    def batch(self, step: int) -> CompositionBatch:
        """This process's slice of the batch of one step."""
        share = self.batch_size // self.world
        first = step * self.batch_size + self.rank * share
        return collate([self.composition(first + i) for i in range(share)])

    def composition(self, number: int) -> Composition:
        """One clip of the stream."""
        if self.config.n_distinct is not None:
            number %= self.config.n_distinct
        rng = generator(self.seed, number, "composition")
        return compose(self.segments, self.config, rng)


def flattened(texts: Sequence[Sequence[str]]) -> tuple[list[str], Tensor]:
    """All texts of all clips in one list, and the row of each one's clip [texts]."""
    owner = [row for row, mine in enumerate(texts) for _ in mine]
    return [text for mine in texts for text in mine], torch.tensor(owner, dtype=torch.int64)


def collate(made: Sequence[Composition]) -> CompositionBatch:
    """A batch of compositions."""
    lengths = [len(each.waveform) for each in made]
    padded = torch.zeros(len(made), max(lengths))  # [batch, samples]
    for row, each in zip(padded, made, strict=True):
        row[: len(each.waveform)] = torch.from_numpy(each.waveform)
    return CompositionBatch(
        waveform=padded,
        n_samples=torch.tensor(lengths, dtype=torch.int64),
        captions=[each.caption for each in made],
        positives=[each.positives for each in made],
        negatives=[each.negatives for each in made],
        labels=[each.labels for each in made],
    )
