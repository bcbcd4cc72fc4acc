"""Results as a Markdown page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from earshot.jobs.evaluation.result import Evaluation
from earshot.jobs.evaluation.sections import Section, sections

HEAD = """# Evaluation

Figures are shares from 0 to 1 unless they are named ranks or counts; in brackets the 95 % interval.
"""


def evaluation_page(results: Sequence[Evaluation], picture: str | None = None) -> str:
    """A section for each task and set of clips, a column for each model."""
    shown = [f"![The figures and their intervals]({picture})\n"] if picture else []
    return "\n".join([HEAD, *shown, *(_section(each) for each in sections(results))])


def _section(section: Section) -> str:
    lines = [f"## {_plain(section.title)}", ""]
    rows = [
        [name, *(_figure(result, name) for result in section.results)] for name in section.figures
    ]
    lines += [*_table(["figure", *section.models], rows), ""]
    for model, found in section.differences():
        lines += [f"{_plain(model)} less {_plain(section.models[0])}, on the same clips:", ""]
        lines += _table(
            ["figure", "difference", "95 % interval"],
            [[d.figure, f"{d.value:+.3f}", f"[{d.low:+.3f}, {d.high:+.3f}]"] for d in found],
        )
        lines.append("")
    if section.labels:
        lines += [*_table(["label", *section.models], list(_by_label(section))), ""]
    lines += [f"- {note}" for note in _notes(section)]
    return "\n".join([*lines, ""])


def _figure(result: Evaluation, name: str) -> str:
    if name not in result.metrics:
        return "-"
    ends = result.intervals.get(name)
    value = f"{result.metrics[name]:.4g}"
    return value if ends is None else f"{value} [{ends[0]:.3f}, {ends[1]:.3f}]"


def _by_label(section: Section) -> Iterator[list[str]]:
    for label in section.labels:
        values = [result.details.get("per_class", {}).get(label) for result in section.results]
        yield [label, *("-" if value is None else f"{value:.3f}" for value in values)]


def _notes(section: Section) -> Iterator[str]:
    """What else the reader must know: how clips were parted, prompts, what could not be used."""
    first = section.results[0].details
    if "parted_by" in first:
        yield f"Learnt and tested on {first['parted_by']}."
    if "n_captions" in first:
        yield f"{first['n_captions']} captions."
    if "prompts" in first:
        yield "Prompts: " + "; ".join(f"`{prompt}`" for prompt in first["prompts"]) + "."
    if "n_draws" in first:
        yield f"{first['n_draws']} draws of the examples; intervals hold 95 % of the draws."
    for model, result in zip(section.models, section.results, strict=True):
        yield f"{_plain(model)}: fingerprint {result.fingerprint}."
        if result.failures:
            yield f"{_plain(model)}: {len(result.failures)} could not be used."


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [head, ["---"] * len(head), *rows]
    return ["| " + " | ".join(_plain(cell) for cell in cells) + " |" for cells in lines]


def _plain(text: str) -> str:
    """Of any name, what does not break a table's line."""
    shown = "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
    return shown.replace("|", "\\|")
