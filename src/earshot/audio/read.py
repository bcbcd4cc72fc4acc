"""Read a sound, or what it says of itself."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from earshot.audio.errors import AudioError
from earshot.audio.mono import mono_blocks
from earshot.audio.opening import Source, open_sound
from earshot.audio.sound import Audio, AudioInfo, Sound

MAX_SAMPLES = 2**29  # 2 GiB of float32: 3 h at 48 kHz, 9 h at 16 kHz


def read_audio(
    source: Source,
    *,
    sample_rate: int | None = None,
    start_s: float = 0.0,
    duration_s: float | None = None,
    source_rate: int | None = None,
) -> Audio:
    """The sound of a file, of bytes or of an array: mono float32 in [-1, 1] and its sample rate.

    source: a path, the bytes of a file, an Audio, or an array [samples] or [channels, samples]
        with its source_rate in Hz. The content decides the format, not the file's name.
    sample_rate: resample to this rate, in Hz; the sound's own rate if left out.
    start_s, duration_s: decode only this part; equal to cutting it from the whole sound (but for
        the noise that AAC decoders draw anew where the encoder left noise out).

    Channels are averaged. Integers are scaled from their full range to [-1, 1). Floats, and lossy
    codecs, may overshoot: the mean over channels is clipped to [-1, 1], as every player does; past
    16 (24 dB over full scale) the samples are on another scale and refused. A file that breaks off
    or is damaged part-way gives what decodes, and a warning in the log `earshot.audio`.

    Raises AudioError, with the reason and the mend, for what is not there, is no regular file, is
    no sound, has no samples, or has NaN or Inf among them; and for more than 2 GiB of samples, by
    what decodes and not by what a header claims: use stream_windows for those.
    """
    _check_part(start_s, duration_s)
    with open_sound(source, source_rate) as sound:
        rate = sound.info.sample_rate if sample_rate is None else sample_rate
        first = round(start_s * rate)
        stop = None if duration_s is None else first + max(round(duration_s * rate), 1)
        pieces, n_samples = [], 0
        for piece in mono_blocks(sound, rate, first, stop):
            pieces.append(piece)
            n_samples += len(piece)
            if n_samples > MAX_SAMPLES:
                raise _too_long(sound, rate)
        if not n_samples:
            raise nothing_there(sound, start_s)
    waveform = pieces[0] if len(pieces) == 1 else np.concatenate(pieces)
    return Audio(np.ascontiguousarray(waveform), rate)


def probe_audio(source: str | Path | bytes) -> AudioInfo:
    """Sample rate, channels, length, format and codec of a file, without decoding it.

    Length is what the header says, which for lossy formats may be off by a few hundred samples;
    None where it says nothing. Raises AudioError for what is not there or no sound.
    """
    with open_sound(source) as sound:
        return sound.info


def nothing_there(sound: Sound, start_s: float) -> AudioError:
    """The error for a sound of which no sample came."""
    length = sound.info.duration_s
    if start_s and (length is None or start_s >= length):
        ends = "" if length is None else f", which is {length:.3f} s long"
        return AudioError(
            got=f"start_s={start_s:g} in {sound.name}{ends}",
            expected="a start before the end of the sound",
            mend="Lower start_s.",
        )
    since = f" from {start_s:g} s on" if start_s else ""
    return AudioError(
        got=f"{sound.name}, which has no samples that decode{since}",
        expected="at least one sample at the rate asked for",
        mend="Copy or export it again; it may have been cut off.",
    )


def _check_part(start_s: float, duration_s: float | None) -> None:
    if not (math.isfinite(start_s) and start_s >= 0):
        raise AudioError(
            got=f"start_s={start_s}", expected="seconds, from 0 on", mend="Correct start_s."
        )
    if duration_s is not None and not (math.isfinite(duration_s) and duration_s > 0):
        raise AudioError(
            got=f"duration_s={duration_s}",
            expected="seconds above 0",
            mend="Correct duration_s, or leave it out for all that follows.",
        )


def _too_long(sound: Sound, rate: int) -> AudioError:
    hours = MAX_SAMPLES / rate / 3_600
    return AudioError(
        got=f"{sound.name}, which is longer than {hours:.1f} h at {rate} Hz",
        expected="what fits into 2 GiB of memory when read in one piece",
        mend="Read a part with start_s and duration_s, or go through it with stream_windows.",
    )
