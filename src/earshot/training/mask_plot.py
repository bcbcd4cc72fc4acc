"""Learnt masks as SVG: a panel a series, its channels over its mask, the motif shaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from earshot.core.errors import EarShotError

WIDTH, WAVE, MASK, LEFT, TOP = 600, 64, 26, 84, 56  # pixels
COLOURS = ("#1f5fa8", "#1a7f4b", "#b06a00", "#7a3fa0")
KEPT, SHADE = "#b03030", "#f3e3c3"


@dataclass(frozen=True, eq=False)
class MaskedSeries:
    """What a panel shows."""

    frames: np.ndarray  # [channels, steps]
    mask: np.ndarray  # [steps], 0 to 1
    focus: np.ndarray  # [steps] bool, where the motif lies
    name: str


def mask_plot(rows: Sequence[MaskedSeries], *, title: str) -> str:
    """The picture of some series; the same text for the same series."""
    if not rows:
        raise EarShotError(got="no series", expected="at least one", mend="Give some to draw.")
    panel = WAVE + MASK + 14
    bottom = TOP + panel * len(rows)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + 16}" '
        f'height="{bottom + 30}" font-family="sans-serif" font-size="13">',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="16" y="22" font-weight="bold">{title}</text>',
        f'<text x="16" y="42" fill="#444">lines: channels; <tspan fill="{KEPT}">below: how much '
        "is kept</tspan>; shaded: where the motif lies</text>",
    ]
    for index, row in enumerate(rows):
        parts += _panel(row, TOP + panel * index)
    middle = LEFT + WIDTH / 2
    parts.append(f'<text x="{middle:.0f}" y="{bottom + 16}" text-anchor="middle">steps</text>')
    return "\n".join([*parts, "</svg>", ""])


def _panel(row: MaskedSeries, top: float) -> list[str]:
    """Shade, channels on one scale, mask as a filled line."""
    steps = row.frames.shape[1]
    width = WIDTH / steps
    inside = np.flatnonzero(row.focus)
    parts = [f'<text x="16" y="{top + WAVE / 2:.0f}" fill="#444">{row.name}</text>']
    if len(inside):
        parts.append(
            f'<rect x="{LEFT + inside[0] * width:.1f}" y="{top}" fill="{SHADE}" '
            f'width="{len(inside) * width:.1f}" height="{WAVE + MASK}"/>'
        )
    scale = (WAVE / 2 - 2) / max(float(np.abs(row.frames).max()), 1e-9)
    for index, channel in enumerate(row.frames):
        at = [
            f"{LEFT + (i + 0.5) * width:.1f} {top + WAVE / 2 - value * scale:.1f}"
            for i, value in enumerate(channel)
        ]
        colour = COLOURS[index % len(COLOURS)]
        parts.append(f'<path d="M{"L".join(at)}" fill="none" stroke="{colour}" opacity="0.7"/>')
    base = top + WAVE + MASK
    line = [f"M{LEFT} {base}"]
    for i, value in enumerate(row.mask):
        line.append(f"V{base - float(value) * (MASK - 2):.1f}H{LEFT + (i + 1) * width:.1f}")
    parts.append(f'<path d="{"".join(line)}V{base}Z" fill="{KEPT}" opacity="0.8"/>')
    return parts
