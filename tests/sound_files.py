"""Small sound files in every format, made in memory: what the tests of sound read."""

from __future__ import annotations

import io
from pathlib import Path
from tempfile import TemporaryDirectory

import av
import numpy as np
import soundfile

# name -> (libsndfile's container, coding, is what comes back exact up to 16 bits)
BY_LIBSNDFILE = {
    "wav": ("WAV", "PCM_16", True),
    "u8.wav": ("WAV", "PCM_U8", False),
    "24.wav": ("WAV", "PCM_24", True),
    "32.wav": ("WAV", "PCM_32", True),
    "float.wav": ("WAV", "FLOAT", True),
    "double.wav": ("WAV", "DOUBLE", True),
    "w64": ("W64", "PCM_16", True),
    "aiff": ("AIFF", "PCM_16", True),
    "au": ("AU", "PCM_16", True),
    "caf": ("CAF", "PCM_16", True),
    "flac": ("FLAC", "PCM_16", True),
    "24.flac": ("FLAC", "PCM_24", True),
    "ogg": ("OGG", "VORBIS", False),
    "opus": ("OGG", "OPUS", False),
    "mp3": ("MP3", "MPEG_LAYER_III", False),
}
# name -> (ffmpeg's container, codec, sample format, exact)
BY_FFMPEG = {
    "m4a": ("ipod", "aac", "fltp", False),
    "mp4": ("mp4", "aac", "fltp", False),
    "alac.m4a": ("ipod", "alac", "s16p", True),
    "aac": ("adts", "aac", "fltp", False),
    "webm": ("webm", "libopus", "flt", False),
    "mka": ("matroska", "flac", "s16", True),
    "mkv": ("matroska", "aac", "fltp", False),
    "wma": ("asf", "wmav2", "fltp", False),
    "ts": ("mpegts", "aac", "fltp", False),
}
EVERY = sorted({**BY_LIBSNDFILE, **BY_FFMPEG})
EXACT = sorted(k for k, v in {**BY_LIBSNDFILE, **BY_FFMPEG}.items() if v[-1])


def tones(duration_s: float, sample_rate: int, n_channels: int = 1, seed: int = 0) -> np.ndarray:
    """Gliding tones over soft noise, [channels, samples] float32: no two moments are alike."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(duration_s * sample_rate)) / sample_rate
    channels = []
    for channel in range(n_channels):
        phase = 2 * np.pi * (200 + 90 * channel + 150 * time) * time
        channels.append(0.4 * np.sin(phase) * (0.6 + 0.4 * np.sin(7 * time)))
    noise = 0.002 * rng.standard_normal((n_channels, len(time)))
    return (np.stack(channels) + noise).astype(np.float32)


def encode(name: str, waveform: np.ndarray, sample_rate: int) -> bytes:
    """The bytes of a file named `name` in the tables above; waveform [channels, samples]."""
    if name in BY_LIBSNDFILE:
        container, coding, _ = BY_LIBSNDFILE[name]
        file = io.BytesIO()
        soundfile.write(file, waveform.T, sample_rate, coding, format=container)
        return file.getvalue()
    container, codec, sample_format, _ = BY_FFMPEG[name]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "sound"
        _encode_by_ffmpeg(path, container, codec, sample_format, waveform, sample_rate)
        return path.read_bytes()


def _encode_by_ffmpeg(
    path: Path,
    container: str,
    codec: str,
    sample_format: str,
    waveform: np.ndarray,
    sample_rate: int,
) -> None:
    layout = {1: "mono", 2: "stereo", 8: "7.1"}[len(waveform)]
    with av.open(str(path), "w", format=container) as output:
        stream = output.add_stream(
            codec, rate=sample_rate, format=sample_format, layout=layout, bit_rate=96_000
        )
        # Interleaved: PyAV cannot fill planar frames of eight channels.
        packed = np.ascontiguousarray(waveform.T).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(packed, format="flt", layout=layout)
        frame.sample_rate, frame.pts = sample_rate, 0
        stream.codec_context.open()
        size = stream.codec_context.frame_size or 1_024
        shape = av.AudioResampler(sample_format, layout, sample_rate, frame_size=size)
        for piece in shape.resample(frame) + shape.resample(None):
            output.mux(stream.encode(piece))
        output.mux(stream.encode(None))
