"""How far the losses of a run agreed, batch by batch: histograms of conflict, and what was kept."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from earshot.core.errors import EarShotError
from earshot.core.files import write_text

LOG_NAME = "harmony.jsonl"
N_BINS = 80  # of the cosine from -1 to 1


@dataclass(frozen=True)
class Told:
    """One batch: histograms [N_BINS] of the units' cosines, and how many units were kept."""

    batch: int  # from 0
    gamma: float  # units at or below it were dropped
    n: int  # units, over all processes
    n_kept: int
    n_flagged: int  # of what the caller flagged, such as captions known to be wrong
    n_flagged_kept: int
    conflict: list[int]  # of the units that were not flagged
    flagged: list[int]


def histogram(cosine: Tensor) -> Tensor:
    """Counts [N_BINS] of cosines from -1 to 1."""
    bins = ((cosine + 1) / 2 * N_BINS).long().clamp(0, N_BINS - 1)
    return torch.bincount(bins, minlength=N_BINS)


class HarmonyLog:
    """`out/harmony.jsonl`, a row a batch; resuming takes back what a killed run wrote later."""

    def __init__(self, out: Path) -> None:
        self.out = out

    def begin(self, first: int) -> None:
        """Make ready for batch number `first`: later rows are from a killed run."""
        kept = [row for row in read_harmony(self.out) if row.batch < first]
        write_text(self.out / LOG_NAME, "".join(_line(row) for row in kept))

    def note(self, row: Told) -> None:
        """Add a row."""
        with (self.out / LOG_NAME).open("a", encoding="utf-8") as file:
            file.write(_line(row))


def read_harmony(out: Path) -> list[Told]:
    """The rows of a run folder, none where there is no log; a line cut by a kill is left out."""
    path = out / LOG_NAME
    if not path.is_file():
        return []
    lines = path.read_text("utf-8").splitlines(keepends=True)
    return [Told(**json.loads(line)) for line in lines if line.endswith("\n")]


def harmony_figures(rows: Sequence[Told]) -> dict[str, float]:
    """What a run's log comes to; its warm-up (gamma -1) left out where it drops anything later.

    `kept` is the share of units that were kept, `kept_end` that of the last tenth; with flagged
    units `kept_flagged` is their share and `conflict_auc` the chance that a flagged unit has the
    lower cosine of two, one of each kind: 0.5 where conflict tells nothing.
    """
    rows = [row for row in rows if row.n]
    rows = [row for row in rows if row.gamma > -1.0] or rows
    if not rows:
        return {}
    end = rows[-max(1, len(rows) // 10) :]
    figures = {"kept": _share(rows), "kept_end": _share(end)}
    n_flagged = sum(row.n_flagged for row in rows)
    if 0 < n_flagged < sum(row.n for row in rows):
        plain, flagged = sums(rows)
        figures["kept_flagged"] = sum(row.n_flagged_kept for row in rows) / n_flagged
        figures["conflict_auc"] = area(plain, flagged)
    return figures


def sums(rows: Sequence[Told]) -> tuple[list[int], list[int]]:
    """The histograms of several batches together: of plain units and of flagged ones."""
    plain = [sum(counts) for counts in zip(*(row.conflict for row in rows), strict=True)]
    flagged = [sum(counts) for counts in zip(*(row.flagged for row in rows), strict=True)]
    return plain, flagged


def area(plain: Sequence[int], flagged: Sequence[int]) -> float:
    """Area under the ROC curve of telling flagged from plain units by a low cosine.

    Both histograms have the same bins; two units of one bin count as a tie, half.
    """
    n_pairs = sum(plain) * sum(flagged)
    if not n_pairs:
        raise EarShotError(
            got=f"{sum(plain)} plain and {sum(flagged)} flagged units",
            expected="at least one of each",
            mend="Flag the units that conflict should tell.",
        )
    below, right = 0, 0.0  # flagged units in lower bins; pairs that are told apart
    for n_plain, n_flagged in zip(plain, flagged, strict=True):
        right += n_plain * (below + n_flagged / 2)
        below += n_flagged
    return right / n_pairs


def _share(rows: Sequence[Told]) -> float:
    return sum(row.n_kept for row in rows) / sum(row.n for row in rows)


def _line(row: Told) -> str:
    facts: dict[str, Any] = row.__dict__
    return json.dumps(facts, separators=(",", ":")) + "\n"
