"""`earshot tag`: name sounds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from earshot.cli import console
from earshot.cli.answers import give_answers
from earshot.cli.labels import Prompt, Prompts, read_labels, read_prompts
from earshot.cli.model_options import (
    Device,
    EngineName,
    Fast,
    Model,
    Precision,
    RayAddress,
    Tokenizer,
    engine_to_run,
    load_model,
)
from earshot.core.errors import EarShotError

if TYPE_CHECKING:
    from earshot.jobs.tag import Tagged
    from earshot.models.embedder import Embedder

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
    prompt: Prompt = None,
    prompts: Prompts = "plain",
    examples: Annotated[
        Path | None,
        typer.Option(metavar="CSV", help="A few labelled sounds (path, label) to sharpen by."),
    ] = None,
    index: Annotated[
        str | None,
        typer.Option(metavar="PATH", help="An index of your sounds, to say what stands out."),
    ] = None,
    abstain: Annotated[
        bool, typer.Option("--abstain", help="No label where none stands out of your sounds.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(metavar="TAGS.jsonl", help="Write JSON Lines; again adds what is missing."),
    ] = None,
    model: Model = "earshot-small",
    device: Device = "cpu",
    precision: Precision = None,
    fast: Fast = False,
    tokenizer: Tokenizer = None,
    engine: EngineName = "local",
    ray_address: RayAddress = None,
    top: Annotated[int, typer.Option("-k", "--top", min=1, help="Labels shown to people.")] = 3,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object a file, with all labels.")
    ] = False,
) -> None:
    """Say what sounds are, by any labels.

    The labels that fit best come with their probability among the labels given; a model that was
    taught labels (earshot run panns) names those, each with a probability of its own. Files that
    fail are listed at the end, with exit status 2. With --out a run that was killed is taken up
    again.
    """
    from earshot.jobs.each_file import Pace
    from earshot.jobs.head_tags import own_labels
    from earshot.jobs.judging import make_judge
    from earshot.jobs.prompts import BankPrompts, check_labels
    from earshot.jobs.tag import tag_each, vocabulary

    if known := own_labels(model):
        given = {
            "--labels": labels,
            "--labels-file": labels_file,
            "--prompt": prompt,
            "--examples": examples,
            "--index": index,
            "--abstain": abstain or None,
        }
        _refuse([name for name, value in given.items() if value is not None], model)
        embedder = load_model(model, device, precision, tokenizer, fast=fast)
        _tag_by_head(files, embedder, known, out=out, top=top, as_json=as_json)
        return
    names = read_labels(labels, labels_file)
    if names is None and examples is None:
        names = list(vocabulary())
    if names is not None:
        check_labels(names)  # before the model is loaded
    said = read_prompts(prompt, prompts)
    if isinstance(said, BankPrompts) and names is not None and (lacking := said.missing(names)):
        said.of(lacking[0])  # raises where plain ones may not stand in
        console.note(f"Said plainly, for want of a description: {', '.join(lacking)}")
    run_on = engine_to_run(engine, ray_address)
    embedder, pace = load_model(model, device, precision, tokenizer, fast=fast), Pace()
    judge = make_judge(
        files, names, embedder, prompts=said, index=index, abstain=abstain, examples=examples
    )
    if judge.sharpened is not None:
        console.note(str(judge.sharpened))
    give_answers(
        lambda skip: tag_each(files, judge, embedder, skip=skip, pace=pace, engine=run_on),
        row=tag_row,
        line=lambda answer: f"{answer.path}: {_best(answer, top)}",
        out=out,
        settings=judge.fingerprint(embedder.fingerprint),
        as_json=as_json,
        pace=pace,
        failed_before=judge.failures,
    )


def _tag_by_head(
    files: list[str],
    embedder: Embedder,
    known: tuple[str, ...],
    *,
    out: Path | None,
    top: int,
    as_json: bool,
) -> None:
    """The labels that the model was taught, by its own head."""
    from earshot.jobs.each_file import Pace
    from earshot.jobs.head_tags import head_tags, settings_of

    pace = Pace()
    give_answers(
        lambda skip: head_tags(files, embedder, known, skip=skip, pace=pace),
        row=lambda answer: {
            "path": str(answer.path),
            "labels": [{"label": label, "score": score} for label, score in answer.labels],
            "duration_s": answer.duration_s,
        },
        line=lambda answer: (
            f"{answer.path}: "
            + ", ".join(f"{label} {score:.2f}" for label, score in answer.labels[:top])
        ),
        out=out,
        settings=settings_of(embedder, known),
        as_json=as_json,
        pace=pace,
    )


def _refuse(options: list[str], model: str | Path) -> None:
    """Say that a model with labels of its own takes no others."""
    if options:
        raise EarShotError(
            got=f"{options[0]} with {model}, which names the labels that it was taught",
            expected="no labels, prompts or examples of yours",
            mend="Leave them out, or take a model that knows words, such as earshot-small.",
        )


def tag_row(answer: Tagged) -> dict[str, object]:
    """The JSON object of a file."""
    return {
        "path": str(answer.path),
        "label": answer.label,
        "score": answer.score,
        "labels": [
            {
                "label": each.label,
                "score": each.score,
                "cosine": each.cosine,
                "z": each.z,
                "false_alarm": each.false_alarm,
            }
            for each in answer.labels
        ],
        "duration_s": answer.duration_s,
    }


def _best(answer: Tagged, top: int) -> str:
    if answer.label is None:
        return "nothing stands out"
    given = [each for each in answer.labels if each.label == answer.label]
    best, *others = (given + [each for each in answer.labels if each.label != answer.label])[:top]
    shown = [best, *(each for each in others if each.score > SHOWN_SHARE)]
    return ", ".join(f"{each.label} {each.score:.2f}" for each in shown)
