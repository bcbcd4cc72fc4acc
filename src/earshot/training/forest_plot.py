"""A forest plot as SVG: one row a comparison, its seeds as dots, its interval as a bar."""

from __future__ import annotations

import math
from typing import Any
from xml.sax.saxutils import escape

ROW, TOP, BELOW, LEFT, WIDTH, RIGHT = 46, 46, 40, 330, 360, 90  # pixels
LARGEST_SHARE = 1.5  # figures that differ by more are no shares
LETTER = 7.2  # of a label, about
COLOUR = {"holds": "#1a7f4b", "open": "#8a6d1a", "fails": "#b03030"}


def forest_plot(result: dict[str, Any]) -> str:
    """The picture of a results file; the same text for the same result.

    Figures that are shares, and those that are counts or the like, have an axis each.
    """
    comparisons = result["comparisons"]
    longest = max((len(line) for each in comparisons for line in _words(each)), default=0)
    left = max(LEFT, 32 + round(LETTER * longest))
    shares = [each for each in comparisons if max(map(abs, _ends([each]))) <= LARGEST_SHARE]
    others = [each for each in comparisons if each not in shares]
    panels = [panel for panel in (shares, others) if panel] or [[]]
    height = TOP + ROW * len(comparisons) + BELOW * len(panels)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + WIDTH + RIGHT}" '
        f'height="{height}" font-family="sans-serif" font-size="13">',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="16" y="26" font-weight="bold">{escape(result["recipe"])}: differences over '
        f"{len(result['seeds'])} seeds, with 95 % intervals</text>",
    ]
    top = TOP
    for panel in panels:
        parts += _panel(panel, top, left)
        top += ROW * len(panel) + BELOW
    return "\n".join([*parts, "</svg>", ""])


def _panel(comparisons: list[dict[str, Any]], top: int, left: int) -> list[str]:
    """Rows that share an axis, from `top` on."""
    ends = _ends(comparisons)
    low, high = min(ends), max(ends)
    margin = 0.05 * (high - low or 1.0)
    low, high = low - margin, high + margin

    def x(value: float) -> float:
        return left + WIDTH * (value - low) / (high - low)

    parts, bottom = [], top + ROW * len(comparisons)
    for tick in _ticks(low, high):
        weight = 'stroke="#333" stroke-width="1.5"' if tick == 0 else 'stroke="#ddd"'
        parts.append(f'<path d="M{x(tick):.1f} {top}V{bottom}" {weight}/>')
        parts.append(
            f'<text x="{x(tick):.1f}" y="{bottom + 20}" text-anchor="middle">{tick:+.2g}</text>'
        )
    for index, each in enumerate(comparisons):
        parts += _row(each, top + ROW * index + ROW / 2, x, left + WIDTH + 14)
    return parts


def _ends(comparisons: list[dict[str, Any]]) -> list[float]:
    """All that the axis of these comparisons has to reach, 0 too."""
    values = [0.0]
    for each in comparisons:
        values += [*each["differences"], *(each["interval_95"] or [])]
    return values


def _words(each: dict[str, Any]) -> tuple[str, str]:
    """The two lines that name a comparison."""
    against = each["against"]
    other = against if isinstance(against, str) else f"{against:.3g}"
    if against == each["arm"]:  # two figures of one arm
        return f"{each['figure']} {each['expected']} {each['against_figure']}", each["arm"]
    figures = " against ".join(filter(None, (each["figure"], each["against_figure"])))
    return f"{each['arm']} {each['expected']} {other}", figures


def _row(each: dict[str, Any], y: float, x: Any, right: float) -> list[str]:
    question, figures = _words(each)
    colour = COLOUR[each["verdict"]]
    parts = [
        f'<text x="16" y="{y - 2:.1f}">{escape(question)}</text>',
        f'<text x="16" y="{y + 13:.1f}" fill="#666" font-size="11">{escape(figures)}</text>',
        f'<text x="{right}" y="{y + 4:.1f}" fill="{colour}">{each["verdict"]}</text>',
    ]
    if each["interval_95"] is not None:
        low, high = each["interval_95"]
        parts.append(
            f'<path d="M{x(low):.1f} {y:.1f}H{x(high):.1f}" stroke="{colour}" stroke-width="3"/>'
        )
    for value in each["differences"]:
        parts.append(f'<circle cx="{x(value):.1f}" cy="{y - 9:.1f}" r="2.5" fill="#999"/>')
    centre = x(each["mean_difference"])
    parts.append(
        f'<rect x="{centre - 4:.1f}" y="{y - 4:.1f}" width="8" height="8" fill="{colour}"/>'
    )
    return parts


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers between low and high, 0 among them when it lies there."""
    rough = (high - low) / 5
    size = 10 ** math.floor(math.log10(rough))
    step = next(size * factor for factor in (1, 2, 5, 10) if size * factor >= rough)
    return [round(n * step, 10) for n in range(math.ceil(low / step), math.floor(high / step) + 1)]
