"""Objects of a JSON Lines file, each with the line it stands on; faults name file, line, field."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from earshot.core.errors import EarShotError


@dataclass(frozen=True)
class JsonRow:
    """One object: where it stands and its fields."""

    file: str
    line: int
    values: dict[str, Any]

    def text(self, field: str) -> str:
        """A field that holds a text which is not empty."""
        value = self.values.get(field)
        if not isinstance(value, str) or not value.strip():
            raise self.fault(field, _got(value), "a text", f'Write it like "{field}": "dog bark".')
        return " ".join(value.split())

    def texts(self, field: str, *, least: int = 0) -> tuple[str, ...]:
        """A field that holds a list of texts, none of them empty, each kept once."""
        value = self.values.get(field, [] if least == 0 else None)
        given = value if isinstance(value, list) else [None]
        texts = [" ".join(each.split()) for each in given if isinstance(each, str)]
        if len(given) < least or len(texts) < len(given) or not all(texts):
            wanted = f"a list of {least or 'any number of'} texts{' or more' if least else ''}"
            mend = f'Write it like "{field}": ["...", "..."].'
            raise self.fault(field, _got(value), wanted, mend)
        return tuple(dict.fromkeys(texts))

    def fault(self, field: str, got: str, expected: str, mend: str) -> EarShotError:
        """The error for a field of this row."""
        where = f"{self.file}, line {self.line}, field {field!r}:"
        return EarShotError(got=f"{where} {got}", expected=expected, mend=mend)


def read_json_rows(path: Path) -> Iterator[JsonRow]:
    """The objects of a file, empty lines left out; one with the key "about" is for people alone.

    Raises EarShotError for a file that cannot be read and for a line that is no object.
    """
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as fault:
        raise EarShotError(
            got=f"{path}: {getattr(fault, 'strerror', None) or fault}",
            expected="a file of JSON Lines in UTF-8",
            mend="Correct the path, or save it as UTF-8.",
        ) from fault
    for line, row in enumerate(text.split("\n"), start=1):
        if not row.strip():
            continue
        try:
            values = json.loads(row)
        except (ValueError, RecursionError) as fault:
            raise EarShotError(
                got=f"{path.name}, line {line}, not JSON: {fault}",
                expected="one JSON object a line",
                mend="Write that line again, with double quotes.",
            ) from fault
        if not isinstance(values, dict):
            raise EarShotError(
                got=f"{path.name}, line {line}, a {type(values).__name__}",
                expected="a JSON object",
                mend="Write the line in braces, with its fields by name.",
            )
        if "about" not in values:
            yield JsonRow(path.name, line, values)


def _got(value: Any) -> str:
    return "nothing" if value is None else repr(value)[:80]
