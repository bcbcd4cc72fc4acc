from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from earshot.core.errors import EarShotError
from earshot.core.seed import generator
from earshot.data import BatchLoader
from earshot.synth.event_pool import TEN, TWENTY, EventPoolConfig, event_pool, event_waveform
from earshot.synth.sounds import SOUNDS

FEW = EventPoolConfig(n_pool=33, n_train=2, n_test=3)


def test_the_pool_has_every_kind_and_no_label() -> None:
    clips = event_pool(0, FEW)
    assert [len(clips.split(name)) for name in ("pool", "train", "test")] == [33, 20, 30]
    assert not any(clip.labels for clip in clips.split("pool"))
    assert all(clip.labels[0] in TEN for clip in clips.split("test"))
    assert clips.labels == tuple(sorted(TEN))
    assert not {*TEN} & {*TWENTY}
    assert {*TEN, *TWENTY} <= SOUNDS.keys()


def test_a_clip_depends_on_seed_split_and_number_alone() -> None:
    one, fewer = event_pool(1, FEW), event_pool(1, replace(FEW, n_pool=5))
    for split, n in (("pool", 5), ("train", 20)):
        for a, b in zip(one.split(split)[:n], fewer.split(split)[:n], strict=True):
            assert a.id == b.id
            np.testing.assert_array_equal(a.audio.waveform, b.audio.waveform)
    other = event_pool(2, FEW)
    assert not np.array_equal(other[0].audio.waveform, one[0].audio.waveform)


def test_clips_have_their_length_and_their_levels() -> None:
    config = replace(FEW, snr_db=(60.0, 60.0), gain_db=(0.0, 0.0), shift_s=0.0)
    loud = event_waveform("siren", generator(0), config)
    soft = event_waveform("siren", generator(0), replace(config, gain_db=(-20.0, -20.0)))
    assert loud.shape == (15_600,)
    np.testing.assert_allclose(soft, 0.1 * loud, atol=1e-6)
    edge = round((0.975 - 0.8) / 2 * 16_000)
    assert np.abs(loud[: edge - 8]).max() < 1e-3 < 0.05 < np.abs(loud[edge:-edge]).max()


def test_noise_has_the_ratio_asked_for() -> None:
    config = replace(FEW, gain_db=(0.0, 0.0), shift_s=0.0)

    def mixed(snr: float) -> np.ndarray:
        return event_waveform("siren", generator(3), replace(config, snr_db=(snr, snr)))

    clean = mixed(90.0)
    hiss = {snr: np.sqrt(np.mean((mixed(snr) - clean) ** 2)) for snr in (0.0, 10.0)}
    assert hiss[0.0] / hiss[10.0] == pytest.approx(10 ** (10 / 20), rel=0.01)
    assert hiss[0.0] == pytest.approx(np.sqrt(np.mean(clean[3_000:12_000] ** 2)), rel=0.35)


def test_the_sound_is_shifted_both_ways() -> None:
    config = replace(FEW, snr_db=(80.0, 80.0), gain_db=(0.0, 0.0), transposed=False)
    begins = []
    for seed in range(40):
        heard = np.abs(event_waveform("siren", generator(seed), config)) > 0.01
        begins.append(int(np.argmax(heard)) / 16_000)
    assert min(begins) < 0.02
    assert 0.25 < max(begins) < 0.4


def test_a_batch_loader_takes_it() -> None:
    batch = next(BatchLoader(event_pool(0, FEW), batch_size=8, sample_rate=16_000).batches())
    assert batch.waveform.shape == (8, 15_600)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"kinds": ("siren",)}, "two or more"),
        ({"other_kinds": ("unicorn",)}, "kinds unicorn"),
        ({"event_s": 2.0}, "up to the clip's own"),
        ({"shift_s": 0.9}, "some of the sound stays"),
        ({"n_test": 0}, "one labelled or more"),
    ],
)
def test_impossible_pools_are_refused(change: dict, said: str) -> None:
    with pytest.raises(EarShotError, match=said):
        replace(FEW, **change)
