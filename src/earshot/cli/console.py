"""What people read goes to stderr or in tables; what programs read is JSON Lines on stdout."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Mapping
from typing import Any


def show_anything() -> None:
    """Escape what the terminal's own encoding has no letters for: names are of any script."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def error(sentence: str) -> None:
    """One sentence on stderr."""
    print(f"earshot: {printable(sentence)}", file=sys.stderr)


def note(sentence: str) -> None:
    """A line of progress or advice on stderr."""
    print(printable(sentence), file=sys.stderr)


def json_line(row: Mapping[str, Any]) -> None:
    """One object a line on stdout; names that are not UTF-8 keep their bytes as \\udcXX escapes."""
    print(json.dumps(row, ensure_ascii=True), flush=True)


def one_line(text: str) -> str:
    """`text` as `printable`, and line breaks, which names of files may hold, escaped as well."""
    return printable(text).replace("\n", "\\n")


def printable(text: str) -> str:
    """`text` with what a terminal cannot show (lone surrogates, control characters) escaped."""
    shown = "".join(c if c.isprintable() or c == "\n" else repr(c)[1:-1] for c in text)
    return shown.encode("utf-8", "backslashreplace").decode()
