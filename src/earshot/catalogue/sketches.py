"""A small sketch of each architecture, for the map: blue is sound, amber is words, grey is both."""

from __future__ import annotations

SOUND, WORDS, BOTH, INK = "#5b9bd5", "#e0a13a", "#8b95a1", "#1d2733"


def _box(x: float, y: float, width: float, height: float, fill: str) -> str:
    return f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="2" fill="{fill}"/>'


def _dot(x: float, y: float, radius: float, fill: str) -> str:
    return f'<circle cx="{x}" cy="{y}" r="{radius}" fill="{fill}"/>'


def _path(d: str, colour: str = INK) -> str:
    return f'<path d="{d}" fill="none" stroke="{colour}" stroke-width="1.4"/>'


def _shape(points: str, fill: str) -> str:
    return f'<polygon points="{points}" fill="{fill}"/>'


_WAVE = "M0 14q3 -11 6 0t6 0t6 0t6 0t6 0t6 0"
SKETCHES = {  # in a field of 36 by 28
    "two towers": _box(3, 9, 11, 17, SOUND) + _box(22, 9, 11, 17, WORDS)
    + _path("M8.5 9L18 3L27.5 9") + _dot(18, 3, 3, BOTH),
    "many towers": _box(1, 10, 8, 16, SOUND) + _box(14, 10, 8, 16, WORDS)
    + _box(27, 10, 8, 16, "#9a6fb8") + _path("M5 10L18 3L31 10M18 10V3") + _dot(18, 3, 3, BOTH),
    "two heads": _box(1, 2, 34, 11, BOTH) + _box(3, 17, 12, 10, SOUND) + _box(21, 17, 12, 10, WORDS)
    + _path("M9 17V13M27 17V13"),
    "one head": _box(4, 3, 28, 15, BOTH) + _path("M11 18V24", SOUND) + _path("M25 18V24", WORDS)
    + _dot(11, 25, 2.4, SOUND) + _dot(25, 25, 2.4, WORDS),
    "cooperated": _path("M18 14L5 5M18 14L31 5M18 14L5 23M18 14L31 23") + _dot(18, 14, 5.5, WORDS)
    + _dot(5, 5, 3.6, SOUND) + _dot(31, 5, 3.6, SOUND) + _dot(5, 23, 3.6, SOUND)
    + _dot(31, 23, 3.6, SOUND),
    "encoder": _shape("3,26 33,26 24,5 12,5", SOUND) + _dot(18, 3, 2.6, INK),
    "encoder-decoder": _shape("1,4 1,24 15,19 15,9", SOUND) + _shape("35,4 35,24 21,19 21,9", WORDS)
    + _path("M15 14H21"),
    "codec": _shape("1,3 1,25 13,18 13,10", SOUND) + _shape("35,3 35,25 23,18 23,10", SOUND)
    + _dot(18, 10, 1.8, INK) + _dot(18, 14, 1.8, INK) + _dot(18, 18, 1.8, INK),
    "codec language model": "".join(
        _box(1 + 9 * i, 18 - 2 * i, 7, 8, BOTH if i < 3 else SOUND) for i in range(4)
    ) + _path("M4 14q8 -12 26 -7"),
    "diffusion": "".join(
        _dot(x, y, 1.2, INK)
        for x, y in ((2, 5), (5, 20), (3, 12), (8, 8), (9, 17), (12, 24), (13, 4))
    ) + _path("M15 14q3 -10 6 0t6 0t6 0", SOUND),
    "separator": _path(_WAVE, BOTH) + _path("M10 14L22 5H35", SOUND)
    + _path("M10 14L22 23H35", WORDS),
    "adversarial": _box(2, 7, 12, 14, SOUND) + _box(22, 7, 12, 14, INK)
    + _path("M14 11H22M22 17H14"),
    "decoding rule": "".join(_path(f"M3 {5 + 6 * i}H{33 - 5 * i}", WORDS) for i in range(4)),
    "data factory": _box(1, 9, 8, 10, SOUND) + _box(14, 9, 8, 10, BOTH) + _box(27, 9, 8, 10, WORDS)
    + _path("M9 14H14M22 14H27"),
    "benchmark": "".join(
        _path(f"M3 {6 + 8 * i}l2.5 3l5 -6", "#2e7d4f") + _path(f"M15 {6 + 8 * i}H33", BOTH)
        for i in range(3)
    ),
}  # fmt: skip


def sketch(architecture: str, x: float, y: float) -> str:
    """The sketch of one architecture, its upper left corner at x, y."""
    return f'<g transform="translate({x:g} {y:g})">{SKETCHES[architecture]}</g>'
