"""Utterances of several languages, and batches that give small languages more than their share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from earshot.core.errors import EarShotError
from earshot.core.seed import generator
from earshot.text.vocabulary import Vocabulary

POOL = 8  # batches whose utterances are sorted by length together


@dataclass(frozen=True)
class Spoken:
    """An utterance as the front end hears it; `text` is empty where nobody wrote it down."""

    frames: np.ndarray = field(repr=False, compare=False)  # [1 or n_mels, frames]
    text: str
    language: str
    id: str
    duration_s: float
    group: str = ""  # its recording or speaker


@dataclass
class SpokenBatch:
    """Utterances as tensors: zeros after real frames, padding after real symbols."""

    frames: Tensor  # [batch, 1 or n_mels, frames]
    n_frames: Tensor  # [batch]
    symbols: Tensor  # [batch, symbols]
    n_symbols: Tensor  # [batch]
    step: int = 0  # the batch's number from the start of training

    def to(self, device: torch.device | str) -> SpokenBatch:
        """The same batch on `device`."""
        moved = {
            name: getattr(self, name).to(device)
            for name in ("frames", "n_frames", "symbols", "n_symbols")
        }
        return replace(self, **moved)


def language_shares(counts: Mapping[str, int], alpha: float) -> dict[str, float]:
    """How often each language is drawn: p_l ~ (n_l / N)^alpha, summing to 1.

    alpha=1 leaves languages their share, 0 draws all alike. Source: arXiv:2006.13979, section 3.
    """
    if not counts or min(counts.values()) < 1 or not 0 <= alpha <= 1:
        raise EarShotError(
            got=f"{dict(counts)} utterances by language with alpha={alpha:g}",
            expected="an utterance at least of each language, and alpha from 0 to 1",
            mend="XLSR draws with alpha=0.5.",
        )
    total = sum(counts.values())
    weight = {name: (n / total) ** alpha for name, n in counts.items()}
    return {name: each / sum(weight.values()) for name, each in weight.items()}


class SpokenBatches:
    """Batches without end, the same for a seed and step: a resumed run sees what it would have.

    Languages are drawn by `language_shares`; of each one all utterances come once before any comes
    again. Utterances of like length share a batch. With several processes each gets its own rows.
    """

    def __init__(
        self,
        spoken: Sequence[Spoken],
        vocabulary: Vocabulary | None = None,  # None: sound alone
        *,
        batch_size: int,
        seed: int,
        alpha: float = 1.0,
        shares: Mapping[str, float] | None = None,  # of the languages, in the place of alpha's
        rank: int = 0,
        world: int = 1,
    ) -> None:
        if not spoken or batch_size < world:
            raise EarShotError(
                got=f"{len(spoken)} utterances in batches of {batch_size} over {world} processes",
                expected="at least one utterance, and one of every batch for each process",
                mend="Check languages and splits of the clips, or raise batch_size.",
            )
        self.spoken, self.vocabulary = spoken, vocabulary
        self.batch_size, self.seed, self.rank, self.world = batch_size, seed, rank, world
        self.of: dict[str, list[int]] = {}
        for number, each in enumerate(spoken):
            self.of.setdefault(each.language, []).append(number)
        counts = {name: len(of) for name, of in self.of.items()}
        self.shares = language_shares(counts, alpha) if shares is None else dict(shares)
        if self.shares.keys() != counts.keys() or abs(sum(self.shares.values()) - 1) > 1e-6:
            raise EarShotError(
                got=f"shares {self.shares} of utterances in {', '.join(counts)}",
                expected="a share of each language, summing to 1",
                mend="Leave shares out to draw by alpha.",
            )

    def batches(self, start_step: int = 0) -> Iterator[SpokenBatch]:
        """From that step on."""
        for step, rows in enumerate(self.rows()):
            if step >= start_step:
                mine = [self.spoken[i] for i in rows[self.rank :: self.world]]
                yield replace(collate_spoken(mine, self.vocabulary), step=step)

    def rows(self) -> Iterator[list[int]]:
        """The numbers of the utterances of each batch, from the first one on, without end."""
        names = list(self.of)
        shares = [self.shares[name] for name in names]
        queues = {name: self._queue(name) for name in names}
        pool = 0
        while True:
            rng = generator(self.seed, pool, "languages of a pool")
            chosen = rng.choice(len(names), POOL * self.batch_size, p=shares)
            numbers = [next(queues[names[int(place)]]) for place in chosen]
            numbers.sort(key=lambda i: (self.spoken[i].frames.shape[1], i))
            for turn in rng.permutation(POOL):
                begin = int(turn) * self.batch_size
                yield numbers[begin : begin + self.batch_size]
            pool += 1

    def _queue(self, language: str) -> Iterator[int]:
        """The utterances of a language, each time round in another order."""
        of, turn = self.of[language], 0
        while True:
            order = generator(self.seed, turn, f"utterances of {language}").permutation(len(of))
            yield from (of[int(i)] for i in order)
            turn += 1


def collate_spoken(spoken: Sequence[Spoken], vocabulary: Vocabulary | None) -> SpokenBatch:
    """One batch; without a vocabulary it has no symbols."""
    n_frames = torch.tensor([each.frames.shape[1] for each in spoken])
    frames = torch.zeros(len(spoken), spoken[0].frames.shape[0], int(n_frames.max()))
    for row, each in zip(frames, spoken, strict=True):
        row[:, : each.frames.shape[1]] = torch.from_numpy(each.frames)
    if vocabulary is None:
        nothing = torch.zeros(len(spoken), 0, dtype=torch.int64)
        return SpokenBatch(frames, n_frames, nothing, torch.zeros(len(spoken), dtype=torch.int64))
    symbols, n_symbols = vocabulary.rows([each.text for each in spoken], end=False)
    return SpokenBatch(frames, n_frames, symbols, n_symbols)
