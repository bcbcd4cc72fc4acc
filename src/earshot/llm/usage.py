"""What a client's calls came to."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Usage:
    """Calls and tokens so far. Answers from the cache count as `cached` and cost nothing."""

    calls: int = 0  # answered by the endpoint
    cached: int = 0
    retries: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    audio_tokens: int = 0  # of the prompts'
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def add_answer(self, usage: Any) -> None:
        """Count an answer with what its endpoint says of tokens; many say nothing."""
        details = getattr(usage, "prompt_tokens_details", None)
        with self._lock:
            self.calls += 1
            self.prompt_tokens += getattr(usage, "prompt_tokens", None) or 0
            self.completion_tokens += getattr(usage, "completion_tokens", None) or 0
            self.audio_tokens += getattr(details, "audio_tokens", None) or 0

    def add_cached(self) -> None:
        """Count an answer from the cache."""
        with self._lock:
            self.cached += 1

    def add_retry(self) -> None:
        """Count another try."""
        with self._lock:
            self.retries += 1

    def __str__(self) -> str:
        return (
            f"{self.calls} calls ({self.retries} retries), {self.cached} answers from the cache, "
            f"{self.prompt_tokens} tokens in and {self.completion_tokens} out"
        )
