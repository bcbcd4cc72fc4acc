"""Curves over tasks as SVG: one panel a kind of clips, one line an arm, the mean over seeds."""

from __future__ import annotations

import re
from typing import Any
from xml.sax.saxutils import escape

PANEL, TOP, BOTTOM, LEFT, WIDTH, LEGEND = 300, 46, 40, 56, 420, 190  # pixels
COLOURS = (
    "#1f5fa8", "#c2410c", "#1a7f4b", "#7a3e9d", "#8a6d1a", "#0f8b8d", "#b03060", "#555555",
    "#3b7dd8", "#94530c", "#2f4f2f",
)  # fmt: skip
STEP = re.compile(r"acc_(\d+)")


def has_curves(result: dict[str, Any]) -> bool:
    """Whether any arm of a results file was tested after each of several tasks."""
    return bool(_panels(result))


def curve_plot(result: dict[str, Any]) -> str:
    """The picture of a results file; the same text for the same result.

    Arms named "KIND NAME" share the panel KIND, and a NAME has one colour in all panels. A line is
    `acc_1` to `acc_T`, the accuracy on all labels so far after each task; an arm that learns
    everything at once is a dotted level.
    """
    panels = _panels(result)
    height = TOP + len(panels) * PANEL
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + LEGEND}" '
        f'height="{height}" font-family="sans-serif" font-size="13">',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="16" y="26" font-weight="bold">{escape(result["recipe"])}: accuracy on all '
        f"labels so far, mean over {len(result['seeds'])} seeds</text>",
    ]
    names = dict.fromkeys(name for arms in panels.values() for name in arms)
    colours = {name: COLOURS[index % len(COLOURS)] for index, name in enumerate(names)}
    for index, (kind, arms) in enumerate(panels.items()):
        parts += _panel(kind, arms, colours, TOP + index * PANEL)
    return "\n".join([*parts, "</svg>", ""])


def _panels(result: dict[str, Any]) -> dict[str, dict[str, list[float]]]:
    """kind -> arm -> its curve; only kinds in which a curve has several tasks."""
    panels: dict[str, dict[str, list[float]]] = {}
    for name, arm in result["arms"].items():
        steps = {
            int(found[1]): figure["mean"]
            for figure_name, figure in arm["figures"].items()
            if (found := STEP.fullmatch(figure_name))
        }
        if steps:
            kind, _, short = name.rpartition(" ")
            panels.setdefault(kind, {})[short] = [steps[task] for task in sorted(steps)]
    return {kind: arms for kind, arms in panels.items() if max(map(len, arms.values())) > 1}


def _panel(kind: str, arms: dict[str, list[float]], colours: dict[str, str], top: int) -> list[str]:
    n_tasks = max(map(len, arms.values()))
    floor = top + PANEL - BOTTOM

    def x(task: int) -> float:
        return LEFT + WIDTH * (task - 1) / (n_tasks - 1)

    def y(value: float) -> float:
        return floor - (PANEL - BOTTOM - 30) * value

    parts = [f'<text x="{LEFT}" y="{top + 14}" fill="#333">{escape(kind)}</text>']
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        parts.append(f'<path d="M{LEFT} {y(share):.1f}H{LEFT + WIDTH}" stroke="#ddd"/>')
        parts.append(
            f'<text x="{LEFT - 8}" y="{y(share) + 4:.1f}" text-anchor="end">{share:.2f}</text>'
        )
    for task in range(1, n_tasks + 1):
        parts.append(
            f'<text x="{x(task):.1f}" y="{floor + 20}" text-anchor="middle">task {task}</text>'
        )
    for index, (name, curve) in enumerate(arms.items()):
        colour = colours[name]
        row = top + 34 + 20 * index
        if len(curve) == 1:
            line, dash = f"M{LEFT} {y(curve[0]):.1f}H{LEFT + WIDTH}", ' stroke-dasharray="2 4"'
        else:
            points = [f"{x(task):.1f} {y(value):.1f}" for task, value in enumerate(curve, start=1)]
            line, dash = "M" + "L".join(points), ""
        parts += [
            f'<path d="{line}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>',
            f'<path d="M{LEFT + WIDTH + 16} {row}h20" stroke="{colour}" stroke-width="2"{dash}/>',
            f'<text x="{LEFT + WIDTH + 42}" y="{row + 4}">{escape(name)} {curve[-1]:.2f}</text>',
        ]
    return parts
