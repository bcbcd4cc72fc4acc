"""Filters in SQL, with the short names that people write."""

from __future__ import annotations

import re

from earshot.core.errors import EarShotError

LONGEST = 20_000  # characters; the store runs conditions by recursion, and dies of longer ones
ALIASES = {"duration": "duration_s", "start": "start_s", "end": "end_s", "hash": "content_hash"}
_PIECES = re.compile(r"'(?:[^']|'')*'|[A-Za-z_]\w*|.", re.DOTALL)


def spell_where(condition: str) -> str:
    """`condition` with short names spelt as columns; what stands in quotes is left alone.

    Raises EarShotError for one that is too long to be run.
    """
    if len(condition) > LONGEST:
        raise EarShotError(
            got=f"a filter of {len(condition):,} characters",
            expected=f"at most {LONGEST:,}",
            mend="Ask in several searches.",
        )
    pieces = _PIECES.findall(condition)
    return "".join(ALIASES.get(piece.lower(), piece) for piece in pieces)


def both(*conditions: str | None) -> str | None:
    """All of the conditions that are there, joined by AND."""
    given = [f"({each})" for each in conditions if each]
    return " AND ".join(given) or None


def has_tag(tag: str) -> str:
    """The condition that a file carries `tag`."""
    return f"array_has(tags, {quoted(tag)})"


def in_folder(folder: str) -> str:
    """The condition that a file lies in `folder` or below it, relative to the root."""
    name = folder.strip("/")
    return f"(folder = {quoted(name)} OR starts_with(folder, {quoted(name + '/')}))"


def quoted(text: str) -> str:
    """`text` as an SQL string."""
    return "'" + text.replace("'", "''") + "'"
