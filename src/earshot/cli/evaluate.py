"""`earshot evaluate`: figures of a model on labelled or captioned sounds, one command a task."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from earshot.cli import evaluate_caption, evaluate_order
from earshot.cli.evaluation_output import AsJson, Measure, Models, Out, evaluate_models
from earshot.cli.labels import Prompt, Prompts, read_labels, read_prompts
from earshot.cli.layer_probes import Head, LayerProbes
from earshot.cli.model_options import Device, Precision, Tokenizer
from earshot.core.errors import EarShotError, unknown_name

if TYPE_CHECKING:
    from earshot.jobs.each_file import Pace
    from earshot.jobs.evaluate import Evaluation
    from earshot.models.embedder import Embedder

Data = Annotated[Path, typer.Option(help="A manifest, or a folder with labels as subfolders.")]
Labels = Annotated[
    str | None, typer.Option(metavar="A,B,C", help="To choose from; the data's if left out.")
]
LabelsFile = Annotated[Path | None, typer.Option(help="A text file, one label a line.")]
Split = Annotated[str | None, typer.Option(help="Only the clips of this split.")]
Seed = Annotated[int, typer.Option(min=0, help="Of what is drawn.")]


class Tasks(TyperGroup):
    """The tasks by name; for a typo the nearest is offered."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The task that the first word names."""
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            raise unknown_name("task", args[0], self.commands)
        return super().resolve_command(ctx, args)


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(
        cls=Tasks,
        help="Measure models on labelled or captioned sounds. Figures are shares from 0 to 1 with "
        "95 % intervals; several models are compared on the same clips. Rows that cannot be used "
        "and sounds that cannot be read are listed, with exit status 2.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    group.command("zero-shot")(zero_shot)
    group.command("retrieval")(retrieval)
    group.command("probe")(probe)
    group.command("few-shot")(few_shot)
    evaluate_order.register(group)
    evaluate_caption.register(group)
    app.add_typer(group, name="evaluate")


def zero_shot(
    data: Data,
    labels: Labels = None,
    labels_file: LabelsFile = None,
    prompt: Prompt = None,
    prompts: Prompts = "plain",
    split: Split = None,
    model: Models = None,
    device: Device = "cpu",
    precision: Precision = None,
    tokenizer: Tokenizer = None,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """How well a model names sounds by words alone: accuracy; mAP and AUC of several labels."""
    options: dict[str, Any] = {"split": split, "labels": read_labels(labels, labels_file)}
    options["prompts"] = read_prompts(prompt, prompts)
    measure = _Measured("zero-shot", data, options)
    evaluate_models(model, device, precision, tokenizer, measure, out=out, as_json=as_json)


def retrieval(
    data: Data,
    split: Split = None,
    model: Models = None,
    device: Device = "cpu",
    precision: Precision = None,
    tokenizer: Tokenizer = None,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """How well it finds sounds by their captions and captions by their sounds: R@k, mAP@10."""
    measure = _Measured("retrieval", data, {"split": split})
    evaluate_models(model, device, precision, tokenizer, measure, out=out, as_json=as_json)


def probe(
    data: Annotated[
        Path | None, typer.Option(help="A manifest, or a folder with labels as subfolders.")
    ] = None,
    task: Annotated[
        list[str] | None,
        typer.Option(
            help="In the place of --data: digits, speakers, languages, surroundings, instruments, "
            "phones, events, or all. May be repeated."
        ),
    ] = None,
    layers: Annotated[
        bool,
        typer.Option("--layers", help="Of --data too: all layers by learnt weights, as SUPERB."),
    ] = False,
    head: Annotated[Head, typer.Option(help="Of the layer probe.")] = Head.LINEAR,
    controls: Annotated[
        bool, typer.Option("--controls", help="Also untrained twins and shuffled labels.")
    ] = False,
    quick: Annotated[bool, typer.Option("--quick", help="A quarter of the clips.")] = False,
    folds: Annotated[
        int | None,
        typer.Option(min=2, help="Drawn; the data's own folds or splits if left out, else 5."),
    ] = None,
    seed: Seed = 0,
    split: Split = None,
    model: Models = None,
    device: Device = "cpu",
    precision: Precision = None,
    tokenizer: Tokenizer = None,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """How well logistic regression on its frozen vectors names sounds of other recordings.

    With --task or --layers a small head reads all layers of the frozen encoder instead.
    """
    if not (task or layers or controls):
        if data is None:
            raise EarShotError(
                got="neither --data nor --task",
                expected="something to be read out",
                mend="Add --data clips.csv, or --task all.",
            )
        measure: Measure = _Measured("probe", data, {"split": split, "folds": folds, "seed": seed})
    else:
        tasks = tuple(task or ())
        measure = LayerProbes(data, split, tasks, head.value, quick, folds, seed, controls)
    evaluate_models(model, device, precision, tokenizer, measure, out=out, as_json=as_json)


def few_shot(
    data: Data,
    examples: Annotated[
        list[int] | None,
        typer.Option(min=1, help="A label; may be repeated. 1, 2, 4, 8, 16 if left out."),
    ] = None,
    draws: Annotated[int, typer.Option(min=1, help="Of the examples.")] = 100,
    text_weight: Annotated[
        float, typer.Option(min=0, help="How many examples a label's words are worth.")
    ] = 1.0,
    prompt: Prompt = None,
    prompts: Prompts = "plain",
    seed: Seed = 0,
    split: Split = None,
    model: Models = None,
    device: Device = "cpu",
    precision: Precision = None,
    tokenizer: Tokenizer = None,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """How well the mean of a few examples a label names the others, with and without words."""
    options: dict[str, Any] = {"split": split, "examples": examples, "seed": seed}
    options |= {
        "draws": draws,
        "text_weight": text_weight,
        "prompts": read_prompts(prompt, prompts),
    }
    measure = _Measured("few-shot", data, options)
    evaluate_models(model, device, precision, tokenizer, measure, out=out, as_json=as_json)


class _Measured:
    """A task on some data, to be done with any model."""

    def __init__(self, task: str, data: Path, options: dict[str, Any]) -> None:
        self.task, self.data, self.options = task, data, options

    def __call__(self, embedder: Embedder, pace: Pace) -> Iterator[Evaluation]:
        from earshot.jobs.evaluate import evaluate

        yield evaluate(self.task, self.data, model=embedder, pace=pace, **self.options)  # type: ignore[arg-type]  # checked there
