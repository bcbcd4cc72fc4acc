"""What a stage of a caption factory is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol, runtime_checkable

from earshot.factories.item import Item
from earshot.llm.usage import Usage


@runtime_checkable
class Stage(Protocol):
    """One step: takes clips, gives them back with notes, a caption, scores or a rejection.

    A stage may also have `usage`, what its language model's calls came to, or None; and
    `needs_audio`, True where it opens sounds. Another way of doing the step is another class.
    """

    @property
    def name(self) -> str:
        """Such as "extract", "filter_notes", "write", "gate"; unique in its factory."""

    @property
    def identity(self) -> str:
        """Digest of all that its results depend on: version, prompts, model, settings."""

    def work(self, items: Sequence[Item]) -> Iterator[Item]:
        """As many items, in order.

        A clip's own fault never raises: it comes back by `Item.reject`, or by `Item.fail` where
        another run may do better. Items that were rejected before are not shown to it. What no
        clip can get past (a wrong key, an unknown model) raises EarShotError and ends the run.
        The factory itself notes name and identity in `Item.provenance`.
        """


def usage_of(stage: Stage) -> Usage | None:
    """What the stage's calls came to so far; None where it makes none."""
    return getattr(stage, "usage", None)


def needs_audio(stage: Stage) -> bool:
    """True where the stage opens sounds."""
    return bool(getattr(stage, "needs_audio", False))
