"""Simulated brains that hear simulated speech. No recording of anybody is behind it.

A language of words, each a path through a space of few dimensions; what is heard is a fixed
non-linear map of the path; what a sensor records is a smooth function of its place times the path,
turned by a matrix of the subject's own, later by a delay, under noise far above it, with spikes.
Spoken stories are sound instead: the path is that of their phones, whoever says them and however.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from earshot.audio import Audio
from earshot.core.errors import EarShotError
from earshot.core.seed import generator
from earshot.data.brain import BrainRecording, BrainStudy, FeatureTrack, HeardSound, HeardWord
from earshot.synth.phone_speech import (
    FRAME_S,
    SAMPLE_RATE,
    PhoneInventory,
    PhoneLanguage,
    PhoneUtterance,
    phone_name,
)


@dataclass(frozen=True)
class BrainSimConfig:
    """The study that is simulated."""

    n_subjects: int = 6
    n_sensors: int = 32
    sample_rate: float = 40.0  # Hz
    n_stories: int = 3  # heard by every subject
    story_s: float = 130.0
    n_words: int = 200  # of the language; spoken, a word is any three phones
    spoken: bool = False  # what is heard is sound, spoken by several speakers; else features alone
    n_latents: int = 8
    n_features: int = 48
    smooth_s: float = 0.075  # half a Hann window that the path is averaged with
    delay_s: float = 0.15  # from what is heard to what is recorded
    noise: float = 12.0  # of every sample, in standard deviations of the signal
    spike_share: float = 0.002  # of samples of a channel
    spike: float = 300.0  # times the noise

    def __post_init__(self) -> None:
        sizes = (self.n_subjects, self.n_sensors, self.n_stories, self.n_words, self.n_latents)
        if min(sizes) < 1 or self.story_s < 10 or self.sample_rate <= 0:
            raise EarShotError(
                got=f"{self.n_subjects} subjects, {self.n_sensors} sensors, {self.n_stories} "
                f"stories of {self.story_s:g} s, {self.n_words} words",
                expected="at least one of each, and stories of 10 s or more",
                mend="The defaults are 6, 32, 3 of 130 s, 200.",
            )


@dataclass(frozen=True)
class Story:
    """What is heard: its path [latents, samples] at the rate of the brain, and its words."""

    name: str
    path: np.ndarray
    words: tuple[HeardWord, ...]  # onset_s as start_s
    sound: HeardSound


def simulate_study(seed: int, config: BrainSimConfig | None = None) -> BrainStudy:
    """A study by its seed: every subject hears every story once, in one recording."""
    config = config or BrainSimConfig()
    stories = spoken_stories(seed, config) if config.spoken else latent_stories(seed, config)
    numbers = range(config.n_subjects)
    recordings = [simulate_subject(seed, config, number, stories) for number in numbers]
    return BrainStudy(tuple(recordings), {story.name: story.sound for story in stories})


def latent_stories(seed: int, config: BrainSimConfig) -> list[Story]:
    """Stories whose features are a fixed non-linear map of their path, [n_features] a sample."""
    rng = generator(seed, "brain language")
    paths = [
        rng.normal(size=(config.n_latents, int(rng.integers(2, 6)))) for _ in range(config.n_words)
    ]  # each word: a point for each of its sounds
    first = rng.normal(size=(64, config.n_latents)) / np.sqrt(config.n_latents)
    second = rng.normal(size=(config.n_features, 64)) / 8.0
    stories = []
    for index in range(config.n_stories):
        rng = generator(seed, index, "story")
        path, words = _tell(rng, f"story-{index}", paths, config)
        values = np.tanh(second @ np.tanh(2.0 * first @ path))
        track = FeatureTrack(values.astype(np.float32), config.sample_rate)
        stories.append(Story(f"story-{index}", path, words, track))
    return stories


@lru_cache(maxsize=1)
def spoken_stories(seed: int, config: BrainSimConfig) -> list[Story]:
    """Stories that are sound at 16 kHz; their path has a point for each phone, the same for all.

    Sentences change speaker and melody, which the path does not know.
    """
    language = PhoneLanguage(PhoneInventory(seed), seed)
    points = generator(seed, "phones of brains").normal(
        size=(config.n_latents, language.inventory.n_phones)
    )
    n_samples, stories = round(config.story_s * config.sample_rate), []
    for index in range(config.n_stories):
        name, sounds, labels, words, begin_s = f"story-{index}", [], [], [], 0.0
        while begin_s < config.story_s:
            said = language.utterance(name, len(sounds))
            words += _spoken_words(said, name, begin_s, f"{len(sounds)}")
            sounds.append(said.waveform)
            labels.append(said.frame_phones)
            begin_s += len(said.frame_phones) * FRAME_S
        times = (np.arange(n_samples) + 0.5) / config.sample_rate
        phones = np.concatenate(labels)[(times / FRAME_S).astype(np.int64)]
        path = _smoothed(points[:, phones], config)
        wave = np.concatenate(sounds)[: round(config.story_s * SAMPLE_RATE)]
        told = tuple(word for word in words if word.start_s + word.duration_s <= config.story_s)
        stories.append(Story(name, path, told, Audio(wave, SAMPLE_RATE)))
    return stories


def _spoken_words(
    said: PhoneUtterance, name: str, begin_s: float, sentence: str
) -> list[HeardWord]:
    """Three phones in a row are a word."""
    labels = said.frame_phones
    edges = [0, *(np.flatnonzero(np.diff(labels)) + 1).tolist()]
    starts = edges[::3]
    return [
        HeardWord(
            text="-".join(phone_name(labels[at]) for at in edges[3 * number : 3 * number + 3]),
            onset_s=begin_s + first * FRAME_S,
            sound=name,
            start_s=begin_s + first * FRAME_S,
            duration_s=(last - first) * FRAME_S,
            sentence=sentence,
        )
        for number, (first, last) in enumerate(zip(starts, [*starts[1:], len(labels)], strict=True))
    ]


def _smoothed(path: np.ndarray, config: BrainSimConfig) -> np.ndarray:
    """Each row of path [latents, samples] under a Hann window."""
    width = max(1, round(config.smooth_s * config.sample_rate))
    window = np.hanning(2 * width + 1)
    window = window / window.sum()
    return np.stack([np.convolve(row, window, mode="same") for row in path])


def simulate_subject(
    seed: int, config: BrainSimConfig, number: int, stories: list[Story]
) -> BrainRecording:
    """What one subject's sensors record while the stories play, a second of rest before each."""
    rng = generator(seed, number, "brain")
    positions = rng.uniform(size=(config.n_sensors, 2))
    field = _lead_field(seed, positions, config.n_latents)
    turn = np.linalg.qr(rng.normal(size=(config.n_latents, config.n_latents)))[0]
    rate, rest = config.sample_rate, round(config.sample_rate)
    delay = round(config.delay_s * rate)
    pieces, words, begin = [], [], 0
    for story in stories:
        heard = np.zeros((config.n_latents, rest + story.path.shape[1]))
        heard[:, rest:] = story.path
        words += [
            HeardWord(
                text=word.text,
                onset_s=(begin + rest) / rate + word.start_s,
                sound=word.sound,
                start_s=word.start_s,
                duration_s=word.duration_s,
                sentence=word.sentence,
            )
            for word in story.words
        ]
        pieces.append(heard)
        begin += heard.shape[1]
    path = np.concatenate([*pieces, np.zeros((config.n_latents, rest))], 1)
    path = np.concatenate([np.zeros((config.n_latents, delay)), path], 1)[:, : path.shape[1]]
    signal = field @ turn @ path
    signal = signal / signal.std(1, keepdims=True)
    signal = signal + config.noise * rng.normal(size=signal.shape)
    spikes = rng.uniform(size=signal.shape) < config.spike_share
    signal = signal + spikes * config.spike * config.noise * rng.normal(size=signal.shape)
    name = f"sim{number:02d}"
    return BrainRecording(
        id=name,
        subject=name,
        signal=signal.astype(np.float32),
        sample_rate=rate,
        positions=positions,
        words=tuple(words),
    )


