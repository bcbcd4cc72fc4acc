"""One fluent sentence from notes and labels, by rule: nothing is asked, nothing invented."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from earshot.core.fingerprint import fingerprint
from earshot.core.seed import generator
from earshot.factories.extract import is_music, is_speech
from earshot.factories.item import Item
from earshot.factories.write import MAX_WORDS, Draft, fault_of
from earshot.text.everyday import as_everyday
from earshot.text.lexicon import shipped_lexicon
from earshot.text.sound_phrases import SoundPhrase, sound_phrase

ONE_ACT = ("{c}", "{n}", "the sound of {n}", "{n} can be heard", "in this recording {c}",
           "one can hear {n}", "a recording in which {c}")  # fmt: skip
ONE_THING = ("{n}", "the sound of {n}", "{n} can be heard", "there is {n} in this recording",
             "one can hear {n}", "a recording of {n}", "this is the sound of {n}")  # fmt: skip
LIKE_RATE = 0.35  # of captions of one sound that say what it is like
_QUOTED = re.compile(r"[\"“][^\"“”]*[\"”]")
_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_ABOUT = re.compile(r"^(?:the|this) (?:audio|clip|recording|sound)s? (?:clip )?"
                    r"(?:contains?|features?|includes?|has|is) ", re.IGNORECASE)  # fmt: skip


@dataclass(frozen=True)
class RuleWriter:
    """Names every label and event, in grammar, with the manner that probes are sure of.

    Speech is told by who speaks, never by words; music by its tempo where a beat is clear. Each
    take says it in other words: a function of item, take and seed. Notes that a language model
    wrote are used as they stand: their first sentences, and the labels that these do not name.
    """

    max_words: int = MAX_WORDS
    seed: int = 0

    @property
    def identity(self) -> str:
        """Digest of rules, limit and seed."""
        return f"rule-{fingerprint({'version': 1, 'words': self.max_words, 'seed': self.seed})}"

    def drafts(self, items: Sequence[Item], take: int) -> Iterator[Draft]:
        """A draft for each item, in order."""
        for item in items:
            text = self.caption(item, take)
            yield Draft(text, fault_of(text, (), self.max_words))

    def caption(self, item: Item, take: int = 0) -> str:
        """The sentence; "" where nothing is known."""
        rng = generator(self.seed, "write", item.id, take)
        if "events" not in item.notes and item.notes.get("description"):
            return self._retold(item)
        events = [each for each in item.notes.get("events", "").split("; ") if each]
        events = list(dict.fromkeys(as_everyday(each) for each in [*item.labels, *events]))
        if not events:
            return ""
        manner = [each for each in item.notes.get("manner", "").split(", ") if each]
        phrases = [self._phrase(each, item, manner if i == 0 else ()) for i, each in
                   enumerate(events)]  # fmt: skip
        text = self._joined(phrases, rng)
        if len(events) == 1:
            text += _like(events[0], rng)
        return _sentence(_within(text, self.max_words))

    def _phrase(self, event: str, item: Item, manner: Sequence[str]) -> SoundPhrase:
        """The phrase of one event, with who speaks and how fast music is where notes say so."""
        speech, music = item.notes.get("speech", ""), item.notes.get("music", "")
        if is_speech(event) and not is_music(event):
            who = re.match(r"(a man|a woman or a child|a woman|someone) speaks", speech.lower())
            if who is not None:
                return _speaker(who[1], manner)
        if is_music(event) and (beat := re.search(r"about (\d+) beats", music)) is not None:
            pace = "slow" if int(beat[1]) < 80 else "fast" if int(beat[1]) > 130 else ""
            return sound_phrase(event, [*([pace] if pace else []), *manner])
        return sound_phrase(event, manner)

    def _joined(self, phrases: Sequence[SoundPhrase], rng: np.random.Generator) -> str:
        """The phrases as one sentence, without a claim on their order."""
        draw = rng.random()
        if len(phrases) == 1:
            frames = ONE_ACT if phrases[0].acts else ONE_THING
            frame = frames[int(draw * len(frames))]
            return frame.format(n=phrases[0].noun, c=phrases[0].clause)
        order = list(phrases) if draw < 0.5 else [*phrases[1:], phrases[0]]
        nouns = [phrase.noun for phrase in order]
        listed = f"{', '.join(nouns[:-1])} and {nouns[-1]}"
        acting = [phrase for phrase in order if phrase.acts]
        if acting and rng.random() < 0.5:
            rest = [phrase.noun for phrase in order if phrase is not acting[0]]
            ties = ("along with", "together with", "and there is also", "accompanied by")
            tie = ties[int(rng.integers(len(ties)))]
            return f"{acting[0].clause}, {tie} {' and '.join(rest)}"
        frames = ("{n}", "the sounds of {n}", "{n} can be heard", "one can hear {n}",
                  "a recording of {n}")  # fmt: skip
        return frames[int(rng.integers(len(frames)))].format(n=listed)

    def _retold(self, item: Item) -> str:
        """What a model's notes say, without quotes, and the labels that they leave out."""
        kept = [item.notes[kind] for kind in ("description", "speech", "music")
                if item.notes.get(kind)]  # fmt: skip
        sentences = [each for note in kept for each in _SENTENCE.split(_QUOTED.sub("", note))]
        text = _ABOUT.sub("", " ".join(sentences[0].split()).rstrip(".!?"))
        text = text[:1].lower() + text[1:] if text[1:2].islower() or text[1:2] == " " else text
        unsaid = [each for each in item.labels if not _named(each, text)]
        if unsaid:
            nouns = [sound_phrase(each).noun for each in unsaid]
            text = f"{text}, with {' and '.join(nouns)}"
        return _sentence(_within(text, self.max_words))


def _speaker(who: str, manner: Sequence[str]) -> SoundPhrase:
    """Who speaks, as a phrase."""
    said = sound_phrase("person speaking", manner)
    swap = {"a woman or a child": "a voice", "someone": "a person"}.get(who, who)
    return SoundPhrase(
        said.noun.replace("a person", swap, 1), said.clause.replace("a person", swap, 1), True
    )


def _like(event: str, rng: np.random.Generator) -> str:
    """What the sound is like, for some captions, where the lexicon knows it."""
    draw, pick = rng.random(2)
    known = shipped_lexicon().of(event.replace("_", " "))
    if known is None or not known.like or draw >= LIKE_RATE:
        return ""
    return f", {known.like[int(pick * len(known.like))]}"


def _named(label: str, text: str) -> bool:
    """Whether a text has a word of the label."""
    words = {word.rstrip("s") for word in re.findall(r"[a-z]{3,}", label.lower())}
    return bool(words & {word.rstrip("s") for word in re.findall(r"[a-z]{3,}", text.lower())})


def _within(text: str, max_words: int) -> str:
    """The text, cut at its last comma before the limit, or at the limit."""
    words = text.split()
    if len(words) <= max_words:
        return text
    cut = " ".join(words[:max_words])
    return cut[: cut.rfind(",")] if "," in cut else cut.rstrip(",;")


def _sentence(text: str) -> str:
    plain = " ".join(text.split()).rstrip(".")
    return f"{plain[:1].upper()}{plain[1:]}." if plain else ""
