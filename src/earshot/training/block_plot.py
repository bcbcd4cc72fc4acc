"""A spectrogram under masks of patches as SVG: what a pupil sees of it, clone by clone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from earshot.core.errors import EarShotError

CELL, GAP, LEFT, TOP = 10, 14, 92, 40  # pixels
HIDDEN = "#d8d8d8"


def block_plot(patches: np.ndarray, masks: Sequence[np.ndarray], *, title: str) -> str:
    """The picture; the same text for the same numbers.

    patches [times, bands]: how loud each is, low bands first; masks [times, bands]: True where
    hidden. The whole comes first, then a panel a mask.
    """
    if not masks or any(mask.shape != patches.shape for mask in masks):
        raise EarShotError(
            got=f"masks of {[mask.shape for mask in masks]} for patches of {patches.shape}",
            expected="one mask or more, each of the patches' shape",
            mend="Give a mask as [times, bands].",
        )
    times, bands = patches.shape
    low, high = float(patches.min()), float(patches.max())
    share = (patches - low) / max(high - low, 1e-9)
    panels = [np.zeros_like(masks[0], dtype=bool), *masks]
    height = TOP + len(panels) * (bands * CELL + GAP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + times * CELL + 16}" '
        f'height="{height + 16}" font-family="sans-serif" font-size="13">',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="16" y="22" font-weight="bold">{title}</text>',
    ]
    for number, mask in enumerate(panels):
        top = TOP + number * (bands * CELL + GAP)
        name = f"pupil {number}" if number else "teacher"
        parts.append(f'<text x="16" y="{top + bands * CELL // 2 + 4}">{name}</text>')
        parts.append(
            f'<rect x="{LEFT}" y="{top}" width="{times * CELL}" height="{bands * CELL}" '
            f'fill="{HIDDEN}"/>'
        )
        for time, band in np.argwhere(~mask).tolist():
            parts.append(
                f'<rect x="{LEFT + time * CELL}" y="{top + (bands - 1 - band) * CELL}" '
                f'width="{CELL - 1}" height="{CELL - 1}" fill="{_blue(float(share[time, band]))}"/>'
            )
    middle = LEFT + times * CELL // 2
    parts.append(f'<text x="{middle}" y="{height + 8}" text-anchor="middle">time</text>')
    return "\n".join([*parts, "</svg>", ""])


def _blue(share: float) -> str:
    """From pale to dark, for 0 to 1."""
    red, green, blue = (round(a + (b - a) * share) for a, b in ((238, 16), (244, 44), (252, 110)))
    return f"#{red:02x}{green:02x}{blue:02x}"
