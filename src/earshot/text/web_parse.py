"""Who does what in a few words of a description, and that as a sentence in the present."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass
from functools import cache

from earshot.text.web_words import (
    VerbForm,
    animals,
    audible_words,
    compounds,
    done_form,
    ing_form,
    known_words,
    listed,
    usual_doer,
    usual_doing,
    verb_forms,
    whole_events,
    word_lines,
    word_list,
)

ARTICLES = frozenset("a an the this that these those some any each every its his her my our their "
                     "your no all both half one".split())  # fmt: skip
PREPOSITIONS = frozenset(
    "in on at by with into onto from over under underneath through across against around along "
    "toward towards near behind inside outside of off out up down away past between among above "
    "below beside during without within upon to for about after before until like via".split()
)
PARTICLES = frozenset(
    "up down out off away over open closed shut by back on in around past".split()
)
JOINTS = frozenset("and or then while plus followed & +".split())
BE = frozenset("is are was were be been being am isn't aren't has have had".split())
KEPT_PLACES = frozenset("in on into onto with against through over under down out off by at to near "
                        "towards toward across around past along inside of".split())  # fmt: skip
KEPT_ADJECTIVES = frozenset(
    "large small big little huge tiny loud soft quiet heavy light high low deep steady distant "
    "wooden metal metallic plastic electric electronic electrical wet dry hard squeaky rusty old "
    "young slow fast quick gentle strong angry mechanical steam diesel high-pitched low-pitched "
    "muffled rhythmic continuous short long busy crowded thick thin wild baby hot cold".split()
)
NOT_GERUNDS = frozenset(
    "recording sampling looping editing something nothing anything everything thing morning evening ceiling building king ring string "
    "wing spring during sing bring lightning swing being interesting following feeling clothing "
    "wedding painting meaning setting crossing wing sling sibling darling sterling outing".split()
)
MOST_MODIFIERS = 2
META = frozenset("sound sounds noise noises effect effects sfx fx audio recording recordings sample "
                 "samples clip clips ambience ambiance atmosphere soundscape foley".split())  # fmt: skip
_NO_VERB_AFTER = ARTICLES | PREPOSITIONS
_BEFORE_ALL = frozenset("while then followed plus when with".split())


@dataclass(frozen=True)
class Phrase:
    """A noun phrase, ready to be read: with its article."""

    text: str
    head: str
    plural: bool
    audible: bool  # its head, or a word before it, names what sounds


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
    words = _words(text)
    if not words:
        return None
    called, words = _without_meta(words)
    named = named or called
    if not words:
        return None
    if len(words) <= 2 and (whole := whole_events().get(words[-1])) is not None:
        return Clause(whole, 0.85)
    forms = [verb_forms().get(word) for word in words]
    for i in range(len(words)):
        if (clause := _around_verb(words, forms, i)) is not None:
            return clause
    if titled or named or len(words) <= 4:
        clause = _named_event(words, forms)
        if clause is not None:
            return clause
    return _thing(words, named, trusted)


def _around_verb(words: list[str], forms: list[VerbForm | None], i: int) -> Clause | None:
    """The clause around a word, if it is a verb in use."""
    word, form = words[i], forms[i]
    if _is_gerund(word, form):
        return _around_gerund(words, i, ing_form(form.base) if form else word, form)
    return _around_finite(words, forms, i)


def _without_meta(words: list[str]) -> tuple[bool, list[str]]:
    """Whether the words call something a sound, and what they call so: "a beep SOUND" -> a beep."""
    for i, word in enumerate(words):
        if word in META and (i + 1 == len(words) or words[i + 1] not in ("of", "from", "like")):
            before = words[:i]
            if before and before[-1] in ("making", "makes", "make", "made", "giving"):
                break
            if any(_may_stay(w) and w not in PREPOSITIONS for w in before):
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
                if form and form.form in ("base", "ing", "s") and whole:
                    if form.classes & {"voice", "animal", "sound"} and not _people().get(words[j]):
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
            return Clause(f"{subject.text} {_is(subject)} {_saying(gerund, rest)}", weight)
        if _only_voiced(classes) and not _has_voice(subject):
            subject = Phrase("someone", "person", False, True)
        return Clause(f"{subject.text} {_is(subject)} {gerund}{_rest(rest)}", weight)
    if classes == {"said"}:
        return Clause(f"someone is {_saying(gerund, rest)}", weight * 0.8)
    given = bool(rest) and rest[0] in ARTICLES
    after = noun_phrase(_after(rest))
    if after is not None and (not rest or rest[0] not in PREPOSITIONS):
        own = classes & {"animal", "sound", "motion"} or (
            "voice" in classes and after.head in _people()
        )
        if own and not given:
            return Clause(f"{after.text} {_is(after)} {gerund}", weight)
        return Clause(f"someone is {gerund}{_rest(rest)}", weight * 0.9)
    if rest and rest[0] == "of" and (doer := noun_phrase(_after(rest[1:]))) is not None:
        if "act" in classes and not classes & {"animal", "sound", "motion", "voice"}:
            base = form.base if form else gerund
            return Clause(f"{doer.text} {_is(doer)} being {done_form(base)}", weight)
        return Clause(f"{doer.text} {_is(doer)} {gerund}", weight)
    return Clause(_alone(gerund, form) + _rest(rest), weight * 0.8)


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
        told = "being " if subject.head not in _people() else ""
        text = f"{subject.text} {_is(subject)} {told}{done_form(form.base)}"
        return Clause(text + _rest(words[i + 1 :]), 0.9)
    follows = words[i + 1] if i + 1 < len(words) else ""
    ends = not follows or follows in PREPOSITIONS | ARTICLES | JOINTS or follows.endswith("ly")
    single = form.form == "s" and not subject.plural
    past = form.form == "past" and form.base != words[i] and words[i - 1] not in BE
    several = form.form == "base" and subject.plural and words[i - 1] not in JOINTS
    if not ends or not (single or past or several) or (single and words[i] in usual_doing()):
        return None
    if _only_voiced(form.classes) and not _has_voice(subject):
        subject = Phrase("someone", "person", False, True)
    text = f"{subject.text} {_is(subject)} {ing_form(form.base)}"
    return Clause(text + _rest(words[i + 1 :]), 0.9)


def _saying(gerund: str, rest: Sequence[str]) -> str:
    """What is said, where that is a word or three; else that someone speaks."""
    said = [word for word in rest if word not in META][:4]
    if 0 < len(said) <= 3 and gerund in ("saying", "singing"):
        return f"{gerund} {' '.join(said)}"
    return "singing" if gerund == "singing" else "speaking"


def _has_voice(subject: Phrase) -> bool:
    """Whether it can do what people do with their voices."""
    head = _singular(subject.head)
    return (
        subject.head in _people() or subject.head in _people().values() or subject.head in animals()
        or head in animals() or head in _people() or subject.head in ("someone", "crowd", "voice")
        or not _is_thing(subject.head)
    )  # fmt: skip


def _only_voiced(classes: frozenset[str]) -> bool:
    """Whether only who has a voice can do it: cough, but not whistle, as kettles do too."""
    return "voice" in classes and not classes & {"animal", "sound", "motion"}


def _is_thing(noun: str) -> bool:
    """Whether it is known as something without a voice."""
    return noun in usual_doing() or noun in word_list("mass") or noun in verb_forms()


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
    if usual_doing().get(words[end - 1]) and end > 1 and forms[end - 1].base not in _EVENTS:
        return None
    subject, gerund = noun_phrase(words[: end - 1]), ing_form(form.base)
    classes = form.classes
    if subject is None:
        return Clause(_alone(gerund, form, noun=words[end - 1]), 0.7)
    doing = usual_doing().get(subject.head, "")
    if _only_voiced(classes) and not _has_voice(subject):
        return Clause(f"someone is {gerund}", 0.8)
    if subject.head in _people() or doing == gerund:
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
    if (whole := whole_events().get(found.head)) is not None:
        return Clause(whole, 0.6)
    doing = usual_doing().get(found.head) or usual_doing().get(_singular(found.head))
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


def noun_phrase(words: Sequence[str]) -> Phrase | None:
    """The last noun phrase that the words end in, with an article that fits; None if there is none.

    Opinions, numbers, and words of files and recording go; a person is called by a plain word.
    """
    kept = [word for word in words if _may_stay(word)]
    while kept and (kept[-1] in PREPOSITIONS or kept[-1] in KEPT_ADJECTIVES
                    or kept[-1] in JOINTS or kept[-1].endswith("ly")):  # fmt: skip
        kept.pop()
    cut = max(
        (i + 1 for i, word in enumerate(kept) if word in PREPOSITIONS | JOINTS | BE), default=0
    )
    kept = kept[cut:]
    if not kept:
        return None
    head = kept[-1]
    modifiers = kept[:-1][-MOST_MODIFIERS:]
    person = _people().get(head)
    if person is not None:
        head, modifiers = person, [m for m in modifiers if m in KEPT_ADJECTIVES]
    if head in ("someone", "something", "person") and head != "person":
        return Phrase(head, head, False, True)
    if head == "person":
        return Phrase("someone", "person", False, True)
    plural = is_plural(head)
    audible = any(word in _sounding() for word in (head, _singular(head), *modifiers))
    text = " ".join([*modifiers, head])
    if not plural and head not in word_list("mass"):
        text = f"{'an' if text[0] in 'aeiou' and not text.startswith(('uni', 'use', 'eu', 'one')) else 'a'} {text}"
    return Phrase(text, head, plural, audible)


def is_plural(noun: str) -> bool:
    """Whether a noun takes "are"."""
    if noun in listed("plural", "plural"):
        return True
    if noun in listed("plural", "single") or noun in word_list("mass"):
        return False
    return noun.endswith("s") and not noun.endswith(("ss", "us", "is"))


_EVENTS = frozenset("whistle rattle drum drip fan torch".split())


def _alone(gerund: str, form: VerbForm | None, noun: str = "") -> str:
    """An event without a doer: someone's voice, an animal's, or a sound."""
    classes = form.classes if form else frozenset()
    doer = usual_doer().get(gerund)
    if gerund in whole_events():
        return whole_events()[gerund]
    if "voice" in classes:
        return f"someone is {gerund}"
    if doer is not None and "animal" in classes:
        return f"a{'n' if doer[0] in 'aeiou' else ''} {doer} is {gerund}"
    if "animal" in classes and "sound" not in classes:
        return f"an animal is {gerund}"
    if noun and "sound" in classes:
        single = form.base if form else noun
        return f"a{'n' if single[0] in 'aeiou' else ''} {single} is heard"
    if "act" in classes or "motion" in classes and "sound" not in classes:
        return f"someone is {gerund}"
    return f"{'an' if gerund[0] in 'aeiou' else 'a'} {gerund} sound is heard"


def _rest(words: Sequence[str], most: int = 5) -> str:
    """What follows the verb, as far as it belongs to the event: " loudly", " on a roof"."""
    kept: list[str] = []
    i, n_places = 0, 0
    while i < len(words) and len(kept) < most + 3:
        word = words[i]
        if word in META:
            break
        if word in JOINTS:
            form = verb_forms().get(words[i + 1]) if i + 1 < len(words) else None
            if word == "and" and form and form.form == "ing" and form.classes and not n_places:
                kept += ["and", words[i + 1]]
                i += 2
                continue
            break
        if word in PREPOSITIONS:
            if word in PARTICLES and (i + 1 == len(words) or words[i + 1] in PREPOSITIONS | JOINTS):
                kept.append(word)
                i += 1
                continue
            thing_words = _after(words[i + 1 :])
            found = noun_phrase(thing_words)
            if word not in KEPT_PLACES or found is None or n_places >= 1:
                break
            kept += [word, *_as_object(found, words[i + 1 : i + 2])]
            n_places += 1
            i += 1 + len(thing_words)
            continue
        if word.endswith("ly") or word in ("loudly", "fast", "softly", "twice", "open", "shut"):
            if word not in word_list("opinions"):
                kept.append(word)
            i += 1
            continue
        thing_words = _after(words[i:])
        found = noun_phrase(thing_words)
        joined = bool(kept) and (kept[-1] in PARTICLES or kept[-1].endswith("ing"))
        if found is None or n_places or (kept and not joined):
            break
        kept += _as_object(found, words[i : i + 1])
        i += max(1, len(thing_words))
    return "".join(f" {word}" for word in kept[: most + 3])


def _as_object(found: Phrase, first: Sequence[str]) -> list[str]:
    """A noun phrase after a verb or a preposition: its own possessive stays."""
    words = found.text.split()
    if first and first[0] in ("its", "their", "the") and words[0] in ("a", "an"):
        return [first[0], *words[1:]]
    if first and first[0] in ("its", "their") and found.plural:
        return [first[0], *words]
    return words


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


def _may_stay(word: str) -> bool:
    return (
        word not in ARTICLES
        and word not in _droppable()
        and (word in KEPT_ADJECTIVES or word not in word_list("opinions"))
        and any(ch.isalpha() for ch in word)
    )


@cache
def _droppable() -> frozenset[str]:
    """Words of recording and counting, but for those that name a sound."""
    meta = word_list("settings") - {"track", "tape", "video", "flash", "film", "game", "channel"}
    quantity = "couple few several many much more most various multiple different own other such"
    pronouns = "i you he she it we they me him them us who which what here there when also too "
    pronouns += "could can may might should would will must do does did himself herself itself"
    return meta | word_list("numbers") | frozenset(f"{quantity} {pronouns} s t d ll ve re".split())


@cache
def _people() -> dict[str, str]:
    return {word: kind for kind, words in word_lines("people") for word in words}


@cache
def _sounding() -> frozenset[str]:
    return audible_words()


def _singular(noun: str) -> str:
    if noun.endswith("ies"):
        return noun[:-3] + "y"
    return noun[:-1] if noun.endswith("s") and not noun.endswith("ss") else noun


def _words(text: str) -> list[str]:
    """Lower-case words without marks; commas part what they stand between as "and" does."""
    spaced = text.lower().replace(",", " and ").replace("/", " or ").replace(" - ", " and ")
    words = [word.strip(".!?:;\"'()[]*") for word in spaced.split()]
    words = [w.removesuffix("'s") if w.endswith("'s") else w for w in words]
    kept: list[str] = []
    for word in words:
        if word and not (word in ("and", "or") and (not kept or kept[-1] in ("and", "or"))):
            kept.append(word)
    while kept and kept[-1] in JOINTS:
        kept.pop()
    paired: list[str] = []
    for word in kept:
        if paired and (paired[-1], word) in compounds():
            paired[-1] += f"_{word}"
        elif paired and (whole := paired[-1] + word) in usual_doing() | whole_events():
            paired[-1] = whole
        else:
            paired.append(word)
    return paired


def is_known(word: str) -> bool:
    """Whether a word is of the language of sound."""
    return word in known_words() or _singular(word) in known_words()
