"""Sentences that the captioner learns: what the prompt names is told, the rest is left out."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from caption_kinds import (
    BOTH,
    KINDS,
    MODEST,
    ONE,
    QUIET,
    SEVERAL,
    SPEECH,
    THEN,
    THREE,
    UNKNOWN,
    WHILE,
)
from earshot.metrics.caption_events import EventReader
from earshot.models.event_namer import THEN as THEN_TIE
from earshot.models.event_namer import UNTOLD, WITH, prompt_of
from earshot.synth.captions import fill
from earshot.synth.kind import SoundKind
from earshot.synth.phrases import word

DROPPED, SWAPPED, UNTIED = 0.1, 0.04, 0.2  # mistakes of a prompt in training
USUAL = 0.75  # of words that are a kind's first ones
MIXED = 0.2  # of scenes of several sounds without a name that are called that
MOST_WORDS = 16
TIES = {"then": THEN_TIE, "while": WITH}
TEMPLATES = {"then": THEN, "while": WHILE, "both": BOTH}
ALSO = {  # what people write of kinds, beside what is written here
    SPEECH: ("speaking", "talking", "speaks", "talks", "speak", "talk", "speech", "conversation",
             "voice", "voices"),
    "engine idling": ("engine", "engine running", "engine idles"),
    "songbird": ("birds chirp", "birds chirping", "bird", "birds", "chirping"),
    "crying baby": ("baby crying", "baby cries", "child crying"),
    "dog bark": ("dog", "dogs", "barking", "barks"), "wind": ("wind", "windy"),
    "sea waves": ("waves", "ocean"), "typing": ("typing", "types"),
}  # fmt: skip
READER = EventReader(
    {
        name: [*kind.nouns, *(" ".join(a.split(" | ")[::2]) for a in kind.actions),
               *(" ".join(a.split(" | ")[:2]) for a in kind.actions), *ALSO.get(name, ())]
        for name, kind in KINDS.items()
    }
)  # fmt: skip


@dataclass(frozen=True)
class HumanCaption:
    """A caption that somebody wrote, and the kinds that it names, in the order they sound."""

    text: str
    kinds: tuple[str, ...]


def caption_of(kinds: Sequence[str], relation: str, rng: np.random.Generator) -> str:
    """A sentence about one to three kinds in the order they begin."""
    words = [word(usual(KINDS[kind], rng), {}, rng) for kind in kinds]
    if len(words) == 1:
        template = ONE[rng.integers(len(ONE))]
    elif len(words) == 2:
        choices = TEMPLATES[relation]
        template = choices[rng.integers(len(choices))]
        if relation != "then" and rng.random() < 0.5:
            words.reverse()
    else:
        template = THREE[rng.integers(len(THREE))]
    return fill(template, [[each] for each in words])


def usual(kind: SoundKind, rng: np.random.Generator) -> SoundKind:
    """The kind, most often with its first words alone, so that there is one that it is called."""
    if rng.random() >= USUAL:
        return kind
    return replace(kind, nouns=kind.nouns[:1], actions=kind.actions[:1])


def modest(kinds: Sequence[str], relation: str, rng: np.random.Generator) -> str:
    """What can be said of kinds that are not sure enough to be named."""
    if relation == "silence":
        choices: tuple[str, ...] = QUIET
    elif not kinds:
        choices = UNKNOWN
    else:
        one = KINDS[kinds[rng.integers(len(kinds))]].category  # true of all, if not all of it
        choices = SEVERAL if len(kinds) > 1 and rng.random() < MIXED else MODEST[one]
    return choices[rng.integers(len(choices))]


def told(kinds: Sequence[str], relation: str, prompt: str, rng: np.random.Generator) -> str:
    """The caption of a scene under a prompt: kinds that are there and named, else modestly."""
    named = set(names_in(prompt))
    said = [kind for kind in kinds if kind in named]
    if not said:
        return modest(kinds, relation, rng)
    whole = len(said) == len(kinds) == 2
    return caption_of(said, relation if whole else "both", rng)


def names_in(prompt: str) -> list[str]:
    """The names that a prompt is made of."""
    text = prompt.rstrip(":").replace(THEN_TIE, "|").replace(WITH, "|").replace(UNTOLD, "|")
    return [name for name in text.split("|") if name]


def true_prompt(kinds: Sequence[str], relation: str, rng: np.random.Generator) -> str:
    """The prompt of what is there, with mistakes such as the namer makes."""
    names = list(KINDS)
    kept = []
    for kind in kinds:
        draw = rng.random()
        if draw < SWAPPED:
            kept.append(names[rng.integers(len(names))])
        elif draw >= SWAPPED + DROPPED:
            kept.append(kind)
    if rng.random() < SWAPPED:
        kept.append(names[rng.integers(len(names))])
    kept = list(dict.fromkeys(kept))
    tie = UNTOLD if rng.random() < UNTIED else TIES.get(relation, UNTOLD)
    return prompt_of(kept, tie if len(kept) == 2 else UNTOLD)


def human_captions(text: Path) -> list[HumanCaption]:
    """AudioCaps' training captions and Clotho's, each once, the shorter ones."""
    found: dict[str, None] = {}
    with (text / "audiocaps_train.csv").open(encoding="utf-8", newline="") as file:
        found |= dict.fromkeys(row["caption"].strip() for row in csv.DictReader(file))
    with (text / "clotho_captions_train.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            found |= dict.fromkeys(row[f"caption_{i}"].strip(" .") for i in range(1, 6))
    kept = [each for each in found if 2 < len(each.split()) <= MOST_WORDS]
    return [HumanCaption(each, tuple(READER.events(each))) for each in kept]


def human_prompt(caption: HumanCaption, rng: np.random.Generator) -> str:
    """The names that a caption tells, some left out."""
    kept = [kind for kind in caption.kinds if rng.random() >= DROPPED][:3]
    lower = f" {caption.text.lower()} "
    tie = UNTOLD
    if len(kept) == 2 and rng.random() >= UNTIED:
        if any(each in lower for each in (" then ", "followed by", " before ", " after ")):
            tie = THEN_TIE
        elif any(each in lower for each in (" while ", " as ", " with ")):
            tie = WITH
    return prompt_of(kept, tie)


def all_words(human: Sequence[HumanCaption], n: int, seed: int) -> list[str]:
    """Texts that the tokenizer is taught by: captions of people and of every kind, and prompts."""
    rng = np.random.default_rng(seed)
    found = [each.text for each in human[:: max(1, len(human) // n)]]
    for kind in KINDS:
        found += [prompt_of([kind], UNTOLD), *(caption_of([kind], "both", rng) for _ in range(30))]
    found += [text for texts in MODEST.values() for text in texts] * 10
    return found + [*SEVERAL, *UNKNOWN, *QUIET] * 10


def write_lines(path: Path, rows: Sequence[object]) -> None:
    """Rows as JSON Lines."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
