"""Answers kept on disk by what was asked: nothing is paid for twice, and a kill loses nothing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from earshot.core.files import write_text
from earshot.llm.messages import Message, as_fact

FORMAT = 1


def request_digest(
    messages: Sequence[Message], options: Mapping[str, Any], schema: Any, take: int
) -> str:
    """64 hex digits of all that an answer depends on; `take` tells draws of one request apart."""
    facts = {
        "format": FORMAT,
        "messages": [as_fact(message) for message in messages],
        "options": dict(options),
        "schema": schema,
        "take": take,
    }
    canonical = json.dumps(facts, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


class AnswerCache:
    """A folder of answers, each written whole or not at all; no key of a service is in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def get(self, digest: str) -> dict[str, Any] | None:
        """The answer, or None; a file that is damaged counts as absent."""
        try:
            row = json.loads(self._path(digest).read_text("utf-8"))
        except (OSError, ValueError):
            return None
        good = isinstance(row, dict) and row.get("digest") == digest
        return row if good and isinstance(row.get("text"), str) else None

    def put(self, digest: str, row: Mapping[str, Any]) -> None:
        """Keep an answer. Raises EarShotError where it cannot be written."""
        text = json.dumps({"digest": digest, **row}, ensure_ascii=False, indent=1)
        write_text(self._path(digest), text + "\n")

    def _path(self, digest: str) -> Path:
        return self.folder / digest[:2] / f"{digest}.json"
