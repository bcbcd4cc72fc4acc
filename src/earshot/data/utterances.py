"""Utterances with transcript and translation, their frames in memory, and batches of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from earshot.core.errors import EarShotError
from earshot.core.seed import generator
from earshot.text.vocabulary import Vocabulary

POOL = 8  # batches whose utterances are sorted by length together


@dataclass(frozen=True)
class Utterance:
    """What was said and what it means; `frames` [n_features, frames] where it was heard."""

    source: str  # the transcript, as its vocabulary splits it
    target: str  # the translation
    frames: np.ndarray | None = field(default=None, repr=False, compare=False)
    id: str = ""

    @property
    def size(self) -> int:
        """What its length is taken for in a batch: frames, or characters of a text alone."""
        return len(self.source) if self.frames is None else self.frames.shape[1]


@dataclass
class UtteranceBatch:
    """Utterances as tensors: rows of PAD after real tokens, zeros after real frames."""

    frames: Tensor | None  # [batch, n_features, frames], None for texts alone
    n_frames: Tensor  # [batch]
    source: Tensor  # [batch, symbols], no EOS
    n_source: Tensor  # [batch]
    source_end: Tensor  # the same with EOS: what a transcriber writes
    target: Tensor  # [batch, tokens], EOS last
    n_target: Tensor  # [batch], EOS counted

    def __len__(self) -> int:
        return len(self.target)

    def to(self, device: torch.device | str) -> UtteranceBatch:
        """The same batch on `device`."""
        values = {part.name: getattr(self, part.name) for part in dataclasses.fields(self)}
        moved = {name: None if v is None else v.to(device) for name, v in values.items()}
        return UtteranceBatch(**moved)  # type: ignore[arg-type]


def collate_utterances(
    utterances: Sequence[Utterance], source: Vocabulary, target: Vocabulary
) -> UtteranceBatch:
    """One batch; frames where all have been heard."""
    texts = [each.source for each in utterances]
    frames, n_frames = None, torch.zeros(len(utterances), dtype=torch.int64)
    heard = [each.frames for each in utterances if each.frames is not None]
    if len(heard) == len(utterances):
        n_frames = torch.tensor([each.shape[1] for each in heard])
        frames = torch.zeros(len(heard), heard[0].shape[0], int(n_frames.max()))
        for row, each in zip(frames, heard, strict=True):
            row[:, : each.shape[1]] = torch.from_numpy(each)
    symbols, n_source = source.rows(texts, end=False)
    tokens, n_target = target.rows([each.target for each in utterances])
    return UtteranceBatch(
        frames, n_frames, symbols, n_source, source.rows(texts)[0], tokens, n_target
    )


class UtteranceBatches:
    """Batches without end, the same for a seed and step: a resumed run sees what it would have.

    Utterances of like length share a batch. An epoch leaves out the few that fill no batch. With
    several processes each gets its own rows of every batch.
    """

    def __init__(
        self,
        utterances: Sequence[Utterance],
        source: Vocabulary,
        target: Vocabulary,
        *,
        batch_size: int,
        seed: int,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        if not utterances or batch_size < world:
            raise EarShotError(
                got=f"{len(utterances)} utterances in batches of {batch_size} over {world} "
                "processes",
                expected="at least one utterance, and one of every batch for each process",
                mend="Check the split of the clips, or raise batch_size.",
            )
        self.utterances, self.source, self.target = utterances, source, target
        self.batch_size, self.seed, self.rank, self.world = batch_size, seed, rank, world

    def batches(self, start_step: int = 0) -> Iterator[UtteranceBatch]:
        """From that step on."""
        n_batches = max(1, len(self.utterances) // self.batch_size)
        epoch, step = divmod(start_step, n_batches)
        while True:
            for rows in self._order(epoch)[step:]:
                mine = rows[self.rank :: self.world]
                chosen = [self.utterances[int(i)] for i in mine]
                yield collate_utterances(chosen, self.source, self.target)
            epoch, step = epoch + 1, 0

    def _order(self, epoch: int) -> list[np.ndarray]:
        """The rows of each batch of an epoch."""
        rng = generator(self.seed, epoch, "utterances")
        order = rng.permutation(len(self.utterances))
        pools = np.split(order, range(POOL * self.batch_size, len(order), POOL * self.batch_size))
        sizes = [each.size for each in self.utterances]
        by_size = [sorted(pool, key=lambda i: (sizes[i], i)) for pool in pools]
        rows = np.concatenate([np.array(pool, dtype=np.int64) for pool in by_size])
        n_batches = max(1, len(rows) // self.batch_size)
        batches = np.array_split(rows[: n_batches * self.batch_size], n_batches)
        return [batches[i] for i in rng.permutation(n_batches)]
