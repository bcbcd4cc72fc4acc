"""`earshot tag`: name sounds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from earshot.cli import console
from earshot.cli.failures import end_with, failure_row, progress
from earshot.cli.labels import read_labels
from earshot.cli.running import EngineName, Fast, RayAddress, engine_to_run, load_to_run

if TYPE_CHECKING:
    from earshot.jobs.tag import Tagged

SHOWN_SHARE = 0.01  # of probability: labels below it are not shown to people, except the first


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(tag)


def tag(
    files: Annotated[list[str], typer.Argument(metavar="FILES", help="Sounds, folders or URLs.")],
    labels: Annotated[
        str | None, typer.Option(metavar="A,B,C", help="Any words; everyday sounds if left out.")
    ] = None,
    labels_file: Annotated[Path | None, typer.Option(help="A text file, one label a line.")] = None,
    prompt: Annotated[
        list[str] | None,
        typer.Option(help='How to say a label, such as "a sound of {label}"; may be repeated.'),
    ] = None,
    model: Annotated[
        str, typer.Option(help="A shipped name, a run folder, a CLAP folder or hub name, a file.")
    ] = "earshot-small",
    fast: Fast = False,
    engine: EngineName = "local",
    ray_address: RayAddress = None,
    top: Annotated[int, typer.Option("-k", "--top", min=1, help="Labels shown to people.")] = 3,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object a file, with all labels.")
    ] = False,
) -> None:
    """Say what sounds are, by any labels.

    The labels that fit best come with their probability among the labels given. Files that fail
    are listed at the end, with exit status 2.
    """
    from earshot.jobs.each_file import Failure, Pace
    from earshot.jobs.prompts import TEMPLATES
    from earshot.jobs.tag import tag_each

    failures, pace = [], Pace()
    answers = tag_each(
        files,
        labels=read_labels(labels, labels_file),
        model=load_to_run(model, fast),
        prompts=prompt or TEMPLATES,
        pace=pace,
        engine=engine_to_run(engine, ray_address),
    )
    with progress("file") as bar:
        for answer in answers:
            bar.update()
            if isinstance(answer, Failure):
                failures.append(answer)
                if as_json:
                    failure_row(answer)
            elif as_json:
                console.json_line(tag_row(answer))
            else:
                bar.clear()
                print(console.one_line(f"{answer.path}: {_best(answer, top)}"), flush=True)
    console.note(str(pace))
    end_with(failures, as_json=as_json, rows_written=True)


def tag_row(answer: Tagged) -> dict[str, object]:
    """The JSON object of a file."""
    return {
        "path": str(answer.path),
        "label": answer.label,
        "score": answer.score,
        "labels": [
            {"label": each.label, "score": each.score, "cosine": each.cosine}
            for each in answer.labels
        ],
        "duration_s": answer.duration_s,
    }


def _best(answer: Tagged, top: int) -> str:
    best, *others = answer.labels[:top]
    shown = [best, *(each for each in others if each.score > SHOWN_SHARE)]
    return ", ".join(f"{each.label} {each.score:.2f}" for each in shown)
