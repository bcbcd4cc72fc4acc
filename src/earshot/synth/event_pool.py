"""A pool of short clips without labels, and a few with: what pre-training on sounds starts from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from earshot.audio import Audio
from earshot.core.errors import EarShotError
from earshot.core.seed import generator
from earshot.data.clip import Clip
from earshot.data.clip_set import ClipSet
from earshot.synth import noise
from earshot.synth.render import active_rms, render_sound
from earshot.synth.sounds import SOUNDS
from earshot.synth.take import Take

TEN = (
    "dog bark", "crow", "frog", "sheep", "siren",
    "door knock", "hand bell", "violin", "clarinet", "clapping",
)  # fmt: skip  # kinds that have labels; several lie close to one another
TWENTY = (
    "owl", "duck", "songbird", "cat meow", "bee", "cough", "laughter", "whistling", "car horn",
    "engine idling", "drill", "hammering", "ringtone", "doorbell", "typing", "drum", "marimba",
    "flute", "organ", "wind",
)  # fmt: skip  # kinds that are heard in the pool alone


@dataclass(frozen=True)
class EventPoolConfig:
    """How many clips, of what, and what comes between a sound and its clip."""

    kinds: tuple[str, ...] = TEN  # with labels
    other_kinds: tuple[str, ...] = TWENTY  # in the pool beside these
    n_pool: int = 3_000  # clips without labels, of all kinds alike
    n_train: int = 20  # clips with labels a class
    n_test: int = 50  # a class
    sample_rate: int = 16_000  # Hz
    clip_s: float = 0.975  # 96 frames of 25 ms every 10 ms
    event_s: float = 0.8  # the sound itself
    shift_s: float = 0.3  # the sound begins at most so much before or after its place in the middle
    gain_db: tuple[float, float] = (-18.0, 0.0)  # of sound and noise together
    snr_db: tuple[float, float] = (0.0, 15.0)  # the sound against noise through the whole clip
    slope_db: tuple[float, float] = (-6.0, 3.0)  # of the noise's spectrum, an octave
    transposed: bool = True  # a third of the clips high, a third low

    def __post_init__(self) -> None:
        unknown = sorted({*self.kinds, *self.other_kinds} - SOUNDS.keys())
        for wrong, got, expected in (
            (len(self.kinds) < 2, f"{len(self.kinds)} kinds with labels", "two or more"),
            (bool(unknown), f"kinds {', '.join(unknown)}", "names of earshot.synth.sounds.SOUNDS"),
            (min(self.n_train, self.n_test) < 1 or self.n_pool < 0,
             f"{self.n_pool}, {self.n_train} and {self.n_test} clips", "one labelled or more"),
            (not 0.05 <= self.event_s <= self.clip_s,
             f"event_s={self.event_s:g} in clip_s={self.clip_s:g}", "0.05 s up to the clip's own"),
            (not 0 <= self.shift_s < self.event_s,
             f"shift_s={self.shift_s:g}", f"0 to below {self.event_s:g}: some of the sound stays"),
        ):  # fmt: skip
            if wrong:
                raise EarShotError(got=got, expected=expected, mend="Change that field.")


@lru_cache(maxsize=1)
def event_pool(seed: int, config: EventPoolConfig = EventPoolConfig()) -> ClipSet:  # noqa: B008
    """Splits "pool" (no labels), "train" and "test" (one label each), made in memory.

    A clip depends on seed, split and number alone. The last set made is kept, as several runs
    in a row want the same one.
    """
    every = (*config.kinds, *config.other_kinds)
    parts = (("pool", every, config.n_pool),
             ("train", config.kinds, config.n_train * len(config.kinds)),
             ("test", config.kinds, config.n_test * len(config.kinds)))  # fmt: skip
    clips = [
        _clip(seed, split, index, kinds[index % len(kinds)], config)
        for split, kinds, n_clips in parts
        for index in range(n_clips)
    ]
    return ClipSet(clips, name="events", labels=sorted(config.kinds))


def event_waveform(kind: str, rng: np.random.Generator, config: EventPoolConfig) -> np.ndarray:
    """One clip [samples], float32 in [-1, 1]: the sound, shifted, transposed, in coloured noise."""
    rate, n_samples = config.sample_rate, round(config.clip_s * config.sample_rate)
    pitches = ("high", "low", None) if config.transposed else (None,)
    pitch = pitches[int(rng.integers(len(pitches)))]
    obeys = pitch is not None and "pitch" in SOUNDS[kind].attributes
    event = render_sound(
        kind,
        attributes={"pitch": str(pitch)} if obeys else {},
        duration_s=config.event_s,
        sample_rate=rate,
        seed=int(rng.integers(2**31)),
    )
    start = (n_samples - len(event)) // 2
    start += round(rng.uniform(-config.shift_s, config.shift_s) * rate)
    waveform = np.zeros(n_samples, np.float32)
    cut = event[max(0, -start) : max(0, n_samples - start)]
    waveform[max(0, start) : max(0, start) + len(cut)] = cut
    level = active_rms(event, rate) * 10 ** (-rng.uniform(*config.snr_db) / 20)
    waveform += noise.sloped(Take(rng, rate, n_samples), rng.uniform(*config.slope_db)) * level
    waveform *= 10 ** (rng.uniform(*config.gain_db) / 20)
    return np.clip(waveform, -1.0, 1.0).astype(np.float32)


def _clip(seed: int, split: str, index: int, kind: str, config: EventPoolConfig) -> Clip:
    rng = generator(seed, index, f"event pool {split}")
    waveform = event_waveform(kind, rng, config)
    return Clip(
        audio=Audio(waveform, config.sample_rate),
        labels=() if split == "pool" else (kind,),
        split=split,
        id=f"{split}-{seed}-{index:05d}",
    )
