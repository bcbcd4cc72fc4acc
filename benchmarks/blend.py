"""Measure what each alignment method adds to earshot-small: python benchmarks/blend.py.

Every arm under every seed is kept in runs/blend-table when it is done: an interrupted run is taken
up again. Written to results/blend.json, then into docs/blend.md and docs/images/blend.svg.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "src"))

from earshot.core.files import write_text  # noqa: E402
from earshot.jobs.blending import BlendArm, blend_table  # noqa: E402
from earshot.training.bench import run_experiment  # noqa: E402
from earshot.training.forest_plot import forest_plot  # noqa: E402
from earshot.training.results_page import arms_table, comparisons_table, cost  # noqa: E402

BEGIN, END = "<!-- written by make blend: begin -->", "<!-- written by make blend: end -->"


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--cores", type=int, default=1, help="arms at a time, a thread each")
    parser.add_argument("--steps", type=int, default=BlendArm(()).steps, help="of every arm")
    parser.add_argument("--page-only", action="store_true", help="from the results there are")
    options = parser.parse_args()
    path = ROOT / "results" / "blend.json"
    if not options.page_only:
        result = run_experiment(
            blend_table(BlendArm((), steps=options.steps)),
            seeds=range(options.seeds),
            work=ROOT / "runs" / "blend-table",
            workers=options.cores,
            note=lambda sentence: print(sentence, flush=True),
        )
        write_text(path, json.dumps({"kind": "blend", **result}, indent=2) + "\n")
    write_page(ROOT / "docs", json.loads(path.read_text("utf-8")))


def write_page(docs: Path, result: dict[str, Any]) -> None:
    """The tables between the marks of docs/blend.md, and the picture."""
    page = docs / "blend.md"
    before, rest = page.read_text("utf-8").split(BEGIN)
    after = rest.split(END)[1]
    write_text(page, f"{before}{BEGIN}\n{tables(result)}\n{END}{after}")
    write_text(docs / "images" / "blend.svg", forest_plot(result))


def tables(result: dict[str, Any]) -> str:
    """Arms, comparisons and cost as Markdown."""
    return "\n".join([*arms_table(result), "", *comparisons_table(result), "", cost(result)])


if __name__ == "__main__":
    main()
