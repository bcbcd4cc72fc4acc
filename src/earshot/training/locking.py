"""Models that teach and do not learn: a locked module, and a locked text tower read once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

import torch
from torch import Tensor, nn

from earshot.core.errors import EarShotError
from earshot.models.two_tower import TwoTower

Module = TypeVar("Module", bound=nn.Module)


def lock(module: Module) -> Module:
    """The module itself, in eval mode and without gradients: a teacher beside what is trained.

    A tower inside the model that is trained is locked by `TwoTower.lock`, which outlasts train().
    """
    return module.eval().requires_grad_(False)


class LockedTexts:
    """The text rows of a model whose text tower is locked, each text of a corpus read once.

    Rows are made at the start, in an order that depends on the texts alone, so that a resumed run
    trains on the same numbers. A corpus of more than `at_most` texts is not kept: its rows are
    made batch by batch.
    """

    def __init__(
        self,
        model: TwoTower,
        texts: Iterable[str],
        *,
        at_most: int = 1_000_000,
        batch_size: int = 64,
    ) -> None:
        self.model = model.lock("text")
        distinct = sorted(set(texts), key=lambda text: (len(text), text))
        if not distinct:
            raise EarShotError(
                got="no text", expected="one at least", mend="Give the clips captions or labels."
            )
        self._texts, self._batch_size = distinct, batch_size
        self._place: dict[str, int] = {}
        self.rows: Tensor | None = None  # [texts, dim]
        if len(distinct) <= at_most:
            self._place = {text: i for i, text in enumerate(distinct)}
            self.rows = self._read(distinct)

    def all_rows(self, at_most: int = 20_000) -> Tensor:
        """Unit rows [texts, dim] of the corpus's distinct texts, of an even part of very many."""
        if self.rows is not None:
            return self.rows
        step = max(1, len(self._texts) // at_most)
        return self._read(self._texts[::step])

    def __call__(self, texts: Sequence[str]) -> Tensor:
        """Unit rows [batch, dim] on the model's device; of texts that are not kept, made now."""
        if self.rows is None or any(text not in self._place for text in texts):
            with torch.no_grad():
                return self.model.embed_text(texts)
        device = self.model.logit_scale.device
        if self.rows.device != device:
            self.rows = self.rows.to(device)
        return self.rows[[self._place[text] for text in texts]]

    def _read(self, texts: Sequence[str]) -> Tensor:
        with torch.no_grad():
            rows = [
                self.model.embed_text(texts[first : first + self._batch_size])
                for first in range(0, len(texts), self._batch_size)
            ]
        return torch.cat(rows)