def _tell(
    rng: np.random.Generator, name: str, paths: list[np.ndarray], config: BrainSimConfig
) -> tuple[np.ndarray, tuple[HeardWord, ...]]:
    """Words in a row, sentences of 5 to 12 of them: the path [latents, samples] and the words."""
    rate, n_samples = config.sample_rate, round(config.story_s * config.sample_rate)
    pieces, words, place, sentence, left = [], [], 0, 0, int(rng.integers(5, 13))
    while place < n_samples:
        word = int(rng.integers(len(paths)))
        holds = rng.integers(round(0.06 * rate), round(0.13 * rate) + 1, paths[word].shape[1])
        piece = np.repeat(paths[word], holds, axis=1)[:, : n_samples - place]
        words.append(
            HeardWord(
                text=f"w{word}",
                onset_s=place / rate,
                sound=name,
                start_s=place / rate,
                duration_s=piece.shape[1] / rate,
                sentence=f"{sentence}",
            )
        )
        pieces.append(piece)
        place, left = place + piece.shape[1], left - 1
        if not left:
            sentence, left = sentence + 1, int(rng.integers(5, 13))
    path = _smoothed(np.concatenate(pieces, 1), config)
    return path, tuple(words)


def _lead_field(seed: int, positions: np.ndarray, n_latents: int) -> np.ndarray:
    """How much of each source a sensor sees: smooth in its place, the same law for everyone."""
    rng = generator(seed, "lead field")
    n_waves = 3
    amplitude = rng.normal(size=(n_latents, 2, n_waves, n_waves))
    k = np.arange(n_waves)
    angle = np.pi * (positions[:, 0, None, None] * k[:, None] + positions[:, 1, None, None] * k)
    waves = np.stack([np.cos(angle), np.sin(angle)], 1)  # [sensors, 2, waves, waves]
    return np.einsum("sckl,nckl->sn", waves, amplitude)
