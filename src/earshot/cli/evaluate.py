"""`earshot evaluate`: figures of a model on labelled or captioned sounds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from earshot.cli import console
from earshot.cli.failures import end_with
from earshot.cli.labels import read_labels
from earshot.cli.model_options import Device, Model, Precision, Tokenizer, load_model

if TYPE_CHECKING:
    from earshot.jobs.evaluate import Evaluation

SHOWN_CLASSES = 10  # the worst ones, for people


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(evaluate)


def evaluate(
    task: Annotated[str, typer.Argument(metavar="zero-shot|retrieval", help="What to measure.")],
    data: Annotated[Path, typer.Option(help="A manifest, or a folder with labels as subfolders.")],
    labels: Annotated[
        str | None,
        typer.Option(metavar="A,B,C", help="To choose from; the data's if left out."),
    ] = None,
    labels_file: Annotated[Path | None, typer.Option(help="A text file, one label a line.")] = None,
    prompt: Annotated[
        list[str] | None,
        typer.Option(help='How to say a label, such as "a sound of {label}"; may be repeated.'),
    ] = None,
    split: Annotated[str | None, typer.Option(help="Only the clips of this split.")] = None,
    model: Model = "earshot-small",
    device: Device = "cpu",
    precision: Precision = None,
    tokenizer: Tokenizer = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object with all.")] = False,
) -> None:
    """Measure a model on labelled or captioned sounds.

    zero-shot: how well it names sounds. retrieval: how well it finds sounds by their captions and
    captions by their sounds. Figures are shares from 0 to 1 with 95 % intervals. Rows that cannot
    be used and sounds that cannot be read are listed, with exit status 2; n says of how many
    sounds the figures are.
    """
    from earshot.jobs.each_file import Pace
    from earshot.jobs.evaluate import evaluate as run
    from earshot.jobs.prompts import TEMPLATES

    pace = Pace()
    result = run(
        task,  # type: ignore[arg-type]  # checked there
        data,
        model=load_model(model, device, precision, tokenizer),
        labels=read_labels(labels, labels_file),
        prompts=prompt or TEMPLATES,
        split=split,
        pace=pace,
    )
    console.note(str(pace))
    if as_json:
        console.json_line(evaluation_row(result))
    else:
        _show(result)
    end_with(result.failures, as_json=as_json, rows_written=True)


def evaluation_row(result: Evaluation) -> dict[str, object]:
    """The JSON object of an evaluation."""
    return {
        "task": result.task,
        "n": result.n,
        "metrics": result.metrics,
        "intervals": {name: list(ends) for name, ends in result.intervals.items()},
        "model": result.model,
        "fingerprint": result.fingerprint,
        "data": result.data,
        **result.details,
        "failures": [{"path": str(each.path), "error": each.error} for each in result.failures],
    }


def _show(result: Evaluation) -> None:
    print(console.printable(f"{result.task} on {result.data}: {result.n} sounds, {result.model}"))
    for name, value in result.metrics.items():
        low, high = result.intervals.get(name, (None, None))
        ends = "" if low is None else f"  ({low:.3f} to {high:.3f})"
        print(f"  {name:<28} {value:.4g}{ends}")
    worst = sorted(result.details.get("per_class", {}).items(), key=lambda item: item[1])
    if worst and worst[0][1] < 1:
        print("  worst labels: " + ", ".join(f"{n} {v:.2f}" for n, v in worst[:SHOWN_CLASSES]))
