"""`earshot evaluate caption`: figures of written captions against references."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from earshot.cli import console
from earshot.cli.evaluation_output import AsJson, Out, show_differences, show_evaluation
from earshot.cli.model_options import Device
from earshot.core.errors import EarShotError

if TYPE_CHECKING:
    from earshot.jobs.evaluate import Evaluation


class Tokens(StrEnum):
    """Who cuts captions into words."""

    AUTO = "auto"
    PYTHON = "python"
    JAVA = "java"


def register(group: typer.Typer) -> None:
    """Add the command to `earshot evaluate`."""
    group.command("caption")(caption)


def caption(
    candidates: Annotated[
        list[Path],
        typer.Argument(
            metavar="CAPTIONS...",
            help="Tables that models wrote (earshot caption --out), or text files with a caption a "
            "line. Each is held against the first.",
        ),
    ],
    references: Annotated[
        Path,
        typer.Option(
            "--references",
            help="A table with one reference or more a clip: AudioCaps' or Clotho's, a manifest.",
        ),
    ],
    measures: Annotated[
        str,
        typer.Option(
            "--metrics",
            metavar="SET|A,B,C",
            help="basic, dcase2020, dcase2023, dcase2024, all, or names of metrics.",
        ),
    ] = "basic",
    tokens: Annotated[
        Tokens, typer.Option("--tokenizer", help="auto: Java's where it is at hand.")
    ] = Tokens.AUTO,
    files: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Jars and models; also EARSHOT_CAPTION_METRICS."),
    ] = None,
    sentence_encoder: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="For sbert_sim, in sentence-transformers' format."),
    ] = None,
    clips: Annotated[
        Path | None, typer.Option(metavar="FILE.jsonl", help="Also write each clip's figures.")
    ] = None,
    device: Device = "cpu",
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """How close captions come to references: BLEU, ROUGE-L, CIDEr-D, METEOR, SPICE, FENSE.

    Clips are matched by name (id, file_name, path, youtube_id), or by order where a file has no
    names. A metric whose program or model is missing is listed with the reason, never replaced.
    """
    from earshot.jobs.evaluation.captions import caption_parts, evaluate_captions
    from earshot.jobs.evaluation.folder import write_results

    if clips is not None and clips.suffix != ".jsonl":
        raise EarShotError(
            got=f"--clips {clips}", expected="a name that ends in .jsonl", mend="Rename it."
        )
    asked = measures.split(",") if "," in measures else measures
    parts = caption_parts(files, tokenizer=tokens.value, encoder=sentence_encoder, device=device)
    results: list[Evaluation] = []
    rows: list[dict[str, object]] = []
    for path in candidates:
        result = evaluate_captions(path, references, measures=asked, parts=parts)
        rows += [{"candidates": str(path), **row} for row in result.details.pop("clips")]
        results.append(result)
        if as_json:
            console.json_line(result.to_row())
        else:
            show_evaluation(result)
            _show_terms(result)
        if out is not None:
            write_results(out, results)
    show_differences(results, as_json=as_json)
    if clips is not None:
        _write_clips(clips, rows)
    if out is not None:
        console.note(f"Written to {out}.")


def _show_terms(result: Evaluation) -> None:
    """What the figures hang on, and those that could not be had."""
    details = result.details
    fewest, most = details["references_per_clip"]
    per_clip = f"{fewest}" if fewest == most else f"{fewest} to {most}"
    terms = f"references a clip: {per_clip}; words by {details['tokenizer']}"
    print(f"  {terms}; sounds {details['events']}")
    for name, reason in details["unavailable"].items():
        print(console.printable(f"  {name:<28} unavailable: {reason}"))


def _write_clips(path: Path, rows: list[dict[str, object]]) -> None:
    from earshot.core.files import write_text

    write_text(path, "".join(json.dumps(row) + "\n" for row in rows))
    console.note(f"Figures of {len(rows)} clips written to {path}.")
