"""earshot claim: measure what papers claim."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from earshot.cli import console
from earshot.cli.failures import EXIT_SOME_FAILED
from earshot.core.errors import EarShotError, unknown_name

LEAST_SEEDS = 3


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command()(claim)


def claim(
    recipe: Annotated[
        str | None, typer.Argument(metavar="KEY", help="`earshot papers` lists them.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Every recipe.")] = False,
    changed: Annotated[
        bool, typer.Option("--changed", help="Recipes whose code or config is not the result's.")
    ] = False,
    seeds: Annotated[
        int | None,
        typer.Option(min=1, help="How many; as many as the result has, or 3, if left out."),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="ARM", help="Train this arm alone for now; may be repeated."),
    ] = None,
    cores: Annotated[
        int, typer.Option("--cores", "--workers", min=1, help="Arms at a time, a thread each.")
    ] = 1,
    interval: Annotated[
        str, typer.Option(metavar="t|bootstrap", help="Of the paired differences over seeds.")
    ] = "t",
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

    A killed claim goes on where it was when started again. With --only the result is written once
    all arms are there. Without KEY, --docs writes the page from the results there are.
    """
    from earshot.training.intervals import INTERVALS

    if interval not in INTERVALS:
        raise unknown_name("interval", interval, INTERVALS)
    keys = _keys(recipe, every, changed, docs)
    options: dict[str, Any] = {"only": only or (), "workers": cores}
    failed = []
    for key in keys:
        try:
            _claim(key, changed, seeds, interval, out, work / key, as_json, options)
        except EarShotError as fault:
            if len(keys) == 1:
                raise
            console.note(f"failed: {key}: {fault}")
            failed.append(key)
    if docs is not None:
        _write_docs(out, docs)
    if failed:
        console.note(f"{len(failed)} failed: {', '.join(failed)}; the others are done.")
        raise typer.Exit(EXIT_SOME_FAILED)


def _keys(recipe: str | None, every: bool, changed: bool, docs: Path | None) -> list[str]:
    """The recipes that are asked for."""
    from earshot.recipes import keys

    if recipe is not None and every:
        raise EarShotError(
            got=f"both {recipe} and --all", expected="one of them", mend="Leave one out."
        )
    if recipe is not None:
        return [recipe]
    if every or changed:
        return keys()
    if docs is None:
        raise EarShotError(
            got="none of KEY, --all, --changed and --docs",
            expected="recipes to measure, or a folder for the page",
            mend="Write it as `earshot claim clap`.",
        )
    return []


def _claim(
    key: str,
    changed: bool,
    seeds: int | None,
    interval: Any,
    out: Path,
    work: Path,
    as_json: bool,
    options: dict[str, Any],
) -> None:
    """One recipe's claim: trained, compared, written and shown."""
    from earshot.core.files import write_text
    from earshot.recipes import find_recipe
    from earshot.training.bench import measure_arms, missing_arms, summarise
    from earshot.training.results_page import comparison_line
    from earshot.training.staleness import check_arms_kept, read_result, why_stale

    experiment, path = find_recipe(key).claim(), out / f"{key}.json"
    before = read_result(path)
    reason = why_stale(before, experiment)
    if changed and reason is None:
        console.note(f"{key}: nothing changed.")
        return
    console.note(f"{key}: measured anew, {reason}." if changed else f"{key}:")
    check_arms_kept(before, experiment, path)
    numbers = range(seeds or (len(before["seeds"]) if before else LEAST_SEEDS))
    trials = measure_arms(experiment, seeds=numbers, work=work, note=console.note, **options)
    missing = missing_arms(experiment, trials, numbers)
    if missing:
        console.note(f"Still to be measured, so no result yet: {', '.join(missing)}.")
        return
    result = summarise(experiment, trials, numbers, interval)
    write_text(path, json.dumps(result, indent=2) + "\n")
    for comparison in result["comparisons"]:
        if as_json:
            console.json_line({"recipe": key, **comparison})
        else:
            print(comparison_line(comparison))
    console.note(f"Written to {path}.")


def _write_docs(out: Path, docs: Path) -> None:
    """The page and its pictures from all results there are."""
    from earshot.recipes import keys, paper_of
    from earshot.training.results_page import write_pages

    for path in write_pages(out, docs, {key: paper_of(key).claims for key in keys()}):
        console.note(f"Written to {path}.")
