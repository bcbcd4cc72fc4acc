"""What the text tower reads while it is distilled: captions, class names, words, phrasings."""

from __future__ import annotations

import csv
import itertools
import json
from collections.abc import Iterator
from pathlib import Path

from earshot.core.seed import generator
from earshot.synth import SOUNDS
from phrases import TAUGHT, TEMPLATES, THEN, UNSEEN, WHILE, fill


def audio_captions(text: Path) -> list[str]:
    """Human captions of sounds: AudioCaps' training split and Clotho's, in file order."""
    found = []
    with (text / "audiocaps_train.csv").open(encoding="utf-8", newline="") as file:
        found += [row["caption"] for row in csv.DictReader(file)]
    with (text / "clotho_captions_train.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            found += [row[f"caption_{i}"] for i in range(1, 6)]
    return found


def class_names(text: Path) -> list[str]:
    """Names and descriptions of AudioSet's ontology."""
    nodes = json.loads((text / "audioset_ontology.json").read_text("utf-8"))
    return [node["name"] for node in nodes] + [node["description"] for node in nodes]


def phrasings(seed: int, n_orders: int = 6_000) -> list[str]:
    """Taught phrasings and procedural kinds' names, in every template and in order captions."""
    phrases = [phrase for names in TAUGHT.values() for phrase in names]
    phrases += [name for kind in SOUNDS.values() for name in kind.synonyms]
    phrases = [phrase for phrase in phrases if phrase.lower() not in UNSEEN]
    found = [fill(t, p) for p in phrases for t in dict.fromkeys(TEMPLATES)]
    rng = generator(seed, "orders")
    templates = THEN + WHILE
    for _ in range(n_orders):
        first, second = rng.integers(len(phrases), size=2)
        template = templates[rng.integers(len(templates))]
        found.append(template.format(a=phrases[first], b=phrases[second]).lower())
    return found


def words(vocabulary: Iterator[str] | list[str]) -> list[str]:
    """Whole English words of a teacher's vocabulary, alone and as the name of a sound."""
    whole = [word for word in vocabulary if word.isascii() and word.isalpha() and len(word) > 2]
    return whole + [f"the sound of {word}" for word in whole] + [f"a {word}" for word in whole]


def corpus(data: Path, vocabulary: list[str], seed: int) -> list[str]:
    """Everything but held-out phrases, each text once, in lower case as the tokenizer reads it."""
    text = data / "text"
    every = itertools.chain(
        audio_captions(text), class_names(text), phrasings(seed), words(vocabulary)
    )
    lines = dict.fromkeys(line.strip().lower() for line in every if line.strip())
    return [line for line in lines if line not in UNSEEN]
