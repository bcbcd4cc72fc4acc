"""The tokenizer that published caption figures were computed with, in Java."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from earshot.metrics.caption_parts import UnavailableError, Words
from earshot.metrics.java import command, run_java
from earshot.metrics.ptb_tokens import DROPPED

_CLASS = "edu.stanford.nlp.process.PTBTokenizer"


class JavaTokenizer:
    """Stanford's PTBTokenizer 3.4.1, less the punctuation of the COCO caption tools."""

    name = "stanford-corenlp-3.4.1 PTBTokenizer (Java)"

    def __init__(self, jar: Path, *, timeout_s: float = 600.0) -> None:
        self._command = command(
            "2G", "-cp", str(jar), _CLASS, "-preserveLines", "-lowerCase", "-encoding", "UTF-8"
        )
        self._timeout_s = timeout_s

    def __call__(self, sentences: Sequence[str]) -> list[Words]:
        """The words of each sentence; an empty one has none."""
        lines = [" ".join(each.split()) for each in sentences]
        printed = run_java(self._command, "\n".join(lines) + "\n", timeout_s=self._timeout_s)
        found = printed.split("\n")[:-1]
        if len(found) != len(lines):
            raise UnavailableError(f"the tokenizer made {len(found)} lines of {len(lines)}")
        return [[word for word in line.split() if word not in DROPPED] for line in found]
