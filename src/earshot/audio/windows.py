"""Windows over a sound of any length, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from earshot.audio.errors import AudioError
from earshot.audio.mono import mono_blocks
from earshot.audio.opening import Source, open_sound
from earshot.audio.read import nothing_there
from earshot.audio.sound import Window

SHORTEST_REST = 0.1  # of a window: a rest shorter than this says little


def stream_windows(
    source: Source, *, sample_rate: int, window_s: float, hop_s: float
) -> Iterator[Window]:
    """Windows of `window_s` every `hop_s`, at `sample_rate`: real sound only, never padded.

    Equal to cutting them from read_audio(source, sample_rate=sample_rate), but at most one window
    and a few blocks are in memory at a time, whatever the length and the format. A sound of at most
    one window gives one window of its own length. Otherwise the last window is the rest up to the
    end: shorter than the others, and left out when it is under a tenth of a window or when the
    window before it reached the end already. With a hop above the window, what lies between is
    passed over.

    Raises AudioError as read_audio does; a fault late in the file shows when that place is reached.
    """
    n_window, n_hop = round(window_s * sample_rate), round(hop_s * sample_rate)
    if n_window < 1 or n_hop < 1:
        raise AudioError(
            got=f"window_s={window_s:g} and hop_s={hop_s:g} at {sample_rate} Hz",
            expected="both at least one sample long",
            mend="Give both in seconds, above 0.",
        )
    return _windows(source, sample_rate, n_window, n_hop)


def _windows(source: Source, sample_rate: int, n_window: int, n_hop: int) -> Iterator[Window]:
    def cut(n_samples: int) -> Window:
        waveform = held.take(start, n_samples)
        return Window(waveform, start / sample_rate, (start + len(waveform)) / sample_rate)

    held, start, end = _Held(), 0, 0  # the next window begins at `start`; the last ended at `end`
    with open_sound(source) as sound:
        for block in mono_blocks(sound, sample_rate, 0, None):
            held.add(block)
            while held.end - start >= n_window:
                yield cut(n_window)
                start, end = start + n_hop, start + n_window
                held.drop_before(start)
        if not held.end:
            raise nothing_there(sound, 0.0)
        n_rest = held.end - start
        is_new = held.end > end and n_rest >= SHORTEST_REST * n_window
        if n_rest > 0 and (is_new or not end):
            yield cut(n_rest)


class _Held:
    """The stretch of a stream that windows still need, as the blocks that it came in."""

    def __init__(self) -> None:
        self.blocks: list[np.ndarray] = []
        self.start = self.end = 0  # samples of the stream that the blocks span

    def add(self, block: np.ndarray) -> None:
        self.blocks.append(block)
        self.end += len(block)

    def drop_before(self, position: int) -> None:
        while self.blocks and self.start + len(self.blocks[0]) <= position:
            self.start += len(self.blocks.pop(0))

    def take(self, position: int, n_samples: int) -> np.ndarray:
        """A copy of `n_samples` from `position` on."""
        parts, first = [], position - self.start
        for block in self.blocks:
            part = block[max(first, 0) : first + n_samples] if first + n_samples > 0 else block[:0]
            parts.append(part)
            first -= len(block)
        return np.concatenate(parts)
