from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import librosa
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from transformers import ClapFeatureExtractor

from earshot.core.config import from_dict, to_dict
from earshot.core.errors import EarShotError
from earshot.features.log_mel import LogMel, LogMelConfig, int16_round_trip

PRESETS = {
    name: getattr(LogMelConfig, name)()
    for name in (
        "laion",
        "laion_fused",
        "msclap_2022",
        "msclap_2023",
        "panns_32k",
        "panns_16k",
        "panns_8k",
    )
}
FRAMES = {  # of the length that each model hears
    "laion": (10, 1_001),
    "laion_fused": (10, 1_001),
    "msclap_2022": (5, 690),
    "msclap_2023": (7, 965),
    "panns_32k": (10, 1_001),
    "panns_16k": (10, 1_001),
    "panns_8k": (10, 1_001),
}
TINY = LogMelConfig(sample_rate=8_000, n_fft=64, hop_length=20, n_mels=8, f_max=4_000.0)


def batch_of(*clips: np.ndarray | Tensor, fill: float = 0.0) -> tuple[Tensor, Tensor]:
    n_samples = torch.tensor([len(clip) for clip in clips])
    waveform = torch.full((len(clips), int(n_samples.max())), fill)
    for row, clip in zip(waveform, clips, strict=True):
        row[: len(clip)] = torch.as_tensor(clip)
    return waveform, n_samples


def log_mel_of(config: LogMelConfig, clip: np.ndarray | Tensor) -> np.ndarray:
    log_mel, n_frames = LogMel(config)(*batch_of(clip))
    assert n_frames.tolist() == [log_mel.shape[2]]
    return log_mel[0].numpy()


