"""The simulation of a long job: deaths in stages and while writing, and nothing lost or doubled."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
from factory_simulation import simulate


@pytest.mark.parametrize("seed", [0, 1])
def test_nothing_is_lost_and_nothing_doubled(tmp_path: Path, seed: int) -> None:
    done = simulate(3_000, tmp_path / "out", n_kills=5, seed=seed, batch_size=50, rows_per_part=400)
    assert (done.clips, done.lost, done.doubled) == (3_000, 0, 0)
    assert done.kills >= 2
    assert done.runs > done.kills + 1  # failed clips took a run more
    assert done.rejected > 0
