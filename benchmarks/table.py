"""A table of arms that is measured here: run, kept in results/, written into a page of docs/."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "src"))

from earshot.core.files import write_text  # noqa: E402
from earshot.training.bench import run_experiment  # noqa: E402
from earshot.training.experiment import Experiment  # noqa: E402
from earshot.training.forest_plot import forest_plot  # noqa: E402
from earshot.training.results_page import arms_table, comparisons_table, cost  # noqa: E402


def options(about: str | None, seeds: int) -> argparse.ArgumentParser:
    """What every such program takes."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--seeds", type=int, default=seeds)
    parser.add_argument("--cores", type=int, default=1, help="arms at a time, a thread each")
    parser.add_argument("--page-only", action="store_true", help="from the results there are")
    return parser


def make(name: str, experiment: Callable[[], Experiment], asked: argparse.Namespace) -> None:
    """Measure what `experiment` gives into results/NAME.json; write docs/NAME.md and its picture.

    Every arm under every seed is kept in runs/NAME-table when it is done: an interrupted run is
    taken up again.
    """
    path = ROOT / "results" / f"{name}.json"
    if not asked.page_only:
        result = run_experiment(
            experiment(),
            seeds=range(asked.seeds),
            work=ROOT / "runs" / f"{name}-table",
            workers=asked.cores,
            note=lambda sentence: print(sentence, flush=True),
        )
        write_text(path, json.dumps({"kind": name, **result}, indent=2) + "\n")
    write_page(ROOT / "docs", name, json.loads(path.read_text("utf-8")))


def write_page(docs: Path, name: str, result: dict[str, Any]) -> None:
    """The tables between the marks of the page, and the picture."""
    begin, end = (f"<!-- written by make {name}: {word} -->" for word in ("begin", "end"))
    page = docs / f"{name}.md"
    before, rest = page.read_text("utf-8").split(begin)
    after = rest.split(end)[1]
    write_text(page, f"{before}{begin}\n{tables(result)}\n{end}{after}")
    write_text(docs / "images" / f"{name}.svg", forest_plot(result))


def tables(result: dict[str, Any]) -> str:
    """Arms, comparisons and cost as Markdown."""
    return "\n".join([*arms_table(result), "", *comparisons_table(result), "", cost(result)])
