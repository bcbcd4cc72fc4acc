"""Two captions in one sentence, written by a language model."""

from __future__ import annotations

from typing import Any

from earshot.core.fingerprint import fingerprint
from earshot.llm.client import LlmClient, LlmError
from earshot.llm.messages import user
from earshot.llm.prompt_files import fill, read_prompt

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"captions": {"type": "array", "items": {"type": "string"}}},
    "required": ["captions"],
    "additionalProperties": False,
}


class LlmCombiner:
    """Asks a model once a pair for several sentences; longer ones than `max_words` are dropped.

    Source: arXiv:2309.17352, caption mix-ups (ChatGPT). Differs: an instruction of our own.
    """

    def __init__(
        self, client: LlmClient, *, max_words: int = 25, prompt: str = "combine_v1"
    ) -> None:
        self.client, self.max_words, self._prompt = client, max_words, read_prompt(prompt)

    @property
    def identity(self) -> str:
        """Digest of prompt, word limit, model and sampling."""
        facts = {"prompt": self._prompt, "words": self.max_words, **self.client.config.options}
        return f"llm-{fingerprint(facts)}"

    def combine(self, first: str, second: str, n: int) -> tuple[str, ...]:
        """Up to `n` different sentences. Raises LlmError when no answer holds one."""
        prompt = fill(
            self._prompt,
            first=" ".join(first.split()),
            second=" ".join(second.split()),
            n=str(n),
            words=str(self.max_words),
        )
        value = self.client.ask_json([user(prompt)], SCHEMA).value["captions"]
        texts = [text for text in value if isinstance(text, str)] if isinstance(value, list) else []
        clean = (" ".join(text.split()).strip('"') for text in texts)
        kept = tuple(
            dict.fromkeys(text for text in clean if 0 < len(text.split()) <= self.max_words)
        )
        if not kept:
            raise LlmError(
                got=f"no caption of at most {self.max_words} words in an answer of "
                f"{self.client.config.model}",
                expected="both captions in one short sentence",
                mend="Try another model.",
            )
        return kept[:n]
