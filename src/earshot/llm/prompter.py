"""Descriptive prompts for labels, written by a language model in two stages."""

from __future__ import annotations

from typing import Any

from earshot.llm.client import LlmClient, LlmError
from earshot.llm.messages import user
from earshot.llm.prompt_files import fill, read_prompt


class LlmPrompter:
    """Stage 1 describes a label, stage 2 composes captions that agree with a description.

    Source: arXiv:2409.09213, prompt augmentation (GPT-4o at temperature 0.7, JSON answers).
    Differs: instructions of our own.
    """

    def __init__(
        self, client: LlmClient, *, describe: str = "describe_v1", compose: str = "compose_v1"
    ) -> None:
        self.client = client
        self._describe, self._compose = read_prompt(describe), read_prompt(compose)

    def describe(self, label: str) -> list[str]:
        """What the label sounds like, in up to five ways. Raises LlmError."""
        return self._ask(fill(self._describe, label=_spoken(label)), "descriptions")

    def compose(self, label: str, description: str) -> list[str]:
        """Up to ten captions with that sound. Raises LlmError."""
        filled = fill(self._compose, label=_spoken(label), description=description)
        return self._ask(filled, "captions")

    def _ask(self, prompt: str, key: str) -> list[str]:
        listed: dict[str, Any] = {"type": "array", "items": {"type": "string"}}
        schema = {
            "type": "object",
            "properties": {key: listed},
            "required": [key],
            "additionalProperties": False,
        }
        value = self.client.ask_json([user(prompt)], schema).value[key]
        texts = value if isinstance(value, list) else []
        found = [" ".join(text.split()) for text in texts if isinstance(text, str) and text.strip()]
        if not found:
            raise LlmError(
                got=f"no {key} in an answer of {self.client.config.model}",
                expected="a list of texts",
                mend="Try another model.",
            )
        return list(dict.fromkeys(found))


def _spoken(label: str) -> str:
    return " ".join(label.replace("_", " ").split())
