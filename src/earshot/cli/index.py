"""`earshot index`: make a folder of sounds searchable."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from earshot.cli import console
from earshot.cli.failures import end_with, note_failures, progress
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
    from tqdm import tqdm

    from earshot.engines import Engine
    from earshot.jobs.indexing import IndexReport
    from earshot.models.embedder import Embedder


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(index)


def index(
    folder: Annotated[
        str, typer.Argument(metavar="DIR", help="The folder of sounds, or its URL (s3://...).")
    ],
    model: Model = "earshot-small",
    device: Device = "cpu",
    precision: Precision = None,
    fast: Fast = False,
    tokenizer: Tokenizer = None,
    engine: EngineName = "local",
    ray_address: RayAddress = None,
    index: Annotated[
        str | None,
        typer.Option(metavar="PATH", help="Its place, or URL; DIR/.earshot if left out."),
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="A manifest whose labels and captions can be searched, too.")
    ] = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Stay, and take in changes until told to stop.")
    ] = False,
    every: Annotated[
        float, typer.Option(metavar="SECONDS", help="With --watch: how often to look.")
    ] = 5.0,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a run.")] = False,
) -> None:
    """Index a folder of sounds, or bring its index up to date.

    Takes in what is new or changed, forgets what is gone, leaves the rest alone. Files that fail
    are listed at the end, with exit status 2; the next run tries them again.
    """
    from earshot.jobs.indexing import index as run

    run_on = engine_to_run(engine, ray_address)
    embedder = load_model(model, device, precision, tokenizer, fast=fast)
    if watch:
        _watch(folder, embedder, index, data, every, run_on, as_json)
        return
    with progress("file") as bar:
        report = run(
            folder,
            model=embedder,
            index=index,
            data=data,
            on_file=_shown_on(bar),
            engine=run_on,
        )
    _show(report, as_json)
    end_with(report.failures, as_json=as_json)


def _watch(
    folder: str,
    embedder: Embedder,
    index: str | None,
    data: Path | None,
    every: float,
    engine: Engine,
    as_json: bool,
) -> None:
    """Index and watch until Ctrl-C or SIGTERM; what was finished by then is kept."""
    from earshot.jobs.watching import watch

    stops = (signal.SIGINT, signal.SIGTERM)  # a shell's background jobs start with SIGINT ignored
    before = {each: signal.signal(each, signal.default_int_handler) for each in stops}
    try:
        with progress("file") as bar:
            rounds = watch(
                folder,
                every_s=every,
                model=embedder,
                index_at=index,
                data=data,
                on_file=_shown_on(bar),
                engine=engine,
            )
            for report in rounds:
                bar.reset()
                if isinstance(report, EarShotError):
                    console.error(str(report))
                    continue
                _show(report, as_json)
                note_failures(report.failures)
    except KeyboardInterrupt:
        console.note("Stopped; what was finished is kept.")
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _shown_on(bar: tqdm[None]) -> Callable[[int, int], None]:
    def on_file(n_done: int, n_todo: int) -> None:
        bar.total = n_todo
        bar.update(n_done - bar.n)

    return on_file


def _show(report: IndexReport, as_json: bool) -> None:
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
        return
    print(", ".join(f"{n} {what}" for what, n in counts.items()))
    files, windows = report.stats["files"], report.stats["windows"]
    print(console.one_line(f"{report.index}: {files} files, {windows} windows"), flush=True)
