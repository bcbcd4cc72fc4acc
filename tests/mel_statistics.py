"""A few plain numbers about a sound, for tests that tell sounds apart."""

from __future__ import annotations

import numpy as np
from scipy.signal import stft, welch


def mel_statistics(waveform: np.ndarray, sample_rate: int = 16_000) -> np.ndarray:
    """Mean, spread and change of 40 log-mel bands, and how they move: level plays no part."""
    waveform = waveform / (np.sqrt(np.mean(waveform**2)) + 1e-9)
    _, _, bins = stft(waveform, sample_rate, nperseg=512, noverlap=352, boundary=None)
    log_mel = np.log(_filters(512, 40, sample_rate) @ np.abs(bins) ** 2 + 1e-7)
    moving = np.abs(np.fft.rfft(log_mel - log_mel.mean(1, keepdims=True), axis=1))[:, 1:61]
    moving = np.log(moving.reshape(8, 5, 12, 5).mean((1, 3)) + 1e-3)
    steps = np.diff(log_mel, axis=1).std(1)
    return np.concatenate([log_mel.mean(1), log_mel.std(1), steps, moving.ravel()])


def spectral_centroid_hz(waveform: np.ndarray, sample_rate: int = 16_000) -> float:
    """The power-weighted mean frequency, on a log scale."""
    hz, power = welch(waveform, sample_rate, nperseg=2048)
    return float(np.exp(np.average(np.log(np.maximum(hz, 20.0)), weights=power)))


def onset_flux(waveform: np.ndarray, sample_rate: int = 16_000, hop: int = 80) -> np.ndarray:
    """How much every 5 ms brings that is new, over 16 bands."""
    _, _, bins = stft(waveform, sample_rate, nperseg=256, noverlap=256 - hop, boundary=None)
    bands = (np.abs(bins[:128]) ** 2).reshape(16, 8, -1).sum(1)
    return np.maximum(np.diff(np.sqrt(bands / bands.max()), axis=1), 0).sum(0)


def onset_count(waveform: np.ndarray) -> float:
    """Peaks of the flux."""
    window = np.hanning(7) / np.hanning(7).sum()
    flux = np.convolve(onset_flux(waveform), window, "same")
    peaks = (flux[1:-1] > flux[:-2]) & (flux[1:-1] >= flux[2:])
    return float(np.sum(peaks & (flux[1:-1] > 0.25 * np.percentile(flux, 99.5))) + 0.5)


def repeat_rate_hz(waveform: np.ndarray, hop_s: float = 0.005) -> float:
    """The mean rate at which the flux comes and goes, every octave counting alike."""
    flux = onset_flux(waveform)
    power = np.abs(np.fft.rfft((flux - flux.mean()) * np.hanning(len(flux)), 8_192)) ** 2
    hz = np.fft.rfftfreq(8_192, hop_s)
    inside = (hz > 0.25) & (hz < 60)
    return float(np.exp(np.average(np.log(hz[inside]), weights=power[inside] / hz[inside])))


def _filters(n_fft: int, n_mels: int, sample_rate: int) -> np.ndarray:
    top = 2_595 * np.log10(1 + sample_rate / 2 / 700)
    edges = 700 * (10 ** (np.linspace(40, top, n_mels + 2) / 2_595) - 1)
    hz = np.fft.rfftfreq(n_fft, 1 / sample_rate)
    up = (hz - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    down = (edges[2:, None] - hz) / (edges[2:] - edges[1:-1])[:, None]
    return np.maximum(0, np.minimum(up, down))
