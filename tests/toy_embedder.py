"""A model that knows five sounds, each a pure tone: enough to test the jobs around a model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from earshot.audio import stream_windows, write_audio
from earshot.models.embedder import ClipEmbedding

TONES = {"dog": 200, "cat": 400, "rain": 800, "bell": 1_600, "car": 3_200}  # Hz
RATE = 8_000


class ToyEmbedder:
    """Sounds by their energy at five frequencies, texts by the five words."""

    name, sample_rate, window_s, hop_s, scale, note = "toy", RATE, 1.0, 1.0, 20.0, ""
    dim = len(TONES) + 1
    precision = "fp32"

    def __init__(self, fingerprint: str = "70" * 8) -> None:
        self.fingerprint = fingerprint
        self.n_embedded = 0

    def embed_waveforms(self, waveforms: Sequence[np.ndarray]) -> np.ndarray:
        self.n_embedded += len(waveforms)
        return np.stack([self._unit(self._energies(each)) for each in waveforms])

    def prepare(self, waveform: np.ndarray) -> np.ndarray:
        return waveform

    def embed_prepared(self, prepared: Sequence[np.ndarray]) -> np.ndarray:
        return self.embed_waveforms(prepared)

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        return np.stack([self._unit([word in text for word in TONES]) for text in texts])

    def embed_audio(self, source: Path) -> ClipEmbedding:
        windows = list(stream_windows(source, sample_rate=RATE, window_s=1.0, hop_s=1.0))
        rows = self.embed_waveforms([window.waveform for window in windows])
        starts = np.array([window.start_s for window in windows])
        return ClipEmbedding(rows, starts, np.array([window.end_s for window in windows]))

    def _energies(self, waveform: np.ndarray) -> list[float]:
        time_s = np.arange(len(waveform)) / RATE
        return [
            abs(np.exp(-2j * np.pi * hz * time_s) @ waveform) / len(waveform)
            for hz in TONES.values()
        ]

    def _unit(self, values: Sequence[float]) -> np.ndarray:
        row = np.array([*values, 0.01], dtype=np.float64)
        return (row / np.linalg.norm(row)).astype(np.float32)


def tone(*words: str, seconds: float = 1.0) -> np.ndarray:
    """The words' tones one after the other, each of `seconds`."""
    time_s = np.arange(round(seconds * RATE)) / RATE
    parts = [0.5 * np.sin(2 * np.pi * TONES[word] * time_s) for word in words]
    return np.concatenate(parts).astype(np.float32)


def write_tones(folder: Path, names: dict[str, tuple[str, ...]]) -> None:
    """Sound files by name, each of the tones that its words stand for."""
    for name, words in names.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_audio(folder / name, tone(*words), RATE)
