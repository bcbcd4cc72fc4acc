"""What a stretch of sound looks like: its spectrogram and the outline of its waveform."""

from __future__ import annotations

import base64
import threading
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np

MAX_S = 60.0  # of one picture
N_PEAKS = 112
KEPT = 512


def outline(waveform: np.ndarray, n_peaks: int = N_PEAKS) -> list[float]:
    """The largest absolute sample in each of `n_peaks` equal stretches, 0 to 1."""
    edges = np.linspace(0, len(waveform), n_peaks + 1).astype(int)
    starts = np.minimum(edges[:-1], len(waveform) - 1)
    peaks = np.maximum.reduceat(np.abs(waveform), starts)
    return [round(float(peak), 3) for peak in np.minimum(peaks, 1.0)]


class Pictures:
    """Draws stretches of files and keeps the latest."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[Any, ...], dict[str, Any]] = OrderedDict()

    def draw(self, path: Path, start_s: float, end_s: float) -> dict[str, Any]:
        """`mel`: base64 of bytes [mel_bins, frames], low bins first; `peaks`: the outline."""
        from earshot.audio import read_audio
        from earshot.jobs.report import MEL_BINS, SAMPLE_RATE, picture

        facts = path.stat()
        key = (path, facts.st_size, facts.st_mtime_ns, start_s, end_s)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        length_s = min(max(end_s - start_s, 0.05), MAX_S)
        audio = read_audio(path, sample_rate=SAMPLE_RATE, start_s=start_s, duration_s=length_s)
        drawn = {
            "mel": base64.b64encode(picture(audio).tobytes()).decode(),
            "mel_bins": MEL_BINS,
            "peaks": outline(audio.waveform),
        }
        with self._lock:
            self._kept[key] = drawn
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return drawn
