from __future__ import annotations

from itertools import islice

import pytest
import torch

from earshot.core.errors import EarShotError
from earshot.data.composition_loader import CompositionBatch, CompositionLoader
from earshot.data.compositions import CompositionConfig
from tone_clips import RATE, heard, tone_clips

CONFIG = CompositionConfig(n_events=(0.3, 0.5, 0.2), segment_s=(0.2, 0.4))


def loader(**options) -> CompositionLoader:
    settings = {"batch_size": 4, "sample_rate": RATE, "seed": 3, **options}
    config = settings.pop("config", CONFIG)
    return CompositionLoader(tone_clips().split("train"), config, **settings)


def take(made: CompositionLoader, start: int, n: int) -> list[CompositionBatch]:
    source = made.batches(start)
    found = list(islice(source, n))
    source.close()
    return found


def same(one: CompositionBatch, two: CompositionBatch) -> bool:
    words = ("captions", "positives", "negatives", "labels")
    return torch.equal(one.waveform, two.waveform) and all(
        getattr(one, name) == getattr(two, name) for name in words
    )


def test_a_stream_taken_up_again_goes_on_as_it_would_have() -> None:
    whole = take(loader(), 0, 6)
    for step, batch in enumerate(take(loader(), 4, 2), start=4):
        assert same(batch, whole[step])
    assert not same(whole[0], whole[1])
    assert not same(whole[0], take(loader(seed=4), 0, 1)[0])


def test_processes_share_one_batch() -> None:
    whole = loader().batch(5)
    parts = [loader(rank=rank, world=2).batch(5) for rank in (0, 1)]
    assert [*parts[0].captions, *parts[1].captions] == whole.captions
    assert sum(len(part) for part in parts) == 4


def test_rows_are_padded_with_their_lengths_known() -> None:
    batch = loader(batch_size=8).batch(0)
    assert batch.waveform.shape == (8, int(batch.n_samples.max()))
    for row, n, labels in zip(batch.waveform, batch.n_samples, batch.labels, strict=True):
        assert not row[n:].any()
        assert heard(row[:n].numpy()) <= set(labels)
    assert batch.to("cpu").captions == batch.captions


def test_a_finite_stream_begins_again() -> None:
    config = CompositionConfig(clip_s=0.2, n_distinct=8)
    made = loader(config=config)
    assert same(made.batch(0), made.batch(2))
    assert not same(made.batch(0), made.batch(1))


def test_uneven_shares_are_refused() -> None:
    with pytest.raises(EarShotError, match="a multiple of 3"):
        loader(world=3)
