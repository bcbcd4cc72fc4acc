"""The one client for language models: cached, patient, several requests at a time."""

from __future__ import annotations

import json
import random
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from earshot.core.errors import EarShotError
from earshot.llm.cache import AnswerCache, request_digest
from earshot.llm.config import LlmConfig
from earshot.llm.endpoint import Endpoint, Refused, TryAgain
from earshot.llm.messages import Message
from earshot.llm.usage import Usage

T = TypeVar("T")
Given = TypeVar("Given")


class LlmError(EarShotError):
    """One request that a model or its endpoint did not answer as asked; others may go on."""


@dataclass(frozen=True)
class Answer:
    """What the model said, and whether it was on disk already."""

    text: str
    value: Any = None  # the JSON that was asked for
    cached: bool = False


class LlmClient:
    """Asks one model. Safe to share between threads; `usage` counts what it came to.

    Every answer is kept in `cache` under a digest of messages (sounds by their bytes), model and
    sampling, before it is given out. Pass a folder that outlives the job.
    """

    def __init__(
        self,
        config: LlmConfig,
        cache: Path | None = None,
        *,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        config.check_network()
        self.config = config
        self.cache = None if cache is None else AnswerCache(cache)
        self.usage = Usage()
        self._endpoint = Endpoint(config)
        self._wait = wait

    def ask(self, messages: Sequence[Message], *, take: int = 0) -> Answer:
        """The answer as text. `take` numbers the draws of one request: each is kept on its own.

        Raises LlmError when it stays unanswered, is cut off or empty, and EarShotError for what
        no request can get past: a wrong key, an unknown model, no endpoint.
        """
        return self._ask(messages, None, take, lambda text: None)

    def ask_json(
        self, messages: Sequence[Message], schema: dict[str, Any] | None = None, *, take: int = 0
    ) -> Answer:
        """The answer as JSON in `value`, held to a JSON schema by endpoints that can.

        An answer that is not JSON, or lacks what the schema requires, is asked for again.
        """
        return self._ask(
            messages, schema or {"type": "object"}, take, lambda t: read_json(t, schema)
        )

    def map(self, items: Iterable[Given], work: Callable[[Given], T]) -> Iterator[T | LlmError]:
        """`work(item)` for each, in order, `config.concurrency` at a time; its LlmErrors as values.

        Items are taken as they are needed: any number may come. Other errors end it.
        """
        waiting: deque[Future[T | LlmError]] = deque()
        with ThreadPoolExecutor(self.config.concurrency, thread_name_prefix="llm") as pool:
            try:
                for item in items:
                    waiting.append(pool.submit(_caught, work, item))
                    if len(waiting) > 2 * self.config.concurrency:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:
                for job in waiting:
                    job.cancel()

    def _ask(
        self, messages: Sequence[Message], schema: Any, take: int, parse: Callable[[str], Any]
    ) -> Answer:
        digest = request_digest(messages, self.config.options, schema, take)
        if self.cache is not None and (kept := self.cache.get(digest)) is not None:
            self.usage.add_cached()
            return Answer(kept["text"], parse(kept["text"]), cached=True)
        text, value = self._patiently(lambda: self._once(messages, schema, parse))
        if self.cache is not None:
            row = {"text": text, "options": self.config.options, "take": take}
            self.cache.put(digest, row)
        return Answer(text, value)

    def _once(
        self, messages: Sequence[Message], schema: Any, parse: Callable[[str], Any]
    ) -> tuple[str, Any]:
        said = self._endpoint.complete(messages, schema)
        self.usage.add_answer(said.usage)
        if said.finish_reason == "length":
            raise Refused(
                f"an answer cut off at {self.config.max_tokens} tokens", "Raise max_tokens."
            )
        if not said.text.strip():
            raise TryAgain("an empty answer")
        try:
            return said.text, parse(said.text)
        except ValueError as fault:
            raise TryAgain(f"an answer that is not the JSON asked for ({fault})") from fault

    def _patiently(self, attempt: Callable[[], T]) -> T:
        """Try, wait, try again; the endpoint's own word on how long to wait goes first."""
        for turn in range(self.config.retries + 1):
            try:
                return attempt()
            except Refused as fault:
                raise LlmError(
                    got=f"{fault.got} from {self.config.model}",
                    expected="an answer",
                    mend=fault.mend,
                ) from fault
            except TryAgain as fault:
                if turn == self.config.retries:
                    raise LlmError(
                        got=f"{fault.got} from {self.config.base_url}, {turn + 1} times",
                        expected="an answer",
                        mend="Run it again later: what was answered is kept.",
                    ) from fault
                self.usage.add_retry()
                backoff = self.config.backoff_s * 2**turn * random.uniform(0.75, 1.25)
                told = backoff if fault.after_s is None else fault.after_s
                self._wait(min(told, self.config.longest_backoff_s))
        raise AssertionError("the last turn returns or raises")


def read_json(text: str, schema: dict[str, Any] | None) -> Any:
    """The JSON of an answer, taken out of a Markdown fence where it stands in one.

    Raises ValueError for what is not JSON, or not of the schema's outermost type, or without the
    keys that the schema requires.
    """
    inner = text.strip()
    if inner.startswith("```"):
        inner = inner.partition("\n")[2].rpartition("```")[0]
    try:
        value: Any = json.loads(inner)
    except RecursionError as fault:
        raise ValueError("nested too deeply") from fault
    wanted = (schema or {}).get("type", "object")
    if not isinstance(value, {"object": dict, "array": list}.get(wanted, object)):
        raise ValueError(f"a {type(value).__name__}, not the {wanted}")
    missing = [key for key in (schema or {}).get("required", ()) if key not in value]
    if missing:
        raise ValueError(f"without {', '.join(missing)}")
    return value


def _caught(work: Callable[[Given], T], item: Given) -> T | LlmError:
    try:
        return work(item)
    except LlmError as fault:
        return fault
