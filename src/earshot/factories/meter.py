"""What stages spend: seconds, clips, calls and tokens, and what that costs."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from earshot.core.errors import EarShotError
from earshot.llm.usage import Usage

COUNTED = ("calls", "cached", "retries", "prompt_tokens", "completion_tokens", "audio_tokens")


@dataclass(frozen=True)
class Spent:
    """Of one stage; two of them add up."""

    clips: int = 0  # shown to it
    rejected: int = 0  # by it
    failed: int = 0
    seconds: float = 0.0  # in it, of wall time
    calls: int = 0  # answered by an endpoint
    cached: int = 0  # answers that were on disk
    retries: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    audio_tokens: int = 0  # of the prompts'

    def __add__(self, other: Spent) -> Spent:
        return Spent(
            *map(sum, zip(dataclasses.astuple(self), dataclasses.astuple(other), strict=True))
        )

    def to_row(self) -> dict[str, Any]:
        """As plain JSON values."""
        return dataclasses.asdict(self)


@dataclass(frozen=True)
class Prices:
    """What a million tokens cost; `audio` are the tokens of sounds, counted among the prompt's."""

    prompt: float = 0.0
    completion: float = 0.0
    audio: float | None = None  # as the prompt's if None
    currency: str = "USD"

    def __post_init__(self) -> None:
        if min(self.prompt, self.completion, self.audio or 0.0) < 0:
            raise EarShotError(
                got=f"the prices {self.prompt:g}, {self.completion:g} and {self.audio}",
                expected="0 or more for a million tokens",
                mend="Correct them.",
            )

    def cost(self, spent: Spent) -> float:
        """Of all calls of a stage."""
        audio = self.prompt if self.audio is None else self.audio
        words = spent.prompt_tokens - spent.audio_tokens
        whole = words * self.prompt + spent.audio_tokens * audio
        return (whole + spent.completion_tokens * self.completion) / 1e6


def counted(usage: Usage | None) -> tuple[int, ...]:
    """A usage's counters, as they are now."""
    return tuple(getattr(usage, name) if usage is not None else 0 for name in COUNTED)


def since(before: tuple[int, ...], usage: Usage | None) -> dict[str, int]:
    """What was added to a usage's counters."""
    now = counted(usage)
    return {name: b - a for name, a, b in zip(COUNTED, before, now, strict=True)}


def add_spent(whole: dict[str, Spent], more: Mapping[str, Spent]) -> None:
    """Add to `whole`, by stage."""
    for name, spent in more.items():
        whole[name] = whole[name] + spent if name in whole else spent
