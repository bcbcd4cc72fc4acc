"""Sounds as a browser can play them: as they are where it can, as 16-bit wav where it cannot."""

from __future__ import annotations

import hashlib
import os
import threading
from collections import OrderedDict
from pathlib import Path

from earshot.core.errors import EarShotError

MAX_WHOLE_S = 3_600.0  # of a sound that is rewritten whole; of longer ones, parts
MAX_PART_S = 600.0
MAX_RATE = 48_000  # Hz of what is rewritten
KEPT = 24  # rewritten files kept for the next request

# (container, coding) that every current browser plays -> media type
PLAYABLE = {
    ("wav", "pcm_16"): "audio/wav",
    ("wavex", "pcm_16"): "audio/wav",
    ("wav", "pcm_u8"): "audio/wav",
    ("flac", "pcm_16"): "audio/flac",
    ("flac", "pcm_24"): "audio/flac",
    ("mp3", "mpeg_layer_iii"): "audio/mpeg",
    ("mpeg", "mpeg_layer_iii"): "audio/mpeg",
    ("ogg", "vorbis"): "audio/ogg",
    ("ogg", "opus"): "audio/ogg",
    ("mp4", "aac"): "audio/mp4",
}


def media_type(path: Path) -> str | None:
    """What to call a file that browsers play, or None for one that must be rewritten."""
    from earshot.audio import probe_audio

    info = probe_audio(path)
    if info.n_channels > 2 or info.sample_rate > 2 * MAX_RATE:
        return None
    return PLAYABLE.get((info.format, info.codec))


class Rewriter:
    """Mono wav files made from what browsers do not play, in `folder`, the latest few kept."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}
        self._kept: OrderedDict[str, Path] = OrderedDict()

    def wav(self, path: Path, start_s: float = 0.0, end_s: float | None = None) -> Path:
        """A wav file of the sound from `start_s` to `end_s`.

        Raises EarShotError for a whole sound over MAX_WHOLE_S, a part over MAX_PART_S, or no part.
        """
        key = self._key(path, start_s, end_s)
        with self._lock:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:  # two requests for one sound rewrite it once
            with self._lock:
                if key in self._kept:
                    self._kept.move_to_end(key)
                    return self._kept[key]
            out = self.folder / f"{key}.wav"
            try:
                _write_wav(path, out, start_s, end_s)
            except BaseException:
                out.unlink(missing_ok=True)
                raise
            with self._lock:
                self._kept[key] = out
                while len(self._kept) > KEPT:
                    old, file = self._kept.popitem(last=False)
                    self._locks.pop(old, None)
                    file.unlink(missing_ok=True)
            return out

    @staticmethod
    def _key(path: Path, start_s: float, end_s: float | None) -> str:
        facts = path.stat()
        words = (os.fspath(path), facts.st_size, facts.st_mtime_ns, start_s, end_s)
        return hashlib.sha256(repr(words).encode("utf-8", "surrogateescape")).hexdigest()[:24]


def _write_wav(path: Path, out: Path, start_s: float, end_s: float | None) -> None:
    """Decode block by block: memory stays bounded whatever the length."""
    import soundfile

    from earshot.audio.mono import mono_blocks
    from earshot.audio.opening import open_sound

    if end_s is not None and not 0 < end_s - start_s <= MAX_PART_S:
        raise EarShotError(
            got=f"the part from {start_s:g} to {end_s:g} s",
            expected=f"more than nothing and at most {MAX_PART_S:g} s",
            mend="Ask for a shorter part.",
        )
    with open_sound(path) as sound:
        rate = min(sound.info.sample_rate, MAX_RATE)
        first = round(start_s * rate)
        last = first + round(MAX_WHOLE_S * rate) if end_s is None else round(end_s * rate)
        n_samples = 0
        with soundfile.SoundFile(out, "w", rate, 1, "PCM_16", format="WAV") as file:
            for block in mono_blocks(sound, rate, first, last + 1):
                file.write(block)
                n_samples += len(block)
                if end_s is None and n_samples > MAX_WHOLE_S * rate:
                    raise EarShotError(
                        got=f"{sound.name}, which is over an hour long and in "
                        f"{sound.info.format}/{sound.info.codec}",
                        expected="a part of it, or a format that browsers play",
                        mend="Ask for a part with start_s and end_s.",
                    )
    if not n_samples:
        raise EarShotError(
            got=f"a part of {sound.name} that begins at {start_s:g} s, after its end",
            expected="a start before its end",
            mend="Lower start_s.",
        )
