"""Two parts of a model that learn in turn, under one fit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Literal, NamedTuple

from earshot.core.errors import EarShotError


class TurnBatch(NamedTuple):
    """A batch and whose turn it is."""

    who: Literal["encoder", "augment"]
    batch: Any

    @property
    def n_samples(self) -> Any:
        """Those of the batch, for the log's count of sound."""
        return getattr(self.batch, "n_samples", None)


def in_turn(
    batches: Callable[[int], Iterator[Any]], every: int | None
) -> Callable[[int], Iterator[TurnBatch]]:
    """`batches` with turns: the augmentation's first, then `every` of the encoder, and so on.

    None gives the encoder every turn. Whose turn it is depends on the number of the batch alone.
    """
    if every is not None and every < 1:
        raise EarShotError(
            got=f"a turn after {every} others", expected="1 or more", mend="Set ratio=1."
        )

    def turns(start: int) -> Iterator[TurnBatch]:
        source, index = batches(start), start
        try:
            for batch in source:
                first = every is not None and index % (every + 1) == 0
                yield TurnBatch("augment" if first else "encoder", batch)
                index += 1
        finally:
            if hasattr(source, "close"):
                source.close()

    return turns


def updates_in_turn(encoder_updates: int, every: int | None) -> int:
    """Updates in all that give the encoder so many of its own."""
    return encoder_updates + (0 if every is None else -(-encoder_updates // every))
