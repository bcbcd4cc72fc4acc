"""What a model tells of which sound came first, on clips made of two recordings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from earshot.audio import Audio, AudioError
from earshot.core.errors import EarShotError
from earshot.data import Clip
from earshot.data.compositions import CompositionConfig
from earshot.data.event_pairs import draw_pairs, single_label_clips, versions_of
from earshot.data.loudest import read_loudest
from earshot.data.segments import Segments
from earshot.data.twins import draw_twins
from earshot.metrics.twins import TwinScores, twin_scores
from earshot.metrics.zste import TemporalSounds, zste
from earshot.training.evaluation import Listener


@dataclass(frozen=True)
class HeardPairs:
    """The sounds of the suite, and what could not be read, by clip."""

    sounds: TemporalSounds
    event_s: float
    faults: dict[str, str] = field(default_factory=dict)  # id -> why


def hear_pairs(
    listener: Listener,
    clips: Sequence[Clip],
    *,
    n: int,
    seed: int,
    event_s: float,
    heard: Callable[[float], None] = lambda duration_s: None,
) -> HeardPairs:
    """The loudest `event_s` of every clip with one label, and `n` pairs of them in three versions.

    Each clip is read when it is needed, so that a large set never lies in memory. A pair with a
    clip that cannot be read is left out. `heard` is told the seconds of every sound.
    """
    singles = single_label_clips(clips)
    labels = tuple(sorted({clip.labels[0] for clip in singles}))
    faults: dict[str, str] = {}

    def read(clip: Clip) -> np.ndarray | None:
        if clip.id in faults:
            return None
        try:
            return read_loudest(clip, event_s, listener.sample_rate)
        except AudioError as fault:
            faults[clip.id] = str(fault)
            return None

    def hear(waveform: np.ndarray) -> np.ndarray:
        sound = Audio(waveform, listener.sample_rate)
        heard(sound.duration_s)
        return listener.embed_audio(sound).mean

    parts = [(clip, hear(part)) for clip in singles if (part := read(clip)) is not None]
    rows, pairs = [], []
    for pair in draw_pairs(singles, n, seed):
        first, second = read(pair.first), read(pair.second)
        if first is not None and second is not None:
            rows.append([hear(each) for each in versions_of(first, second, listener.sample_rate)])
            pairs.append(pair)
    if not pairs:
        raise EarShotError(
            got=f"no pair of which both sounds could be read: {next(iter(faults.values()))}",
            expected="sounds that can be read",
            mend="See what is wrong with them: earshot data check.",
        )
    place = {label: i for i, label in enumerate(labels)}
    versions = np.stack([np.stack(row) for row in rows])  # [pairs, 3, dim]
    recordings = [clip.group or clip.id for clip, _ in parts]
    sounds = TemporalSounds(
        labels=labels,
        single=np.stack([row for _, row in parts]),
        single_target=np.array([place[clip.labels[0]] for clip, _ in parts]),
        single_group=np.unique(recordings, return_inverse=True)[1],
        forward=versions[:, 0],
        reverse=versions[:, 1],
        overlap=versions[:, 2],
        first=np.array([place[pair.first.labels[0]] for pair in pairs]),
        second=np.array([place[pair.second.labels[0]] for pair in pairs]),
    )
    return HeardPairs(sounds, event_s, faults)


def hear_twins(
    listener: Listener, clips: Sequence[Clip], *, n: int, seed: int, event_s: float
) -> TwinScores:
    """CompA's order twins of the clips: "A then B" against "B then A" in CompA's own words."""
    segments = Segments(clips, sample_rate=listener.sample_rate, longest_s=event_s)
    config = CompositionConfig(segment_s=(event_s, event_s))
    similarity = []
    for twins in draw_twins(n, segments, config, seed):
        waveforms = (twins.waveform, twins.reversed_waveform)
        heard = [listener.embed_audio(Audio(w, listener.sample_rate)).mean for w in waveforms]
        read = listener.embed_texts([twins.caption, twins.reversed_caption])
        similarity.append(read @ np.stack(heard).T)  # [captions, clips]
    return twin_scores(np.stack(similarity))


def temporal_figures(
    listener: Listener, clips: Sequence[Clip], *, n: int, seed: int, event_s: float
) -> tuple[dict[str, float], dict[str, str]]:
    """The tasks of ZSTE as zste_NAME, CompA's order twins as twins_NAME; and what was not read."""
    found = hear_pairs(listener, clips, n=n, seed=seed, event_s=event_s)
    tasks = zste(found.sounds, listener.embed_texts, seed=seed)
    twins = hear_twins(listener, clips, n=n, seed=seed, event_s=event_s)
    figures = {f"zste_{name}": task.value for name, task in tasks.items()}
    return figures | {f"twins_{name}": v for name, v in twins.values.items()}, found.faults
