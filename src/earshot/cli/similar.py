"""`earshot similar`: find sounds by a sound."""

from __future__ import annotations

from typing import Annotated

import typer

from earshot.cli.hits import show_hits
from earshot.cli.model_options import Device, IndexModel, Precision, Tokenizer, model_options


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(similar)


def similar(
    sound: Annotated[str, typer.Argument(metavar="FILE", help="A sound, indexed or not.")],
    folder: Annotated[
        str | None,
        typer.Option("--dir", help="The indexed folder; this one or one above it if left out."),
    ] = None,
    index: Annotated[str | None, typer.Option(metavar="PATH", help="The index itself.")] = None,
    model: IndexModel = None,
    device: Device = "cpu",
    precision: Precision = None,
    tokenizer: Tokenizer = None,
    k: Annotated[int, typer.Option("-k", "--top", help="How many hits.")] = 10,
    where: Annotated[str | None, typer.Option(help='A condition, such as "duration > 3".')] = None,
    every_window: Annotated[
        bool, typer.Option("--every-window", help="Several places of one sound may be hits.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a hit.")] = False,
) -> None:
    """Find the sounds most like a sound, and where in the file.

    Best first. The sound need not be in the index; where it is, it is left out of the hits.
    """
    from earshot.jobs.search import similar as run

    found = run(
        sound,
        folder,
        index=index,
        model=model,
        k=k,
        where=where,
        every_window=every_window,
        options=model_options(device, precision, tokenizer),
    )
    show_hits(found, as_json=as_json, explain=False)
