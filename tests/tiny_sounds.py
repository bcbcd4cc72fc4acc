"""Short tones as files, and tables of them."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import soundfile


def tone(path: Path, seconds: float = 0.2, rate: int = 8_000, hz: float = 440.0) -> Path:
    """A sine at half of full scale."""
    path.parent.mkdir(parents=True, exist_ok=True)
    time = np.arange(round(seconds * rate)) / rate
    soundfile.write(path, 0.5 * np.sin(2 * np.pi * hz * time), rate)
    return path


def table(path: Path, header: Sequence[str] | None, rows: Iterable[Sequence[object]]) -> Path:
    """A CSV file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerows([header] if header else [])
        writer.writerows(rows)
    return path
