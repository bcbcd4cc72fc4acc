"""Series of features in memory, and batches of them without end."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from earshot.core.errors import EarShotError
from earshot.data.order import BatchOrder


@dataclass(frozen=True, eq=False)
class Series:
    """One series, its class, and where its class shows, as far as they are known."""

    frames: np.ndarray = field(repr=False)  # [n_features, steps] float32
    label: int = 0
    focus: np.ndarray | None = field(default=None, repr=False)  # [steps] bool
    id: str = ""


@dataclass
class SeriesBatch:
    """Series as tensors, zeros after real steps."""

    frames: Tensor  # [batch, n_features, steps]
    n_frames: Tensor  # [batch]
    target: Tensor  # [batch], the classes
    focus: Tensor  # [batch, steps] bool, False where it is not known

    def __len__(self) -> int:
        return len(self.frames)

    def to(self, device: torch.device | str) -> SeriesBatch:
        """The same batch on `device`."""
        moved = {f.name: getattr(self, f.name).to(device) for f in dataclasses.fields(self)}
        return SeriesBatch(**moved)


def collate_series(series: Sequence[Series]) -> SeriesBatch:
    """One batch of series of any lengths."""
    n_frames = torch.tensor([each.frames.shape[1] for each in series])
    frames = torch.zeros(len(series), series[0].frames.shape[0], int(n_frames.max()))
    focus = torch.zeros(len(series), int(n_frames.max()), dtype=torch.bool)
    for row, shown, each in zip(frames, focus, series, strict=True):
        row[:, : each.frames.shape[1]] = torch.from_numpy(each.frames)
        if each.focus is not None:
            shown[: len(each.focus)] = torch.from_numpy(each.focus)
    return SeriesBatch(frames, n_frames, torch.tensor([each.label for each in series]), focus)


class SeriesBatches:
    """Batches without end, the same for a seed and step: a resumed run sees what it would have.

    An epoch leaves out the few that fill no batch. With several processes each gets its own rows
    of every batch.
    """

    def __init__(
        self,
        series: Sequence[Series],
        *,
        batch_size: int,
        seed: int,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        if not series or batch_size % world or min(batch_size, len(series)) < world:
            raise EarShotError(
                got=f"{len(series)} series in batches of {batch_size} over {world} processes",
                expected="at least one series, and batches that the processes share evenly",
                mend=f"Make batch_size a multiple of {world}.",
            )
        self.series, self.rank, self.world = series, rank, world
        self.order = BatchOrder(len(series), batch_size, seed)

    def batches(self, start_step: int = 0) -> Iterator[SeriesBatch]:
        """From that step on."""
        epoch, step = divmod(start_step, self.order.n_steps)
        while True:
            for rows in self.order.epoch(epoch)[0][step:]:
                mine = rows[self.rank :: self.world]
                yield collate_series([self.series[int(i)] for i in mine])
            epoch, step = epoch + 1, 0

    def once(self) -> Iterator[SeriesBatch]:
        """All series in their order, by batches."""
        size = self.order.batch_size
        for start in range(0, len(self.series), size):
            yield collate_series(self.series[start : start + size])
