"""Rows of a data set that cannot be used, listed as sounds that cannot be are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from earshot.jobs.each_file import Failure

if TYPE_CHECKING:
    from earshot.data import ClipSet


def row_failures(clips: ClipSet) -> list[Failure]:
    """The faults that cost a row, as failures of its place: file, line and field."""
    return [
        Failure(Path(fault.where), f"got {fault.got}; expected {fault.expected}. {fault.mend}")
        for fault in clips.faults
        if fault.severity == "error"
    ]
