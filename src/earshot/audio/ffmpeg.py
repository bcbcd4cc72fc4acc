"""Sounds that ffmpeg decodes, through PyAV: m4a, aac, mp4, webm, mka, wma and the like."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from earshot.audio.errors import AudioError
from earshot.audio.sound import AudioInfo, check_channels

if TYPE_CHECKING:
    import av

BLOCK_FRAMES = 2**15  # decoded frames are small (1,024 samples): hand out many at once
PREROLL_S = 0.25  # decoded and dropped after a seek, until the codec has forgotten the jump

# Containers that hold their sound themselves. Playlists, scripts and devices (hls, dash, concat,
# sdp, lavfi) stay out: they would have ffmpeg open other files and addresses.
CONTAINERS = (
    "aac,ac3,aiff,amr,ape,asf,au,avi,caf,dsf,dts,eac3,flac,flv,matroska,webm,mlp,mov,mp4,m4a,mp3,"
    "mpc,mpc8,mpeg,mpegts,ogg,rm,shn,tak,truehd,tta,voc,w64,wav,wv"
)

log = logging.getLogger("earshot.audio")


class FfmpegSound:
    """An open sound that ffmpeg decodes. Raises AudioError where there is none."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        import av  # 0.2 s: only for formats that need it

        self.name = name
        try:
            self._container = av.open(
                _Reader(file), metadata_errors="replace", options={"format_whitelist": CONTAINERS}
            )
        except (av.FFmpegError, ValueError) as fault:
            raise AudioError(
                got=f"{name}, which no decoder knows as sound",
                expected="a sound file: wav, flac, ogg, opus, mp3, m4a, mp4, webm and the like",
                mend="Play it to see what it is; export it again if it is damaged.",
            ) from fault
        stream = self._container.streams.best("audio")
        if stream is None or not stream.codec_context or not stream.codec_context.sample_rate:
            self._container.close()
            raise AudioError(
                got=f"{name}, which has no audio track that can be decoded",
                expected="a file with sound",
                mend="Choose a file with an audio track.",
            )
        stream.codec_context.thread_count = 1
        self._stream = stream
        self._first = stream.start_time or 0  # timestamp of the first sample
        self.info = self._describe(stream)
        self._packs: tuple[str, str, int] | None = None  # the kind of frames the converter takes

    def _describe(self, stream: av.AudioStream) -> AudioInfo:
        context, rate = stream.codec_context, stream.codec_context.sample_rate
        duration = None
        if stream.duration and stream.time_base:
            duration = float(stream.duration * stream.time_base)
        elif self._container.duration:
            duration = self._container.duration / 1_000_000
        names = self._container.format.name.split(",")  # "mov,mp4,m4a,3gp,3g2,mj2"
        return AudioInfo(
            sample_rate=rate,
            n_channels=context.layout.nb_channels,
            n_samples=round(duration * rate) if duration else None,
            duration_s=duration,
            format="mp4" if "mp4" in names else names[0],
            codec=context.name,
        )

    def blocks(self, start: int, stop: int | None) -> Iterator[np.ndarray]:
        """Blocks [frames, channels] float32 from sample `start` to `stop` or the end.

        Damaged packets are left out, with a warning in the log.
        """
        held: list[np.ndarray] = []
        n_held, end = 0, start
        for position, frames in self._frames(start):
            end = position + len(frames)
            frames = frames[max(start - position, 0) :]
            if stop is not None:
                frames = frames[: max(stop - max(position, start), 0)]
            if held and held[0].shape[1] != frames.shape[1]:  # the channels change mid-way
                yield np.concatenate(held)
                held, n_held = [], 0
            held.append(frames)
            n_held += len(frames)
            if n_held >= BLOCK_FRAMES:
                yield np.concatenate(held)
                held, n_held = [], 0
            if stop is not None and end >= stop:
                break
        if n_held:
            yield np.concatenate(held)
        if stop is None:
            self._warn_if_short(end)

    def _warn_if_short(self, n_decoded: int) -> None:
        """Say so where the header promises more. A film's length may be that of its pictures."""
        n_promised, rate = self.info.n_samples or 0, self.info.sample_rate
        says_so = self.info.format in ("mp4", "matroska", "asf")  # others are estimates
        if len(self._container.streams) > 1 and not self._stream.duration:
            return
        if says_so and n_promised - n_decoded > 0.25 * rate:
            log.warning(
                "%s ends early: its header promises %.2f s, %.2f s are there",
                self.name,
                n_promised / rate,
                n_decoded / rate,
            )

    def _frames(self, start: int) -> Iterator[tuple[int, np.ndarray]]:
        """Pairs of the position in samples and the frames [frames, channels] that begin there."""
        position = None if self._seek(start) else 0
        for frame in self._decoded():
            if frame.sample_rate != self.info.sample_rate:
                raise AudioError(
                    got=f"{self.name}, whose sample rate changes from {self.info.sample_rate} to "
                    f"{frame.sample_rate} Hz {(position or 0) / self.info.sample_rate:.2f} s in",
                    expected="one sample rate in a file",
                    mend="Export it again.",
                )
            if position is None:
                position = self._position(frame)
            frames = self._interleave(frame)
            yield position, frames
            position += len(frames)

    def _seek(self, start: int) -> bool:
        """Jump to shortly before `start`; False where frames must be counted from the beginning.

        Only the mp4 family has an index and timestamps as fine as a sample.
        """
        rate = self.info.sample_rate
        fine = self._stream.time_base and self._stream.time_base <= Fraction(1, rate)
        target_s = start / rate - PREROLL_S
        if self.info.format != "mp4" or not fine or target_s <= PREROLL_S:
            return False
        offset = int(target_s / self._stream.time_base) + (self._first)
        self._container.seek(offset, stream=self._stream)
        return True

    def _position(self, frame: av.AudioFrame) -> int:
        """The sample at which the first frame after a seek begins."""
        if frame.pts is None or frame.time_base is None:
            raise AudioError(
                got=f"{self.name}, which has no timestamps",
                expected="an mp4 file with timestamps",
                mend="Export it again, or read it from its beginning.",
            )
        ticks = frame.pts - (self._first)
        return round(ticks * frame.time_base * self.info.sample_rate)

    def _decoded(self) -> Iterator[av.AudioFrame]:
        """Every frame that decodes, from where the container stands."""
        import av

        n_damaged = 0
        try:
            for packet in self._container.demux(self._stream):
                try:
                    yield from packet.decode()
                except av.FFmpegError:
                    n_damaged += 1
        except (av.FFmpegError, ValueError):  # the container itself breaks off
            n_damaged += 1
        except IndexError:  # PyAV, at the end, where damage made a track appear half-way
            n_damaged += 1
        if n_damaged:
            log.warning("%s is damaged: %d packets were left out", self.name, n_damaged)

    def _interleave(self, frame: av.AudioFrame) -> np.ndarray:
        """One frame as [frames, channels] float32 in [-1, 1].

        AudioFrame.to_ndarray walks the planes until it meets a null pointer, which planar frames
        of 8 channels and more lack: it would read past the frame's memory. So ffmpeg makes it one
        interleaved plane first, and only that is looked at.
        """
        import av

        check_channels(frame.layout.nb_channels, self.name)
        try:
            (packed,) = self._packer(frame).resample(frame)
        except (av.FFmpegError, ValueError) as fault:
            raise AudioError(
                got=f"{self.name}, with a channel layout ({frame.layout.name}) or sample format "
                f"({frame.format.name}) that cannot be converted",
                expected="a usual channel layout and sample format",
                mend="Export it again as wav or flac.",
            ) from fault
        n_channels = packed.layout.nb_channels
        return packed.to_ndarray()[0].reshape(-1, n_channels)  # [frames, channels]

    def _packer(self, frame: av.AudioFrame) -> av.AudioResampler:
        """A converter for frames like this one, made once while they stay alike."""
        import av

        kind = (frame.format.name, frame.layout.name, frame.sample_rate)
        if kind != self._packs:
            self._packs, self._converter = kind, av.AudioResampler(format="flt")
        return self._converter

    def close(self) -> None:
        """Let go of ffmpeg's handle; the file stays its opener's."""
        self._container.close()


class _Reader:
    """A file for PyAV: impossible seeks, which damaged sizes ask for, answer -1, do not raise."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self.read, self.tell = file, file.read, file.tell

    def seek(self, offset: int, whence: int = 0) -> int:
        try:
            return self._file.seek(offset, whence)
        except (OSError, ValueError, OverflowError):
            return -1

    def seekable(self) -> bool:
        return True
