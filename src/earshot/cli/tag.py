"""`earshot tag`: name sounds."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from earshot.cli import console
from earshot.cli.failures import end_with, failure_row, progress
from earshot.cli.labels import read_labels
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
    prompts: Annotated[
        str,
        typer.Option(
            metavar="plain|descriptive|PATH", help="By name, by what labels sound like, a bank."
        ),
    ] = "plain",
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

    The labels that fit best come with their probability among the labels given. Files that fail
    are listed at the end, with exit status 2. With --out a run that was killed is taken up again.
    """
    from earshot.jobs.each_file import Failure, Pace
    from earshot.jobs.judging import make_judge
    from earshot.jobs.prompts import BankPrompts, check_labels, find_prompts
    from earshot.jobs.row_file import RowFile
    from earshot.jobs.tag import tag_each, vocabulary

    names = read_labels(labels, labels_file)
    if names is None and examples is None:
        names = list(vocabulary())
    if names is not None:
        check_labels(names)  # before the model is loaded
    said = prompt or find_prompts(prompts)
    if prompt and prompts != "plain":
        raise EarShotError(
            got="both --prompt and --prompts", expected="one of them", mend="Drop one."
        )
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
    failures = list(judge.failures)
    if as_json:
        for failure in failures:
            failure_row(failure)
    with ExitStack() as held:
        file = None
        if out is not None:
            file = held.enter_context(RowFile(out, judge.fingerprint(embedder.fingerprint)))
        skip = file.has if file is not None else _none
        answers = tag_each(files, judge, embedder, skip=skip, pace=pace, engine=run_on)
        bar = held.enter_context(progress("file"))
        for answer in answers:
            bar.update()
            if isinstance(answer, Failure):
                failures.append(answer)
                if as_json:
                    failure_row(answer)
                continue
            if file is not None:
                file.write(answer.path, tag_row(answer))
            if as_json:
                console.json_line(tag_row(answer))
            elif file is None:
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


def _none(path: Path | str) -> bool:
    """Skips no sound."""
    return False


def _best(answer: Tagged, top: int) -> str:
    if answer.label is None:
        return "nothing stands out"
    given = [each for each in answer.labels if each.label == answer.label]
    best, *others = (given + [each for each in answer.labels if each.label != answer.label])[:top]
    shown = [best, *(each for each in others if each.score > SHOWN_SHARE)]
    return ", ".join(f"{each.label} {each.score:.2f}" for each in shown)
