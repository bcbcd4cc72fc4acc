"""Captions rewritten by a language model to say what each sound is like."""

from __future__ import annotations

from collections.abc import Callable

from earshot.core.fingerprint import fingerprint
from earshot.llm.client import LlmClient, LlmError
from earshot.llm.messages import user
from earshot.llm.prompt_files import fill, read_prompt


class LlmRewriter:
    """Asks a model once a rewrite; `clean` gives the caption in an answer, or None.

    Source: arXiv:2409.09213, caption rewriting (Llama-3.1-8B-Instruct at temperature 0.4). Differs:
    an instruction of our own with other examples.
    """

    def __init__(
        self, client: LlmClient, clean: Callable[[str], str | None], *, prompt: str = "rewrite_v1"
    ) -> None:
        self.client, self._clean, self._prompt = client, clean, read_prompt(prompt)

    @property
    def identity(self) -> str:
        """Digest of prompt, model and sampling."""
        return f"llm-{fingerprint({'prompt': self._prompt, **self.client.config.options})}"

    def rewrite(self, caption: str, n: int) -> tuple[str, ...]:
        """Up to `n` different rewrites. Raises LlmError when no answer holds one."""
        message = user(fill(self._prompt, caption=" ".join(caption.split())))
        answers = [self.client.ask([message], take=take).text for take in range(n)]
        cleaned = (self._clean(answer) for answer in answers)
        found = tuple(dict.fromkeys(text for text in cleaned if text and text != caption))
        if not found:
            raise LlmError(
                got=f"no rewrite in {n} answers, such as {answers[0][:80]!r}",
                expected="the caption in other words",
                mend="Try another model.",
            )
        return found
