from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
import torch

from earshot.core.errors import EarShotError
from earshot.data.series import Series, SeriesBatches, collate_series

MANY = [
    Series(np.full((2, 3 + i), i, np.float32), i % 3, np.arange(3 + i) == 1, id=str(i))
    for i in range(10)
]


def test_a_batch_is_padded_with_zeros_and_knows_its_lengths() -> None:
    batch = collate_series([MANY[0], MANY[4]])
    assert batch.n_frames.tolist() == [3, 7]
    assert batch.target.tolist() == [0, 1]
    assert not batch.frames[0, :, 3:].any()
    assert (batch.frames[1] == 4).all()
    assert batch.focus.nonzero().tolist() == [[0, 1], [1, 1]]
    assert len(batch.to("cpu")) == 2
    unknown = collate_series([Series(np.zeros((1, 4), np.float32))])
    assert not unknown.focus.any()


def test_batches_go_on_where_they_were_and_visit_every_series() -> None:
    loader = SeriesBatches(MANY, batch_size=5, seed=3)
    whole = [batch.frames.sum() for batch in islice(loader.batches(), 8)]
    assert [b.frames.sum() for b in islice(loader.batches(5), 3)] == whole[5:]
    one, two = islice(loader.batches(), 2)
    means = [row[:, :n].mean().item() for b in (one, two) for row, n in zip(b.frames, b.n_frames)]  # noqa: B905
    assert sorted(means) == [float(i) for i in range(10)]
    in_order = torch.cat([batch.target for batch in loader.once()])
    assert in_order.tolist() == [each.label for each in MANY]


def test_processes_share_a_batch() -> None:
    whole = next(SeriesBatches(MANY, batch_size=4, seed=0).batches())
    parts = [
        next(SeriesBatches(MANY, batch_size=4, seed=0, rank=r, world=2).batches()) for r in (0, 1)
    ]
    assert sorted(parts[0].n_frames.tolist() + parts[1].n_frames.tolist()) == sorted(
        whole.n_frames.tolist()
    )
    with pytest.raises(EarShotError, match="share evenly"):
        SeriesBatches(MANY, batch_size=3, seed=0, world=2)
    with pytest.raises(EarShotError, match="0 series"):
        SeriesBatches([], batch_size=3, seed=0)
