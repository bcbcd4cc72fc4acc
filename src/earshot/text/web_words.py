"""Word lists for reading web descriptions: names of places, gear and dates; praise; sound words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib import resources

from earshot.text.lexicon import audioset_lexicon, shipped_lexicon

WORD = re.compile(r"[^\W_]+(?:['\u2019-][^\W_]+)*")
VOWELS = "aeiou"
VERB_CLASSES = ("voice", "animal", "sound", "motion", "act", "said")


@dataclass(frozen=True)
class VerbForm:
    """A form of a verb: its base, which form it is, and what the verb takes."""

    base: str
    form: str  # "base", "s", "ing", "past", "done"
    classes: frozenset[str]  # of VERB_CLASSES; empty for verbs of no sound


@cache
def word_list(name: str) -> frozenset[str]:
    """All words of a list; "key:" at the start of a line counts as none."""
    return frozenset(word for _, words in word_lines(name) for word in words)


@cache
def word_lines(name: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Lines of a list: what stands before the colon, and the words. # begins a comment."""
    path = resources.files("earshot.text") / "web_words" / f"{name}.txt"
    lines = []
    for line in path.read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            key, colon, rest = line.partition(":")
            lines.append((key, tuple(rest.split())) if colon else ("", tuple(line.split())))
    return tuple(lines)


@cache
def listed(name: str, key: str) -> frozenset[str]:
    """The words of a list's lines that begin with "key:"."""
    return frozenset(word for k, words in word_lines(name) if k == key for word in words)


def ing_form(base: str) -> str:
    """run -> running, drive -> driving, die -> dying, see -> seeing."""
    if base.endswith("ie"):
        return base[:-2] + "ying"
    if base.endswith("e") and not base.endswith(("ee", "oe", "ye")) and base != "be":
        return base[:-1] + "ing"
    return _doubled(base) + "ing"


def past_form(base: str) -> str:
    """The regular past: bark -> barked, cry -> cried, drop -> dropped."""
    if base.endswith("e"):
        return base + "d"
    if base.endswith("y") and base[-2:-1] not in tuple(VOWELS):
        return base[:-1] + "ied"
    return _doubled(base) + "ed"


def s_form(base: str) -> str:
    """bark -> barks, buzz -> buzzes, cry -> cries."""
    if base.endswith(("s", "x", "z", "ch", "sh", "o")) and not base.endswith("oo"):
        return base + "es"
    if base.endswith("y") and base[-2:-1] not in tuple(VOWELS):
        return base[:-1] + "ies"
    return base + "s"


def _doubled(base: str) -> str:
    syllables = len(re.findall(r"[aeiouy]+", base))
    ends = re.search(r"(?:^|[^aeiou])[aeiou]([bdgklmnprt])$", base)
    return base + base[-1] if ends and syllables == 1 else base


@cache
def verb_forms() -> dict[str, VerbForm]:
    """Every form of every verb that the lists know."""
    classes: dict[str, set[str]] = {}
    for key, words in word_lines("verbs"):
        for word in words:
            classes.setdefault(word, set()).add(key)
    for word in word_list("more_verbs"):
        classes.setdefault(word, set())
    irregular = {words[0]: words for _, words in word_lines("irregular")}
    forms: dict[str, VerbForm] = {}
    for base, kinds in classes.items():
        _, past, done = irregular.get(base, (base, past_form(base), past_form(base)))
        spelt = (("done", done), ("past", past), ("s", s_form(base)), ("base", base),
                 ("ing", ing_form(base)))  # fmt: skip
        for form, word in spelt:  # of one spelling the later form counts
            if word not in forms or forms[word].form != "base":
                forms[word] = VerbForm(base, form, frozenset(kinds))
    return forms


@cache
def done_form(base: str) -> str:
    """The participle: tear -> torn, close -> closed."""
    irregular = {words[0]: words for _, words in word_lines("irregular")}
    return irregular[base][2] if base in irregular else past_form(base)


@cache
def usual_doing() -> dict[str, str]:
    """Nouns of what sounds -> what it is usually doing: dog -> barking."""
    found: dict[str, str] = {}
    for doing, nouns in word_lines("sources"):
        for noun in nouns:
            found.setdefault(noun, doing)
    return found


@cache
def usual_doer() -> dict[str, str]:
    """What is done by few -> who does it: barking -> dog."""
    found: dict[str, str] = {}
    for doing, nouns in word_lines("sources"):
        if nouns:
            found.setdefault(doing, nouns[0])
    return found


@cache
def whole_events() -> dict[str, str]:
    """Words that stand for an event -> what is heard then: applause -> people are applauding."""
    return {word: clause for clause, words in word_lines("whole") for word in words}


@cache
def compounds() -> frozenset[tuple[str, str]]:
    """Pairs of words that are one noun: ("frying", "pan")."""
    return frozenset((words[0], words[1]) for _, words in word_lines("compounds"))


@cache
def animals() -> frozenset[str]:
    """Nouns of animals and of creatures that have a voice."""
    voices = {ing_form(verb) for verb in listed("verbs", "animal")} | {"making a sound"}
    return frozenset(noun for noun, doing in usual_doing().items() if doing in voices)


@cache
def known_words() -> frozenset[str]:
    """Words of the language of sound: those of captions, of sound words, of names of sounds."""
    known = set(word_list("caption_words")) | set(verb_forms()) | set(usual_doing())
    known |= set(whole_events()) | listed("grammar", "plain")
    for name in ("mass", "plural", "people", "settings", "opinions", "numbers"):
        known |= word_list(name)
    for lexicon in (shipped_lexicon(), audioset_lexicon()):
        for sound in lexicon.sounds:
            for text in (sound.name, *sound.also, *sound.like):
                known |= {match[0].lower() for match in WORD.finditer(text)}
    return frozenset(known)


@cache
def audible_words() -> frozenset[str]:
    """Words that tell of something to hear: verbs of sound, and what usually sounds."""
    verbs = {form for form, verb in verb_forms().items() if verb.classes - {"said"}}
    named = {
        match[0].lower()
        for lexicon in (shipped_lexicon(), audioset_lexicon())
        for sound in lexicon.sounds
        for name in (sound.name, *sound.also)
        if not name.startswith("/")
        for match in WORD.finditer(name)
        if len(match[0]) > 3
    }
    return frozenset(
        (verbs | named | set(usual_doing()) | set(whole_events())) - listed("grammar", "silent")
    )
