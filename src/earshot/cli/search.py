"""`earshot search`: find sounds by words."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from earshot.cli.hits import show_hits
from earshot.cli.model_options import Device, IndexModel, Precision, Tokenizer, model_options


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(search)


def search(
    words: Annotated[
        str, typer.Argument(metavar="WORDS", help='What it sounds like: "a dog barking".')
    ],
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
    where: Annotated[
        str | None,
        typer.Option(help="A condition: \"duration > 3 AND path LIKE '%.flac'\"."),
    ] = None,
    tag: Annotated[str | None, typer.Option(help="Only sounds that carry this tag.")] = None,
    subfolder: Annotated[
        str | None, typer.Option("--folder", help="Only sounds in this folder of the index.")
    ] = None,
    no_words: Annotated[
        bool, typer.Option("--no-words", help="By sound alone: names, tags and captions count not.")
    ] = False,
    every_window: Annotated[
        bool, typer.Option("--every-window", help="Several places of one sound may be hits.")
    ] = False,
    liked: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="A sound like what is meant; may be repeated."),
    ] = None,
    disliked: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="A sound unlike what is meant; may be repeated."),
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say which part came from sound, which from words.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a hit.")] = False,
) -> None:
    """Find sounds by words, and where in the file.

    Best first. The score is the cosine of sound and words. z says how many spreads it lies above
    the middle of your own index; when nothing stands out, a note says so.
    """
    from earshot.jobs.search import search as run

    found = run(
        words,
        folder,
        index=index,
        model=model,
        k=k,
        where=where,
        tag=tag,
        subfolder=subfolder,
        use_words=not no_words,
        every_window=every_window,
        liked=liked or (),
        disliked=disliked or (),
        options=model_options(device, precision, tokenizer),
    )
    show_hits(found, as_json=as_json, explain=explain)
