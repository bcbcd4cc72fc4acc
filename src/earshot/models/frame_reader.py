"""A layer's states of a sound, position by position: the frame-level face of a model."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from earshot.core.errors import EarShotError
from earshot.core.fingerprint import fingerprint
from earshot.encoders.states import LayerStates
from earshot.models.embedder import ClipEmbedding, Embedder

if TYPE_CHECKING:
    from earshot.audio import Audio, Window


@dataclass(frozen=True)
class FrameReader:
    """Hidden states of one layer of an embedder's audio encoder, as it computed them: no unit rows.

    Sounds longer than the window are read in windows, one after the other. `layer` counts from 0,
    from the end where negative. Raises EarShotError for a layer that is not there, and for encoders
    that hear a clip as a whole.
    """

    embedder: Embedder
    layer: int = -1

    def __post_init__(self) -> None:
        n_layers = len(self._silence.hidden)
        if not -n_layers <= self.layer < n_layers:
            raise EarShotError(
                got=f"layer {self.layer} of {self.embedder.name}",
                expected=f"0 to {n_layers - 1}, or -1 for the last",
                mend="Name one that it has.",
            )

    @property
    def name(self) -> str:
        """The embedder's."""
        return self.embedder.name

    @cached_property
    def dim(self) -> int:
        """How many numbers a position has."""
        return self._silence.hidden[self.layer].shape[2]

    @cached_property
    def fingerprint(self) -> str:
        """16 hex digits of the embedder's and the layer."""
        layer = self.layer % len(self._silence.hidden)
        return fingerprint({"embedder": self.embedder.fingerprint, "layer": layer})

    def read(self, source: str | Path | bytes | Audio) -> ClipEmbedding:
        """Every position [n, dim] of a sound, with where it starts and ends."""
        from earshot.audio import stream_windows

        rate, window_s = self.embedder.sample_rate, self.embedder.window_s
        return self.read_windows(
            stream_windows(source, sample_rate=rate, window_s=window_s, hop_s=window_s)
        )

    def read_windows(self, windows: Iterable[Window]) -> ClipEmbedding:
        """As `read`, of the windows that `audio.stream_windows` yields."""
        rows, starts = [], []
        last_end = 0.0
        for window in windows:
            states = self._states(window.waveform)
            step_s = self.embedder.model.position_s(states)
            real = states.hidden[self.layer][0, : int(states.n_positions[0])]
            n = min(len(real), max(1, int(np.ceil((window.end_s - window.start_s) / step_s))))
            rows.append(real[:n].float().cpu().numpy())  # what only filled the window is dropped
            starts.append(window.start_s + step_s * np.arange(n))
            last_end = window.end_s
        if not rows:
            raise EarShotError(
                got="a clip without a single window", expected="sound", mend="Leave it out."
            )
        start_s = np.concatenate(starts)
        return ClipEmbedding(np.concatenate(rows), start_s, np.append(start_s[1:], last_end))

    def _states(self, waveform: np.ndarray) -> LayerStates:
        samples = torch.from_numpy(np.ascontiguousarray(waveform, np.float32))[None]
        n_samples = torch.tensor([samples.shape[1]])
        device = self.embedder.device
        with torch.inference_mode():
            return self.embedder.model.layers(samples.to(device), n_samples.to(device))

    @cached_property
    def _silence(self) -> LayerStates:
        """What a second of silence, or a window of it, comes to: its shapes are every sound's."""
        seconds = min(1.0, self.embedder.window_s)
        return self._states(np.zeros(round(seconds * self.embedder.sample_rate), np.float32))
