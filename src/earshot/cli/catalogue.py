"""earshot catalogue: what the field has, in one taxonomy, and where EarShot stands in it."""

from __future__ import annotations

from typing import Annotated

import typer

from earshot.cli import console


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command()(catalogue)


def catalogue(
    kind: Annotated[
        str | None,
        typer.Argument(help="models, objectives, tasks, datasets or benchmarks; all if left out."),
    ] = None,
    task: Annotated[str | None, typer.Option(help="Only what serves this task.")] = None,
    family: Annotated[
        str | None, typer.Option(help="Only this family, such as alignment or contrastive.")
    ] = None,
    architecture: Annotated[
        str | None, typer.Option(help="Only this architecture, such as 'two towers'.")
    ] = None,
    stage: Annotated[
        str | None, typer.Option(help="Only this stage: P1, P2, T1, T2, T3, data or eval.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object an entry.")] = False,
) -> None:
    """Show the field's models, objectives, tasks, data sets and benchmarks, and what is here.

    With a kind or a filter every cell is shown, else one line an entry.
    """
    from earshot.catalogue import KINDS, stands, status_of
    from earshot.catalogue import catalogue as read
    from earshot.catalogue.lines import full_lines, short_lines
    from earshot.core.errors import unknown_name

    if kind is not None and kind not in KINDS:
        raise unknown_name("part of the catalogue", kind, KINDS)
    entries = read().select(
        KINDS if kind is None else (kind,),
        task=task,
        family=family,
        architecture=architecture,
        stage=stage,
    )
    if as_json:
        for entry in entries:
            console.json_line({**entry.cells, "here": stands(entry), "status": status_of(entry)})
        return
    if not entries:
        console.note("No entry has all of these.")
    elif kind is None and (task, family, architecture, stage) == (None,) * 4:
        print("\n".join(short_lines(entries)))
    else:
        for entry in entries:
            print("\n".join(full_lines(entry)))