def by_librosa(config: LogMelConfig, waveform: np.ndarray) -> np.ndarray:
    if config.quantise:  # as LAION-CLAP's loader does it
        sixteen_bits = (np.clip(waveform, -1.0, 1.0) * 32767.0).astype(np.int16)
        waveform = (sixteen_bits / 32767.0).astype(np.float32)
    spectrum = librosa.stft(
        waveform, n_fft=config.n_fft, hop_length=config.hop_length, pad_mode="reflect"
    )
    bank = librosa.filters.mel(
        sr=config.mel_rate or config.sample_rate,
        n_fft=config.n_fft,
        n_mels=config.n_mels,
        fmin=config.f_min,
        fmax=config.f_max,
        htk=config.mel_scale == "htk",
        norm=config.mel_norm,
    )
    return librosa.power_to_db(bank @ np.abs(spectrum) ** 2, amin=1e-10, top_db=None)


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_equals_librosa(name: str, sound: Callable[[int], np.ndarray]) -> None:
    waveform = sound(PRESETS[name].sample_rate)
    ours = log_mel_of(PRESETS[name], waveform)
    np.testing.assert_allclose(ours, by_librosa(PRESETS[name], waveform), rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_equals_librosa_on_real_clips(
    name: str, recordings: Callable[[int], list[np.ndarray]]
) -> None:
    for waveform in recordings(PRESETS[name].sample_rate):
        ours = log_mel_of(PRESETS[name], waveform)
        np.testing.assert_allclose(ours, by_librosa(PRESETS[name], waveform), rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", FRAMES)
def test_every_preset_makes_the_published_number_of_frames(name: str) -> None:
    seconds, frames = FRAMES[name]
    length = seconds * PRESETS[name].sample_rate
    log_mel, n_frames = LogMel(PRESETS[name])(torch.zeros(1, length), torch.tensor([length]))
    assert log_mel.shape == (1, 64, frames)
    assert n_frames.tolist() == [frames]


@pytest.mark.parametrize(("name", "path"), [("laion", "rand_trunc"), ("laion_fused", "fusion")])
def test_laion_equals_the_transformers_extractor(
    name: str, path: str, sound: Callable[[int], np.ndarray]
) -> None:
    extractor = ClapFeatureExtractor(frequency_min=50, truncation=path, padding="pad")
    waveform = int16_round_trip(torch.from_numpy(sound(48_000))).numpy()
    theirs = extractor(waveform, sampling_rate=48_000, return_tensors="pt")["input_features"]
    padded = np.pad(waveform, (0, 480_000 - len(waveform)))
    ours = log_mel_of(replace(PRESETS[name], quantise=False), padded)
    np.testing.assert_allclose(ours, theirs[0, 0].T.numpy(), rtol=0, atol=1e-4)


def test_the_int16_step_is_the_published_one() -> None:
    waveform = np.random.default_rng(0).uniform(-1.2, 1.2, 5_000).astype(np.float32)
    published = (np.clip(waveform, -1, 1) * 32767.0).astype(np.int16)
    ours = int16_round_trip(torch.from_numpy(waveform)).numpy()
    np.testing.assert_array_equal(ours, (published / 32767.0).astype(np.float32))
    np.testing.assert_array_equal(waveform, np.clip(waveform, -1.2, 1.2))  # left as it was


@pytest.mark.parametrize("config", [TINY, replace(TINY, quantise=True)])
@given(
    lengths=st.lists(st.integers(1, 400), min_size=1, max_size=5),
    seed=st.integers(0, 99),
    fill=st.sampled_from([0.0, 1e3, float("nan")]),
)
@settings(deadline=None, derandomize=True, max_examples=40)
def test_a_clip_has_the_same_features_alone_as_in_a_batch(
    config: LogMelConfig, lengths: list[int], seed: int, fill: float
) -> None:
    random = torch.Generator().manual_seed(seed)
    clips = [torch.rand(length, generator=random) * 2 - 1 for length in lengths]
    log_mel, n_frames = LogMel(config)(*batch_of(*clips, fill=fill))
    for row, frames, clip in zip(log_mel, n_frames, clips, strict=True):
        assert frames == len(clip) // config.hop_length + 1
        np.testing.assert_allclose(row[:, :frames], log_mel_of(config, clip), rtol=0, atol=1e-5)
        assert (row[:, frames:] == -100.0).all()


def test_long_clips_are_the_same_in_pieces() -> None:
    clip = torch.rand(24_000, generator=torch.Generator().manual_seed(0)) - 0.5  # 1201 frames
    whole = log_mel_of(TINY, clip)
    np.testing.assert_allclose(whole, by_librosa(TINY, clip.numpy()), rtol=0, atol=1e-4)


@pytest.mark.parametrize("length", [1, 2, 31, 32, 33])
def test_clips_shorter_than_half_a_window_are_mirrored_as_numpy_does(length: int) -> None:
    clip = (np.random.default_rng(length).uniform(-0.5, 0.5, length)).astype(np.float32)
    padded = np.pad(clip, 32, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, 64)[::20]
    power = np.abs(np.fft.rfft(frames * np.hanning(65)[:64])) ** 2
    bank = librosa.filters.mel(sr=8_000, n_fft=64, n_mels=8, fmin=50.0, fmax=4_000.0)
    expected = 10 * np.log10(np.maximum(power @ bank.T, 1e-10))
    np.testing.assert_allclose(log_mel_of(TINY, clip), expected.T, rtol=0, atol=1e-4)


@given(gain_db=st.floats(-30.0, 30.0), seed=st.integers(0, 99))
@settings(deadline=None, derandomize=True, max_examples=25)
def test_gain_adds_its_decibels(gain_db: float, seed: int) -> None:
    clip = 0.1 * torch.randn(300, generator=torch.Generator().manual_seed(seed))
    louder = log_mel_of(TINY, clip * 10 ** (gain_db / 20))
    np.testing.assert_allclose(louder - log_mel_of(TINY, clip), gain_db, rtol=0, atol=1e-3)


def test_silence_reads_the_floor() -> None:
    assert (log_mel_of(LogMelConfig.laion(), np.zeros(9_600)) == -100.0).all()


def test_an_empty_batch_gives_no_rows() -> None:
    log_mel, n_frames = LogMel(TINY)(torch.zeros(0, 400), torch.zeros(0, dtype=torch.int64))
    assert log_mel.shape == (0, 8, 21)
    assert n_frames.shape == (0,)


def test_autocast_and_half_precision_change_nothing() -> None:
    waveform, n_samples = batch_of(0.1 * torch.randn(400, generator=torch.Generator()))
    front_end = nn.Sequential(LogMel(TINY))[0]
    expected, _ = front_end(waveform, n_samples)
    with torch.autocast("cpu", torch.bfloat16):
        cast, _ = front_end(waveform, n_samples)
    assert torch.equal(cast, expected)
    for model in (nn.Sequential(front_end).bfloat16(), nn.Sequential(front_end).to("meta")):
        after, _ = model.to_empty(device="cpu")[0](waveform, n_samples)
        assert torch.equal(after, expected)


def test_single_precision_is_near_where_the_sound_is() -> None:
    clip = (0.5 * np.sin(2 * np.pi * 440 * np.arange(8_000) / 8_000)).astype(np.float32)
    double = log_mel_of(TINY, clip)
    single = log_mel_of(replace(TINY, precision="single"), clip)
    loud = double > double.max() - 60
    np.testing.assert_allclose(single[loud], double[loud], rtol=0, atol=1e-2)
    assert not np.array_equal(single, double)


def test_gradients_reach_the_waveform() -> None:
    clip = 0.1 * torch.randn(1, 300, generator=torch.Generator().manual_seed(0))
    clip.requires_grad_()
    LogMel(TINY)(clip, torch.tensor([200]))[0].sum().backward()
    assert clip.grad is not None
    assert (clip.grad[0, :200] != 0).all()
    assert (clip.grad[0, 200:] == 0).all()


def test_nothing_enters_the_state_dict() -> None:
    own = torch.rand(33, 1, 64), torch.rand(33, 1, 64)
    front_end = LogMel(TINY, mel_matrix=torch.rand(33, 8), stft_kernels=own)
    assert not front_end.state_dict()
    assert not list(front_end.parameters())
    assert set(dict(front_end.named_buffers())) == {"mel_matrix", "kernels"}


def fourier_kernels(n_fft: int) -> tuple[Tensor, Tensor]:
    """The kernels that PANNs and MS-CLAP checkpoints store."""
    basis = np.fft.fft(np.eye(n_fft))[: n_fft // 2 + 1] * np.hanning(n_fft + 1)[:n_fft]
    return torch.tensor(basis.real[:, None]).float(), torch.tensor(basis.imag[:, None]).float()


def test_a_checkpoints_own_tables_are_used() -> None:
    clip = torch.rand(400, generator=torch.Generator().manual_seed(0)) - 0.5
    matrix = torch.rand(33, 8, generator=torch.Generator().manual_seed(1))
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(clip, 32, mode="reflect"), 64)[::20]
    random = torch.Generator().manual_seed(2)
    own = torch.rand(33, 1, 64, generator=random), torch.rand(33, 1, 64, generator=random)
    for kernels, is_own in ((fourier_kernels(64), False), (own, True)):
        real, imag = (frames @ kernel[:, 0].numpy().T for kernel in kernels)
        expected = 10 * np.log10((real**2 + imag**2) @ matrix.numpy())
        front_end = LogMel(TINY, mel_matrix=matrix, stft_kernels=kernels)
        assert front_end.own_kernels is is_own
        log_mel, _ = front_end(*batch_of(clip))
        np.testing.assert_allclose(log_mel[0].T, expected, rtol=0, atol=1e-3)


def test_configs_survive_json() -> None:
    for config in PRESETS.values():
        assert from_dict(LogMelConfig, to_dict(config)) == config


def test_faults_say_the_mend() -> None:
    front_end, clip = LogMel(TINY), torch.zeros(1, 100)
    with pytest.raises(EarShotError, match="Lower f_max, or load the audio at a higher"):
        LogMelConfig(sample_rate=16_000)
    with pytest.raises(EarShotError, match="even n_fft.*Give both in samples"):
        replace(TINY, n_fft=63)
    with pytest.raises(EarShotError, match="n_mels=0.*published front ends"):
        replace(TINY, n_mels=0)
    with pytest.raises(EarShotError, match="n_fft and n_mels of the checkpoint"):
        LogMel(TINY, mel_matrix=torch.zeros(33, 9))
    with pytest.raises(EarShotError, match="imaginary STFT kernel.*n_fft of the checkpoint"):
        LogMel(TINY, stft_kernels=(torch.zeros(33, 1, 64), torch.zeros(33, 64)))
    with pytest.raises(EarShotError, match="Mix channels to mono"):
        front_end(torch.zeros(1, 2, 100), torch.tensor([100]))
    with pytest.raises(EarShotError, match="int16.*Divide 16-bit samples by 32768"):
        front_end(clip.to(torch.int16), torch.tensor([100]))
    with pytest.raises(EarShotError, match="one length for every clip"):
        front_end(clip, torch.tensor([100, 100]))
    for wrong in (0, 101):
        with pytest.raises(EarShotError, match="from 1 to 100.*Leave out clips without samples"):
            front_end(clip, torch.tensor([wrong]))
