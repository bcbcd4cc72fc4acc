"""What was heard when, from the events.tsv of a BIDS recording."""

from __future__ import annotations

import ast
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from earshot.core.errors import EarShotError
from earshot.data.brain import HeardWord
from earshot.data.tables import Row, read_table


@dataclass(frozen=True)
class EventColumns:
    """How events.tsv names what is needed; the defaults are BIDS' own names where it has some.

    A column of dictionaries in the place of the kind, as MEG-MASC writes it, is read too: its keys
    stand for columns.
    """

    kind: str = "trial_type"
    word_kind: str = "word"  # the kind of rows that are words
    sound_kind: str = "sound"  # of rows at which a sound begins to play
    word: str = "word"  # the word itself; `value` where that is missing
    sound: str = "stim_file"  # the file that plays; `sound` where that is missing
    start: str = "start"  # seconds into the sound; from the row of the sound where missing
    sentence: str = "sentence"  # which one; `sequence_id` where that is missing


def read_events(path: Path, columns: EventColumns | None = None) -> list[HeardWord]:
    """The words of an events.tsv in order, each with its sound.

    A word's place in its sound is the column `start`, else the time since the last row of kind
    `sound`. Raises EarShotError, with the line, for words without a time or a sound.
    """
    columns = columns or EventColumns()
    table = read_table(path, need=("onset",))
    words: list[HeardWord] = []
    sound, began = "", math.nan
    for row in table.rows:
        facts = _facts(path, row, columns)
        kind = str(facts.get(columns.kind, ""))
        name = _first(facts, (columns.sound, "sound"))
        if kind == columns.sound_kind:
            sound, began = name, _number(path, row, facts, "onset")
        elif kind == columns.word_kind:
            onset = _number(path, row, facts, "onset")
            heard = name or sound
            start = (
                _number(path, row, facts, columns.start)
                if _first(facts, (columns.start,))
                else onset - began
            )
            if not heard or math.isnan(start):
                raise EarShotError(
                    got=f"{path.name}, line {row.line}: a word without a sound that plays",
                    expected=f"a row of {columns.kind}={columns.sound_kind} before it, or columns "
                    f"{columns.sound} and {columns.start}",
                    mend="Say which file played, and since when.",
                )
            length = _number(path, row, facts, "duration") if _first(facts, ("duration",)) else 0.0
            words.append(
                HeardWord(
                    text=_first(facts, (columns.word, "value")),
                    onset_s=onset,
                    sound=heard,
                    start_s=start,
                    duration_s=max(0.0, length),
                    sentence=_first(facts, (columns.sentence, "sequence_id")),
                )
            )
    if not words:
        raise EarShotError(
            got=f"{path.name} without a row of {columns.kind}={columns.word_kind}",
            expected="the words that were heard",
            mend="Name the columns: EventColumns, or --set events.word_kind=NAME.",
        )
    return sorted(words, key=lambda word: word.onset_s)


def _facts(path: Path, row: Row, columns: EventColumns) -> dict[str, Any]:
    """The row's fields; those of a dictionary in the place of its kind beside them."""
    text = str(row.values.get(columns.kind, "")).strip()
    if not text.startswith("{"):
        return row.values
    try:
        inner = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError) as fault:
        raise EarShotError(
            got=f"{path.name}, line {row.line}: {columns.kind} {text[:60]!r}",
            expected="a word, or a dictionary",
            mend="Write that row again.",
        ) from fault
    facts = {**row.values, **{str(key): value for key, value in dict(inner).items()}}
    return {**facts, columns.kind: inner.get("kind", "")}


def _first(facts: dict[str, Any], names: Sequence[str]) -> str:
    """The first of those fields that says something; empty where none does."""
    for name in names:
        value = facts.get(name)
        text = "" if value is None else str(value).strip()
        if text and text.lower() not in ("n/a", "nan"):
            return text
    return ""


def _number(path: Path, row: Row, facts: dict[str, Any], name: str) -> float:
    try:
        value = float(_first(facts, (name,)))
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise EarShotError(
            got=f"{path.name}, line {row.line}: {name}={facts.get(name)!r}",
            expected="seconds",
            mend="Write a number there.",
        )
    return value
