"""What can be said of a sound without knowing what it is: level, rate, gaps, pitch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from earshot.core.errors import EarShotError

FRAME_S = 0.02
SILENT_DB = -70.0  # full scale; softer sounds are called silent
LOUD_DB, QUIET_DB = -15.0, -38.0  # RMS of what is heard
HEARD_DB = 25.0  # below the loudest frame: what still counts as heard
RISE_DB = 6.0  # a frame this far above what came before begins something
PITCH_HZ = (75.0, 400.0)
PERIODIC = 0.45  # of an autocorrelation of 1
MAN_BELOW_HZ = 160.0


@dataclass(frozen=True)
class Probes:
    """Plain facts of a sound."""

    level_db: float  # RMS of the frames that are heard, against full scale
    change_db: float  # the last third's level above the first third's
    heard: float  # share of the time in which anything is heard, 0 to 1
    onsets_per_s: float  # of the time that is heard
    n_bursts: int  # stretches of sound with 0.15 s of silence or more between them
    duration_s: float
    beat_hz: float | None  # how often it repeats, where it does so evenly
    pitch_hz: float | None  # the median, where enough of it has one
    voiced: float  # share of heard frames with a pitch of a voice

    @property
    def silent(self) -> bool:
        """Nothing to be heard."""
        return self.level_db < SILENT_DB

    @property
    def manners(self) -> tuple[str, ...]:
        """The words of `text.sound_phrases.MANNERS` that are certain enough to be said."""
        said = []
        if self.level_db > LOUD_DB:
            said.append("loud")
        elif self.level_db < QUIET_DB:
            said.append("quiet")
        if self.beat_hz is not None and self.beat_hz >= 4.0:
            said.append("rapid")
        elif self.beat_hz is not None and self.beat_hz <= 1.2:
            said.append("slow")
        elif self.heard > 0.95 and self.onsets_per_s < 0.5 and abs(self.change_db) < 4:
            said.append("steady")
        elif self.heard < 0.6 and self.n_bursts >= 3:
            said.append("repeated")
        elif self.n_bursts == 1 and self.heard * self.duration_s < 0.8:
            said.append("brief")
        return tuple(said)


def probe(waveform: NDArray[np.float32], sample_rate: int) -> Probes:
    """The facts of a mono waveform [samples]. Raises EarShotError for one without a sample."""
    if not len(waveform):
        raise EarShotError(got="no samples", expected="a sound", mend="Leave the clip out.")
    samples = waveform.astype(np.float64)
    frame = max(1, round(FRAME_S * sample_rate))
    n_frames = max(1, len(samples) // frame)
    frames = np.resize(samples, n_frames * frame).reshape(n_frames, frame)
    level = 10 * np.log10(np.mean(np.square(frames), axis=1) + 1e-12)  # [frames]
    heard = level > max(level.max() - HEARD_DB, SILENT_DB)
    power = np.mean(np.square(frames[heard])) if heard.any() else 0.0
    pitches = _pitches(frames, heard, sample_rate)
    voiced = pitches[(pitches > 0) & heard]
    share = len(voiced) / max(1, int(heard.sum()))
    return Probes(
        level_db=float(10 * np.log10(power + 1e-12)),
        change_db=_change(level),
        heard=float(heard.mean()),
        onsets_per_s=_onsets(level, heard) / max(FRAME_S * float(heard.sum()), FRAME_S),
        n_bursts=_bursts(heard),
        duration_s=len(samples) / sample_rate,
        beat_hz=_beat(level),
        pitch_hz=float(np.median(voiced)) if share >= 0.2 else None,
        voiced=float(share),
    )


def _change(level: NDArray[np.float64]) -> float:
    """Decibels from the mean power of the first third to that of the last."""
    third = max(1, len(level) // 3)
    first, last = (np.mean(10 ** (part / 10)) for part in (level[:third], level[-third:]))
    return float(10 * np.log10((last + 1e-12) / (first + 1e-12)))


def _onsets(level: NDArray[np.float64], heard: NDArray[np.bool_]) -> int:
    """How often the level jumps to something that is heard; jumps within 100 ms are one."""
    before = np.array(
        [level[max(0, i - 4) : i].min() if i else level[0] for i in range(len(level))]
    )
    jumps = np.flatnonzero((level - before > RISE_DB) & heard)
    return int(1 + (np.diff(jumps) > 5).sum()) if len(jumps) else 0


def _bursts(heard: NDArray[np.bool_]) -> int:
    """Stretches of frames that are heard; gaps under 0.15 s do not part them."""
    places = np.flatnonzero(heard)
    return int(1 + (np.diff(places) > 0.15 / FRAME_S).sum()) if len(places) else 0


def _beat(level: NDArray[np.float64]) -> float | None:
    """Repetitions a second, 0.5 to 10, where the level's rises come evenly."""
    if len(level) < 2 / FRAME_S:
        return None
    rises = np.maximum(np.diff(np.maximum(level, level.max() - 40)), 0)
    if not len(rises) or rises.max() < RISE_DB:
        return None
    rises = rises - rises.mean()
    power = float(rises @ rises)
    lags = range(round(0.1 / FRAME_S), min(round(2.0 / FRAME_S), len(rises) // 2))
    likeness = np.array(
        [rises[lag:] @ rises[:-lag] / power * len(rises) / (len(rises) - lag) for lag in lags]
    )
    best = int(likeness.argmax())
    return 1 / (lags[best] * FRAME_S) if likeness[best] > PERIODIC else None


def _pitches(
    frames: NDArray[np.float64], heard: NDArray[np.bool_], sample_rate: int
) -> NDArray[np.float64]:
    """Hertz for each frame [frames], over itself and the next; 0 where none is clear."""
    pitches = np.zeros(len(frames))
    low, high = (round(sample_rate / hz) for hz in PITCH_HZ)
    for place in np.flatnonzero(heard[:-1]):
        window = frames[place : place + 2].reshape(-1)
        window = window - window.mean()
        size = 2 * len(window)
        spectrum = np.abs(np.fft.rfft(window, size)) ** 2
        likeness = np.fft.irfft(spectrum)[: len(window)]
        if likeness[0] <= 0:
            continue
        own = likeness / likeness[0] * len(window) / (len(window) - np.arange(len(window)))
        span = own[high : min(low, len(window) - high)]
        if len(span) and span.max() > 0.6 and own[:high].min() < 0.3:
            pitches[place] = sample_rate / (high + int(span.argmax()))
    return pitches
