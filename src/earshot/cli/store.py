"""`earshot store`: what an index holds, and carrying it to another machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from earshot.cli import console

Dir = Annotated[
    Path | None,
    typer.Option("--dir", help="The indexed folder; this one or one above it if left out."),
]
Index = Annotated[str | None, typer.Option("--index", metavar="PATH", help="The index itself.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object a model.")]


def register(app: typer.Typer) -> None:
    """Add the group."""
    store = typer.Typer(
        help="Say what an index holds; carry it to another machine.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    store.command("stats")(stats)
    store.command("export")(export)
    store.command("import")(import_)
    app.add_typer(store, name="store")


def stats(folder: Dir = None, index: Index = None, as_json: Json = False) -> None:
    """Say what an index holds: files, windows, size, and when it last changed, for each model."""
    from earshot.jobs.carrying import index_stats

    for row in index_stats(folder, index=index):
        _show(row, as_json)


def export(
    out: Annotated[Path, typer.Argument(metavar="OUT.parquet", help="The file to write.")],
    folder: Dir = None,
    index: Index = None,
    model: Annotated[
        str | None, typer.Option(help="Which of several models: its name or fingerprint.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Write an index to one Parquet file: vectors, what is known of the sounds, settings.

    The file can be searched wherever it is imported, and read by anything that reads Parquet.
    """
    from earshot.jobs.carrying import export_index

    row = export_index(out, folder, index=index, model=model)
    if as_json:
        console.json_line(row)
    else:
        print(console.printable(f"{row['files']} files, {row['windows']} windows in {out}"))


def import_(
    source: Annotated[Path, typer.Argument(metavar="IN.parquet", help="An exported index.")],
    root: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="The sounds on this machine; as they were if left out."),
    ] = None,
    index: Annotated[
        str | None,
        typer.Option("--index", metavar="PATH", help="Its place; DIR/.earshot if left out."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Make an index of an exported one, searchable at once, in one commit.

    Nothing is embedded again. The sounds need not be on this machine: give --index alone.
    """
    from earshot.jobs.carrying import import_index

    _show(import_index(source, root=root, index=index), as_json)


def _show(row: dict[str, Any], as_json: bool) -> None:
    if as_json:
        console.json_line(row)
        return
    kind = "exact" if row["exact"] else "approximate"
    lines = (
        f"{row['model']} ({row['fingerprint']}) in {row['index']}",
        f"  {row['files']} files, {row['windows']} windows of sounds in {row['root']}",
        f"  {row['megabytes']} MB, {row['fragments']} fragments, {kind} search, "
        f"last change {row['last_change']}",
    )
    print(console.printable("\n".join(lines)))
