from __future__ import annotations

import numpy as np
import pytest

from earshot.core.errors import EarShotError
from earshot.metrics.continual import continual

NAN = float("nan")
TABLE = [
    [0.9, NAN, NAN],
    [0.5, 0.8, NAN],
    [0.6, 0.4, 1.0],
]


def test_a_hand_made_table_of_three_tasks() -> None:
    found = continual(TABLE, [10, 10, 20])
    np.testing.assert_allclose(found.curve, [0.9, 0.65, (6 + 4 + 20) / 40])
    assert found.average == pytest.approx((0.9 + 0.65 + 0.75) / 3)
    assert found.last == 0.75
    assert found.forgetting == pytest.approx(((0.9 - 0.6) + (0.8 - 0.4)) / 2)
    assert found.values == pytest.approx(
        {
            "avg_acc": 2.3 / 3,
            "last_acc": 0.75,
            "forgetting": 0.35,
            "acc_1": 0.9,
            "acc_2": 0.65,
            "acc_3": 0.75,
        }
    )


@pytest.mark.parametrize("seed", range(5))
def test_it_is_what_loops_over_clips_find(seed: int) -> None:
    draw = np.random.default_rng(seed)
    n_tasks = int(draw.integers(1, 6))
    counts = draw.integers(1, 8, n_tasks)
    right = [
        [[bool(draw.integers(2)) for _ in range(counts[j])] for j in range(i + 1)]
        for i in range(n_tasks)
    ]  # after task i, every clip of every task so far
    table = np.full((n_tasks, n_tasks), NAN)
    curve, best = [], {}
    for i, row in enumerate(right):
        hits = [hit for task in row for hit in task]
        curve.append(sum(hits) / len(hits))
        for j, task in enumerate(row):
            table[i, j] = sum(task) / len(task)
            if i < n_tasks - 1:
                best[j] = max(best.get(j, 0.0), table[i, j])
    drops = [best[j] - table[-1, j] for j in range(n_tasks - 1)]
    found = continual(table, counts)
    np.testing.assert_allclose(found.curve, curve, atol=1e-12)
    assert found.forgetting == pytest.approx(sum(drops) / len(drops) if drops else 0.0)


def test_what_stands_above_the_diagonal_is_not_read() -> None:
    table = np.array(TABLE)
    table[0, 2] = 7.0
    assert continual(table, [10, 10, 20]).values == continual(TABLE, [10, 10, 20]).values


@pytest.mark.parametrize(
    ("table", "counts", "said"),
    [
        ([[0.5, 0.5]], [1, 1], "accuracy of shape"),
        ([[0.5, NAN], [NAN, 0.5]], [1, 1], "missing or outside"),
        ([[1.5]], [1], "missing or outside"),
        ([[0.5]], [0], "at least one test clip"),
    ],
)
def test_faults_are_sentences(table: list, counts: list, said: str) -> None:
    with pytest.raises(EarShotError, match=said):
        continual(table, counts)
