"""What a clip's sound is like, found by decoding all of it in bounded memory."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from earshot.audio import Audio, AudioError, probe_audio, stream_windows
from earshot.data.clip import Clip, StoredAudio
from earshot.data.faults import LoadFault

SHORTEST_S, LONGEST_S = 0.05, 3_600.0  # a click; what is rather a recording to be cut
WINDOW_S = 30.0  # decoded at a time


@dataclass(frozen=True)
class SoundFacts:
    """Facts of one clip's sound; None where it could not be had."""

    sample_rate: int | None = None  # Hz, of the file
    n_channels: int | None = None
    duration_s: float | None = None


def examine(clip: Clip) -> tuple[SoundFacts, list[LoadFault]]:
    """The facts of a clip's sound, and all that is wrong with it."""
    with _warnings_of_this_thread() as warned:
        try:
            facts, peak = _decode(clip)
        except (AudioError, OSError) as fault:
            got = fault.got if isinstance(fault, AudioError) else str(fault)
            mend = fault.mend if isinstance(fault, AudioError) else "Copy it again."
            return SoundFacts(), [_fault(clip, "bad_audio", got, "a sound that decodes", mend)]
    faults = [
        _fault(clip, "damaged_audio", text, "a whole sound", "Copy or export it again.")
        for text in warned
    ]
    length_s = facts.duration_s or 0.0
    if peak == 0:
        faults.append(
            _fault(clip, "silent_audio", "nothing but zeros", "sound", "Drop it, or export again.")
        )
    if length_s < SHORTEST_S:
        faults.append(
            _fault(
                clip,
                "short_audio",
                f"{length_s:.3f} s of sound",
                f"at least {SHORTEST_S:g} s",
                "Check its start and duration, or drop it.",
            )
        )
    if length_s > LONGEST_S:
        faults.append(
            _fault(
                clip,
                "long_audio",
                f"{length_s / 3_600:.1f} h of sound under one row",
                f"at most {LONGEST_S / 3_600:g} h",
                "Cut it into clips: give start and duration in seconds.",
            )
        )
    return facts, faults


def _decode(clip: Clip) -> tuple[SoundFacts, float]:
    """The facts, and the largest absolute sample."""
    if isinstance(clip.audio, Audio) or clip.start_s > 0 or clip.duration_s is not None:
        sound = clip.read()
        facts = SoundFacts(sound.sample_rate, 1, sound.duration_s)
        return facts, float(np.abs(sound.waveform).max(initial=0.0))
    source = clip.audio.read() if isinstance(clip.audio, StoredAudio) else clip.audio
    info = probe_audio(source)
    end_s, peak = 0.0, 0.0
    for window in stream_windows(
        source, sample_rate=info.sample_rate, window_s=WINDOW_S, hop_s=WINDOW_S
    ):
        end_s = window.end_s
        peak = max(peak, float(np.abs(window.waveform).max(initial=0.0)))
    if info.duration_s is not None and 0 < info.duration_s - end_s < WINDOW_S / 10:
        end_s = info.duration_s  # the last window is left out when it is short
    return SoundFacts(info.sample_rate, info.n_channels, end_s), peak


@contextmanager
def _warnings_of_this_thread() -> Iterator[list[str]]:
    """What the audio room warns of while this thread decodes: sounds that break off."""
    messages: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.thread == me:
                messages.append(record.getMessage())

    me, log, keep = threading.get_ident(), logging.getLogger("earshot.audio"), Keep()
    log.addHandler(keep)
    try:
        yield messages
    finally:
        log.removeHandler(keep)


def _fault(clip: Clip, kind: str, got: str, expected: str, mend: str) -> LoadFault:
    line = clip.lines[0] if clip.lines else None
    return LoadFault(kind, clip.file or clip.id, got, expected, mend, line, clip=clip.id)
