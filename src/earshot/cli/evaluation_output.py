"""What an evaluation prints and writes, model by model: nothing done is lost to a later fault."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from earshot.cli import console
from earshot.cli.failures import end_with
from earshot.cli.model_options import load_model

if TYPE_CHECKING:
    from earshot.jobs.each_file import Failure, Pace
    from earshot.jobs.evaluate import Evaluation
    from earshot.models.embedder import Embedder

SHOWN_CLASSES = 10  # the worst ones, for people
Measure = Callable[["Embedder", "Pace"], "Iterable[Evaluation]"]

Models = Annotated[
    list[str] | None,
    typer.Option(
        "--model",
        help="A shipped name, a run folder, a CLAP folder or hub name, a file; earshot-small if "
        "left out. May be repeated: each is held against the first.",
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER", help="Also write results.json, results.md and results.svg."),
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a model and task.")]


def evaluate_models(
    models: Sequence[str] | None,
    device: str,
    precision: str | None,
    tokenizer: str | None,
    measure: Measure,
    *,
    out: Path | None,
    as_json: bool,
) -> None:
    """Measure every model in turn; show and write what there is after each, failures last."""
    from earshot.jobs.each_file import Pace
    from earshot.jobs.evaluation.folder import write_results
    from earshot.jobs.loading import DEFAULT

    results: list[Evaluation] = []
    for name in models or [DEFAULT]:
        pace = Pace()
        for result in measure(load_model(name, device, precision, tokenizer), pace):
            results.append(result)
            if as_json:
                console.json_line(result.to_row())
            else:
                show_evaluation(result)
        console.note(str(pace))
        if out is not None:
            write_results(out, results)
    show_differences(results, as_json=as_json)
    if out is not None:
        console.note(f"Written to {out}.")
    end_with(_once(results), as_json=as_json, rows_written=True)


def show_differences(results: Sequence[Evaluation], *, as_json: bool) -> None:
    """Every later result less the first on the same clips, where they can be paired."""
    from earshot.jobs.evaluation.folder import difference_rows

    for row in difference_rows(results):
        if as_json:
            console.json_line(row)
        else:
            place = f"{row['task']} on {row['data']}"
            print(console.printable(f"{row['model']} less {row['against']}, {place}:"))
            for each in row["differences"]:
                ends = f"({each['low']:+.3f} to {each['high']:+.3f})"
                print(f"  {each['figure']:<28} {each['value']:+.3f}  {ends}")


def show_evaluation(result: Evaluation) -> None:
    """The figures of a result, for people."""
    size = f"{result.n} {result.counted}"
    print(console.printable(f"{result.task} on {result.data}: {size}, {result.model}"))
    for name, value in result.metrics.items():
        low, high = result.intervals.get(name, (None, None))
        ends = "" if low is None else f"  ({low:.3f} to {high:.3f})"
        print(f"  {name:<28} {value:.4g}{ends}")
    worst = sorted(result.details.get("per_class", {}).items(), key=lambda item: item[1])
    if worst and worst[0][1] < 1:
        shown = ", ".join(f"{label} {value:.2f}" for label, value in worst[:SHOWN_CLASSES])
        print(console.printable(f"  worst labels: {shown}"))


def _once(results: Sequence[Evaluation]) -> list[Failure]:
    """The failures of all results, those that several share once."""
    return list(dict.fromkeys(failure for result in results for failure in result.failures))
