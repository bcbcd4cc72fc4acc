"""`earshot index`: make a folder of sounds searchable."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from earshot.cli import console
from earshot.cli.failures import end_with, progress
from earshot.cli.running import EngineName, Fast, RayAddress, engine_to_run, load_to_run


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(index)


def index(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of sounds.")],
    model: Annotated[
        str, typer.Option(help="A shipped name, a run folder, a CLAP folder or hub name, a file.")
    ] = "earshot-small",
    fast: Fast = False,
    engine: EngineName = "local",
    ray_address: RayAddress = None,
    index: Annotated[
        str | None,
        typer.Option(metavar="PATH", help="Its place; DIR/.earshot if left out."),
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="A manifest whose labels and captions can be searched, too.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Index a folder of sounds, or bring its index up to date.

    Takes in what is new or changed, forgets what is gone, leaves the rest alone. Files that fail
    are listed at the end, with exit status 2; the next run tries them again.
    """
    from earshot.jobs.indexing import index as run

    with progress("file") as bar:

        def on_file(n_done: int, n_todo: int) -> None:
            bar.total = n_todo
            bar.update(n_done - bar.n)

        report = run(
            folder,
            model=load_to_run(model, fast),
            index=index,
            data=data,
            on_file=on_file,
            engine=engine_to_run(engine, ray_address),
        )
    counts = {
        "added": report.added,
        "changed": report.changed,
        "reused": report.reused,
        "unchanged": report.unchanged,
        "removed": report.removed,
        "failed": len(report.failures),
    }
    if report.pace.n_files:
        console.note(str(report.pace))
    if as_json:
        console.json_line({"index": report.index, **counts, **report.stats})
    else:
        print(", ".join(f"{n} {what}" for what, n in counts.items()))
        files, windows = report.stats["files"], report.stats["windows"]
        print(console.one_line(f"{report.index}: {files} files, {windows} windows"))
    end_with(report.failures, as_json=as_json)
