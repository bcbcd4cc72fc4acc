"""Single words in many voices: a closed vocabulary to understand, with voices kept for the test."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from earshot.audio import Audio
from earshot.core.errors import EarShotError
from earshot.core.seed import generator
from earshot.data.clip import Clip
from earshot.data.clip_set import ClipSet
from earshot.synth.speech import VOICES, speak

TEN_WORDS = (
    "alarm", "coffee", "door", "garden", "kitchen", "lamp", "music", "radio", "timer", "window",
)  # fmt: skip


@dataclass(frozen=True)
class SpokenWordsConfig:
    """Which words, how often, and how they sound."""

    words: tuple[str, ...] = TEN_WORDS
    n_train: int = 100  # clips of each word, over the voices of training
    n_test: int = 20  # clips of each word, over the other voices
    n_test_voices: int = 2  # that no training clip has; which ones, the seed says
    sample_rate: int = 8_000  # Hz
    pitch: tuple[float, float] = (0.8, 1.25)  # factors
    speed: tuple[float, float] = (0.8, 1.3)
    snr_db: tuple[float, float] = (5.0, 20.0)  # the voice against white noise

    def __post_init__(self) -> None:
        if not 0 < self.n_test_voices < len(VOICES) or min(self.n_train, self.n_test) < 1:
            raise EarShotError(
                got=f"n_test_voices={self.n_test_voices}, n_train={self.n_train}, "
                f"n_test={self.n_test}",
                expected=f"1 to {len(VOICES) - 1} voices for the test and a clip of each word",
                mend="Change these fields.",
            )


@lru_cache(maxsize=2)
def word_clips(seed: int, config: SpokenWordsConfig | None = None) -> ClipSet:
    """Splits "train" and "test" in memory; the label and the caption of a clip are its word.

    Spoken by the formant voice, which is there on every machine.
    """
    config = config or SpokenWordsConfig()
    order = [VOICES[i] for i in generator(seed, "word voices").permutation(len(VOICES))]
    voices = {"test": order[: config.n_test_voices], "train": order[config.n_test_voices :]}
    clips = [
        _clip(seed, split, word, turn, voices[split][turn % len(voices[split])], config)
        for split, n_clips in (("train", config.n_train), ("test", config.n_test))
        for word in config.words
        for turn in range(n_clips)
    ]
    return ClipSet(clips, name="spoken words", labels=sorted(config.words))


def _clip(
    seed: int, split: str, word: str, turn: int, voice: str, config: SpokenWordsConfig
) -> Clip:
    rng = generator(seed, split, word, turn)
    said = speak(
        word,
        voice=voice,
        pitch=float(rng.uniform(*config.pitch)),
        speed=float(rng.uniform(*config.speed)),
        sample_rate=config.sample_rate,
        seed=int(rng.integers(2**31)),
        engine="formant",
    ).waveform
    level = np.sqrt(np.mean(said**2)) * 10 ** (-rng.uniform(*config.snr_db) / 20)
    heard = said + level * rng.standard_normal(len(said))
    heard = 0.7 * heard / np.abs(heard).max()
    return Clip(
        audio=Audio(heard.astype(np.float32), config.sample_rate),
        captions=(word,),
        labels=(word,),
        split=split,
        id=f"{split}-{seed}-{word}-{turn:03d}",
        extra={"voice": voice},
    )
