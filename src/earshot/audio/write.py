"""Write a sound to a file."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import soundfile

from earshot.audio.array import as_float
from earshot.audio.errors import AudioError
from earshot.audio.sound import check_channels, check_rate
from earshot.core.files import replacing

# suffix -> libsndfile's container and the coding it gets unless another is asked for
FORMATS = {
    "wav": ("WAV", "PCM_16"),
    "flac": ("FLAC", "PCM_16"),
    "ogg": ("OGG", "VORBIS"),
    "opus": ("OGG", "OPUS"),
    "mp3": ("MP3", "MPEG_LAYER_III"),
    "aiff": ("AIFF", "PCM_16"),
    "caf": ("CAF", "PCM_16"),
}
BLOCK_FRAMES = 2**16  # libsndfile's Vorbis encoder overruns its stack on longer ones


def write_audio(
    path: Path,
    waveform: np.ndarray,
    sample_rate: int,
    *,
    format: str | None = None,
    subtype: str | None = None,
) -> None:
    """Write [samples] or [channels, samples] to `path`, whole or not at all.

    format: "wav", "flac", "ogg", "opus", "mp3", "aiff" or "caf"; the path's suffix if left out.
    subtype: libsndfile's name of the coding, such as "PCM_24" or "FLOAT"; 16 bits if left out.

    Integer codings round to the nearest step and saturate at full scale, so that what read_audio
    got from a 16-bit file is written back bit for bit. Raises AudioError for NaN or Inf, no
    samples, an unknown format, and what the format cannot hold.
    """
    path = Path(path)
    container, usual = _format(path, format)
    coding = (subtype or usual).upper()
    frames = _frames(waveform)  # [frames, channels]
    check_rate(sample_rate, repr(str(path)))
    try:
        with (
            replacing(path) as part,
            soundfile.SoundFile(
                os.fsencode(part), "w", sample_rate, frames.shape[1], coding, format=container
            ) as file,
        ):
            for first in range(0, len(frames), BLOCK_FRAMES):
                file.write(_steps(frames[first : first + BLOCK_FRAMES], coding))
    except (soundfile.LibsndfileError, ValueError, OSError) as fault:
        reason = str(getattr(fault, "error_string", None) or getattr(fault, "strerror", fault))
        raise AudioError(
            got=f"{str(path)!r} as {container}, {coding}, {sample_rate} Hz, "
            f"{frames.shape[1]} channels, which cannot be written ({reason.strip('. ').lower()})",
            expected="a place that can be written, and a coding that holds this rate and channels",
            mend="Check the folder, or write wav, which holds them all.",
        ) from fault


def _format(path: Path, format: str | None) -> tuple[str, str]:
    name = (format or path.suffix.lstrip(".")).lower()
    if name not in FORMATS:
        raise AudioError(
            got=f"{name!r} as the format of {str(path)!r}",
            expected=f"one of {', '.join(FORMATS)}",
            mend="Give the path one of these suffixes, or pass format=.",
        )
    return FORMATS[name]


def _frames(waveform: np.ndarray) -> np.ndarray:
    """[samples] or [channels, samples] as float32 [frames, channels]."""
    if waveform.ndim not in (1, 2) or not waveform.size:
        raise AudioError(
            got=f"a waveform of shape {list(waveform.shape)}",
            expected="[samples] or [channels, samples], at least one sample",
            mend="Pass one sound at a time.",
        )
    frames = as_float(np.atleast_2d(waveform)).T
    check_channels(frames.shape[1], "a waveform")
    if not np.isfinite(frames).all():
        raise AudioError(
            got=f"{int((~np.isfinite(frames)).sum())} samples that are not numbers (NaN or Inf)",
            expected="finite samples",
            mend="Find where they arise, or replace them: np.nan_to_num(waveform).",
        )
    return frames


def _steps(frames: np.ndarray, coding: str) -> np.ndarray:
    """Samples in the type libsndfile stores without rounding again."""
    bits = {"PCM_16": 16, "PCM_24": 24}.get(coding)
    if bits is None:  # floats and lossy codings take floats
        return np.ascontiguousarray(frames)
    full = 2.0 ** (bits - 1)
    steps = np.clip(np.rint(frames * full), -full, full - 1)
    return steps.astype(np.int16) if bits == 16 else steps.astype(np.int32) << 8
