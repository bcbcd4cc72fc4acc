"""The results page and its pictures, from the results files alone."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from earshot.core.errors import EarShotError
from earshot.core.files import write_text
from earshot.training.curve_plot import curve_plot, has_curves
from earshot.training.forest_plot import forest_plot
from earshot.training.intervals import INTERVALS

HEAD = """# Results

What the recipes' claims came to, one section a paper, as `earshot claim KEY --docs docs` wrote it
from `results/*.json`. Every arm of a claim has the same data, budget and seeds; a control has its
signal taken away. A difference is paired over the seeds and stands with its 95 % interval,
Student's t unless a section says otherwise. It *holds* when the whole interval lies above 0 (for
"not below": when the mean is at least 0), *fails* when the whole interval lies below, and is *open*
otherwise.
"""

VERDICTS = {"holds": "hold", "open": "open", "fails": "fail"}
Claims = Mapping[str, Mapping[str, str]]  # by recipe and claim: what is claimed, in a sentence


def write_pages(results: Path, docs: Path, claims: Claims) -> list[Path]:
    """Write `docs/results.md` and `docs/papers/KEY.svg` for every result; gives the files.

    A result with a figure after each of several tasks has `docs/papers/KEY-curves.svg` too.
    """
    found = read_results(results)
    write_text(docs / "results.md", results_page(found, claims))
    written = [docs / "results.md"]
    for result in found:
        picture = docs / "papers" / f"{result['recipe']}.svg"
        write_text(picture, forest_plot(result))
        written.append(picture)
        if has_curves(result):
            curves = docs / "papers" / f"{result['recipe']}-curves.svg"
            write_text(curves, curve_plot(result))
            written.append(curves)
    return written


def read_results(folder: Path) -> list[dict[str, Any]]:
    """The results files of `folder`, by key."""
    found = []
    for path in sorted(folder.glob("*.json")):
        try:
            result = json.loads(path.read_text("utf-8"))
            if result.get("kind", "claim") != "claim":
                continue  # figures of another kind, with a page of their own
            result["recipe"], result["arms"], result["comparisons"]
        except (ValueError, KeyError, TypeError, AttributeError) as fault:
            raise EarShotError(
                got=f"{path}, which is no results file ({fault!r})",
                expected="what `earshot claim` wrote",
                mend=f"Write it again: earshot claim {path.stem}",
            ) from fault
        found.append(result)
    return found


def results_page(results: list[dict[str, Any]], claims: Claims) -> str:
    """The whole page as Markdown: an index of all claims, then a section a recipe."""
    rows = [row for result in results for row in _index(result, claims.get(result["recipe"], {}))]
    index = _table(["recipe", "claim", "comparisons"], rows)
    return "\n".join([HEAD, *index, "", *(_section(result) for result in results)])


def _index(result: dict[str, Any], claims: Mapping[str, str]) -> Iterator[list[str]]:
    """A row a claim: what it says, and how many of its comparisons hold, are open or fail."""
    key = result["recipe"]
    found: dict[str, list[str]] = {}
    for each in result["comparisons"]:
        found.setdefault(each["claim"], []).append(each["verdict"])
    for claim, verdicts in found.items():
        counts = [f"{verdicts.count(v)} {w}" for v, w in VERDICTS.items() if v in verdicts]
        sentence = claims.get(claim, "")
        said = f"`{claim}`: {sentence}" if sentence else f"`{claim}`"
        yield [f"[{key}](#{key})", said, ", ".join(counts)]


def comparison_line(comparison: dict[str, Any]) -> str:
    """One comparison as a line of text."""
    return (
        f"{comparison['claim']}: {_question(comparison)}  {comparison['mean_difference']:+.3f} "
        f"{_interval(comparison)}  {comparison['verdict']}"
    )


def _section(result: dict[str, Any]) -> str:
    key = result["recipe"]
    return "\n".join(
        [
            f"## {key}",
            "",
            f"[What it is, how to run it, what was tried](papers/{key}.md).",
            "",
            f"![Differences](papers/{key}.svg)",
            "",
            *arms_table(result),
            "",
            *comparisons_table(result),
            "",
            *_other_interval(result),
            cost(result),
            "",
        ]
    )


def arms_table(result: dict[str, Any]) -> list[str]:
    """The figures that are compared, arm by arm, as lines of Markdown; the file has them all."""
    names: dict[str, None] = {}
    for each in result["comparisons"]:
        names |= dict.fromkeys(filter(None, (each["figure"], each["against_figure"])))
    rows = []
    for name, arm in result["arms"].items():
        minutes = sum(arm["cpu_minutes"]) / len(arm["cpu_minutes"])
        figures = [_mean(arm["figures"].get(figure)) for figure in names]
        rows.append([f"{name}: {arm['note']}", *figures, f"{minutes:.1f}"])
    lead = f"Means over {len(result['seeds'])} seeds, and the standard deviation between them:"
    return [lead, "", *_table(["arm", *names, "CPU min"], rows)]


def comparisons_table(result: dict[str, Any]) -> list[str]:
    """Every difference with its interval and verdict, as lines of Markdown."""
    rows = [
        [
            each["claim"],
            _question(each),
            f"{each['mean_difference']:+.3f}",
            _interval(each),
            f"**{each['verdict']}**",
        ]
        for each in result["comparisons"]
    ]
    return _table(["claim", "question", "difference", "95 % interval", "verdict"], rows)


def cost(result: dict[str, Any]) -> str:
    """What the result took, where, and of which code."""
    machine = result["machine"]
    return (
        f"{result['cpu_minutes']:.0f} CPU minutes on {machine['processor']} "
        f"({machine['cores']} cores), torch {machine['torch']}, commit {result['commit']}."
    )


def _other_interval(result: dict[str, Any]) -> list[str]:
    """A sentence where the intervals are not Student's."""
    said = result.get("interval", INTERVALS["t"])
    return [] if said == INTERVALS["t"] else [f"Intervals: {said}.", ""]


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    lines = [head, ["---"] * len(head), *rows]
    return ["| " + " | ".join(cells) + " |" for cells in lines]


def _question(comparison: dict[str, Any]) -> str:
    against = comparison["against"]
    other = against if isinstance(against, str) else f"{against:.3g}"
    if comparison["against_figure"] is not None:
        other = f"{comparison['against_figure']} of {other}"
    return f"{comparison['figure']} of {comparison['arm']} {comparison['expected']} {other}"


def _interval(comparison: dict[str, Any]) -> str:
    if comparison["interval_95"] is None:
        return "(one seed)"
    low, high = comparison["interval_95"]
    return f"[{low:+.3f}, {high:+.3f}]"


def _mean(figure: dict[str, Any] | None) -> str:
    if figure is None:
        return "-"
    values, mean = figure["per_seed"], figure["mean"]
    if len(values) == 1:
        return f"{mean:.3f}"
    spread = (sum((value - mean) ** 2 for value in values) / (len(values) - 1)) ** 0.5
    return f"{mean:.3f} ± {spread:.3f}"
