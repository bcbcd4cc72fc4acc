"""Faults of a data set: all of them, each with file, line, field and mend."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from earshot.core.errors import EarShotError

Severity = Literal["error", "warning"]


@dataclass(frozen=True)
class LoadFault:
    """One fault, where it stands and how to mend it.

    An error costs the row or the clip; a warning leaves it in use.
    """

    kind: str  # stable name for programs: "missing_audio", "empty_caption", ...
    file: str
    got: str
    expected: str
    mend: str
    line: int | None = None  # counted from 1; a JSON array or Parquet file counts rows
    field: str | None = None
    severity: Severity = "error"
    clip: str | None = None  # id of the clip, where one was made

    @property
    def where(self) -> str:
        """File, line and field, as far as they are known."""
        parts = [self.file]
        if self.line is not None:
            parts.append(f"line {self.line}")
        if self.field is not None:
            parts.append(f"field {self.field!r}")
        return ", ".join(parts)

    def __str__(self) -> str:
        return f"{self.where}: {self.got}; expected {self.expected}. {self.mend}"


class DataError(EarShotError):
    """A data set that cannot be used as it is; `faults` lists every reason, not only the first."""

    def __init__(self, faults: Sequence[LoadFault], source: str | Path) -> None:
        first, self.faults, self.source = faults[0], tuple(faults), str(source)
        more = f" (the first of {len(faults)} faults)" if len(faults) > 1 else ""
        see = f" See all with: earshot data check {source}" if len(faults) > 1 else ""
        super().__init__(
            got=f"{first.where}: {first.got}{more}",
            expected=first.expected,
            mend=f"{first.mend}{see}",
        )

    def __reduce__(self) -> tuple[object, ...]:
        return (DataError, (self.faults, self.source))


def errors_of(faults: Sequence[LoadFault]) -> list[LoadFault]:
    """The faults that cost a clip."""
    return [fault for fault in faults if fault.severity == "error"]


def count_kinds(faults: Sequence[LoadFault]) -> dict[str, int]:
    """How many faults there are of each kind, the most frequent first."""
    return dict(Counter(fault.kind for fault in faults).most_common())
