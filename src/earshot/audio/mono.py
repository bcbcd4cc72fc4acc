"""Blocks of any channels and rate to mono blocks at one rate: the way of every read."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import soxr

from earshot.audio.errors import AudioError
from earshot.audio.resample import QUALITY
from earshot.audio.sound import Sound, check_rate

CONTEXT = 512  # samples of the lower rate: soxr's HQ filter looks no further
LOUDEST = 16.0  # 24 dB over full scale: beyond it, samples are not on the scale of [-1, 1]


def mono_blocks(
    sound: Sound, sample_rate: int, first: int, stop: int | None
) -> Iterator[np.ndarray]:
    """Mono blocks [samples] float32 at `sample_rate`, from sample `first` to `stop` or the end.

    The same samples come out wherever one begins: resampling starts a little before `first`, on
    an instant that both rates share.
    """
    check_rate(sample_rate, "a target")
    from_rate = sound.info.sample_rate
    shared = math.gcd(from_rate, sample_rate)
    up, down = sample_rate // shared, from_rate // shared
    if up == down:
        blocks, position = checked(sound, first, stop), first
    else:
        context = math.ceil(CONTEXT * max(1.0, sample_rate / from_rate))
        n_shared = max(first - context, 0) // up  # instants that both rates share
        position = n_shared * up
        until = None if stop is None else math.ceil((stop + context) * from_rate / sample_rate)
        blocks = resampled(checked(sound, n_shared * down, until), from_rate, sample_rate)
    for block in blocks:
        part = block[max(first - position, 0) :]
        if stop is not None:
            part = part[: max(stop - max(position, first), 0)]
        position += len(block)
        if len(part):
            yield part
        if stop is not None and position >= stop:
            return


def checked(sound: Sound, start: int, stop: int | None) -> Iterator[np.ndarray]:
    """Mono blocks at the sound's own rate, in [-1, 1]; AudioError for samples that are no sound."""
    position = start
    for frames in sound.blocks(start, stop):
        mono = downmix(frames)
        yield within_scale(mono, position, sound)
        position += len(mono)


def downmix(frames: np.ndarray) -> np.ndarray:
    """The mean over channels: [frames, channels] -> [frames].

    Column by column: NumPy's mean over a short last axis costs more than the decoding.
    """
    n_channels = frames.shape[1]
    if n_channels == 1:
        return frames[:, 0]
    total = frames[:, 0] + frames[:, 1]
    for channel in range(2, n_channels):
        total += frames[:, channel]
    total *= np.float32(1 / n_channels)
    return total


def within_scale(mono: np.ndarray, position: int, sound: Sound) -> np.ndarray:
    """The block, with overshoot clipped; AudioError for NaN, Inf and samples of another scale."""
    peak = max(float(mono.max()), -float(mono.min())) if len(mono) else 0.0
    if peak <= 1.0:
        return mono
    if peak <= LOUDEST:
        return np.clip(mono, -1.0, 1.0)
    bad = int(np.flatnonzero(~(np.abs(mono) <= LOUDEST))[0])
    where = f"at sample {position + bad} ({(position + bad) / sound.info.sample_rate:.3f} s)"
    if not math.isfinite(mono[bad]):
        raise AudioError(
            got=f"{sound.name} with a sample that is not a number (NaN or Inf) {where}",
            expected="finite samples",
            mend="Export it again, or replace such samples: np.nan_to_num(waveform).",
        )
    raise AudioError(
        got=f"{sound.name} with a sample of {mono[bad]:g} {where}",
        expected="samples in [-1, 1]",
        mend="Divide by the full scale before saving as floats (32768 for 16-bit values).",
    )


def resampled(blocks: Iterator[np.ndarray], from_rate: int, to_rate: int) -> Iterator[np.ndarray]:
    """The blocks at another rate, as if they had been one."""
    stream = soxr.ResampleStream(from_rate, to_rate, 1, dtype="float32", quality=QUALITY)
    held = None  # the last block must be told that it is the last
    for block in blocks:
        if held is not None:
            yield np.clip(stream.resample_chunk(held), -1.0, 1.0)
        held = np.ascontiguousarray(block)
    if held is not None:
        yield np.clip(stream.resample_chunk(held, last=True), -1.0, 1.0)
