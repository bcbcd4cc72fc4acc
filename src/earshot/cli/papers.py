"""earshot papers: the papers that have a recipe."""

from __future__ import annotations

import dataclasses
from typing import Annotated

import typer

from earshot.cli import console


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command()(papers)


def papers(
    family: Annotated[str | None, typer.Option(help="Only this family, such as alignment.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a paper.")] = False,
) -> None:
    """List the papers that EarShot implements, with what each claims."""
    from earshot.core.errors import unknown_name
    from earshot.core.paper import FAMILIES
    from earshot.recipes import keys, paper_of

    if family is not None and family not in FAMILIES:
        raise unknown_name("family", family, FAMILIES)
    found = [paper_of(key) for key in keys()]
    found = [paper for paper in found if family in (None, paper.family)]
    if as_json:
        for paper in found:
            console.json_line(dataclasses.asdict(paper))
        return
    if not found:
        console.note("No recipe of that family." if family else "No recipe.")
    for paper in sorted(found, key=lambda paper: (FAMILIES.index(paper.family), paper.key)):
        sources = ", ".join(f"arXiv:{number}" for number in paper.arxiv)
        print(f"{paper.key}  ({paper.family}, {paper.year})\n    {paper.title}, {sources}")
        for name, sentence in paper.claims.items():
            print(f"    {name}: {sentence}")
