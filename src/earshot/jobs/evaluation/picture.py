"""Results as an SVG: figures with their intervals, and bars by label, a colour for each model."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape

from earshot.jobs.evaluation.result import Evaluation
from earshot.jobs.evaluation.sections import Section, is_share, sections

LEFT, WIDTH, RIGHT = 250, 420, 60  # pixels
LINE, GAP = 15, 9  # of a model within a figure, and between figures
MAX_LABELS = 25  # those that are named worst, when there are more
COLOURS = ("#2a6fbb", "#c8632b", "#2f8f5b", "#8557a8", "#a08a1f", "#b03a5b", "#4a9aa8", "#666666")


def evaluation_picture(results: Sequence[Evaluation]) -> str:
    """The picture of results; the same text for the same results."""
    parts: list[str] = []
    y, found = 24, sections(results)
    for panel in (_figures, _bars):  # the figures of all tasks, then what lies behind them
        for section in found:
            drawn, y = panel(section, y)
            parts += drawn
    size = f'width="{LEFT + WIDTH + RIGHT}" height="{y}"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" '
            'font-size="12">',
            '<rect width="100%" height="100%" fill="white"/>',
            *parts,
            "</svg>",
            "",
        ]
    )


def _head(section: Section, title: str, y: int) -> tuple[list[str], int]:
    """A title and the models' colours, and where they end."""
    parts = [f'<text x="16" y="{y}" font-weight="bold" font-size="14">{_safe(title)}</text>']
    y += 20
    for i, model in enumerate(section.models):
        parts.append(f'<rect x="16" y="{y - 9}" width="10" height="10" fill="{_colour(i)}"/>')
        parts.append(f'<text x="32" y="{y}">{_safe(model)}</text>')
        y += 16
    return parts, y + 4


def _figures(section: Section, y: int) -> tuple[list[str], int]:
    """A dot for each figure and model, with a line over its interval."""
    names = [name for name in section.figures if is_share(name)]
    parts, y = _head(section, section.title, y)
    block = LINE * len(section.results) + GAP
    parts += _axis(y, y + block * len(names))
    for name in names:
        parts.append(_name(name, y + block / 2))
        for i, result in enumerate(section.results):
            middle = y + GAP / 2 + LINE * (i + 0.5)
            if name in result.intervals:
                low, high = result.intervals[name]
                line = f"M{_x(low):.1f} {middle:.1f}H{_x(high):.1f}"
                parts.append(f'<path d="{line}" stroke="{_colour(i)}" stroke-width="3"/>')
            if name in result.metrics:
                value = result.metrics[name]
                parts.append(
                    f'<circle cx="{_x(value):.1f}" cy="{middle:.1f}" r="4.5" fill="{_colour(i)}"/>'
                )
                parts.append(_value(value, middle))
        y += block
    return parts, y + 52


def _bars(section: Section, y: int) -> tuple[list[str], int]:
    """A bar for each label and model, the worst first; nothing for tasks without labels."""
    labels = _worst(section)
    if not labels:
        return [], y
    few = f"the {len(labels)} worst labels" if len(labels) < len(section.labels) else "by label"
    parts, y = _head(section, f"{section.title}, {few}", y)
    block = LINE * len(section.results) + GAP
    parts += _axis(y, y + block * len(labels))
    for label in labels:
        parts.append(_name(label, y + block / 2))
        for i, result in enumerate(section.results):
            value = result.details.get("per_class", {}).get(label)
            if value is None:
                continue
            top = y + GAP / 2 + LINE * i + 2
            parts.append(
                f'<rect x="{LEFT}" y="{top:.1f}" width="{WIDTH * value:.1f}" '
                f'height="{LINE - 4}" fill="{_colour(i)}"/>'
            )
            parts.append(_value(value, top + LINE / 2 - 2))
        y += block
    return parts, y + 52


def _axis(top: float, bottom: float) -> list[str]:
    """Lines at quarters from 0 to 1, named below."""
    parts = []
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        parts.append(f'<path d="M{_x(tick):.1f} {top}V{bottom}" stroke="#ddd"/>')
        parts.append(
            f'<text x="{_x(tick):.1f}" y="{bottom + 14}" text-anchor="middle" fill="#666">'
            f"{tick:g}</text>"
        )
    return parts


def _worst(section: Section) -> list[str]:
    """The labels from the lowest mean over the models up, as many as fit."""
    found = [result.details.get("per_class", {}) for result in section.results]
    means = {
        label: sum(each.get(label, 0.0) for each in found) / len(found) for label in section.labels
    }
    return sorted(means, key=lambda label: means[label])[:MAX_LABELS]


def _name(text: str, y: float) -> str:
    shown = text if len(text) <= 36 else text[:35] + "…"
    return f'<text x="{LEFT - 12}" y="{y + 4:.1f}" text-anchor="end">{_safe(shown)}</text>'


def _value(value: float, y: float) -> str:
    return f'<text x="{LEFT + WIDTH + 10}" y="{y + 4:.1f}" fill="#666">{value:.3f}</text>'


def _x(value: float) -> float:
    return LEFT + WIDTH * value


def _colour(i: int) -> str:
    return COLOURS[i % len(COLOURS)]


def _safe(text: str) -> str:
    """Of any name, what XML may hold."""
    return escape("".join(c if c.isprintable() else repr(c)[1:-1] for c in text))
