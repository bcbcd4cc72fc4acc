"""`earshot translate`: say in one language what is spoken in another."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from earshot.cli.answers import give_answers
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
    from earshot.jobs.each_file import Pace
    from earshot.jobs.translate import load_translator, translate_each

    translator, pace = load_translator(model, to=to, n_beams=beams, device=device), Pace()
    give_answers(
        lambda skip: translate_each(files, translator, skip=skip, pace=pace),
        row=translated_row,
        line=lambda answer: f"{answer.path}: {answer.text}",
        out=out,
        settings=translator.fingerprint,
        as_json=as_json,
        pace=pace,
    )


def translated_row(answer: Translated) -> dict[str, object]:
    """The JSON object of a file."""
    return {
        "path": str(answer.path),
        "text": answer.text,
        "language": answer.language,
        "duration_s": answer.duration_s,
    }
