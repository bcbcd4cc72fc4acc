"""Sounds that libsndfile decodes: wav, flac, ogg, opus, mp3, aiff, caf and more."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
import soundfile

from earshot.audio.sound import AudioInfo

BLOCK_VALUES = 2**19  # samples of all channels decoded at once: 2 MB
SALVAGE_FRAMES = 1_024  # step with which a damaged place is approached
MP3_LEAD = 16 * 1_152  # samples: 16 frames, more than the bit reservoir reaches back
UNKNOWN_FRAMES = 2**62  # libsndfile answers 2**63 - 1 where the header does not say
STREAMED = 0x7FFF_0000  # data sizes from here on stand for "unknown" in files written to a pipe

log = logging.getLogger("earshot.audio")


class LibsndfileSound:
    """An open sound that libsndfile decodes. Raises soundfile.LibsndfileError where it cannot."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self.name = name
        self._source = file
        self._file = self._open()
        n_samples = self._file.frames if self._file.frames < UNKNOWN_FRAMES else None
        rate = self._file.samplerate
        self.info = AudioInfo(
            sample_rate=rate,
            n_channels=self._file.channels,
            n_samples=n_samples,
            duration_s=n_samples / rate if n_samples is not None and rate else None,
            format=self._file.format.lower(),
            codec=self._file.subtype.lower(),
        )

    def _open(self) -> soundfile.SoundFile:
        """A handle at the beginning.

        A descriptor reads faster than calls back into Python, and hides the file's name, so that
        the content alone decides what it is. Bytes in memory have no descriptor.
        """
        self._source.seek(0)
        try:
            descriptor = self._source.fileno()
        except OSError:
            return _Forward(self._source)
        return _Forward(descriptor, closefd=False)

    def blocks(self, start: int, stop: int | None) -> Iterator[np.ndarray]:
        """Blocks [frames, channels] float32 from sample `start` to `stop` or the end.

        A damaged file gives what lies before the damage, and a warning in the log.
        """
        if start and not self._seek(start):
            return
        position, block = start, max(BLOCK_VALUES // self.info.n_channels, SALVAGE_FRAMES)
        while stop is None or position < stop:
            n_wanted = min(block, (stop or UNKNOWN_FRAMES) - position)
            if self.info.n_samples is not None:  # never more room than sound
                n_wanted = min(n_wanted, max(self.info.n_samples - position, 1))
            try:
                frames = self._file.read(n_wanted, dtype="float32", always_2d=True)
            except soundfile.LibsndfileError:
                yield from self._salvage(position, n_wanted)
                return
            if not len(frames):
                break
            position += len(frames)
            yield frames
        if stop is None:
            self._warn_if_short(position)

    def _seek(self, start: int) -> bool:
        """Go to sample `start`; False where the sound ends before it."""
        if self.info.n_samples is not None and start >= self.info.n_samples:
            return False
        # mp3 frames borrow bits from those before them: decode a few first, and drop them.
        n_lead = min(start, MP3_LEAD) if self.info.format == "mp3" else 0
        try:
            self._file.seek(start - n_lead)
            return len(self._file.read(n_lead)) == n_lead
        except soundfile.LibsndfileError:
            return False

    def _salvage(self, position: int, n_wanted: int) -> Iterator[np.ndarray]:
        """Blocks from `position` up to the damage, in small steps through a fresh handle.

        After a fault libsndfile's decoders cannot seek, and a read that meets one gives nothing.
        """
        at, end = 0, position + n_wanted
        self._file.close()
        self._file = self._open()
        try:
            while at < end:
                frames = self._file.read(SALVAGE_FRAMES, dtype="float32", always_2d=True)
                if not len(frames):
                    break
                yield frames[max(position - at, 0) : end - at]
                at += len(frames)
        except soundfile.LibsndfileError as fault:
            log.warning(
                "%s is damaged %.2f s in (%s): used up to there",
                self.name,
                at / self.info.sample_rate,
                fault.error_string.strip(". "),
            )

    def _warn_if_short(self, n_decoded: int) -> None:
        n_promised = self.info.n_samples or 0
        sizes = re.search(r"^data : (\d+) \(should be (\d+)\)", self._file.extra_info, re.M)
        if sizes and 0 < int(sizes[2]) < int(sizes[1]) < STREAMED:  # a wav cut short
            n_promised = n_decoded * int(sizes[1]) // int(sizes[2])
        if n_promised - n_decoded > 0.1 * self.info.sample_rate:
            log.warning(
                "%s ends early: its header promises %.2f s, %.2f s are there",
                self.name,
                n_promised / self.info.sample_rate,
                n_decoded / self.info.sample_rate,
            )

    def close(self) -> None:
        """Let go of libsndfile's handle; the file stays its opener's."""
        self._file.close()


class _Forward(soundfile.SoundFile):
    """A file read forwards: SoundFile seeks after every read, where mp3 decoders stumble."""

    def seekable(self) -> bool:
        return False
