"""What is heard in a clip, without a language model: names from a tagger, facts from probes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from earshot.audio import Audio
from earshot.core.errors import EarShotError
from earshot.core.fingerprint import fingerprint
from earshot.factories.item import Item
from earshot.factories.probes import MAN_BELOW_HZ, Probes, probe
from earshot.factories.sounds import read_sound
from earshot.factories.tagger import Named, Tagger
from earshot.text.everyday import as_everyday
from earshot.text.lexicon import stem
from earshot.text.sound_phrases import sound_phrase

NAME = "extract"
PROBE_RATE = 16_000  # Hz
SPEECH = {stem(word) for word in ("speech", "speaking", "talking", "conversation", "narration",
                                  "whispering", "voice", "chatter", "monologue")}  # fmt: skip
MUSIC = {
    stem(word) for word in (
        "music", "song", "singing", "choir", "drum", "snare", "cymbal", "tambourine", "maracas",
        "xylophone", "piano", "organ", "harpsichord", "guitar", "banjo", "ukulele", "harp",
        "violin", "cello", "bass", "flute", "piccolo", "recorder", "clarinet", "oboe", "bassoon",
        "saxophone", "trumpet", "trombone", "tuba", "harmonica", "accordion", "bagpipes", "sitar",
        "synthesizer", "orchestra", "marimba", "mandolin", "rap", "instrument", "melody",
    )
}  # fmt: skip
NO_SPEECH, NO_MUSIC = "There is no speech.", "There is no music."


@dataclass(frozen=True)
class RuleExtractor:
    """Notes `description`, `speech`, `music`, `events` ("dog barking; rain") and `manner`.

    Names are the item's labels and, where there is a tagger, what it is sure of beside them. Items
    without a sound are described by their labels alone; those whose sound cannot be read fail.
    """

    tagger: Tagger | None = None
    name: str = NAME
    needs_audio: bool = True

    @property
    def identity(self) -> str:
        """Digest of the tagger and of these rules' version."""
        return fingerprint({"rule": 1, "tagger": self.tagger and self.tagger.identity})

    def work(self, items: Sequence[Item]) -> Iterator[Item]:
        """As many items, in order, with their notes."""
        for item in items:
            yield self._noted(item)

    def _noted(self, item: Item) -> Item:
        if item.audio is None:
            if not item.labels:
                return item.reject(NAME, "nothing_known", "Neither a sound nor a label.")
            return self.noted(item, None)
        rate = PROBE_RATE if self.tagger is None else self.tagger.embedder.sample_rate
        try:
            sound = read_sound(item, rate)
        except EarShotError as fault:
            return item.fail(NAME, "unreadable", str(fault))
        return self.noted(item, sound)

    def noted(self, item: Item, sound: Audio | None) -> Item:
        """The item with notes of `sound`, which is at hand already."""
        facts, found = None, []
        if sound is not None:
            facts = probe(sound.waveform, sound.sample_rate)
            if facts.silent:
                return item.reject(NAME, "silent", f"{facts.level_db:.0f} dB at its loudest.")
            if self.tagger is not None:
                found = self.tagger.names(self.tagger.embedder.embed_audio(sound).mean)
        events = _events(item.labels, found)
        if not events:
            return item.reject(NAME, "unknown_sound", "No label, and nothing stands out.")
        manner = facts.manners if facts is not None else ()
        notes = {
            "description": _description(events, manner, facts),
            "speech": _speech(events, facts),
            "music": _music(events, facts),
            "events": "; ".join(events),
            **({"manner": ", ".join(manner)} if manner else {}),
        }
        return item.with_(notes={**item.notes, **notes})


def is_speech(label: str) -> bool:
    """True for labels of people who speak."""
    return bool(_stems(label) & SPEECH)


def is_music(label: str) -> bool:
    """True for music, instruments and singing."""
    return bool(_stems(label) & MUSIC)


def _events(labels: Sequence[str], found: Sequence[Named]) -> list[str]:
    """The labels, then names that share no word with any of them."""
    events = list(dict.fromkeys(label for label in labels if label.strip()))
    known = {word for label in events for word in _stems(label)}
    events += [named.label for named in found if not _stems(named.label) & known]
    return events


def _stems(label: str) -> set[str]:
    return {stem(word) for word in label.replace("_", " ").replace(",", " ").split()}


def _description(events: Sequence[str], manner: Sequence[str], facts: Probes | None) -> str:
    """One or two sentences of what happens."""
    first = sound_phrase(as_everyday(events[0]), manner).clause
    rest = [sound_phrase(as_everyday(each)).noun for each in events[1:]]
    said = f"{first}, together with {' and '.join(rest)}" if rest else first
    said = f"{said[0].upper()}{said[1:]}."
    if facts is None:
        return said
    if facts.beat_hz is not None:
        said += f" It repeats evenly, about {facts.beat_hz:.1f} times a second."
    if abs(facts.change_db) > 8:
        said += f" It gets {'louder' if facts.change_db > 0 else 'softer'} towards the end."
    return said


def _speech(events: Sequence[str], facts: Probes | None) -> str:
    """Who speaks, by the pitch; never what is said."""
    if not any(is_speech(each) for each in events):
        return NO_SPEECH
    if facts is None or facts.pitch_hz is None:
        return "Someone speaks."
    return f"A {'man' if facts.pitch_hz < MAN_BELOW_HZ else 'woman or a child'} speaks."


def _music(events: Sequence[str], facts: Probes | None) -> str:
    """What plays, and how fast where a beat is clear."""
    playing = [sound_phrase(each).noun for each in events if is_music(each)]
    if not playing:
        return NO_MUSIC
    said = f"There is music: {' and '.join(playing)}"
    if facts is not None and facts.beat_hz is not None and 0.7 <= facts.beat_hz <= 4:
        said += f", at about {60 * facts.beat_hz:.0f} beats a minute"
    return f"{said}."
