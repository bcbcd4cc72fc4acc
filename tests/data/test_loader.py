from __future__ import annotations

import itertools
import logging
import threading
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

from earshot.audio import Audio
from earshot.core.errors import EarShotError
from earshot.data import Batch, BatchLoader, Clip, ClipSet
from tiny_sounds import tone

RATE = 8_000


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> ClipSet:
    """40 tones of 0.1 to 0.88 s, two captions each."""
    folder = tmp_path_factory.mktemp("tones")
    return ClipSet(
        Clip(
            tone(folder / f"{n:02}.wav", seconds=0.1 + 0.02 * n, hz=200 + 20 * n),
            captions=(f"tone {n}", f"sine {n}"),
            labels=("low" if n < 20 else "high",),
            id=str(n),
        )
        for n in range(40)
    )


def loader(clips: ClipSet, **changes: object) -> BatchLoader:
    settings = {"batch_size": 6, "sample_rate": RATE, "max_s": 0.3, "seed": 5} | changes
    return BatchLoader(clips, **settings)  # type: ignore[arg-type]


def take(n: int, loader: BatchLoader, start_step: int = 0) -> list[Batch]:
    return list(itertools.islice(loader.batches(start_step), n))


def assert_same(one: list[Batch], other: list[Batch]) -> None:
    assert len(one) == len(other)
    for a, b in zip(one, other, strict=True):
        assert torch.equal(a.waveform, b.waveform)
        assert torch.equal(a.n_samples, b.n_samples)
        assert (a.captions, [c.id for c in a.clips]) == (b.captions, [c.id for c in b.clips])


def test_a_batch_holds_what_its_clips_hold(clips: ClipSet) -> None:
    batch = next(loader(clips, max_s=None).batches())
    for row, n, clip in zip(batch.waveform, batch.n_samples, batch.clips, strict=True):
        assert torch.equal(row[:n], torch.from_numpy(clip.read().waveform))
        assert not row[n:].any()
    assert batch.waveform.dtype == torch.float32
    assert batch.target is not None
    assert batch.labels_hot is not None
    assert batch.target.tolist() == [clips.labels.index(c.labels[0]) for c in batch.clips]
    assert batch.labels_hot.argmax(1).tolist() == batch.target.tolist()
    assert all(one in all_ for one, all_ in zip(batch.captions, batch.all_captions, strict=True))
    assert len(batch.to("meta")) == 6
    assert batch.to("meta").waveform.device.type == "meta"


def test_rows_of_a_batch_are_a_batch(clips: ClipSet) -> None:
    batch = next(loader(clips).batches())
    first, rest = batch.rows(slice(0, 2)), batch.rows(slice(2, 100))
    assert (len(first), len(rest)) == (2, 4)
    for name in ("waveform", "n_samples", "target", "labels_hot"):
        parts = [getattr(part, name) for part in (first, rest)]
        assert torch.equal(torch.cat(parts), getattr(batch, name)), name
    for name in ("captions", "all_captions", "clips"):
        assert getattr(first, name) + getattr(rest, name) == getattr(batch, name), name
    bare = loader(ClipSet([Clip(Audio(np.ones(99, np.float32), RATE), ("a",))] * 6))
    assert next(bare.batches()).rows(slice(1, 3)).target is None


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_workers_change_nothing(clips: ClipSet, workers: int) -> None:
    assert_same(take(15, loader(clips, workers=workers)), take(15, loader(clips, workers=2)))


@pytest.mark.parametrize("step", [1, 5, 6, 13])  # 6 steps an epoch
def test_resuming_equals_running_on(clips: ClipSet, step: int) -> None:
    whole = take(16, loader(clips))
    assert_same(take(16 - step, loader(clips), start_step=step), whole[step:])


@pytest.mark.parametrize("cache_mb", [0, 0.02, 64])
def test_resuming_with_any_cache_equals_running_on(clips: ClipSet, cache_mb: float) -> None:
    whole = take(14, loader(clips, max_s=0.3, cache_mb=cache_mb, sample_rate=11_025))
    resumed = take(3, loader(clips, max_s=0.3, cache_mb=cache_mb, sample_rate=11_025), 11)
    assert_same(resumed, whole[11:])


def test_the_cache_changes_no_length_and_no_caption(clips: ClipSet) -> None:
    whole = take(14, loader(clips, max_s=0.1, cache_mb=64))
    part = take(14, loader(clips, max_s=0.1, cache_mb=0))
    for a, b in zip(whole, part, strict=True):
        assert a.captions == b.captions
        assert (a.n_samples - b.n_samples).abs().max() <= 1


