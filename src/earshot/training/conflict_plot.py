"""Conflict over a run as SVG: histograms of the cosine between gradients, a panel a quarter."""

from __future__ import annotations

from collections.abc import Sequence

from earshot.core.errors import EarShotError
from earshot.training.harmony_log import N_BINS, Told, area, sums

WIDTH, PANEL, LEFT, TOP = 480, 92, 120, 54  # pixels
PLAIN, FLAGGED, GAMMA = "#1a7f4b", "#b03030", "#555"


def conflict_plot(rows: Sequence[Told], *, plain: str, flagged: str, title: str) -> str:
    """The picture of a run's log; the same text for the same log.

    `plain` and `flagged` name the two kinds of unit. Each kind's histogram is drawn as shares of
    its own, both on one scale; the dashed line is the threshold at the end of that quarter.
    """
    if len(rows) < 4:
        raise EarShotError(
            got=f"a log of {len(rows)} batches", expected="at least 4", mend="Train longer."
        )
    cuts = [len(rows) * quarter // 4 for quarter in range(5)]
    quarters = [rows[a:b] for a, b in zip(cuts, cuts[1:], strict=False)]
    counts = [sums(quarter) for quarter in quarters]
    top = max(max(_shares(each)) for pair in counts for each in pair)
    bottom = TOP + PANEL * len(quarters)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + 90}" '
        f'height="{bottom + 48}" font-family="sans-serif" font-size="13">',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="16" y="24" font-weight="bold">{title}</text>',
        f'<text x="16" y="43" fill="{PLAIN}">{plain}</text>',
        f'<text x="{LEFT + 60}" y="43" fill="{FLAGGED}">{flagged}</text>' if any(
            sum(pair[1]) for pair in counts) else "",
    ]  # fmt: skip
    for index, (quarter, pair) in enumerate(zip(quarters, counts, strict=True)):
        parts += _panel(quarter, pair, TOP + PANEL * (index + 1), top)
    for tick in (-1.0, -0.5, 0.0, 0.5, 1.0):
        parts.append(
            f'<text x="{_x(tick):.1f}" y="{bottom + 18}" text-anchor="middle">{tick:+.1f}</text>'
        )
    label = "cosine between the gradients of the two losses"
    middle = LEFT + WIDTH / 2
    parts.append(f'<text x="{middle:.1f}" y="{bottom + 38}" text-anchor="middle">{label}</text>')
    return "\n".join([*filter(None, parts), "</svg>", ""])


def _panel(
    rows: Sequence[Told], counts: tuple[list[int], list[int]], base: float, top: float
) -> list[str]:
    """One quarter: both histograms over a base line, batches to the left, the area to the right."""
    parts = [
        f'<path d="M{LEFT} {base}H{LEFT + WIDTH}" stroke="#999"/>',
        f'<path d="M{_x(0):.1f} {base - PANEL + 10}V{base}" stroke="#ddd"/>',
        f'<text x="16" y="{base - 30}" fill="#444">batches</text>',
        f'<text x="16" y="{base - 14}" fill="#444">{rows[0].batch + 1}-{rows[-1].batch + 1}</text>',
    ]
    for each, colour in zip(counts, (PLAIN, FLAGGED), strict=True):
        if sum(each):
            parts.append(_outline(_shares(each), base, top, colour))
    gamma = rows[-1].gamma
    if gamma > -1:
        parts.append(
            f'<path d="M{_x(gamma):.1f} {base - PANEL + 10}V{base}" stroke="{GAMMA}" '
            'stroke-dasharray="4 3"/>'
        )
    if all(map(sum, counts)):
        told = f"AUC {area(*counts):.2f}"
        parts.append(f'<text x="{LEFT + WIDTH + 10}" y="{base - 14}" fill="#444">{told}</text>')
    return parts


def _outline(shares: Sequence[float], base: float, top: float, colour: str) -> str:
    """A histogram as a filled step line."""
    steps, high = [f"M{LEFT} {base}"], PANEL - 14
    for index, share in enumerate(shares):
        right = LEFT + WIDTH * (index + 1) / N_BINS
        steps.append(f"V{base - high * share / top:.1f}H{right:.1f}")
    return (
        f'<path d="{"".join(steps)}V{base}Z" fill="{colour}" fill-opacity="0.25" '
        f'stroke="{colour}"/>'
    )


def _shares(counts: Sequence[int]) -> list[float]:
    total = max(1, sum(counts))
    return [count / total for count in counts]


def _x(cosine: float) -> float:
    return LEFT + WIDTH * (cosine + 1) / 2
