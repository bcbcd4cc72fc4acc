"""Known sounds and captions through any model: what is broken shows before it is relied upon."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from earshot.core.errors import EarShotError
from earshot.synth import SOUNDS, render_sound

if TYPE_CHECKING:
    from earshot.models.embedder import Embedder

KINDS = (
    "rain", "thunder", "wind", "dripping water", "sea waves", "dog bark", "cat meow", "rooster",
    "cow", "songbird", "owl", "crickets", "frog", "clapping", "cough", "crying baby", "footsteps",
    "engine idling", "car horn", "train horn", "helicopter", "siren", "hammering", "chainsaw",
    "telephone ring", "church bell", "clock tick", "door knock", "vacuum cleaner", "breaking glass",
    "white noise", "sine tone",
)  # fmt: skip
TAKES = 2  # sounds of each kind
DURATION_S = 4.0
COLLAPSED = 0.99  # mean cosine of different things above which they are one
# Where the right caption lies on average: 0 first, 1 last, 0.5 at chance with a deviation of
# 0.29 / sqrt(32 kinds) = 0.05. The bound is three deviations from chance.
ALIGNED = 0.35
WRONG_RATES = {0.5: "half", 2.0: "twice"}
RATE_MARGIN = 0.1
SAME = {"fp32": 1e-4, "bf16": 2e-2}


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: what it was, what it should be, and words for people."""

    check: str
    ok: bool
    value: float
    expected: str
    words: str


def check_model(embedder: Embedder, *, seed: int = 0) -> list[Finding]:
    """Every finding, the worst kinds of fault first; a model is sound when all are ok.

    Some 130 sounds are embedded. A model that breaks outright gives a single finding that says so.
    """
    try:
        return list(_findings(embedder, seed))
    except EarShotError as fault:
        return [Finding("runs", False, 0.0, "finite embeddings of plain sounds", str(fault))]


def _findings(embedder: Embedder, seed: int) -> Iterator[Finding]:
    captions = [f"This is a sound of {SOUNDS[kind].nouns[0]}." for kind in KINDS]
    sounds = _sounds(embedder, seed)
    texts, audio = embedder.embed_texts(captions), embedder.embed_waveforms(sounds)
    yield _spread("texts_differ", "captions", "text", texts)
    yield _spread("sounds_differ", "sounds", "audio", audio)
    place = mean_place(audio @ texts.T)
    yield Finding(
        "towers_aligned",
        place < ALIGNED,
        place,
        f"below {ALIGNED} (0 is first, 0.5 is chance)",
        "a sound's own caption comes before most others"
        if place < ALIGNED
        else "captions come in an order that has nothing to do with the sounds: the two towers "
        "are not from one training, or weights are missing",
    )
    yield from _rates(embedder, seed, texts, place)
    scale = embedder.scale
    yield Finding(
        "scale_plausible",
        1.0 <= scale <= 100.01,
        scale,
        "1 to 100",
        "the logit scale is one that training gives"
        if 1.0 <= scale <= 100.01
        else "the logit scale is not one that training gives: probabilities will be wrong",
    )
    yield _same(embedder, sounds, audio)


def mean_place(scores: np.ndarray) -> float:
    """Where the right caption lies for each sound on average: 0 first, 1 last, 0.5 at chance.

    scores [sounds, captions]; sound i belongs to caption i // TAKES. Each caption's mean is taken
    off first: a caption that lies close to everything says nothing.
    """
    scores = scores - scores.mean(0, keepdims=True)
    right = np.take_along_axis(scores, np.arange(len(scores))[:, None] // TAKES, 1)
    above = (scores > right).sum(1) + 0.5 * ((scores == right).sum(1) - 1)
    return float(above.mean() / (scores.shape[1] - 1))


def _sounds(embedder: Embedder, seed: int, speed: float = 1.0) -> list[np.ndarray]:
    """Takes of every kind at the model's rate; at another `speed`, as if the rate were wrong."""
    length_s = min(DURATION_S, embedder.window_s)
    rate = min(48_000, max(8_000, embedder.sample_rate))
    sounds = []
    for kind in KINDS:
        for take in range(TAKES):
            waveform = render_sound(
                kind, duration_s=length_s * speed, sample_rate=rate, seed=seed + take
            )
            sounds.append(_resampled(waveform, round(length_s * embedder.sample_rate)))
    return sounds


def _resampled(waveform: np.ndarray, n_samples: int) -> np.ndarray:
    """The waveform squeezed or stretched to n_samples, band-limited."""
    if len(waveform) == n_samples:
        return waveform
    from earshot.audio import resample

    stretched = resample(waveform, len(waveform), n_samples)[:n_samples]
    return np.pad(stretched, (0, n_samples - len(stretched))).astype(np.float32)


def _spread(check: str, what: str, tower: str, rows: np.ndarray) -> Finding:
    """Whether different things have different embeddings."""
    cosines = rows @ rows.T
    mean = float((cosines.sum() - np.trace(cosines)) / (len(rows) * (len(rows) - 1)))
    words = (
        f"different {what} have different embeddings"
        if mean <= COLLAPSED
        else f"all {what} have nearly one embedding: the {tower} tower is collapsed or untrained"
    )
    return Finding(check, mean <= COLLAPSED, mean, f"mean cosine of at most {COLLAPSED}", words)


def _rates(embedder: Embedder, seed: int, texts: np.ndarray, place: float) -> Iterator[Finding]:
    """Whether the model understands more when fed at another rate than it states."""
    places = {
        speed: mean_place(embedder.embed_waveforms(_sounds(embedder, seed, speed)) @ texts.T)
        for speed in WRONG_RATES
    }
    speed, best = min(places.items(), key=lambda item: item[1])
    ok = best > place - RATE_MARGIN
    yield Finding(
        "sample_rate_right",
        ok,
        place - best,
        f"at most {RATE_MARGIN} better at half or twice the rate",
        f"{embedder.sample_rate} Hz is the rate that it understands best"
        if ok
        else f"sounds played at {WRONG_RATES[speed]} speed are understood better: the model was "
        f"trained at {WRONG_RATES[1 / speed]} the rate of {embedder.sample_rate} Hz that it states",
    )


def _same(embedder: Embedder, sounds: list[np.ndarray], audio: np.ndarray) -> Finding:
    """Whether a sound's embedding stays the same alone, in company and twice."""
    some = list(range(0, len(sounds), len(sounds) // 6))
    alone = np.concatenate([embedder.embed_waveforms([sounds[i]]) for i in some])
    worst = float(np.abs(alone - audio[some]).max())
    limit = SAME[embedder.precision]
    words = (
        "a sound has one embedding, alone and among others"
        if worst <= limit
        else "a sound's embedding changes with its neighbours: figures will not repeat"
    )
    return Finding("repeatable", worst <= limit, worst, f"differences of at most {limit:g}", words)
