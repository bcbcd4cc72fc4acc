"""`earshot caption`: say what is heard, in sentences."""

from __future__ import annotations

import dataclasses
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from earshot.cli.answers import give_answers
from earshot.cli.model_options import Device

if TYPE_CHECKING:
    from earshot.jobs.caption import Captioned


class Reranks(StrEnum):
    """By what the best candidate is told."""

    LIKELIHOOD = "likelihood"
    ENCODER = "encoder"
    HYBRID = "hybrid"
    CLAP = "clap"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(caption)


def caption(
    files: Annotated[list[str], typer.Argument(metavar="FILES", help="Sounds, folders or URLs.")],
    model: Annotated[
        Path | None, typer.Option(metavar="RUN", help="The folder of a captioner's run.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="CAPTIONS.jsonl", help="Write JSON Lines; again adds what is missing."
        ),
    ] = None,
    beams: Annotated[int, typer.Option(min=1, help="Width of the search; 1 is greedy.")] = 4,
    samples: Annotated[
        int, typer.Option(min=0, metavar="N", help="Draw N captions instead of searching.")
    ] = 0,
    top_p: Annotated[float, typer.Option(help="Of probability that is drawn from.")] = 0.95,
    temperature: Annotated[float, typer.Option(help="Of what is drawn; below 1 is bolder.")] = 0.5,
    rerank: Annotated[
        Reranks | None,
        typer.Option(help="By what the best is told of what was drawn, or of beams 2 to BEAMS."),
    ] = None,
    max_tokens: Annotated[int, typer.Option(min=1, help="Longest caption, in tokens.")] = 40,
    device: Device = "cpu",
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object a file, with the times of each window.")
    ] = False,
) -> None:
    """Caption sounds: a sentence for each window that the model hears at once.

    The model is one that a captioning recipe trained, such as earshot run soft_hard_prompts. Files
    that fail are listed at the end, with exit status 2. With --out a run that was killed is taken
    up again. --rerank: likelihood takes the surest candidate, encoder the nearest to the sound by
    the captioner's own head, hybrid weighs both, clap takes the nearest by a CLAP; a captioner has
    those that its recipe teaches.
    """
    from earshot.jobs.caption import caption_each, load_writer
    from earshot.jobs.each_file import Pace

    writer = load_writer(
        model,
        n_beams=beams,
        n_samples=samples,
        top_p=top_p,
        temperature=temperature,
        rerank=None if rerank is None else rerank.value,
        max_tokens=max_tokens,
        device=device,
    )
    pace = Pace()
    give_answers(
        lambda skip: caption_each(files, writer, skip=skip, pace=pace),
        row=captioned_row,
        line=captioned_line,
        out=out,
        settings=writer.fingerprint,
        as_json=as_json,
        pace=pace,
    )


def captioned_row(answer: Captioned) -> dict[str, object]:
    """The JSON object of a file."""
    return {
        "path": str(answer.path),
        "caption": answer.caption,
        "windows": [dataclasses.asdict(each) for each in answer.windows],
        "duration_s": answer.duration_s,
    }


def captioned_line(answer: Captioned) -> str:
    """What people read: the caption, with times where there are several windows."""
    if len(answer.windows) == 1:
        return f"{answer.path}: {answer.caption}"
    times = [f"{_clock(each.start_s)} {each.caption}" for each in answer.windows]
    return f"{answer.path}: {' | '.join(times)}"


def _clock(seconds: float) -> str:
    """Minutes and seconds, and hours where there are any."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
