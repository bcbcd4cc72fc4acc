"""Who does what is heard, where no one is named or the one named cannot have done it."""

from __future__ import annotations

from collections.abc import Sequence

from earshot.text.web_nouns import META, Phrase, article, people, singular
from earshot.text.web_words import (
    VerbForm,
    animals,
    usual_doer,
    usual_doing,
    verb_forms,
    whole_events,
    word_list,
)


def whole_event(words: Sequence[str]) -> str:
    """What the last word stands for, done by whom the words before it name: "male speech"."""
    clause = whole_events()[words[-1]]
    doer = next((people()[word] for word in words[:-1] if word in people()), "")
    if doer and clause.startswith("someone ") and doer not in ("person", "people", "children"):
        return article(doer) + clause.removeprefix("someone")
    return clause


def saying(gerund: str, rest: Sequence[str]) -> str:
    """What is said, where that is a word or three; else that someone speaks."""
    said = [word for word in rest if word not in META][:4]
    if 0 < len(said) <= 3 and gerund in ("saying", "singing"):
        return f"{gerund} {' '.join(said)}"
    return "singing" if gerund == "singing" else "speaking"


def has_voice(subject: Phrase) -> bool:
    """Whether it can do what people do with their voices."""
    head = singular(subject.head)
    return (
        subject.head in people() or subject.head in people().values() or subject.head in animals()
        or head in animals() or head in people() or subject.head in ("someone", "crowd", "voice")
        or not _is_thing(subject.head)
    )  # fmt: skip


def only_voiced(classes: frozenset[str]) -> bool:
    """Whether only who has a voice can do it: cough, but not whistle, as kettles do too."""
    return "voice" in classes and not classes & {"animal", "sound", "motion"}


def _is_thing(noun: str) -> bool:
    """Whether it is known as something without a voice."""
    return noun in usual_doing() or noun in word_list("mass") or noun in verb_forms()


def event_alone(gerund: str, form: VerbForm | None, noun: str = "") -> str:
    """An event without a doer: someone's voice, an animal's, or a sound."""
    classes = form.classes if form else frozenset()
    doer = usual_doer().get(gerund)
    if gerund in whole_events():
        return whole_events()[gerund]
    if "voice" in classes:
        return f"someone is {gerund}"
    if doer is not None and "animal" in classes:
        return f"{article(doer)} is {gerund}"
    if "animal" in classes and "sound" not in classes:
        return f"an animal is {gerund}"
    if noun and "sound" in classes:
        single = form.base if form else noun
        return f"{article(single)} is heard"
    if "act" in classes or "motion" in classes and "sound" not in classes:
        return f"someone is {gerund}"
    return f"{article(gerund)} sound is heard"
