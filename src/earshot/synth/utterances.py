"""Short sentences in several languages, spoken, with what is true of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from earshot.core.seed import generator
from earshot.synth.espeak import espeak_works
from earshot.synth.speech import VOICES, speak

# nouns with their articles, verbs, and places: every combination is a sentence
GRAMMAR = {
    "en": (
        ("the dog", "a child", "the teacher", "an old man", "my sister", "the baker", "a bird"),
        ("sleeps", "sings", "waits", "laughs", "works", "runs", "dreams"),
        ("in the garden", "by the river", "at the station", "near the old tower", "after dinner"),
    ),
    "fr": (
        ("le chien", "un enfant", "la voisine", "mon frère", "le boulanger", "un oiseau"),
        ("dort", "chante", "attend", "travaille", "court", "danse"),
        ("dans le jardin", "au bord de la mer", "devant la gare", "sous le grand arbre"),
    ),
    "de": (
        ("der Hund", "ein Kind", "die Lehrerin", "mein Bruder", "der Bäcker", "ein Vogel"),
        ("schläft", "singt", "wartet", "lacht", "arbeitet", "träumt"),
        ("im Garten", "am Fluss", "vor dem Bahnhof", "unter dem Baum"),
    ),
    "es": (
        ("el perro", "una niña", "el maestro", "mi hermana", "el panadero", "un pájaro"),
        ("duerme", "canta", "espera", "trabaja", "corre", "sueña"),
        ("en el jardín", "junto al río", "en la estación", "bajo el árbol"),
    ),
    "it": (
        ("il cane", "una bambina", "il maestro", "mia sorella", "il fornaio", "un uccello"),
        ("dorme", "canta", "aspetta", "lavora", "corre", "sogna"),
        ("nel giardino", "in riva al fiume", "alla stazione", "sotto l'albero"),
    ),
}
NAMES = {"en": "English", "fr": "French", "de": "German", "es": "Spanish", "it": "Italian"}
TEMPLATES = (
    "{a} {who} says: {text}",
    '{a} {who} says "{text}"',
    "{a} {who} speaks {language}",
    "{a} {who} is speaking {language}",
    "{language} speech by {a} {who}",
    "someone says in {language}: {text}",
    "a voice speaking {language}",
)


@dataclass(frozen=True)
class Utterance:
    """A spoken sentence and all that is true of it."""

    waveform: np.ndarray  # [samples] float32 in [-1, 1]
    sample_rate: int
    transcript: str
    language: str
    voice: str
    captions: tuple[str, ...]
    engine: str  # "espeak" or "formant"


def utterance(
    seed: int,
    index: int = 0,
    *,
    sample_rate: int = 16_000,
    languages: tuple[str, ...] = tuple(GRAMMAR),
    engine: Literal["auto", "espeak", "formant"] = "auto",
    n_captions: int = 5,
) -> Utterance:
    """Utterance `index` of a seed: language, sentence, voice, pitch and speed are drawn."""
    rng = generator(seed, index, "utterance")
    language = languages[int(rng.integers(len(languages)))]
    text = " ".join(part[int(rng.integers(len(part)))] for part in GRAMMAR[language])
    voice = VOICES[int(rng.integers(len(VOICES)))]
    if engine == "auto":
        engine = "espeak" if espeak_works() else "formant"
    audio = speak(
        text,
        language=language,
        voice=voice,
        pitch=float(rng.uniform(0.85, 1.15)),
        speed=float(rng.uniform(0.8, 1.3)),
        sample_rate=sample_rate,
        seed=int(rng.integers(2**31)),
        engine=engine,
    )
    chosen = rng.permutation(len(TEMPLATES))[:n_captions]
    who = "man" if voice.startswith("m") else "woman"
    sentences = [
        TEMPLATES[i].format(a="a", who=who, text=text, language=NAMES[language]) for i in chosen
    ]
    captions = tuple(s[0].upper() + s[1:] for s in sentences)
    return Utterance(audio.waveform, sample_rate, text, language, voice, captions, engine)
