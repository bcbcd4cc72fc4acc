"""One answer a file, shown and kept as it comes: what `tag` and `translate` end with."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from earshot.cli import console
from earshot.cli.failures import end_with, failure_row, progress

if TYPE_CHECKING:
    from earshot.jobs.each_file import Failure, Pace

    Skip = Callable[[Path | str], bool]


class Answer(Protocol):
    """What a job says of one file."""

    @property
    def path(self) -> Path | str:
        """The file, or the URL."""


T = TypeVar("T", bound=Answer)


def give_answers(
    answers_of: Callable[[Skip], Iterable[T | Failure]],
    *,
    row: Callable[[T], dict[str, object]],
    line: Callable[[T], str],
    out: Path | None,
    settings: str,
    as_json: bool,
    pace: Pace,
    failed_before: Iterable[Failure] = (),
) -> None:
    """Print each answer, as JSON or as a line for people, and write it to `out`, then end.

    `answers_of` is told which files to skip: those that `out` has, of the same `settings`. Failures
    are rows among the others, and are listed at the end with exit status 2.
    """
    from earshot.jobs.each_file import Failure
    from earshot.jobs.row_file import RowFile

    failures: list[Failure] = []

    def note(failure: Failure) -> None:
        failures.append(failure)
        if as_json:
            failure_row(failure)

    for failure in failed_before:
        note(failure)
    with ExitStack() as held:
        file = None if out is None else held.enter_context(RowFile(out, settings))
        bar = held.enter_context(progress("file"))
        for answer in answers_of(_none if file is None else file.has):
            bar.update()
            if isinstance(answer, Failure):
                note(answer)
                continue
            if file is not None:
                file.write(answer.path, row(answer))
            if as_json:
                console.json_line(row(answer))
            elif file is None:
                bar.clear()
                print(console.one_line(line(answer)), flush=True)
    console.note(str(pace))
    end_with(failures, as_json=as_json, rows_written=True)


def _none(path: Path | str) -> bool:
    """Skips no sound."""
    return False
