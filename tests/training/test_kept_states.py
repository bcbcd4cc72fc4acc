from __future__ import annotations

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
import torch
from torch import Tensor

from earshot.audio import Audio
from earshot.core.errors import EarShotError
from earshot.data import Clip
from earshot.training.kept_states import KeptStates

RATE = 1_000


def clips_of(n: int = 5) -> list[Clip]:
    return [
        Clip(
            Audio(np.full(10 * (i + 1), i / 10, np.float32), RATE), captions=("a", "b"), id=f"c{i}"
        )
        for i in range(n)
    ]


def states_of(waveform: Tensor, n_samples: Tensor) -> tuple[Tensor, Tensor]:
    """A position for every ten samples: their value, and their place."""
    values = waveform[:, ::10]
    place = torch.arange(values.shape[1]).expand_as(values)
    return torch.stack([values, place], -1), n_samples // 10


def kept(clips: list[Clip] | None = None, max_s: float = 1.0) -> KeptStates:
    return KeptStates(clips or clips_of(), states_of, sample_rate=RATE, max_s=max_s)


def test_every_clip_has_its_own_states_and_padding_is_zero() -> None:
    found = kept()
    assert [len(each) for each in found.states] == [1, 2, 3, 4, 5]
    batch = found.rows([4, 1], ["x", "y"])
    assert batch.states.shape == (2, 5, 2)
    assert batch.n_positions.tolist() == [5, 2]
    assert torch.equal(batch.states[1, 2:], torch.zeros(3, 2))
    assert torch.allclose(batch.states[0, :, 0], torch.full((5,), 0.4))
    assert [clip.id for clip in batch.clips] == ["c4", "c1"]
    assert [len(each) for each in kept(max_s=0.02).states] == [1, 2, 2, 2, 2]


def test_batches_go_on_from_any_step_and_visit_every_clip() -> None:
    stream = kept().batches(2, seed=3)
    first = list(islice(stream(0), 12))
    again = list(islice(stream(5), 7))
    for one, other in zip(first[5:], again, strict=True):
        assert [clip.id for clip in one.clips] == [clip.id for clip in other.clips]
        assert one.captions == other.captions
    assert {clip.id for batch in first for clip in batch.clips} == {f"c{i}" for i in range(5)}
    assert {caption for batch in first for caption in batch.captions} == {"a", "b"}
    halves = [kept().batches(2, seed=3, rank=rank, world=2)(0) for rank in (0, 1)]
    for whole, one, other in zip(first, *halves, strict=False):
        assert [c.id for c in whole.clips] == [c.id for c in [*one.clips, *other.clips]]


def test_what_cannot_be_heard_is_left_out_and_told() -> None:
    clips = clips_of(3)
    clips[1] = replace(clips[1], audio=Audio(np.zeros(0, np.float32), RATE))
    found = kept(clips)
    assert [clip.id for clip in found.clips] == ["c0", "c2"]
    assert len(found.faults) == 1
    assert "c1" in found.faults[0]
    with pytest.raises(EarShotError, match="none of which can be heard"):
        kept(clips[1:2])
