"""`earshot embed`: sounds to vectors."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from earshot.cli import console
from earshot.cli.failures import end_with, failure_row, progress
from earshot.cli.running import EngineName, Fast, RayAddress, engine_to_run, load_to_run
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
    model: Annotated[
        str, typer.Option(help="A shipped name, a run folder, a CLAP folder or hub name, a file.")
    ] = "earshot-small",
    fast: Fast = False,
    engine: EngineName = "local",
    ray_address: RayAddress = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a vector.")] = False,
) -> None:
    """Turn sounds into unit vectors.

    The same sound gives the same vector, always. Files that fail are listed at the end, with exit
    status 2.
    """
    from earshot.jobs.each_file import Failure, Pace
    from earshot.jobs.embed import check_out, embed_files, save_embeddings

    if out is not None:
        check_out(out)
    elif not as_json:
        raise EarShotError(
            got="neither --out nor --json",
            expected="somewhere to put the vectors",
            mend="Add --out vectors.npz.",
        )
    embedder, pace = load_to_run(model, fast), Pace()
    run_on = engine_to_run(engine, ray_address)
    embeddings, failures = [], []
    with progress("vector") as bar:
        for answer in embed_files(
            files, model=embedder, per_window=per_window, pace=pace, engine=run_on
        ):
            bar.update()
            if isinstance(answer, Failure):
                failures.append(answer)
                if as_json:
                    failure_row(answer)
                continue
            if out is not None:
                embeddings.append(answer)
            if as_json:
                row = {"path": str(answer.path), "start_s": answer.start_s, "end_s": answer.end_s}
                console.json_line({**row, "embedding": answer.vector.tolist()})
    console.note(str(pace))
    if out is not None:
        save_embeddings(out, embeddings, embedder)
        console.note(f"{len(embeddings)} vectors of {embedder.dim} numbers in {out}")
    end_with(failures, as_json=as_json, rows_written=True)
