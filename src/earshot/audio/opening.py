"""Open whatever holds a sound: path, bytes, array, Audio."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile

from earshot.audio.array import ArraySound
from earshot.audio.errors import AudioError
from earshot.audio.ffmpeg import FfmpegSound
from earshot.audio.libsndfile import LibsndfileSound
from earshot.audio.sound import Audio, Sound, check_channels, check_rate

Source = str | Path | bytes | np.ndarray | Audio


@contextmanager
def open_sound(source: Source, source_rate: int | None = None) -> Iterator[Sound]:
    """The sound of a path, of the bytes of a file, of an array or an Audio, closed at the end.

    The content decides the format, not the name. Raises AudioError, with the reason.
    """
    if isinstance(source, Audio):
        yield ArraySound(source.waveform, source.sample_rate, "an array")
        return
    if isinstance(source, np.ndarray):
        yield _array(source, source_rate)
        return
    name = describe(source)
    with _file(source, name) as file:
        sound = _decoder(file, name)
        try:
            check_rate(sound.info.sample_rate, name)
            check_channels(sound.info.n_channels, name)
            yield sound
        finally:
            sound.close()


def describe(source: Source) -> str:
    """How messages call a source: its path in quotes with odd characters escaped, or its kind."""
    if isinstance(source, bytes | bytearray | memoryview):
        return f"a sound of {len(source):,} bytes"
    if isinstance(source, str | Path):
        return repr(str(source))
    return "an array"


def _array(waveform: np.ndarray, source_rate: int | None) -> Sound:
    if source_rate is None:
        raise AudioError(
            got="an array without its sample rate",
            expected="source_rate, in Hz",
            mend="Pass read_audio(waveform, source_rate=...), or wrap it: Audio(waveform, rate).",
        )
    check_rate(source_rate, "an array")
    return ArraySound(waveform, source_rate, "an array")


def _decoder(file: BinaryIO, name: str) -> Sound:
    """libsndfile where it knows the format: it is faster. ffmpeg for the rest."""
    try:
        return LibsndfileSound(file, name)
    except soundfile.LibsndfileError:
        file.seek(0)
        return FfmpegSound(file, name)


def _file(source: str | Path | bytes, name: str) -> BinaryIO:
    """The source as an open binary file; AudioError, and never a hang, where it is none."""
    if isinstance(source, bytes | bytearray | memoryview):
        file: BinaryIO = io.BytesIO(source)
        size = len(source)
    elif isinstance(source, str | Path):
        file = open_regular(source, name)
        size = os.fstat(file.fileno()).st_size
    else:
        raise AudioError(
            got=f"a {type(source).__name__}",
            expected="a path, the bytes of a sound file, an array or an Audio",
            mend="Pass file objects as bytes: read_audio(file.read()).",
        )
    if not size:
        file.close()
        raise AudioError(
            got=f"{name}, which is empty",
            expected="a sound file",
            mend="Copy or download it again.",
        )
    return file


def open_regular(path: str | Path, name: str | None = None) -> BinaryIO:
    """A regular file, opened so that a pipe or a device put in its place cannot make us wait.

    `name` is how messages call it. Raises AudioError, with the reason.
    """
    name = describe(path) if name is None else name
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116 - a str may hold what Path would change
        if not stat.S_ISREG(mode):
            raise AudioError(
                got=f"{name}, which is a {_kind(mode)}",
                expected="a sound file",
                mend="Name a file that can be read."
                if not stat.S_ISDIR(mode)
                else "Name the files in it, or see that the folder may be listed.",
            )
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        return os.fdopen(os.open(path, flags), "rb")
    except OSError as fault:
        reason = (fault.strerror or str(fault)).lower()
        raise AudioError(
            got=f"{name}, which cannot be opened ({reason})",
            expected="a sound file that can be read",
            mend="Check the name, the links on the way to it and who may read it.",
        ) from fault
    except ValueError as fault:  # a null character in the name
        raise AudioError(
            got=f"{name}, which no file can be called ({fault})",
            expected="the path of a sound file",
            mend="Check where the name comes from; pass the content of a file as bytes.",
        ) from fault


def _kind(mode: int) -> str:
    kinds = {
        stat.S_IFDIR: "folder",
        stat.S_IFIFO: "pipe",
        stat.S_IFSOCK: "socket",
        stat.S_IFCHR: "device",
        stat.S_IFBLK: "device",
    }
    return kinds.get(stat.S_IFMT(mode), "special file")
