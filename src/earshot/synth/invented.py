"""Sounds with invented names, each a band of pitch, a texture, an envelope and a rate."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from earshot.audio import Audio
from earshot.core.errors import EarShotError
from earshot.core.seed import generator
from earshot.data.clip import Clip
from earshot.data.clip_set import ClipSet
from earshot.synth import envelopes, noise, oscillators
from earshot.synth.render import active_rms
from earshot.synth.take import Take
from earshot.text.prompt_bank import BankEntry, PromptBank

NAMES = (
    "florp", "daxen", "wug", "blick", "toma", "zupe", "kivo", "gazzer", "mepp",
    "sarn", "quib", "lorm", "fendle", "pimwit", "trask", "yolan", "hupp", "drimble",
    "vorn", "snell", "jape", "cloob", "mizzit", "rundle", "oggin", "tweb", "lasp",
    "brode", "kessim", "nolt", "farrick", "upla", "dobe", "chisk", "wendo", "plarf",
)  # fmt: skip
HZ = {"low": (150.0, 230.0), "mid": (600.0, 900.0), "high": (2_200.0, 3_200.0)}
RATE_HZ = {"slow": (2.6, 3.4), "fast": (8.0, 11.0)}
SCENES = {"room": -3.0, "street": -6.0, "garden": 0.0, "hall": -4.5}  # noise, dB an octave
WORDS = {
    "low": ("low", "deep", "dark"), "mid": ("middling", "mid-pitched", "medium"),
    "high": ("high", "shrill", "bright"),
    "tonal": ("tone", "note", "hum"), "noisy": ("hiss", "rush", "noise"),
    "rough": ("rasp", "growl", "rattle"),
    "steady": ("steady", "unbroken", "continuous"), "pulsed": ("pulsing", "throbbing", "beating"),
    "decaying": ("fading", "struck", "dying"),
    "slow": ("slow", "unhurried"), "fast": ("fast", "quick"),
}  # fmt: skip
FORMS = (
    "{pitch} {envelope} {texture}{rate} in a {scene}",
    "a {envelope} {texture}, {pitch}{rate}, in a {scene}",
    "in a {scene}, a {pitch} {texture} that is {envelope}{rate}",
)

Sound = tuple[str, str, str, str | None]  # pitch, texture, envelope, rate of what is not steady


@dataclass(frozen=True)
class InventedConfig:
    """How many classes, of which how many are never heard in training, and how clips sound."""

    n_seen: int = 24
    n_held_out: int = 12
    n_train: int = 720  # clips, of the seen classes
    n_test: int = 240  # clips, half of the seen and half of the held-out classes
    n_rewrites: int = 6  # a caption
    n_prompts: int = 10  # a label, in the bank
    sample_rate: int = 16_000  # Hz
    clip_s: float = 1.0
    snr_db: tuple[float, float] = (12.0, 30.0)  # against the scene

    def __post_init__(self) -> None:
        if not (self.n_seen > 1 and self.n_held_out > 1 and self.n_classes <= len(NAMES)):
            raise EarShotError(
                got=f"{self.n_seen} seen and {self.n_held_out} held-out classes",
                expected=f"2 of each or more, {len(NAMES)} together at most",
                mend="Change these fields.",
            )

    @property
    def n_classes(self) -> int:
        """Seen and held out."""
        return self.n_seen + self.n_held_out


def invented_sounds(seed: int, config: InventedConfig | None = None) -> dict[str, Sound]:
    """Name -> sound, drawn by `seed`; the first `n_seen` are those of training.

    Every word that describes a held-out one is heard in at least two classes of training.
    """
    config = config or InventedConfig()
    grid: list[Sound] = [
        (pitch, texture, envelope, rate)
        for pitch, texture, envelope in itertools.product(
            HZ, ("tonal", "noisy", "rough"), ("steady", "pulsed", "decaying")
        )
        for rate in ((None,) if envelope == "steady" else ("slow", "fast"))
    ]
    rng = generator(seed, "invented sounds")
    least = 2 if config.n_seen >= 12 else 0
    while True:
        drawn = [grid[i] for i in rng.permutation(len(grid))[: config.n_classes]]
        taught = [word for sound in drawn[: config.n_seen] for word in sound]
        needed = {word for sound in drawn[config.n_seen :] for word in sound}
        if all(taught.count(word) >= least for word in needed):
            names = rng.permutation(NAMES)[: config.n_classes]
            return dict(zip(map(str, names), drawn, strict=True))


def invented_clips(seed: int, config: InventedConfig | None = None) -> ClipSet:
    """Splits "train" (seen classes) and "test" (all) in memory; a label is an invented name.

    A clip's one caption names it, "a florp in a hall"; `extra["rewritten_captions"]` says by
    caption what it is like.
    """
    config = config or InventedConfig()
    sounds = invented_sounds(seed, config)
    names = list(sounds)
    seen, held_out = names[: config.n_seen], names[config.n_seen :]
    clips = [
        _clip(seed, "train", i, seen[i % len(seen)], sounds, config) for i in range(config.n_train)
    ]
    half = config.n_test // 2
    test = [seen[i % len(seen)] for i in range(config.n_test - half)]
    test += [held_out[i % len(held_out)] for i in range(half)]
    clips += [_clip(seed, "test", i, name, sounds, config) for i, name in enumerate(test)]
    return ClipSet(clips, name="invented sounds", labels=names)


def invented_bank(seed: int, config: InventedConfig | None = None) -> PromptBank:
    """Descriptions of every class, seen and held out, without its name."""
    config = config or InventedConfig()
    entries = []
    for name, sound in invented_sounds(seed, config).items():
        rng = generator(seed, "bank", name)
        scenes = [list(SCENES)[i % len(SCENES)] for i in range(4 * config.n_prompts)]
        told = list(dict.fromkeys(describe(sound, scene, rng) for scene in scenes))
        entries.append(BankEntry(name, tuple(told[: config.n_prompts])))
    return PromptBank(tuple(entries), "invented sounds")


def describe(sound: Sound, scene: str, rng: np.random.Generator) -> str:
    """What it is like, in words drawn by `rng`: "low pulsing hiss with slow beats in a hall"."""
    pitch, texture, envelope, rate = (
        None if word is None else WORDS[word][int(rng.integers(len(WORDS[word])))] for word in sound
    )
    form = FORMS[int(rng.integers(len(FORMS)))]
    beats = "" if rate is None else f" with {rate} beats"
    return form.format(pitch=pitch, texture=texture, envelope=envelope, rate=beats, scene=scene)


def _clip(
    seed: int, split: str, index: int, name: str, sounds: dict[str, Sound], config: InventedConfig
) -> Clip:
    rng = generator(seed, index, f"invented {split}")
    scene = list(SCENES)[int(rng.integers(len(SCENES)))]
    take = Take(rng, config.sample_rate, round(config.clip_s * config.sample_rate))
    sound = render_invented(sounds[name], take)
    level = active_rms(sound, config.sample_rate) * 10 ** (-rng.uniform(*config.snr_db) / 20)
    waveform = sound + level * noise.sloped(take, SCENES[scene])
    waveform *= rng.uniform(0.1, 0.5) / np.abs(waveform).max()
    caption = f"a {name} in a {scene}"
    told = [describe(sounds[name], scene, rng) for _ in range(4 * config.n_rewrites)]
    rewrites = tuple(dict.fromkeys(told))[: config.n_rewrites]
    return Clip(
        audio=Audio(waveform.astype(np.float32), config.sample_rate),
        captions=(caption,),
        labels=(name,),
        split=split,
        id=f"{split}-{seed}-{index:05d}",
        extra={"rewritten_captions": {caption: rewrites}},
    )


def render_invented(sound: Sound, take: Take) -> np.ndarray:
    """One take of a sound [n_samples]; pitch and rate lie anywhere in their bands."""
    pitch, texture, envelope, rate = sound
    hz = take.uniform(*HZ[pitch])
    if texture == "noisy":
        source = noise.band(take, hz / 1.5, hz * 1.5)
    elif texture == "tonal":
        source = oscillators.stack(take, hz, [1.0, 0.35, 0.15])
    else:
        wobble = 1 + 0.9 * oscillators.sine(take, take.uniform(45.0, 65.0))
        source = wobble * (oscillators.saw(take, hz) + 0.4 * noise.white(take))
        source = noise.band_pass(source, take.sample_rate, hz / 1.5, hz * 3)
    if rate is None:
        return source * envelopes.swell(take, 0.05, 0.05)
    beat_s = 1 / take.uniform(*RATE_HZ[rate])
    part = take.part(beat_s)
    times = np.arange(take.uniform(0, 0.3) * beat_s, take.duration_s, beat_s)
    shape = (
        envelopes.hump(part, 0.5) ** 0.5
        if envelope == "pulsed"
        else envelopes.decay(part, beat_s / 4)
    )
    return source * envelopes.place(take, times, [shape] * len(times))
