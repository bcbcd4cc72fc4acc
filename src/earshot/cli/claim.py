"""earshot claim: measure what a paper claims."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from earshot.cli import console


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command()(claim)


def claim(
    recipe: Annotated[
        str | None, typer.Argument(metavar="KEY", help="`earshot papers` lists them.")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="How many; 3 at least to say anything.")] = 3,
    workers: Annotated[int, typer.Option(min=1, help="Arms trained at a time.")] = 1,
    out: Annotated[Path, typer.Option(help="Where KEY.json goes.")] = Path("results"),
    work: Annotated[Path, typer.Option(help="Where arms train; what is done is kept.")] = Path(
        "runs/claims"
    ),
    docs: Annotated[
        Path | None, typer.Option(help="Also write results.md and papers/KEY.svg in this folder.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Comparisons as JSON Lines.")] = False,
) -> None:
    """Train baseline, method and control under the same data, budget and seeds, and compare.

    A killed claim goes on where it was when started again. Without KEY, --docs writes the page
    from the results there are.
    """
    from earshot.core.errors import EarShotError
    from earshot.core.files import write_text
    from earshot.recipes import find_recipe
    from earshot.training.results_page import comparison_line, write_pages

    if recipe is None and docs is None:
        raise EarShotError(
            got="neither KEY nor --docs",
            expected="a recipe to measure, or a folder for the page",
            mend="Write it as `earshot claim clap`.",
        )
    if recipe is not None:
        from earshot.training.bench import run_experiment

        result = run_experiment(
            find_recipe(recipe).claim(),
            seeds=range(seeds),
            work=work / recipe,
            workers=workers,
            note=console.note,
        )
        write_text(out / f"{recipe}.json", json.dumps(result, indent=2) + "\n")
        for comparison in result["comparisons"]:
            if as_json:
                console.json_line({"recipe": recipe, **comparison})
            else:
                print(comparison_line(comparison))
        console.note(f"Written to {out / f'{recipe}.json'}.")
    if docs is not None:
        for path in write_pages(out, docs):
            console.note(f"Written to {path}.")
