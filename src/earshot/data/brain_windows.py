"""Windows of brain signal around what was heard, scaled and clamped, and batches of them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import torch
from torch import Tensor

from earshot.core.errors import EarShotError
from earshot.core.seed import generator
from earshot.data.brain import BrainRecording, Extent, FeatureTrack, HeardWord


@dataclass(frozen=True)
class BrainWindowConfig:
    """How a window is cut and cleaned; the defaults are the published ones."""

    sample_rate: float = 120.0  # Hz, of brain and speech features alike
    before_s: float = 0.5  # of the event
    after_s: float = 2.5
    shift_s: float = 0.15  # what the brain does at t + shift answers what was heard at t
    baseline: bool = True  # take the mean before the event away
    clamp: float | None = 20.0  # in units of the spread between quartiles; None: never
    every_s: float = 0.5  # between windows of training; those of the test begin at words

    def __post_init__(self) -> None:
        if min(self.sample_rate, self.after_s, self.every_s) <= 0 or self.before_s < 0:
            raise EarShotError(
                got=f"windows of {self.before_s:g} s before to {self.after_s:g} s after, every "
                f"{self.every_s:g} s at {self.sample_rate:g} Hz",
                expected="positive lengths and rate",
                mend="The published windows are 0.5 before to 2.5 after, every 0.5, at 120 Hz.",
            )
        if not 0 <= self.shift < self.n_samples or (self.clamp is not None and self.clamp <= 0):
            raise EarShotError(
                got=f"shift_s={self.shift_s:g} and clamp={self.clamp}",
                expected="a shift shorter than the window, and a clamp above 0 or none",
                mend="The published ones are 0.15 and 20.",
            )

    @property
    def n_samples(self) -> int:
        """Of a window before the shift."""
        return round((self.before_s + self.after_s) * self.sample_rate)

    @property
    def shift(self) -> int:
        """Samples that brain and speech lose at either end."""
        return round(self.shift_s * self.sample_rate)

    @property
    def n_before(self) -> int:
        """Samples before the event: the baseline."""
        return round(self.before_s * self.sample_rate)


@dataclass(frozen=True)
class BrainWindow:
    """Where a window lies: in which recording, and over which stretch of which extent."""

    recording: int
    onset_s: float  # of the event, in the recording
    extent: int
    start_s: float  # of the event, in the sound
    segment: str  # the same for every subject who heard it
    word: str = ""  # at the event, where it is one


def find_windows(
    recordings: Sequence[BrainRecording],
    extents: Sequence[Extent],
    config: BrainWindowConfig,
    *,
    at_words: bool,
    split: str,
) -> list[BrainWindow]:
    """Windows of a split: at its words, or every `every_s` of its sound.

    Each lies whole within its extent and its recording. The grid is that of the sound, so that
    subjects share segments.
    """
    chosen = [(number, extent) for number, extent in enumerate(extents) if extent.split == split]
    found: list[BrainWindow] = []
    for index, recording in enumerate(recordings):
        for sound, heard in groupby(recording.words, key=lambda word: word.sound):
            words = sorted(heard, key=lambda word: word.start_s)
            for number, extent in chosen:
                if extent.sound == sound:
                    times = _words_in(extent, words) if at_words else _grid(extent, words, config)
                    place = (index, number)
                    found += _windows_at(times, words, recording, extent, place, config)
    return found


def _windows_at(
    times: Sequence[tuple[float, str]],
    words: Sequence[HeardWord],
    recording: BrainRecording,
    extent: Extent,
    place: tuple[int, int],
    config: BrainWindowConfig,
) -> Iterator[BrainWindow]:
    """Windows at those times of the sound, as far as they lie whole in extent and recording.

    When each was in the recording, the word before it says.
    """
    starts = np.array([word.start_s for word in words])
    length_s = recording.signal.shape[1] / recording.sample_rate
    for time, text in times:
        near = words[max(0, int(np.searchsorted(starts, time + 1e-6)) - 1)]
        onset = near.onset_s + time - near.start_s
        is_heard = extent.holds(time - config.before_s, time + config.after_s)
        if is_heard and config.before_s <= onset <= length_s - config.after_s:
            segment = f"{extent.sound}@{round(time * 1000)}"
            yield BrainWindow(place[0], onset, place[1], time, segment, text)


def _words_in(extent: Extent, words: Sequence[HeardWord]) -> list[tuple[float, str]]:
    """When the words of the extent begin, and what they are."""
    return [(w.start_s, w.text) for w in words if extent.start_s <= w.start_s < extent.stop_s]


def _grid(
    extent: Extent, words: Sequence[HeardWord], config: BrainWindowConfig
) -> list[tuple[float, str]]:
    """Times of the extent that are whole multiples of `every_s`, while words are heard."""
    first, last = words[0], words[-1]
    end_s = min(extent.stop_s, last.start_s + last.duration_s) - config.after_s
    begin_s = max(extent.start_s, first.start_s) + config.before_s
    steps = math.ceil(begin_s / config.every_s - 1e-9), math.floor(end_s / config.every_s)
    return [(k * config.every_s, "") for k in range(steps[0], steps[1] + 1)]


def robust_scale(
    signal: np.ndarray, spans: Sequence[tuple[int, int]] = ()
) -> tuple[np.ndarray, np.ndarray]:
    """Median and distance between the quartiles of every channel: two arrays [channels, 1].

    signal [channels, samples]; only samples within `spans` count, all of them without. A channel
    that does not move gets a distance of 1: it stays at zero.
    """
    heard = np.concatenate([signal[:, a:b] for a, b in spans], 1) if len(spans) else signal
    low, middle, high = np.quantile(heard, [0.25, 0.5, 0.75], axis=1, keepdims=True)
    spread = high - low
    return middle, np.where(spread > 0, spread, 1.0)


def scale_recording(
    recording: BrainRecording, windows: Sequence[BrainWindow], config: BrainWindowConfig
) -> np.ndarray:
    """Its signal in units of its own robust scale, float32; measured where `windows` lie.

    Without windows the whole recording is measured. Those of training belong here alone.
    """
    rate = recording.sample_rate
    if abs(rate - config.sample_rate) > 1e-6 * rate:
        raise EarShotError(
            got=f"{recording.id} at {rate:g} Hz",
            expected=f"{config.sample_rate:g} Hz",
            mend="Resample it when it is read.",
        )
    half = [(w.onset_s - config.before_s, w.onset_s + config.after_s) for w in windows]
    spans = _joined([(max(0, round(a * rate)), round(b * rate)) for a, b in half])
    centre, spread = robust_scale(recording.signal, spans)
    return ((recording.signal - centre) / spread).astype(np.float32)


def clean_window(window: np.ndarray, config: BrainWindowConfig) -> np.ndarray:
    """A scaled window [channels, samples] less its baseline, clamped, without its first `shift`.

    Clamping comes after scaling: an artefact of 300 times the signal then weighs as much as one
    of 20. Source: arXiv:2208.12266, Methods.
    """
    if config.baseline and config.n_before:
        window = window - window[:, : config.n_before].mean(1, keepdims=True)
    if config.clamp is not None:
        window = window.clip(-config.clamp, config.clamp)
    return window[:, config.shift :]


@dataclass
class BrainBatch:
    """Windows of brain signal and of what was heard in them."""

    brain: Tensor  # [batch, channels, samples], scaled and clamped
    positions: Tensor  # [batch, channels, 2] in [0, 1]
    padding: Tensor  # [batch, channels], True where there is no sensor
    subject: Tensor  # [batch], int64
    speech: Tensor  # [batch, features, samples]
    segment: Tensor  # [batch], int64, the same for all who heard it

    def __len__(self) -> int:
        return len(self.brain)

    def to(self, device: torch.device | str) -> BrainBatch:
        """The same batch on `device`."""
        parts = {part.name: getattr(self, part.name) for part in dataclasses.fields(self)}
        return BrainBatch(**{name: value.to(device) for name, value in parts.items()})


class BrainBatches:
    """Batches without end of the windows of several recordings, by seed and step alone.

    `scaled` are the recordings' signals after `scale_recording`; `tracks` the features of each
    extent, that begin where it does. With several processes each gets its rows of every batch.
    `shuffle_brain` pairs each segment with another's brain signal: the control.
    """

    def __init__(
        self,
        windows: Sequence[BrainWindow],
        recordings: Sequence[BrainRecording],
        scaled: Sequence[np.ndarray],
        extents: Sequence[Extent],
        tracks: Mapping[int, FeatureTrack],
        config: BrainWindowConfig,
        *,
        subjects: Sequence[str],
        batch_size: int,
        seed: int = 0,
        rank: int = 0,
        world: int = 1,
        shuffle_brain: bool = False,
    ) -> None:
        if len(windows) < 2 or not world <= batch_size:
            raise EarShotError(
                got=f"{len(windows)} windows in batches of {batch_size} over {world} processes",
                expected="at least two windows, and one of every batch for each process",
                mend="Check that words and sounds of the study overlap, or raise batch_size.",
            )
        self.windows, self.recordings, self.scaled = windows, recordings, scaled
        self.extents, self.tracks, self.config = extents, tracks, config
        self.subjects = {name: number for number, name in enumerate(subjects)}
        self.batch_size = min(batch_size, len(windows))
        self.seed, self.rank, self.world = seed, rank, world
        names = sorted({window.segment for window in windows})
        self.segments = {name: number for number, name in enumerate(names)}
        order = np.arange(len(windows))
        if shuffle_brain:
            order = generator(seed, "shuffled brain").permutation(order)
        self.brain_of = order  # [windows], whose signal stands beside each window's speech

    def batches(self, start_step: int = 0) -> Iterator[BrainBatch]:
        """From that step on; an epoch leaves out the few that fill no batch."""
        n_batches = len(self.windows) // self.batch_size
        epoch, step = divmod(start_step, n_batches)
        while True:
            order = generator(self.seed, epoch, "brain windows").permutation(len(self.windows))
            for number in range(step, n_batches):
                rows = order[number * self.batch_size : (number + 1) * self.batch_size]
                yield self.batch(rows[self.rank :: self.world])
            epoch, step = epoch + 1, 0

    def once(self) -> Iterator[BrainBatch]:
        """Every window once, in order."""
        for first in range(0, len(self.windows), self.batch_size):
            last = min(first + self.batch_size, len(self.windows))
            yield self.batch(np.arange(first, last))

    def batch(self, rows: np.ndarray) -> BrainBatch:
        """The windows of those numbers."""
        speech = [self.speech(self.windows[int(i)]) for i in rows]
        sources = [self.windows[int(self.brain_of[i])] for i in rows]
        signals = [self.brain(window) for window in sources]
        n_channels = max(len(signal) for signal in signals)
        brain = torch.zeros(len(rows), n_channels, signals[0].shape[1])
        positions = torch.full((len(rows), n_channels, 2), math.nan)
        for row, (signal, window) in enumerate(zip(signals, sources, strict=True)):
            brain[row, : len(signal)] = torch.from_numpy(signal)
            places = self.recordings[window.recording].positions.astype(np.float32)
            positions[row, : len(signal)] = torch.from_numpy(places)
        padding = positions.isnan().any(-1)
        return BrainBatch(
            brain=brain,
            positions=positions.masked_fill(padding[..., None], 0.0),
            padding=padding,
            subject=torch.tensor(
                [self.subjects[self.recordings[w.recording].subject] for w in sources]
            ),
            speech=torch.from_numpy(np.stack(speech)),
            segment=torch.tensor([self.segments[self.windows[int(i)].segment] for i in rows]),
        )

    def brain(self, window: BrainWindow) -> np.ndarray:
        """Its signal [channels, samples], cleaned."""
        config = self.config
        first = round((window.onset_s - config.before_s) * config.sample_rate)
        first = max(0, min(first, self.scaled[window.recording].shape[1] - config.n_samples))
        cut = self.scaled[window.recording][:, first : first + config.n_samples]
        return clean_window(cut, config)

    def speech(self, window: BrainWindow) -> np.ndarray:
        """The features [features, samples] of what was heard, without the last `shift`."""
        config, extent = self.config, self.extents[window.extent]
        begin = window.start_s - config.before_s - extent.start_s
        n_samples = config.n_samples - config.shift
        return self.tracks[window.extent].window(begin, n_samples, config.sample_rate)


def _joined(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans in order, those that touch as one: no sample counts twice."""
    joined: list[tuple[int, int]] = []
    for begin, end in sorted(spans):
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((begin, end))
    return joined
