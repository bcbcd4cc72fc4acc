"""Captions with rewrites beside them, and batches that draw one or the other at every visit."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from earshot.core.errors import EarShotError
from earshot.core.seed import generator
from earshot.data.clip import Clip
from earshot.text.stored_rewrites import parse_rewrites

if TYPE_CHECKING:
    from earshot.data.batch import Batch  # torch, which a manifest is read without

COLUMN = "rewritten_captions"
Rewrites = Mapping[str, tuple[str, ...]]  # caption -> ways to say it


def stored_rewrites(clips: Sequence[Clip]) -> dict[str, tuple[str, ...]]:
    """The rewrites that a manifest's column `rewritten_captions` has, by caption.

    Captions without any, or whose rewriting failed, are not among them.
    """
    found: dict[str, tuple[str, ...]] = {}
    for clip in clips:
        for caption, texts in parse_rewrites(clip.extra.get(COLUMN), clip.captions).items():
            found[caption] = tuple(dict.fromkeys(found.get(caption, ()) + texts))
    return found


def shuffled_rewrites(rewrites: Rewrites, seed: int) -> dict[str, tuple[str, ...]]:
    """Every caption with another one's rewrites: the control, rewrites that tell nothing."""
    captions = list(rewrites)
    order = generator(seed, "shuffle rewrites").permutation(len(captions))
    return {caption: rewrites[captions[int(i)]] for caption, i in zip(captions, order, strict=True)}


class RewriteDraws:
    """Batches whose captions are kept with probability 1 - p, else replaced by a rewrite.

    A rewrite is drawn evenly among those of the caption; one without any is kept. Draws are a
    function of (seed, batch number, clip): drawn anew at each visit, and the same when a run is
    resumed. Source: arXiv:2409.09213, with p = 0.6.
    """

    def __init__(
        self,
        batches: Callable[[int], Iterator[Batch]],
        rewrites: Rewrites,
        *,
        probability: float = 0.6,
        seed: int = 0,
    ) -> None:
        if not 0 <= probability <= 1:
            raise EarShotError(
                got=f"a rewrite probability of {probability:g}",
                expected="from 0 to 1",
                mend="The paper takes 0.6.",
            )
        self._batches, self.rewrites = batches, rewrites
        self.probability, self.seed = probability, seed

    def batches(self, start_step: int = 0) -> Iterator[Batch]:
        """Batches from `start_step` on, as the loader's with other captions."""
        source = self._batches(start_step)
        try:
            for step, batch in enumerate(source, start=start_step):
                captions = [
                    self.draw(caption, step, clip.id)
                    for caption, clip in zip(batch.captions, batch.clips, strict=True)
                ]
                yield dataclasses.replace(batch, captions=captions)
        finally:
            if hasattr(source, "close"):
                source.close()  # ends the threads of a loader

    def draw(self, caption: str, step: int, clip_id: str) -> str:
        """What is said of a clip at one visit."""
        known = self.rewrites.get(caption, ())
        if not known:
            return caption
        keep, which = generator(self.seed, "rewrite", step, clip_id).random(2)
        return caption if keep >= self.probability else known[int(which * len(known))]
