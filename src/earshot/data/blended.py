"""Batches that hold captioned clips and composed clips side by side, with two texts for each."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from earshot.core.seed import generator
from earshot.data.batch import Batch
from earshot.data.composition_loader import CompositionBatch, CompositionLoader
from earshot.data.loader import BatchLoader

Rewrite = Callable[[str], tuple[str, ...]]  # a caption -> other ways to say it


@dataclass(frozen=True)
class BlendedBatch:
    """What one training step takes; the first rows are captioned clips, the rest composed ones."""

    waveform: Tensor  # [batch, samples], float32, zeros after n_samples
    n_samples: Tensor  # [batch], int64, real lengths
    captions: list[str]
    others: list[str]  # the same clips in other words
    negatives: list[tuple[str, ...]]  # false of the clip; none for captioned clips

    def __len__(self) -> int:
        return len(self.captions)

    def to(self, device: torch.device | str) -> BlendedBatch:
        """The same batch with its tensors on `device`."""
        return dataclasses.replace(
            self, waveform=self.waveform.to(device), n_samples=self.n_samples.to(device)
        )

    def rows(self, part: slice) -> BlendedBatch:
        """Some of its clips as a batch of the same width."""
        return BlendedBatch(
            self.waveform[part],
            self.n_samples[part],
            self.captions[part],
            self.others[part],
            self.negatives[part],
        )


class BlendedLoader:
    """Endless batches, a function of clips, seed and step alone; composed clips may be left out.

    A clip's second text is one of its other captions, or with `rewrite` a way to say its first one;
    the first one again where there is no other.
    """

    def __init__(
        self,
        captioned: BatchLoader,
        composed: CompositionLoader | None,
        *,
        rewrite: Rewrite | None = None,
        seed: int = 0,
    ) -> None:
        self.captioned, self.composed = captioned, composed
        self.rewrite, self.seed = rewrite, seed

    def batches(self, start_step: int = 0) -> Iterator[BlendedBatch]:
        """Batches from `start_step` on."""
        first = self.captioned.batches(start_step)
        second = None if self.composed is None else self.composed.batches(start_step)
        try:
            for step, batch in enumerate(first, start=start_step):
                yield self._blend(step, batch, None if second is None else next(second))
        finally:  # ends the threads of both
            first.close()  # type: ignore[attr-defined]
            if second is not None:
                second.close()  # type: ignore[attr-defined]

    def _blend(self, step: int, batch: Batch, composed: CompositionBatch | None) -> BlendedBatch:
        told = list(zip(batch.captions, batch.all_captions, strict=True))
        negatives: list[tuple[str, ...]] = [() for _ in told]
        waveforms, lengths = [batch.waveform], [batch.n_samples]
        if composed is not None:
            told += [(caption, (caption,)) for caption in composed.captions]
            negatives += composed.negatives
            waveforms.append(composed.waveform)
            lengths.append(composed.n_samples)
        width = max(each.shape[1] for each in waveforms)
        padded = [torch.nn.functional.pad(w, (0, width - w.shape[1])) for w in waveforms]
        return BlendedBatch(
            waveform=torch.cat(padded),
            n_samples=torch.cat(lengths),
            captions=[caption for caption, _ in told],
            others=[self._other(step, row, *each) for row, each in enumerate(told)],
            negatives=negatives,
        )

    def _other(self, step: int, row: int, caption: str, captions: tuple[str, ...]) -> str:
        ways = self.rewrite(caption) if self.rewrite else ()
        ways = ways or tuple(each for each in captions if each != caption) or (caption,)
        return ways[int(generator(self.seed, step, row, "second text").integers(len(ways)))]
