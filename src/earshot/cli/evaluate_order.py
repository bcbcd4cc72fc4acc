"""`earshot evaluate` of order and binding: CompA's twins, the temporal suite, and all in one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from earshot.cli.evaluation_output import AsJson, Models, Out, evaluate_models
from earshot.cli.model_options import Device, Precision, Tokenizer

if TYPE_CHECKING:
    from earshot.jobs.each_file import Pace
    from earshot.jobs.evaluate import Evaluation
    from earshot.models.embedder import Embedder

Seed = Annotated[int, typer.Option(min=0, help="Of what is drawn.")]


def register(group: typer.Typer) -> None:
    """Add the commands to `earshot evaluate`."""
    group.command("compa")(compa)
    group.command("zste")(zste)
    group.command("suite")(suite)


def compa(
    data: Annotated[Path, typer.Option(help="A table of twins as CompA releases them (CSV).")],
    audio: Annotated[
        Path | None, typer.Option(help="The folder of its sounds; the table's if left out.")
    ] = None,
    model: Models = None,
    device: Device = "cpu",
    precision: Precision = None,
    tokenizer: Tokenizer = None,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Whether it tells twins apart that differ in order or attribute: text, audio, group score."""

    def measure(embedder: Embedder, pace: Pace) -> Iterator[Evaluation]:
        from earshot.jobs.twins import evaluate_twins

        yield evaluate_twins(data, audio, model=embedder, pace=pace)

    evaluate_models(model, device, precision, tokenizer, measure, out=out, as_json=as_json)


def zste(
    data: Annotated[Path, typer.Option(help="A manifest, or a folder with labels as subfolders.")],
    pairs: Annotated[int, typer.Option(min=1, help="Of clips of two labels.")] = 200,
    event: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", help="Of each clip; half the model's window if left out."),
    ] = None,
    seed: Seed = 0,
    split: Annotated[str | None, typer.Option(help="Only the clips of this split.")] = None,
    model: Models = None,
    device: Device = "cpu",
    precision: Precision = None,
    tokenizer: Tokenizer = None,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Whether it hears two sounds, and which came first: pairs are made of labelled clips."""

    def measure(embedder: Embedder, pace: Pace) -> Iterator[Evaluation]:
        from earshot.jobs.zste import evaluate_zste

        yield evaluate_zste(
            data, model=embedder, n=pairs, seed=seed, event_s=event, split=split, pace=pace
        )

    evaluate_models(model, device, precision, tokenizer, measure, out=out, as_json=as_json)


def suite(
    data: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[DATA]...", help="Manifests or folders, in place of made clips."),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="A quarter of the clips.")] = False,
    clip: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS", help="Of scenes and twins; 4, or the model's window if shorter."
        ),
    ] = None,
    seed: Seed = 0,
    model: Models = None,
    device: Device = "cpu",
    precision: Precision = None,
    tokenizer: Tokenizer = None,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Naming, retrieval, twins and order in one table: on procedural clips, without a download."""

    def measure(embedder: Embedder, pace: Pace) -> Iterator[Evaluation]:
        from earshot.jobs.suite import suite_tasks

        tasks = suite_tasks(embedder, data or (), quick=quick, clip_s=clip, seed=seed, pace=pace)
        for _, result in tasks:
            yield result

    evaluate_models(model, device, precision, tokenizer, measure, out=out, as_json=as_json)
