"""`earshot transcribe`: write down what is said."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from earshot.cli.answers import give_answers
from earshot.cli.model_options import Device

if TYPE_CHECKING:
    from earshot.jobs.transcribe import Transcribed


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(transcribe)


def transcribe(
    files: Annotated[list[str], typer.Argument(metavar="FILES", help="Sounds, folders or URLs.")],
    model: Annotated[
        Path,
        typer.Option(
            metavar="RUN", help="The folder of a run, or of a transformers model for CTC."
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(metavar="TEXTS.jsonl", help="Write JSON Lines; again adds what is missing."),
    ] = None,
    device: Device = "cpu",
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object a file, with the time of each word.")
    ] = False,
) -> None:
    """Write down what is said in sounds.

    The model is one that `earshot run ainu_adaptation` trained, or a published Wav2Vec2ForCTC with
    its vocab.json. Longer sounds than it hears at once are heard in windows that overlap. Files
    that fail are listed at the end, with exit status 2. With --out a run that was killed is taken
    up again.
    """
    from earshot.jobs.each_file import Pace
    from earshot.jobs.transcribe import load_transcriber, transcribe_each

    transcriber, pace = load_transcriber(model, device=device), Pace()
    give_answers(
        lambda skip: transcribe_each(files, transcriber, skip=skip, pace=pace),
        row=transcribed_row,
        line=lambda answer: f"{answer.path}: {answer.text}",
        out=out,
        settings=transcriber.fingerprint,
        as_json=as_json,
        pace=pace,
    )


def transcribed_row(answer: Transcribed) -> dict[str, object]:
    """The JSON object of a file."""
    return {
        "path": str(answer.path),
        "text": answer.text,
        "words": [dataclasses.asdict(each) for each in answer.words],
        "duration_s": answer.duration_s,
    }
