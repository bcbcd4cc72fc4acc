"""`earshot embed`: sounds to vectors."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from earshot.cli import console
from earshot.cli.failures import end_with, failure_row, progress
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


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(embed)


def embed(
    files: Annotated[list[str], typer.Argument(metavar="FILES", help="Sounds, folders or URLs.")],
    out: Annotated[Path | None, typer.Option(help="Write vectors.npz or vectors.parquet.")] = None,
    per_window: Annotated[
        bool, typer.Option("--per-window", help="A vector a window, not a vector a sound.")
    ] = False,
    frames: Annotated[
        bool, typer.Option("--frames", help="States of the encoder over time, not unit vectors.")
    ] = False,
    layer: Annotated[
        int, typer.Option(help="Of --frames: 0 is the first layer, -1 the last.")
    ] = -1,
    model: Model = "earshot-small",
    device: Device = "cpu",
    precision: Precision = None,
    fast: Fast = False,
    tokenizer: Tokenizer = None,
    engine: EngineName = "local",
    ray_address: RayAddress = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a vector.")] = False,
) -> None:
    """Turn sounds into unit vectors, or with --frames into what a layer says over time.

    The same sound gives the same vector, always. Run it again with the same --out, also after it
    was killed: what is there is kept, what is missing or changed is added. Files that fail are
    listed at the end, with exit status 2.
    """
    from earshot.jobs.each_file import Failure, Pace
    from earshot.jobs.embed import embed_files
    from earshot.jobs.vector_file import VectorFile, check_out
    from earshot.models.frame_reader import FrameReader

    if out is not None:
        check_out(out)
    elif not as_json:
        raise EarShotError(
            got="neither --out nor --json",
            expected="somewhere to put the vectors",
            mend="Add --out vectors.npz.",
        )
    if frames and (per_window or engine != "local"):
        raise EarShotError(
            got="--frames with --per-window or another engine",
            expected="--frames alone, in this process",
            mend="Leave the others out.",
        )
    run_on = engine_to_run(engine, ray_address)
    embedder, pace = load_model(model, device, precision, tokenizer, fast=fast), Pace()
    source = FrameReader(embedder, layer) if frames else embedder
    file = None if out is None else VectorFile(out, source, per_window=per_window or frames)
    failures: list[Failure] = []
    skipped = 0

    def skip(path: Path | str) -> bool:
        nonlocal skipped
        there = file is not None and file.has(path)
        skipped += there
        return there

    answers = embed_files(
        files,
        model=embedder,
        per_window=per_window,
        layer=layer if frames else None,
        skip=skip,
        pace=pace,
        engine=run_on,
    )
    with progress("vector") as bar, ExitStack() as interrupted:
        if file is not None:
            interrupted.callback(file.keep, without_last=True)
        for answer in answers:
            bar.update()
            if isinstance(answer, Failure):
                failures.append(answer)
                if as_json:
                    failure_row(answer)
                continue
            if file is not None:
                file.add(answer)
            if as_json:
                row = {"path": str(answer.path), "start_s": answer.start_s, "end_s": answer.end_s}
                console.json_line({**row, "embedding": answer.vector.tolist()})
        interrupted.pop_all()
    console.note(str(pace))
    if file is not None:
        n_rows = file.finish()
        before = f", {skipped} files were there before" if skipped else ""
        console.note(f"{n_rows} vectors of {source.dim} numbers in {out}{before}")
    end_with(failures, as_json=as_json, rows_written=True)
