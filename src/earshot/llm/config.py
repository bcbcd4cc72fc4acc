"""Which endpoint and model, how it samples, and how patient the client is."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from earshot.core.errors import EarShotError
from earshot.core.network import is_offline

KEY = "EARSHOT_LLM_API_KEY"
OPENAI_KEY, OPENAI_HOST = "OPENAI_API_KEY", "api.openai.com"
HERE = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class LlmConfig:
    """A model behind an endpoint that speaks OpenAI's chat API, such as vLLM's or llama.cpp's."""

    base_url: str  # such as http://localhost:8000/v1
    model: str
    temperature: float = 0.4  # arXiv:2409.09213
    top_p: float = 1.0  # arXiv:2409.09213
    max_tokens: int = 512  # of an answer
    timeout_s: float = 120.0  # of one try
    retries: int = (
        6  # after the first try, on 408, 409, 429, 5xx, broken lines, answers not asked for
    )
    backoff_s: float = (
        1.0  # before the first retry; doubled before each next, unless told otherwise
    )
    longest_backoff_s: float = 60.0
    concurrency: int = 4  # requests under way at a time

    def __post_init__(self) -> None:
        parts = urlsplit(self.base_url)
        good = parts.scheme in ("http", "https") and parts.hostname and not parts.password
        if not good or not self.model:
            raise EarShotError(
                got=f"the endpoint {self.base_url!r} and the model {self.model!r}",
                expected="a URL such as http://localhost:8000/v1, and the name of a model there",
                mend="Write them as --llm URL --llm-model NAME; a key goes into the environment.",
            )
        least = {"max_tokens": 1, "retries": 0, "concurrency": 1}
        for name, low in least.items():
            if getattr(self, name) < low:
                raise EarShotError(
                    got=f"{name}={getattr(self, name)}",
                    expected=f"at least {low}",
                    mend="Change that field.",
                )
        if min(self.timeout_s, self.backoff_s, self.longest_backoff_s) < 0 or self.temperature < 0:
            raise EarShotError(
                got="a time or temperature below 0", expected="0 or more", mend="Change that field."
            )

    @property
    def host(self) -> str:
        """Of the endpoint."""
        return urlsplit(self.base_url).hostname or ""

    @property
    def options(self) -> dict[str, Any]:
        """What an answer depends on beside the messages; who serves the model is not part of it."""
        return {
            "model": self.model,
            "temperature": self.temperature,
            "top_p": self.top_p,
            "max_tokens": self.max_tokens,
        }

    def api_key(self) -> str:
        """The key, from the environment alone; OpenAI's own goes to OpenAI alone."""
        if given := os.environ.get(KEY):
            return given
        if self.host == OPENAI_HOST and (given := os.environ.get(OPENAI_KEY)):
            return given
        return "none"  # what servers on one's own machine ask for

    def check_network(self) -> None:
        """Refuse endpoints on other machines while EarShot is offline."""
        if is_offline() and self.host not in HERE:
            raise EarShotError(
                got=f"the language model at {self.base_url} while offline",
                expected="a server on this machine, or leave to use the network",
                mend="Drop --offline, or serve the model here.",
            )
