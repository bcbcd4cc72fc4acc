"""True descriptions as they stand on the web: wrapped in names, gear, dates and taste, or missing.

Half of the names are made up by syllables and in no list of words, so that a cleaner that knows
lists alone does not pass for one that reads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from earshot.core.errors import EarShotError
from earshot.core.seed import generator

CITIES = ("Berlin", "Lisbon", "Kyoto", "Montreal", "Nairobi", "Oslo", "Quito", "Sydney")
AUTHORS = ("Anna", "Mike", "Laura", "Peter", "Sofia", "John", "Maria", "Tom")
GEAR = ("Zoom H4n", "Tascam DR-40", "Sennheiser MKH 416", "Rode NT5", "Sony PCM-D50", "iPhone")
MONTHS = ("January", "March", "May", "August", "October", "December")
SYLLABLES = ("bran", "dol", "ves", "ker", "tam", "ril", "os", "mund", "hal", "quin", "zed", "lor")
LICENCES = ("CC0", "public domain", "free to use, please credit me", "royalty free")
PRAISE = ("Awesome", "Really great", "Very cool", "Nice", "Perfect", "Super realistic", "Lovely")
USES = ("for your movie or game", "for any horror scene", "for podcasts", "for a school project")
BEFORE = (
    "This is {text}.", "Here you can hear {text}.", "The sound of {text}.", "{text}",
    "{praise} sound of {text}!", "Field recording of {text}.", "A recording of {text}.",
    "You hear {text}.", "{praise} clip: {text}.", "{text}, {praise}.",
)  # fmt: skip
AROUND = (
    "Recorded with my {gear} in {city}.", "Recorded by {author} {surname} on {day} {month} {year}.",
    "{rate} kHz, {bits} bit, {channels}.", "Taped near {place} with a {gear}.",
    "Thanks to {author} for the request.", "{praise} {use}.", "Licence: {licence}.",
    "Uploaded {month} {year}, take {day}.", "Sound requested by {surname}.", "Hope you like it!",
    "Comments are welcome.", "Visit www.{surname}-audio.com for more.", "My first upload here.",
    "Edited in {program}, noise removed, normalised to -{day} dB.", "Used in the film {place}.",
    "It was cold that day and I nearly missed the last bus home.", "Best played with headphones.",
)  # fmt: skip
ONLY = (
    "{praise} quality, enjoy.", "Test of my new {gear}.", "From the {place} sessions, {year}.",
    "Part {day} of the {surname} collection.", "Original file, {rate} kHz, untouched.",
    "Made for the radio show of {author} {surname}.", "See the other takes on my page.",
)  # fmt: skip  # what a record says that tells nothing of its sound
PROGRAMS = ("Audacity", "Ableton Live", "Pro Tools", "Reaper")


@dataclass(frozen=True)
class WebNoiseConfig:
    """How much of the web there is in a record."""

    inaudible: float = 0.2  # share of records that tell nothing of their sound
    reordered: float = 0.3  # share of the others in which words or halves change places
    most_around: int = 4  # sentences around the true one, 1 to this many

    def __post_init__(self) -> None:
        if not (0 <= self.inaudible <= 1 and 0 <= self.reordered <= 1 and self.most_around >= 1):
            raise EarShotError(
                got=f"inaudible={self.inaudible:g}, reordered={self.reordered:g}, "
                f"most_around={self.most_around}",
                expected="shares from 0 to 1, and at least 1 sentence",
                mend="Change these fields.",
            )


@dataclass(frozen=True)
class NoisyRecord:
    """A raw record; `inaudible` where it tells nothing of its sound."""

    title: str
    description: str
    inaudible: bool


def noisy_records(
    captions: Sequence[str], seed: int, config: WebNoiseConfig | None = None
) -> list[NoisyRecord]:
    """A raw record for each true caption; a record depends on seed, number and caption alone."""
    config = config or WebNoiseConfig()
    return [
        noisy_record(caption, generator(seed, number, "web noise"), config)
        for number, caption in enumerate(captions)
    ]


def noisy_record(caption: str, rng: np.random.Generator, config: WebNoiseConfig) -> NoisyRecord:
    """One caption wrapped, or left out."""
    inaudible, reordered = rng.random() < config.inaudible, rng.random() < config.reordered
    words = _words(rng)
    n_around = int(rng.integers(1, config.most_around + 1))
    around = [AROUND[i].format(**words) for i in rng.choice(len(AROUND), n_around, replace=False)]
    title = f"{words['surname']}_{words['year']}_{words['day']}.wav"
    if inaudible:
        first = ONLY[int(rng.integers(len(ONLY)))].format(**words)
        return NoisyRecord(title, " ".join([first, *around]), True)
    text = caption.rstrip(". ")
    if reordered:
        text = out_of_order(text, rng)
    frame = BEFORE[int(rng.integers(len(BEFORE)))]
    text = text if frame.startswith("{text}") else text[:1].lower() + text[1:]
    told = frame.format(**{**words, "text": text})
    parts = [told, *around]
    if rng.random() < 0.3:  # the sound comes last, after its circumstances
        parts = [*around, told]
    if rng.random() < 0.2:
        parts[0] = f"<b>{parts[0]}</b><br>"
    return NoisyRecord(title, " ".join(parts), False)


def out_of_order(text: str, rng: np.random.Generator) -> str:
    """Two neighbouring words change places; in three draws of ten the two halves do."""
    words = text.split()
    if len(words) < 3:
        return text
    if rng.random() < 0.3:
        cut = len(words) // 2
        return " ".join([*words[cut:], *words[:cut]])
    i = int(rng.integers(len(words) - 1))
    words[i], words[i + 1] = words[i + 1], words[i]
    return " ".join(words)


def _words(rng: np.random.Generator) -> dict[str, str]:
    """What fills the frames of one record."""

    def one(of: Sequence[str]) -> str:
        return of[int(rng.integers(len(of)))]

    def made_up() -> str:
        return "".join(one(SYLLABLES) for _ in range(2)).capitalize()

    invented = rng.random() < 0.5
    return {
        "gear": f"{made_up()} {one('KXR')}{int(rng.integers(10, 99))}" if invented else one(GEAR),
        "city": made_up() if invented else one(CITIES),
        "place": f"{made_up()} {one(('Lake', 'Street', 'Park', 'Valley'))}",
        "author": made_up() if invented else one(AUTHORS),
        "surname": made_up(),
        "day": str(int(rng.integers(1, 29))),
        "month": one(MONTHS),
        "year": str(int(rng.integers(1998, 2023))),
        "rate": one(("44.1", "48", "96")),
        "bits": one(("16", "24")),
        "channels": one(("stereo", "mono")),
        "praise": one(PRAISE),
        "use": one(USES),
        "licence": one(LICENCES),
        "program": one(PROGRAMS),
    }
