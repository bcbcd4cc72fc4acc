"""What sounds are like: names with descriptions, and where a caption names one of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

from earshot.text.json_rows import read_json_rows
from earshot.text.label_names import label_key

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)?")
_BETWEEN = {  # words that may stand inside a name: "a phone is ringing", "clicks a mouse"
    "is", "are", "was", "were", "be", "been", "being", "a", "an", "the", "its", "his", "her",
    "their", "some", "someone's", "of", "up", "down", "out",
}  # fmt: skip
_ENDINGS = ("ing", "ies", "es", "ed", "s", "e", "y")


@dataclass(frozen=True)
class SoundWords:
    """A sound with its other names and noun phrases for what it is like."""

    name: str
    also: tuple[str, ...]
    like: tuple[str, ...]


@dataclass(frozen=True)
class Mention:
    """A place [start, end) of a text that names a sound."""

    start: int
    end: int
    sound: SoundWords


class Lexicon:
    """Sounds by name. `of` looks a label up; `find` spots names in running text.

    Words are compared by their stems, so that "a dog barks", "barking dogs" and "dog bark" meet.
    """

    def __init__(self, sounds: Sequence[SoundWords]) -> None:
        self.sounds = tuple(sounds)
        self._by_key: dict[str, SoundWords] = {}
        self._by_stems: dict[tuple[str, ...], SoundWords] = {}
        for names in (lambda each: (each.name,), lambda each: each.also):
            for sound in self.sounds:  # a sound's own name goes before another's second name
                for name in names(sound):
                    self._by_key.setdefault(label_key(name), sound)
                    self._by_stems.setdefault(_stems_of_name(name), sound)
        self._starts = {stems[0] for stems in self._by_stems if stems}
        self._longest = max((len(stems) for stems in self._by_stems), default=0)

    def __len__(self) -> int:
        return len(self.sounds)

    def of(self, label: str) -> SoundWords | None:
        """The sound of that name, or of the first of several names ("Cough, coughing")."""
        for name in (label, *label.split(",")):
            if (found := self._by_key.get(label_key(name))) is not None:
                return found
        return self._by_stems.get(_stems_of_name(label))

    def find(self, text: str) -> list[Mention]:
        """Where the text names a sound, in order; of overlapping names the longest."""
        words = [(match.start(), match.end(), stem(match[0])) for match in _WORD.finditer(text)]
        found, at = [], 0
        while at < len(words):
            n_words, sound = self._longest_at(words, at)
            if sound is not None:
                found.append(Mention(words[at][0], words[at + n_words - 1][1], sound))
            at += max(1, n_words)
        return found

    def _longest_at(
        self, words: Sequence[tuple[int, int, str]], at: int
    ) -> tuple[int, SoundWords | None]:
        """The longest name that begins at a word: how many words it takes, and its sound."""
        if words[at][2] not in self._starts:
            return 0, None
        best: tuple[int, SoundWords | None] = (0, None)
        stems: tuple[str, ...] = ()
        for n_words in range(1, len(words) - at + 1):
            word = words[at + n_words - 1][2]
            if n_words > 1 and word in _BETWEEN:
                continue
            stems = (*stems, word)
            if len(stems) > self._longest:
                break
            if (sound := self._by_stems.get(stems)) is not None:
                best = n_words, sound
        return best


def stem(word: str) -> str:
    """A word without case, possessive and ending: barks, barking and barked are `bark`."""
    plain = word.lower().removesuffix("'s").removesuffix("'")
    if plain in _BETWEEN:
        return plain
    for ending in _ENDINGS:
        rest = plain.removesuffix(ending)
        if rest != plain and len(rest) >= 3 and re.search("[aeiouy]", rest):
            doubled = (
                ending in ("ing", "ed") and rest[-1] == rest[-2] and rest[-1] not in "aeioulszf"
            )
            return rest[:-1] if doubled else rest
    return plain


def read_lexicon(path: Path) -> list[SoundWords]:
    """The sounds of JSON Lines: {"name": ..., "like": [...]}, and "also": [...] if wanted.

    Raises EarShotError with file, line and field.
    """
    return [
        SoundWords(row.text("name"), row.texts("also"), row.texts("like", least=1))
        for row in read_json_rows(path)
    ]


@cache
def shipped_lexicon() -> Lexicon:
    """Everyday sounds, instruments and every kind that `earshot.synth` makes."""
    folder = Path(str(resources.files("earshot.text"))) / "lexicons"
    return Lexicon(read_lexicon(folder / "everyday.jsonl"))


@cache
def audioset_lexicon() -> Lexicon:
    """The 632 classes of AudioSet's ontology; its broad names suit labels, not running text."""
    folder = Path(str(resources.files("earshot.text"))) / "lexicons"
    return Lexicon(read_lexicon(folder / "audioset.jsonl"))


def _stems_of_name(name: str) -> tuple[str, ...]:
    words = [stem(match[0]) for match in _WORD.finditer(label_key(name))]
    return tuple(word for word in words if word not in _BETWEEN)
