"""The sounds that the shipped model is taught, as log-mels in memory: real sets and procedural."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from earshot.audio import read_audio, resample
from earshot.core.seed import generator
from earshot.features.log_mel import LogMel, LogMelConfig
from earshot.synth import SOUNDS, render_sound
from phrases import TAUGHT, UNSEEN, bare

RATE = LogMelConfig().sample_rate
SPEEDS = (0.84, 0.92, 1.0, 1.09, 1.19)  # about three semitones down to three up
PLAIN = SPEEDS.index(1.0)
MAX_S = 12.0
N_TAKES = 8  # of each procedural kind
KIND_CLASS = {  # procedural kinds and drawn things that are one of the real classes
    "crackling fire": "fire crackling", "sneeze": "person sneeze", "crying baby": "baby cry",
    "hi-hat": "hi hat", "violin": "violin or fiddle", "guitar": "acoustic guitar",
    "dog": "dog bark", "colorful rooster": "rooster", "black cat": "cat meow",
    "lightning bolt": "thunder", "tamworth pig": "pig", "drake": "duck", "ram": "sheep",
    "baby sheep (a lamb)": "sheep",
    "mountaingoat": "goat", "dromedary": "camel", "camera": "camera shutter", "saw": "hand saw",
    "crash cymbal": "cymbal", "floor tom drum": "drum", "brown hen": "hen", "hornet": "bee",
}  # fmt: skip
SHOWN = (
    "animals/",
    "hobbies/music",
    "household",
    "naturalforces",
    "vehicles/",
    "seasonal/halloween/",
)
LANGUAGES = {
    "es": "Spanish", "fr": "French", "ru": "Russian", "bg": "Bulgarian", "be": "Belarusian",
    "ca": "Catalan", "ro": "Romanian", "el": "Greek", "da": "Danish",
}  # fmt: skip


@dataclass(frozen=True)
class Sound:
    """One recording or rendering: what it is, where it came from, its log-mels by speed."""

    concept: str
    origin: str  # esc10, instruments, effects, digits, speech or synth
    key: str  # of the recording that it stems from: splits go by it
    fold: int  # of ESC-10; 0 elsewhere
    mels: tuple[np.ndarray, ...]  # [n_mels, frames] float16, dB; one, or one for each of SPEEDS

    def quarter(self) -> int:
        """Which of four parts it belongs to, by its key alone."""
        return int(hashlib.sha256(self.key.encode()).hexdigest(), 16) % 4


class Hearing:
    """Waveforms to log-mels, through the front end that ships."""

    def __init__(self) -> None:
        self._front = LogMel(LogMelConfig())

    def log_mel(self, waveform: np.ndarray) -> np.ndarray:
        """[n_mels, frames] float16 in dB of a waveform at RATE, its peak brought to 0.5 first."""
        level = 0.5 / max(float(np.abs(waveform).max()), 1e-4)
        row = torch.from_numpy(np.ascontiguousarray(waveform, np.float32) * level)[None]
        with torch.inference_mode():
            log_mel, _ = self._front(row, torch.tensor([row.shape[1]]))
        return log_mel[0].numpy().astype(np.float16)

    def at_speeds(self, waveform: np.ndarray) -> tuple[np.ndarray, ...]:
        """The log-mels of the waveform played at each of SPEEDS."""
        return tuple(
            self.log_mel(waveform if s == 1.0 else resample(waveform, RATE, round(RATE / s)))
            for s in SPEEDS
        )


def concept_of(name: str) -> str:
    """The concept that a kind or a drawn thing belongs to."""
    return KIND_CLASS.get(name, name)


def rows_of(folder: Path) -> list[dict[str, str]]:
    """The rows of a set's manifest."""
    with (folder / "manifest.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def real_sounds(data: Path) -> Iterator[Sound]:
    """ESC-10, the instruments, the effects of the stamps, some digits and some speech."""
    hearing = Hearing()

    def sound(concept: str, origin: str, path: Path, key: str, fold: int = 0) -> Sound:
        waveform = read_audio(path, sample_rate=RATE, duration_s=MAX_S).waveform
        if origin in ("digits", "speech"):
            return Sound(concept, origin, key, fold, (hearing.log_mel(waveform),))
        return Sound(concept, origin, key, fold, hearing.at_speeds(waveform))

    for row in rows_of(data / "esc10"):
        path = data / "esc10" / row["path"]
        yield sound(row["label"], "esc10", path, row["source_id"], int(row["fold"]))
    for row in rows_of(data / "instruments"):
        yield sound(row["label"], "instruments", data / "instruments" / row["path"], row["path"])
    stamps = rows_of(data / "stamps")
    for row in stamps:
        if row["sound"] and f"{row['category']}/".startswith(SHOWN) and row["caption"][-1] == ".":
            thing = concept_of(bare(row["caption"].rstrip(".").lower()))
            yield sound(thing, "effects", data / "stamps" / row["sound"], row["id"])
    for row in rows_of(data / "fsdd"):
        if int(row["take"]) % 5 == 0:
            path = data / "fsdd" / row["path"]
            yield sound(f"says {row['transcript']}", "digits", path, row["path"])
    for language in LANGUAGES:
        spoken = [row for row in stamps if language in row["speech_langs"].split()][::16]
        for row in spoken:
            path = data / "stamps" / "speech" / language / f"{row['id']}.ogg"
            yield sound(f"speech {language}", "speech", path, row["id"])


def procedural_sounds(seed: int) -> Iterator[Sound]:
    """N_TAKES renderings of every procedural kind, with attributes drawn at random."""
    hearing = Hearing()
    for name in SOUNDS:
        for take in range(N_TAKES):
            rng = generator(seed, name, take)
            waveform = render_sound(name, sample_rate=RATE, seed=int(rng.integers(2**31)))
            yield Sound(
                concept_of(name), "synth", f"{name} {take}", 0, (hearing.log_mel(waveform),)
            )


def phrases_of(concept: str) -> tuple[str, ...]:
    """What people call a concept; for a real class only phrasings of TAUGHT and kinds' names."""
    if concept.startswith("says "):
        word = concept.removeprefix("says ")
        return (f"a person says {word}", f"someone says the word {word}", f"a voice says {word}",
                f"the spoken digit {word}", f"a man saying {word} in English")  # fmt: skip
    if concept.startswith("speech "):
        name = LANGUAGES[concept.removeprefix("speech ")]
        return (f"a person speaking {name}", f"{name} speech", f"someone talks in {name}",
                f"a voice speaking in {name}", f"a sentence in {name}")  # fmt: skip
    found = list(TAUGHT.get(concept, ()))
    for name, kind in SOUNDS.items():
        if concept_of(name) == concept:
            found += [name, *kind.synonyms]
    if not found:
        article = "an" if concept[0] in "aeiou" else "a"
        one = f"{article} {concept}"
        found = [concept, one, f"{one} sound", f"the sound of {one}", f"the noise {one} makes"]
    lower = dict.fromkeys(phrase.lower() for phrase in found)
    return tuple(phrase for phrase in lower if phrase not in UNSEEN)