def test_kept_clips_are_decoded_once(clips: ClipSet, monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: Counter[str] = Counter()
    read = Clip.read

    def noted(clip: Clip, **part: object) -> Audio:
        decoded[clip.id] += 1
        return read(clip, **part)  # type: ignore[arg-type]

    monkeypatch.setattr(Clip, "read", noted)
    running = loader(clips, workers=0, cache_mb=64)
    for epoch in range(3):
        list(running.epoch(epoch))
    assert set(decoded.values()) == {1}
    decoded.clear()
    tight = loader(clips, workers=0, cache_mb=0.02)  # room for the first four
    for epoch in range(3):
        list(tight.epoch(epoch))
    assert [decoded[clip.id] for clip in clips[:5]] == [1, 1, 1, 1, 3]
    assert decoded["39"] == 3


def test_skipped_batches_are_not_decoded(clips: ClipSet, monkeypatch: pytest.MonkeyPatch) -> None:
    decoded = []
    read = Clip.read

    def noted(clip: Clip, **part: object) -> Audio:
        decoded.append(clip.id)
        return read(clip, **part)  # type: ignore[arg-type]

    monkeypatch.setattr(Clip, "read", noted)
    batch = next(loader(clips, workers=0).batches(start_step=4))
    assert sorted(decoded) == sorted(clip.id for clip in batch.clips)


def test_only_the_crop_is_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = Clip(tone(tmp_path / "long.wav", seconds=5.0), captions=("long",))
    lengths = []
    read = Clip.read

    def noted(clip: Clip, **part: object) -> Audio:
        audio = read(clip, **part)  # type: ignore[arg-type]
        lengths.append(audio.duration_s)
        return audio

    monkeypatch.setattr(Clip, "read", noted)
    take(6, loader(ClipSet([clip]), batch_size=1))
    assert len(lengths) >= 6
    assert max(lengths) <= 0.3


@pytest.mark.parametrize("told", [{"duration": "0.2"}, {}])  # a manifest that is wrong
def test_memory_is_bounded_whatever_is_said_of_the_length(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: dict[str, str]
) -> None:
    clip = Clip(tone(tmp_path / "long.wav", seconds=5.0), extra=told)
    if not told:  # a file whose header says nothing
        monkeypatch.setattr(Clip, "measure_s", lambda clip: None)
    lengths = []
    read = Clip.read

    def noted(clip: Clip, **part: object) -> Audio:
        audio = read(clip, **part)  # type: ignore[arg-type]
        lengths.append(audio.duration_s)
        return audio

    monkeypatch.setattr(Clip, "read", noted)
    batches = take(6, loader(ClipSet([clip]), batch_size=1))
    assert max(lengths) <= 0.9
    assert all(batch.waveform.shape == (1, 2_400) for batch in batches)


def test_random_crops_lie_anywhere_and_start_crops_at_the_start(tmp_path: Path) -> None:
    ramp = np.linspace(0, 1, RATE, dtype=np.float32)
    clips = ClipSet([Clip(Audio(ramp, RATE), id="ramp")])
    firsts = [
        float(batch.waveform[0, 0]) for batch in take(40, loader(clips, batch_size=1, max_s=0.25))
    ]
    assert min(firsts) < 0.15
    assert max(firsts) > 0.6
    starts = take(3, loader(clips, batch_size=1, max_s=0.25, crop="start"))
    assert all(torch.equal(b.waveform[0], torch.from_numpy(ramp[:2_000])) for b in starts)
    (uncut,) = take(1, loader(clips, batch_size=1, max_s=0.25, crop="none"))
    assert uncut.waveform.shape == (1, RATE)


def test_an_epoch_visits_every_clip_once(clips: ClipSet) -> None:
    ids = [clip.id for batch in loader(clips).epoch(2) for clip in batch.clips]
    assert sorted(ids) == sorted(clip.id for clip in clips)
    assert loader(clips).steps_per_epoch == 6
    endless = Counter(c.id for b in take(6, loader(clips)) for c in b.clips)
    assert max(endless.values()) == 1


def test_every_caption_is_drawn(clips: ClipSet) -> None:
    drawn = {caption for batch in take(80, loader(clips)) for caption in batch.captions}
    assert drawn == {caption for clip in clips for caption in clip.captions}


def test_labels_stand_in_for_captions(clips: ClipSet) -> None:
    named = ClipSet([Clip(clips[0].audio, labels=("dog", "indoors"))])
    batch = next(loader(named, batch_size=1).batches())
    assert batch.captions == ["dog, indoors"]
    assert batch.target is None
    assert batch.labels_hot is not None
    assert batch.labels_hot.tolist() == [[1.0, 1.0]]


def test_buckets_pad_less(clips: ClipSet) -> None:
    def waste(bucket: bool) -> float:
        batches = take(24, loader(clips, bucket=bucket, max_s=None, batch_size=4))
        padded = sum(batch.waveform.numel() for batch in batches)
        return 1 - sum(int(batch.n_samples.sum()) for batch in batches) / padded

    assert waste(bucket=True) < 0.5 * waste(bucket=False)


def test_processes_share_the_batch_of_one(clips: ClipSet) -> None:
    whole = take(8, loader(clips))
    shares = [take(8, loader(clips, rank=rank, world=2)) for rank in (0, 1)]
    for batch, *parts in zip(whole, *shares, strict=True):
        assert [c.id for part in parts for c in part.clips] == [c.id for c in batch.clips]
        assert [c for part in parts for c in part.captions] == batch.captions
        for part, rows in zip(parts, batch.waveform.split(3), strict=True):
            width = part.waveform.shape[1]
            assert torch.equal(part.waveform, rows[:, :width])


@pytest.mark.parametrize("workers", [0, 2])
def test_an_unreadable_clip_is_replaced_and_reported_once(
    clips: ClipSet, tmp_path: Path, workers: int, caplog: pytest.LogCaptureFixture
) -> None:
    bad = tmp_path / "bad.wav"
    bad.write_bytes(b"this is no sound")
    broken = ClipSet([*clips[:7], Clip(bad, id="bad", labels=("low",)), *clips[7:]])
    with caplog.at_level(logging.WARNING, logger="earshot.data"):
        running = loader(broken, workers=workers)
        batches = take(18, running)  # three epochs
    assert "bad" not in {clip.id for batch in batches for clip in batch.clips}
    assert all(len(batch) == 6 for batch in batches)
    assert running.n_replaced >= 2
    assert [fault.clip for fault in running.failures] == ["bad"]
    assert sum("bad.wav" in record.message for record in caplog.records) == 1
    assert_same(take(10, loader(broken), start_step=8), batches[8:])


def test_the_substitute_is_the_next_clip_of_the_set(clips: ClipSet) -> None:
    gone = Clip(Path("nowhere.wav"), id="gone")
    broken = ClipSet([*clips[:3], gone, *clips[3:6]])
    for batch in loader(broken, batch_size=2, workers=0).epoch(0):
        ids = [clip.id for clip in batch.clips]
        assert len(set(ids)) == len(ids)  # not a clip that stands in the batch already
    running = loader(broken, batch_size=1, workers=0)
    order = [batch.clips[0].id for batch in running.epoch(0)]
    assert Counter(order) == {**dict.fromkeys("01245", 1), "3": 2}


def test_nothing_readable_is_an_error() -> None:
    gone = ClipSet(Clip(Path(f"nowhere{n}.wav")) for n in range(3))
    with pytest.raises(EarShotError, match="none of which can be read"):
        next(loader(gone, batch_size=2).batches())


def test_a_small_set_is_one_batch(clips: ClipSet) -> None:
    assert [len(batch) for batch in take(3, loader(clips[:4]))] == [4, 4, 4]


def test_sounds_are_resampled(clips: ClipSet) -> None:
    batch = next(loader(clips, sample_rate=16_000).batches())
    assert batch.waveform.shape[1] <= 4_800
    assert batch.n_samples.max() > 0.2 * 16_000


def test_stopping_early_ends_the_threads(clips: ClipSet) -> None:
    before = set(threading.enumerate())
    batches = loader(clips, workers=2).batches()
    next(batches)
    assert set(threading.enumerate()) - before
    batches.close()  # type: ignore[attr-defined]
    assert not set(threading.enumerate()) - before


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"batch_size": 0}, "batch_size"),
        ({"batch_size": 5, "world": 2}, "multiple of 2"),
        ({"rank": 2, "world": 2}, "rank"),
        ({"max_s": 0.0}, "max_s"),
        ({"crop": "middle"}, "random, start or none"),
    ],
)
def test_mends(clips: ClipSet, changes: dict[str, object], word: str) -> None:
    with pytest.raises(EarShotError) as caught:
        loader(clips, **changes)
    assert word in str(caught.value)
    with pytest.raises(EarShotError, match="split's name"):
        loader(clips[:0])
