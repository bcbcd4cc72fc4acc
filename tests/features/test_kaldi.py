from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import ASTFeatureExtractor, SeamlessM4TFeatureExtractor
from transformers.audio_utils import mel_filter_bank, spectrogram, window_function

from earshot.core.config import from_dict, to_dict
from earshot.core.errors import EarShotError
from earshot.features.kaldi import KaldiFbank, KaldiFbankConfig, fit_frames, stack_frames

TINY = KaldiFbankConfig(
    sample_rate=8_000, window_length=50, hop_length=20, n_mels=6, f_max=4_000.0, mean=-3.0, std=2.0
)


def fbank_of(config: KaldiFbankConfig, clip: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    return KaldiFbank(config)(torch.from_numpy(clip)[None], torch.tensor([len(clip)]))


def by_transformers(clip: np.ndarray, config: KaldiFbankConfig) -> np.ndarray:
    bank = mel_filter_bank(
        config.n_fft // 2 + 1,
        config.n_mels,
        config.f_min,
        config.f_max,
        config.sample_rate,
        mel_scale="kaldi",
        triangularize_in_mel_space=True,
    )
    window = {"hanning": "hann", "povey": "povey"}[config.window]
    return spectrogram(
        clip * config.gain,
        window_function(config.window_length, window, periodic=False),
        frame_length=config.window_length,
        hop_length=config.hop_length,
        fft_length=config.n_fft,
        power=2.0,
        center=False,
        preemphasis=config.preemphasis,
        mel_filters=bank,
        log_mel="log",
        mel_floor=1.192092955078125e-07,
        remove_dc_offset=True,
    )


def test_ast_equals_the_transformers_extractor(sound: Callable[[int], np.ndarray]) -> None:
    clip, front_end = sound(16_000), KaldiFbank(KaldiFbankConfig.ast())
    theirs = ASTFeatureExtractor()(clip, sampling_rate=16_000, return_tensors="np")
    log_mel, n_frames = fbank_of(front_end.config, clip)
    ours = fit_frames(log_mel, 1_024, value=front_end.pad_value)
    assert int(n_frames) < 1_024  # so that padding is compared too
    np.testing.assert_allclose(ours[0].T, theirs["input_values"][0], rtol=0, atol=1e-4)
    long = np.tile(clip, 9)
    theirs = ASTFeatureExtractor()(long, sampling_rate=16_000, return_tensors="np")
    ours = fit_frames(fbank_of(front_end.config, long)[0], 1_024, value=front_end.pad_value)
    np.testing.assert_allclose(ours[0].T, theirs["input_values"][0], rtol=0, atol=1e-4)


def test_beats_equals_kaldis_formula(sound: Callable[[int], np.ndarray]) -> None:
    clip, config = sound(16_000), KaldiFbankConfig.beats()
    theirs = (by_transformers(clip, config) - 15.41663) / (2 * 6.55582)
    np.testing.assert_allclose(fbank_of(config, clip)[0][0], theirs, rtol=0, atol=1e-4)


def test_real_clips_equal_kaldis_formula(recordings: Callable[[int], list[np.ndarray]]) -> None:
    config = KaldiFbankConfig.ast()
    for clip in recordings(16_000):
        theirs = (by_transformers(clip, config) + 4.2677393) / (2 * 4.5689974)
        np.testing.assert_allclose(fbank_of(config, clip)[0][0], theirs, rtol=0, atol=1e-4)


@pytest.mark.parametrize("n_samples", [16_000, 16_160])  # 98 and 99 frames: even and odd
def test_w2v_bert_equals_the_transformers_extractor(n_samples: int) -> None:
    clip = 0.1 * np.random.default_rng(0).normal(size=n_samples).astype(np.float32)
    extractor = SeamlessM4TFeatureExtractor()
    theirs = extractor(clip, sampling_rate=16_000, return_tensors="np")
    log_mel, n_frames = stack_frames(*fbank_of(KaldiFbankConfig.w2v_bert(), clip), 2)
    frames = int(theirs["attention_mask"].sum())
    assert n_frames.tolist() == [frames]
    assert log_mel.shape == (1, 160, frames)
    np.testing.assert_allclose(
        log_mel[0].T, theirs["input_features"][0, :frames], rtol=0, atol=1e-4
    )


def test_ten_seconds_make_998_frames() -> None:
    _, n_frames = fbank_of(KaldiFbankConfig.beats(), np.zeros(160_000, dtype=np.float32))
    assert n_frames.tolist() == [998]


@pytest.mark.parametrize("config", [TINY, replace(TINY, per_bin=True, gain=100.0)])
@given(
    lengths=st.lists(st.integers(1, 300), min_size=1, max_size=4),
    seed=st.integers(0, 99),
    fill=st.sampled_from([0.0, 1e3, float("nan")]),
)
@settings(deadline=None, derandomize=True, max_examples=40)
def test_a_clip_has_the_same_features_alone_as_in_a_batch(
    config: KaldiFbankConfig, lengths: list[int], seed: int, fill: float
) -> None:
    front_end = KaldiFbank(config)
    random = np.random.default_rng(seed)
    waveform = torch.full((len(lengths), max(lengths)), fill)
    clips = [random.uniform(-1, 1, length).astype(np.float32) for length in lengths]
    for row, clip in zip(waveform, clips, strict=True):
        row[: len(clip)] = torch.from_numpy(clip)
    log_mel, n_frames = front_end(waveform, torch.tensor(lengths))
    for row, frames, clip in zip(log_mel, n_frames.tolist(), clips, strict=True):
        alone, _ = fbank_of(config, clip)
        assert frames == alone.shape[2] == max(0, len(clip) - 50) // 20 + 1
        np.testing.assert_allclose(row[:, :frames], alone[0], rtol=0, atol=1e-5)
        assert (row[:, frames:] == front_end.pad_value).all()


def test_a_clip_shorter_than_a_window_is_padded_to_one() -> None:
    clip = np.random.default_rng(0).uniform(-1, 1, 21).astype(np.float32)
    short, n_frames = fbank_of(TINY, clip)
    padded, _ = fbank_of(TINY, np.pad(clip, (0, 29)))
    assert n_frames.tolist() == [1]
    assert torch.equal(short, padded)


def test_constant_offset_changes_nothing() -> None:
    clip = np.random.default_rng(0).uniform(-0.5, 0.5, 500).astype(np.float32)
    torch.testing.assert_close(
        fbank_of(TINY, clip + 0.25)[0], fbank_of(TINY, clip)[0], rtol=0.0, atol=1e-4
    )


def test_stacking_joins_neighbours_in_order() -> None:
    log_mel = torch.arange(10.0).reshape(1, 2, 5)  # bands of 5 frames: 0..4 and 5..9
    stacked, n_frames = stack_frames(log_mel, torch.tensor([5]), 2)
    assert stacked[0].T.tolist() == [[0, 5, 1, 6], [2, 7, 3, 8]]
    assert n_frames.tolist() == [2]
    one, n_frames = stack_frames(log_mel[:, :, :1], torch.tensor([1]), 2)
    assert one[0].T.tolist() == [[0, 5, 0, 0]]
    assert n_frames.tolist() == [1]


def test_configs_survive_json_and_faults_say_the_mend() -> None:
    for config in (KaldiFbankConfig.ast(), KaldiFbankConfig.beats(), KaldiFbankConfig.w2v_bert()):
        assert from_dict(KaldiFbankConfig, to_dict(config)) == config
        assert not KaldiFbank(config).state_dict()
    with pytest.raises(EarShotError, match="std=0.*Give lengths in samples"):
        replace(TINY, std=0.0)
    with pytest.raises(EarShotError, match="at most 4000 Hz"):
        replace(TINY, f_max=8_000.0)
