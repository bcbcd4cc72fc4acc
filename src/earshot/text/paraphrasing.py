"""Captions in other words, by rule: other verbs, other joints, the two halves the other way round.

What a translation into another language and back does: the same sounds in the same order, said
with other words. Offline, always the same.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import product

import numpy as np

from earshot.core.fingerprint import fingerprint
from earshot.core.seed import generator
from earshot.text.combining import core_of

# Words that stand for each other in captions. A verb is written in its four forms.
SAME: tuple[tuple[str, ...], ...] = (
    ("dog", "hound", "canine"), ("dogs", "hounds", "canines"),
    ("infant", "baby"), ("infants", "babies"), ("kid", "child"), ("kids", "children"),
    ("people", "persons"), ("car", "automobile"), ("cars", "automobiles"), ("motor", "engine"),
    ("motors", "engines"), ("street", "road"), ("steps", "footsteps"),
    ("noise", "sound"), ("thunderclap", "clap of thunder"),
    ("siren", "emergency siren"), ("warbler", "songbird"),
    ("bark woof", "barks woofs", "barking woofing", "barked woofed"),
    ("chirp tweet", "chirps tweets", "chirping tweeting", "chirped tweeted"),
    ("speak talk", "speaks talks", "speaking talking", "spoke talked"),
    ("wail blare", "wails blares", "wailing blaring", "wailed blared"),
    ("hum drone", "hums drones", "humming droning", "hummed droned"),
    ("ring toll chime", "rings tolls chimes", "ringing tolling chiming", "rang tolled chimed"),
    ("rattle clatter", "rattles clatters", "rattling clattering", "rattled clattered"),
    ("shout yell", "shouts yells", "shouting yelling", "shouted yelled"),
    ("walk stroll", "walks strolls", "walking strolling", "walked strolled"),
    ("whir buzz", "whirs buzzes", "whirring buzzing", "whirred buzzed"),
    ("crackle sizzle", "crackles sizzles", "crackling sizzling", "crackled sizzled"),
    ("rustle swish", "rustles swishes", "rustling swishing", "rustled swished"),
    ("blow gust", "blows gusts", "blowing gusting", "blew gusted"),
    ("loud noisy",), ("soft quiet gentle",), ("quick rapid fast",), ("faint dim",),
    ("loudly noisily",), ("softly quietly gently",), ("quickly rapidly",), ("slowly unhurriedly",),
    ("faintly dimly",), ("someone somebody",), ("continuously constantly steadily",),
    ("repeatedly over-and-over",), ("briefly for-a-moment",), ("nearby close-by",),
    ("distant faraway",),
)  # fmt: skip
# Joints that stand for each other, the order of what they join kept.
THEN = (", then ", " and then ", ", and afterwards ", ", and after that ", ", and later ")
WHILE = (" while ", " as ", ", and at the same time ")
WITH = (" along with ", " together with ", " accompanied by ", " mixed with ", " and ")
# One for another with the halves exchanged: "A before B" is "B after A".
_TURNED = {
    " before ": " after ", " after ": " before ", " followed by ": " preceded by ",
    " preceded by ": " followed by ",
}  # fmt: skip
LEADS = ("{x}", "{x}", "{x} can be heard", "we hear {x}", "the sound of {x}")
_ARTICLE = re.compile(r"\b(an?) (\w+)", re.IGNORECASE)
_JOINT = re.compile(
    r"(?P<then>,? (?:and )?(?:then|afterwards|after that|later|after which) )"
    r"|(?P<while>,? (?:while|as|and at the same time) )"
    r"|(?P<turn> (?:before|after|followed by|preceded by) )"
    r"|(?P<with> (?:along with|together with|accompanied by|mixed with|and) )"
)
_WHOLE = re.compile(r"\b(?:gives way|comes after|starts with|begins with|both)\b")
_FINITE = re.compile(r"\b(?:is|are|\w+s)\b")


def _thesaurus() -> dict[str, tuple[str, ...]]:
    """Every word with the others that may stand for it."""
    found: dict[str, tuple[str, ...]] = {}
    for group in SAME:
        sets = [each.split() for each in group] if any(" " in e for e in group) else [list(group)]
        if group[0] in ("siren", "thunderclap"):  # of several words, as they are
            sets = [list(group)]
        for words in sets:
            plain = [each.replace("-", " ") for each in words]
            for word in plain:
                found[word] = tuple(other for other in plain if other != word)
    return found


WORDS: Mapping[str, tuple[str, ...]] = _thesaurus()
_WORD = re.compile(
    r"\b(?:" + "|".join(sorted(map(re.escape, WORDS), key=len, reverse=True)) + r")\b"
)
SWAPPED = 0.6  # share of known words that are exchanged


class RuleParaphraser:
    """Says a caption in other words: a `Rewriter`.

    Words are exchanged for others of the same sense and form, the joint between two events for
    one of the same sense, and where the joint allows it the halves change places: "A dog barks,
    then it rains" is told as "A hound woofs and later it rains". No sound is added or left out, and
    their order stays as it was told. Captions in which nothing is known are said with another lead.
    """

    def __init__(self, *, seed: int = 0) -> None:
        self.seed = seed

    @property
    def identity(self) -> str:
        """Digest of words, joints and seed."""
        facts = {"words": dict(WORDS), "joints": [THEN, WHILE, WITH, LEADS], "seed": self.seed}
        return f"paraphrase-{fingerprint({**facts, 'version': 1})}"

    def rewrite(self, caption: str, n: int) -> tuple[str, ...]:
        """Up to `n` different paraphrases, a function of caption and seed alone."""
        core = core_of(caption)
        if not core:
            return ()
        if _WHOLE.search(core.lower()):  # "the sound of A gives way to B" needs its subject
            core = " ".join(caption.split()).rstrip(" .!?;,")
        core = core[0].lower() + core[1:] if not core[:2].isupper() else core
        found: dict[str, str] = {}
        own = _bare(caption)
        for turn in range(8 * n):
            rng = generator(self.seed, "paraphrase", turn, core)
            told = _led(_swapped(_joined(core, rng), rng), rng)
            if _bare(told) != own:
                found.setdefault(_bare(told), told[0].upper() + told[1:])
            if len(found) == n:
                break
        return tuple(found.values())


def ways_to_say(name: str) -> tuple[str, ...]:
    """A name of a sound with every exchange of its words, itself first."""
    found: list[list[str]] = [[""]]
    end = 0
    for match in _WORD.finditer(name):
        found += [[name[end : match.start()]], [match[0], *WORDS[match[0]]]]
        end = match.end()
    return tuple("".join(parts) for parts in product(*found, [name[end:]]))


def _bare(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))


def _joined(text: str, rng: np.random.Generator) -> str:
    """The text with its one joint exchanged; texts of no joint or several stay as they are."""
    joints = list(_JOINT.finditer(text))
    draw, turn = rng.random(), rng.random() < 0.5
    if len(joints) != 1:
        return text
    joint = joints[0]
    kind = joint.lastgroup
    first, second = text[: joint.start()], text[joint.end() :]
    if kind == "turn":
        said = joint[0]
        return f"{second}{_TURNED[said]}{first}" if turn else text
    if kind == "then":
        return f"{first}{THEN[int(draw * len(THEN))]}{second}"
    clauses = bool(_FINITE.search(first)) and bool(_FINITE.search(second))
    joins = WHILE if kind == "while" else WITH
    if kind == "with" and (clauses or first.startswith("both ")):
        return text  # "a dog barks and rains fall": not two things side by side
    if kind == "while" and turn:
        first, second = second, first
    if kind == "with" and turn and joint[0] != " and ":
        first, second = second, first
    return f"{first}{joins[int(draw * len(joins))]}{second}"


def _swapped(text: str, rng: np.random.Generator) -> str:
    """Known words exchanged, articles made to agree."""
    draws = iter(rng.random((64, 2)))

    def other(match: re.Match[str]) -> str:
        go, which = next(draws, (1.0, 0.0))
        others = WORDS[match[0]]
        return others[int(which * len(others))] if go < SWAPPED else match[0]

    return _ARTICLE.sub(_agree, _WORD.sub(other, text))


def _agree(match: re.Match[str]) -> str:
    if match[2].lower() in ("hour", "honest") or match[2][0].lower() in "aeio":
        return f"an {match[2]}"
    if match[2].lower().startswith("u"):
        return match[0]
    return f"a {match[2]}"


def _led(text: str, rng: np.random.Generator) -> str:
    """A lead where the text is one thing without a verb of its own."""
    lead = LEADS[int(rng.random() * len(LEADS))]
    return text if _FINITE.search(text) or _JOINT.search(text) else lead.format(x=text)
