"""What `earshot index` costs beside the model, and whether the cost of a clip grows with the index.

Overhead: wall time of indexing with the CLAP HTSAT, exact, against the model alone on log-mels made
beforehand. Growth: quarter-second clips with a model that costs nothing.
"""

from __future__ import annotations

import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from figures import Figure, alternate, repeated
from material import CACHE, clap_folder, scenes, short_sounds


def measure(tiny: bool, n_pairs: int) -> tuple[list[Figure], dict[str, Any]]:
    """Share of the wall time that is not the model's, and milliseconds a clip by size."""
    os.environ["EARSHOT_CACHE"] = str(CACHE / "exports")
    share, facts = _overhead(tiny, n_pairs)
    sizes = (20, 100) if tiny else (1_000, 10_000, 100_000)
    per_clip = {n: _per_clip(short_sounds(n)) for n in sizes}
    figures = [share]
    for n, ms in per_clip.items():
        figures.append(Figure(f"{n:,} short clips: a clip", ms, "ms"))
    grown = per_clip[sizes[-1]] / per_clip[sizes[0]]
    bound = {} if tiny else {"at_most": 1.25}
    figures.append(
        Figure(f"a clip among {sizes[-1]:,} against one among {sizes[0]:,}", grown, "x", **bound)
    )
    return figures, facts


def _overhead(tiny: bool, n_pairs: int) -> tuple[Figure, dict[str, Any]]:
    from earshot.audio import find_audio, read_audio
    from earshot.jobs.indexing import index
    from earshot.jobs.loading import load

    embedder = load(clap_folder(tiny=tiny), runtime="openvino")
    folder = scenes(8 if tiny else 200)
    waveforms = (
        read_audio(path, sample_rate=embedder.sample_rate) for path in find_audio([folder])
    )
    prepared = [embedder.prepare(each.waveform) for each in waveforms]

    def indexed() -> None:
        with tempfile.TemporaryDirectory() as place:
            index(folder, model=embedder, index=place)

    seconds = alternate(
        {"index": indexed, "model": lambda: embedder.embed_prepared(prepared)}, n_pairs
    )
    pairs = zip(seconds["index"], seconds["model"], strict=True)
    shares = [100 * (1 - model / whole) for whole, model in pairs]
    bound = {} if tiny else {"at_most": 15.0}
    facts = {
        "index_clips_per_second": len(prepared) / statistics.median(seconds["index"]),
        "model_clips_per_second": len(prepared) / statistics.median(seconds["model"]),
    }
    return repeated(
        "indexing with HTSAT: all but the model", shares, "% of the time", **bound
    ), facts


def _per_clip(folder: Path) -> float:
    """Milliseconds that one clip of the folder costs."""
    from earshot.jobs.indexing import index

    place = CACHE / "index"
    shutil.rmtree(place, ignore_errors=True)
    started = time.perf_counter()
    report = index(folder, model=Costless(), index=place)
    seconds = time.perf_counter() - started
    assert not report.failures
    return 1e3 * seconds / report.added


class Costless:
    """A model of 512 numbers that costs nothing: the sound's own samples, folded."""

    name, fingerprint, precision, note = "costless", "c" * 16, "fp32", ""
    sample_rate, window_s, hop_s, dim, scale = 16_000, 1.0, 1.0, 512, 20.0

    def prepare(self, waveform: np.ndarray) -> np.ndarray:
        """The first 512 samples' worth, of unit length."""
        row = np.resize(waveform, self.dim).astype(np.float32)
        return row / max(float(np.linalg.norm(row)), 1e-12)

    def embed_prepared(self, prepared: Sequence[np.ndarray]) -> np.ndarray:
        """The rows stacked."""
        return np.stack(prepared)
