"""How a job over many sounds ends: what failed is listed last, and the exit status is 2."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from earshot.cli import console

if TYPE_CHECKING:
    from tqdm import tqdm

    from earshot.jobs.each_file import Failure

EXIT_SOME_FAILED = 2


def end_with(failures: Sequence[Failure], *, as_json: bool, rows_written: bool = False) -> None:
    """List failures on stderr (and as rows, if not yet written), then exit 2; none: go on."""
    if not failures:
        return
    if as_json and not rows_written:
        for failure in failures:
            failure_row(failure)
    note_failures(failures)
    console.note(f"{len(failures)} failed; run the same again once they are mended.")
    raise typer.Exit(EXIT_SOME_FAILED)


def note_failures(failures: Sequence[Failure]) -> None:
    """A line on stderr for each."""
    for failure in failures:
        console.note(console.one_line(f"failed: {failure.path}: {failure.error}"))


def failure_row(failure: Failure) -> None:
    """The failure as a JSON line, in the place of the answer."""
    console.json_line({"path": str(failure.path), "error": failure.error})


@contextmanager
def progress(unit: str) -> Iterator[tqdm[None]]:
    """A bar on stderr when people look at it, nothing otherwise."""
    import sys

    from tqdm import tqdm

    with tqdm(unit=unit, file=sys.stderr, disable=not sys.stderr.isatty(), leave=False) as bar:
        yield bar
