"""Rewrites of captions as files and language models give them: parsed as data, cleaned, checked."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

MAX_CHARACTERS = 100_000  # of a cell; Python's parser is not fed more
FAILED = ("error", "none", "null", "nan", "n/a")  # what released tables hold where a model failed
_BRACKETS = re.compile(r"\[[^\]]*\]")
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_BLANK_LINE = re.compile(r"\n\s*\n")


def clean_rewrite(text: str) -> str | None:
    """What a model wrote, as a caption: the last paragraph, ASCII, without `[...]` and `<br>`.

    None where nothing is left, and for "Error" and its like. Source: arXiv:2409.09213, released
    code.
    """
    last = _BLANK_LINE.split(text.strip())[-1]
    last = _BREAK.sub(" ", _BRACKETS.sub(" ", last))
    words = " ".join(last.encode("ascii", "ignore").decode().split())
    words = words.strip().strip('"').strip()
    return None if not words or words.rstrip(".!:").lower() in FAILED else words


def parse_rewrites(cell: Any, captions: tuple[str, ...] = ()) -> dict[str, tuple[str, ...]]:
    """A table's cell of rewrites, by caption; captions whose rewriting failed are left out.

    The cell is a list (of the row's captions, each), its literal as released tables have it
    ("['...', '...']"), or an object by caption, as `earshot rewrite` writes it for rows with
    several. What is none of these has no rewrites: nothing is ever run.
    """
    value = _value(cell)
    if isinstance(value, Mapping):
        lists = {str(caption): texts for caption, texts in value.items()}
    else:
        lists = {caption: value for caption in captions}
    found = {caption: _clean_list(texts, caption) for caption, texts in lists.items()}
    return {caption: texts for caption, texts in found.items() if texts}


def _value(cell: Any) -> Any:
    """The value that a cell spells, by JSON's or Python's rules for literals alone."""
    if not isinstance(cell, str):
        return cell
    text = cell.strip()
    if not text or len(text) > MAX_CHARACTERS or text[0] not in "[{(":
        return None
    for parse in (json.loads, ast.literal_eval):  # JSON's spelling, then Python's
        with suppress(ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            return parse(text)
    return None


def _clean_list(value: Any, caption: str) -> tuple[str, ...]:
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list | tuple):
        return ()
    cleaned = (clean_rewrite(text) for text in texts if isinstance(text, str))
    return tuple(dict.fromkeys(text for text in cleaned if text and text != caption))
