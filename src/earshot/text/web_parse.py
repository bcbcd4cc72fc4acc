"""Who does what in a few words of a description, and that as a sentence in the present."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass

from earshot.text.web_doers import event_alone, has_voice, only_voiced, saying, whole_event
from earshot.text.web_nouns import (
    ARTICLES,
    BE,
    JOINTS,
    META,
    PREPOSITIONS,
    Phrase,
    as_object,
    is_known,
    may_stay,
    noun_phrase,
    people,
    singular,
    split_words,
)
from earshot.text.web_words import (
    VerbForm,
    done_form,
    ing_form,
    listed,
    usual_doing,
    verb_forms,
    whole_events,
    word_list,
)

PARTICLES = listed("grammar", "particles")  # "up", "down": with a verb, of no place
PLACES = listed("grammar", "places")  # prepositions whose places stay
ADVERBS = listed("grammar", "adverbs")  # those that do not end in -ly
NOT_GERUNDS = listed("grammar", "not_gerunds")
_BEFORE_ALL = listed("grammar", "before_all")
_EVENTS = listed("grammar", "events")
_NO_VERB_AFTER = ARTICLES | PREPOSITIONS


@dataclass(frozen=True)
class Clause:
    """A sentence without capital and stop, and how sure it is to tell of sound (0 to 1)."""

    text: str
    weight: float


def read_clause(
    text: str, *, titled: bool = False, named: bool = False, trusted: Container[str] = ()
) -> Clause | None:
    """The first event that a piece of text tells of; None when it tells of none.

    `titled`: it is a title, whose last word may be a verb without ending ("Horn Honk"). `named`:
    it was called a sound ("the sound of a monsoon"), so that a thing is one; words that captions
    do not use must then be among the `trusted`.
    """
    words = split_words(text)
    if not words:
        return None
    called, words = _without_meta(words)
    named = named or called
    if not words:
        return None
    if len(words) <= 2 and words[-1] in whole_events():
        return Clause(whole_event(words), 0.85)
    forms = [verb_forms().get(word) for word in words]
    for i in range(len(words)):
        if (clause := _around_verb(words, forms, i)) is not None:
            return clause
    if titled or named or len(words) <= 4:
        clause = _named_event(words, forms)
        if clause is not None:
            return clause
    return _thing(words, named, trusted)


def begins_with_verb(text: str) -> bool:
    """Whether it goes on about who was named before: "growling loudly"."""
    words = [word for word in split_words(text)[:3] if word not in JOINTS]
    return bool(words) and _is_gerund(words[0], verb_forms().get(words[0]))


def _around_verb(words: list[str], forms: list[VerbForm | None], i: int) -> Clause | None:
    """The clause around a word, if it is a verb in use."""
    word, form = words[i], forms[i]
    if _is_gerund(word, form):
        return _around_gerund(words, i, ing_form(form.base) if form else word, form)
    if i + 2 < len(words) and words[i + 1] == "of" and form and form.form in ("base", "s"):
        doer = noun_phrase(_after(words[i + 2 :]))  # "the rumble of an engine"
        if doer is not None and form.classes & {"voice", "animal", "sound"}:
            return Clause(f"{doer.text} {_is(doer)} {ing_form(form.base)}", 0.8)
    return _around_finite(words, forms, i)


def _without_meta(words: list[str]) -> tuple[bool, list[str]]:
    """Whether the words call something a sound, and what they call so: "a beep SOUND" -> a beep."""
    for i, word in enumerate(words):
        if word in META and (i + 1 == len(words) or words[i + 1] not in ("of", "from", "like")):
            before = words[:i]
            if before and before[-1] in ("making", "makes", "make", "made", "giving"):
                break
            if any(may_stay(w) and w not in PREPOSITIONS for w in before):
                return True, _event_made(before)
            return True, [w for w in words[i + 1 :] if w not in META]
    return False, _event_made(words)


def _event_made(words: list[str]) -> list[str]:
    """ "making a gag" -> "gagging": verbs that only carry an event go."""
    for i, word in enumerate(words[:-1]):
        if word in ("making", "giving", "doing", "having", "performing", "emitting", "producing"):
            for j in range(i + 1, min(i + 5, len(words))):
                form = verb_forms().get(words[j])
                whole = j + 1 == len(words) or words[j + 1] in PREPOSITIONS | JOINTS
                if form is None or form.form not in ("base", "ing", "s") or not whole:
                    continue
                if form.classes & {"voice", "animal", "sound"} and words[j] not in people():
                    return [*words[:i], ing_form(form.base), *words[j + 1 :]]
    return words


def _around_gerund(words: list[str], i: int, gerund: str, form: VerbForm | None) -> Clause | None:
    """ "a baby CRYING loudly", "INFLATING a balloon", "CREAKING door"."""
    classes = form.classes if form else frozenset()
    if gerund == "being" or (not classes and form is not None and not words[i + 1 :]):
        return None
    weight = 1.0 if classes else 0.5
    subject = noun_phrase(_before(words, i))
    rest = words[i + 1 :]
    if gerund in whole_events() and (subject is None or gerund.startswith(("rain", "snow"))):
        return Clause(whole_events()[gerund], weight)
    if subject is not None:
        if not classes and not subject.audible:
            weight = 0.3
        if classes == {"said"}:
            return Clause(f"{subject.text} {_is(subject)} {saying(gerund, rest)}", weight)
        if only_voiced(classes) and not has_voice(subject):
            subject = Phrase("someone", "person", False, True)
        return Clause(f"{subject.text} {_is(subject)} {gerund}{_rest(rest)}", weight)
    if classes == {"said"}:
        return Clause(f"someone is {saying(gerund, rest)}", weight * 0.8)
    given = bool(rest) and rest[0] in ARTICLES
    after = noun_phrase(_after(rest))
    if after is not None and (not rest or rest[0] not in PREPOSITIONS):
        own = classes & {"animal", "sound", "motion"} or (
            "voice" in classes and after.head in people()
        )
        if own and not given:
            return Clause(f"{after.text} {_is(after)} {gerund}", weight)
        return Clause(f"someone is {gerund}{_rest(rest)}", weight * 0.9)
    if rest and rest[0] == "of" and (doer := noun_phrase(_after(rest[1:]))) is not None:
        if "act" in classes and not classes & {"animal", "sound", "motion", "voice"}:
            assert form is not None
            return Clause(f"{doer.text} {_is(doer)} being {done_form(form.base)}", weight)
        return Clause(f"{doer.text} {_is(doer)} {gerund}", weight)
    return Clause(event_alone(gerund, form) + _rest(rest), weight * 0.8)


def _around_finite(words: list[str], forms: list[VerbForm | None], i: int) -> Clause | None:
    """ "a dog BARKS twice", "frogs CROAK", "the wood is BRUSHED"."""
    form = forms[i]
    if not i or form is None or not form.classes - {"said"} or words[i - 1] in _NO_VERB_AFTER:
        return None
    subject = noun_phrase(_before(words, i))
    if subject is None:
        return None
    passive = words[i - 1] in BE or "being" in words[:i]
    if passive and form.form in ("past", "done"):
        told = "being " if subject.head not in people() else ""
        text = f"{subject.text} {_is(subject)} {told}{done_form(form.base)}"
        return Clause(text + _rest(words[i + 1 :]), 0.9)
    follows = words[i + 1] if i + 1 < len(words) else ""
    ends = not follows or follows in PREPOSITIONS | ARTICLES | JOINTS | ADVERBS
    ends = ends or follows.endswith("ly")
    single = form.form == "s" and not subject.plural
    past = form.form == "past" and form.base != words[i] and words[i - 1] not in BE
    several = form.form == "base" and subject.plural and words[i - 1] not in JOINTS
    if not ends or not (single or past or several) or (single and words[i] in usual_doing()):
        return None
    if only_voiced(form.classes) and not has_voice(subject):
        subject = Phrase("someone", "person", False, True)
    text = f"{subject.text} {_is(subject)} {ing_form(form.base)}"
    return Clause(text + _rest(words[i + 1 :]), 0.9)


def _named_event(words: list[str], forms: list[VerbForm | None]) -> Clause | None:
    """ "horn honk", "page turn", "female sigh", "cough", "short beep"."""
    end = len(words)
    while end and words[end - 1] in word_list("settings"):
        end -= 1
    if not end:
        return None
    form = forms[end - 1]
    if form is None or form.form not in ("base", "s") or not form.classes - {"said"}:
        return None
    if usual_doing().get(words[end - 1]) and end > 1 and form.base not in _EVENTS:
        return None
    subject, gerund = noun_phrase(words[: end - 1]), ing_form(form.base)
    classes = form.classes
    if subject is None:
        sure = bool(classes & {"voice", "animal", "sound"}) and words[0] not in ARTICLES - {
            "a",
            "an",
        }
        return Clause(event_alone(gerund, form, noun=words[end - 1]), 0.7 if sure else 0.35)
    doing = usual_doing().get(subject.head, "")
    if only_voiced(classes) and not has_voice(subject):
        return Clause(f"someone is {gerund}", 0.8)
    if subject.head in people() or doing == gerund:
        return Clause(f"{subject.text} {_is(subject)} {gerund}", 0.85)
    if classes & {"voice", "animal"} and subject.audible:
        return Clause(f"{subject.text} {_is(subject)} {gerund}", 0.8)
    if "act" in classes and not classes & {"animal", "sound", "motion", "voice"}:
        return Clause(f"someone is {gerund} {subject.text}", 0.7)
    if classes & {"animal", "sound", "motion"}:
        return Clause(f"{subject.text} {_is(subject)} {gerund}", 0.75)
    return None


def _thing(words: list[str], named: bool, trusted: Container[str]) -> Clause | None:
    """A thing or event alone: "heavy rain", "church bell", "a loud explosion"."""
    thing_words = _after(words)
    found = noun_phrase(thing_words)
    if found is None:
        return None
    if found.head in whole_events():
        return Clause(
            whole_event([word for word in thing_words if word in people()] + [found.head]), 0.6
        )
    doing = usual_doing().get(found.head) or usual_doing().get(singular(found.head))
    if doing is not None:
        rest = _rest(words[len(thing_words) :])
        return Clause(f"{found.text} {_is(found)} {doing}{rest}", 0.6)
    form = verb_forms().get(found.head)
    if form is not None and "voice" in form.classes:
        return Clause(f"someone is {ing_form(form.base)}", 0.6)
    if found.audible:
        return Clause(f"{found.text} {_is(found)} heard", 0.4)
    if named and (is_known(found.head) or found.head in trusted):
        return Clause(
            f"a{'n' if found.head[0] in 'aeiou' else ''} {found.head} sound is heard", 0.3
        )
    return Clause(f"{found.text} {_is(found)} making a sound", 0.1)


def _rest(words: Sequence[str], most: int = 5) -> str:
    """What follows the verb, as far as it belongs to the event: " loudly", " on a roof"."""
    kept: list[str] = []
    i, n_places = 0, 0
    while i < len(words) and len(kept) < most + 3:
        word = words[i]
        if word in META:
            break
        if word in JOINTS:
            after = i + 1
            while after < len(words) and words[after] in JOINTS:
                after += 1
            form = verb_forms().get(words[after]) if after < len(words) else None
            if word == "and" and form and form.form == "ing" and form.classes and not n_places:
                kept += ["and", words[after]]
                i = after + 1
                continue
            break
        if word in PREPOSITIONS:
            fresh = not kept or kept[-1].endswith("ing")
            if (
                word in PARTICLES
                and fresh
                and (i + 1 == len(words) or words[i + 1] in PREPOSITIONS | JOINTS)
            ):
                kept.append(word)
                i += 1
                continue
            thing_words = _after(words[i + 1 :])
            found = noun_phrase(thing_words)
            if word not in PLACES or found is None or n_places >= 1:
                break
            kept += [word, *as_object(found, words[i + 1 : i + 2])]
            n_places += 1
            i += 1 + len(thing_words)
            continue
        if word.endswith("ly") or word in ADVERBS:
            if word not in word_list("opinions"):
                kept.append(word)
            i += 1
            continue
        thing_words = _after(words[i:])
        found = noun_phrase(thing_words)
        joined = bool(kept) and (kept[-1] in PARTICLES or kept[-1].endswith("ing"))
        if found is None or n_places or (kept and not joined):
            break
        kept += as_object(found, words[i : i + 1])
        i += max(1, len(thing_words))
    return "".join(f" {word}" for word in kept[: most + 3])


def _before(words: Sequence[str], i: int) -> list[str]:
    """Words before a verb that may hold its subject; "chickens on a farm" is about chickens."""
    end = i
    while end and (words[end - 1] in BE or words[end - 1].endswith("ly")):
        end -= 1
    start = end
    while start and words[start - 1] not in _BEFORE_ALL:
        if words[start - 1] in PREPOSITIONS - {"of", "with"}:
            ahead = _before(words, start - 1)
            if noun_phrase(ahead) is not None:
                return ahead
            break
        start -= 1
    held = list(words[start:end])
    if "of" in held:  # "a flock of birds" keeps birds
        held = held[len(held) - held[::-1].index("of") :]
    return held


def _after(words: Sequence[str]) -> list[str]:
    """The words up to the next preposition, joint or verb."""
    held: list[str] = []
    for word in words:
        form = verb_forms().get(word)
        if (
            word in PREPOSITIONS
            or word in JOINTS
            or word in BE
            or (held and _is_gerund(word, form))
        ):
            break
        held.append(word)
    return held


def _behind(words: Sequence[str], found: Phrase) -> list[str]:
    held = _after(words)
    return list(words[len(held) :])


def _is(phrase: Phrase) -> str:
    return "are" if phrase.plural else "is"


def _is_gerund(word: str, form: VerbForm | None) -> bool:
    if word in NOT_GERUNDS:
        return False
    if form is not None:
        return form.form == "ing"
    return (
        word.endswith("ing") and len(word) > 5 and word not in NOT_GERUNDS
        and not word.endswith("thing") and any(ch in "aeiouy" for ch in word[:-3])
    )  # fmt: skip
