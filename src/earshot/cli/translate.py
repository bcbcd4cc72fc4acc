"""`earshot translate`: say in one language what is spoken in another."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from earshot.cli import console
from earshot.cli.failures import end_with, failure_row, progress
from earshot.cli.model_options import Device

if TYPE_CHECKING:
    from earshot.jobs.translate import Translated


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(translate)


def translate(
    files: Annotated[list[str], typer.Argument(metavar="FILES", help="Sounds, folders or URLs.")],
    model: Annotated[
        Path, typer.Option(metavar="RUN", help="The folder of a run: earshot run ctc_ot.")
    ],
    to: Annotated[str, typer.Option(metavar="LANGUAGE", help="That the model writes.")] = "en",
    out: Annotated[
        Path | None,
        typer.Option(metavar="TEXTS.jsonl", help="Write JSON Lines; again adds what is missing."),
    ] = None,
    beams: Annotated[
        int | None, typer.Option(min=1, help="Width of the search; the run's own if left out.")
    ] = None,
    device: Device = "cpu",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a file.")] = False,
) -> None:
    """Write what is said in sounds, in another language.

    Longer sounds than the model was taught are heard in windows, one after the other. Files that
    fail are listed at the end, with exit status 2. With --out a run that was killed is taken up
    again.
    """
    from earshot.jobs.each_file import Failure, Pace
    from earshot.jobs.row_file import RowFile
    from earshot.jobs.translate import load_translator, translate_each

    translator, pace = load_translator(model, to=to, n_beams=beams, device=device), Pace()
    failures = []
    with ExitStack() as held:
        file = None if out is None else held.enter_context(RowFile(out, translator.fingerprint))
        skip = file.has if file is not None else _none
        bar = held.enter_context(progress("file"))
        for answer in translate_each(files, translator, skip=skip, pace=pace):
            bar.update()
            if isinstance(answer, Failure):
                failures.append(answer)
                if as_json:
                    failure_row(answer)
                continue
            if file is not None:
                file.write(answer.path, translated_row(answer))
            if as_json:
                console.json_line(translated_row(answer))
            elif file is None:
                bar.clear()
                print(console.one_line(f"{answer.path}: {answer.text}"), flush=True)
    console.note(str(pace))
    end_with(failures, as_json=as_json, rows_written=True)


def translated_row(answer: Translated) -> dict[str, object]:
    """The JSON object of a file."""
    return {
        "path": str(answer.path),
        "text": answer.text,
        "language": answer.language,
        "duration_s": answer.duration_s,
    }


def _none(path: Path | str) -> bool:
    """Skips no sound."""
    return False
