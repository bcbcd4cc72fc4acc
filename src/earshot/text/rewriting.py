"""Captions rewritten by rule to say what each sound is like: offline, always the same."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from earshot.core.fingerprint import fingerprint
from earshot.core.seed import generator
from earshot.text.lexicon import Lexicon, Mention, shipped_lexicon

MAX_WORDS = 30  # arXiv:2409.09213: "under thirty words"
BESIDE = ("{clause}, {like}", "{clause} with {like}", "{clause}: {like}")  # the name stays
INSTEAD = 0.35  # share of clauses that lose the sound's name: only what it is like is left
_JOINT = re.compile(  # what stands between two events of a caption
    r"(\s*[,;]?\s*\b(?:and then|and afterwards|and later|after which|followed by|preceded by|"
    r"along with|together with|accompanied by|mixed with|then|while|as|before|after|amid|over|"
    r"with|and)\b\s+|\s*[,;]\s*|[.!?]+\s+)",
    re.IGNORECASE,
)
_PLACE = re.compile(
    r"\b(?:(?:in|inside|on|at|near|outside|behind|under|through|across|from|by)\s+\w.*"
    r"|(?:indoors|outdoors)\b.*)$",
    re.IGNORECASE,
)
_MANNER = {
    "loud": "loud", "loudly": "loud", "soft": "soft", "softly": "soft", "quiet": "soft",
    "quietly": "soft", "faint": "faint", "faintly": "faint", "fast": "fast", "quickly": "fast",
    "rapid": "fast", "rapidly": "fast", "slow": "slow", "slowly": "slow", "distant": "distant",
    "faraway": "distant", "nearby": "close", "close": "close", "deep": "deep",
    "high-pitched": "high-pitched", "low-pitched": "low-pitched", "repeatedly": "repeated",
    "continuously": "continuous", "constantly": "continuous", "briefly": "brief",
    "brief": "brief", "short": "brief", "long": "long", "prolonged": "long",
}  # fmt: skip  # words of a clause that outlive its sound's name, as adjectives
_MANNER_WORD = re.compile(r"\b(?:" + "|".join(map(re.escape, _MANNER)) + r")\b", re.IGNORECASE)


class Rewriter(Protocol):
    """Anything that says a caption in other words: by rule, by a language model, from a file."""

    @property
    def identity(self) -> str:
        """What the rewrites depend on beside the caption."""

    def rewrite(self, caption: str, n: int) -> tuple[str, ...]:
        """Up to `n` different rewrites; none where it cannot. Raises EarShotError on a fault."""


class RuleRewriter:
    """Says what the sounds of a caption are like, by a lexicon.

    "A dog barks, then it thunders far away" becomes "A dog barks, short rough bursts that are loud
    and abrupt, then a deep distant rumble ...". Each part of the caption that names a sound keeps
    its name beside the description, or is told by it alone; the order of events and where they
    happen stay. A caption without a known sound has no rewrite.

    Source: arXiv:2409.09213, caption rewriting. Differs: a lexicon, where the paper asks
    Llama-3.1-8B.
    """

    def __init__(self, lexicon: Lexicon | None = None, *, seed: int = 0) -> None:
        self.lexicon, self.seed = lexicon or shipped_lexicon(), seed

    @property
    def identity(self) -> str:
        """Digest of lexicon and seed."""
        words = [(each.name, each.also, each.like) for each in self.lexicon.sounds]
        return f"rule-{fingerprint({'words': words, 'seed': self.seed, 'version': 2})}"

    def rewrite(self, caption: str, n: int) -> tuple[str, ...]:
        """Up to `n` different rewrites, a function of caption, lexicon and seed alone."""
        text = " ".join(caption.split())
        parts = _JOINT.split(text.rstrip("."))  # clause, joint, clause, ...
        mentions = [None if i % 2 else self._mention(part) for i, part in enumerate(parts)]
        if not any(mentions):
            return ()
        found: dict[str, None] = {}
        for turn in range(6 * n):
            rng = generator(self.seed, "rewrite", turn, text)
            told = _told(parts, mentions, rng)
            if told.lower() not in (text.lower(), text.lower().rstrip(".")):
                found[told] = None
            if len(found) == n:
                break
        return tuple(found)

    def _mention(self, clause: str) -> Mention | None:
        """The sound that a clause is about: its first, or of "the hum of an engine" the second."""
        found = self.lexicon.find(clause)
        if len(found) > 1 and clause[found[0].end :].lower().startswith(" of "):
            return found[1]
        return found[0] if found else None


def _told(
    parts: Sequence[str], mentions: Sequence[Mention | None], rng: np.random.Generator
) -> str:
    """One rewrite; later descriptions are left out where it would grow beyond MAX_WORDS."""
    draws = rng.random((len(parts), 3))
    n_words = sum(len(part.split()) for part in parts)
    said: list[str] = []
    for part, inside, draw in zip(parts, mentions, draws, strict=True):
        new = part
        if inside is not None:
            new = _clause(part, inside, draw)
            more = len(new.split()) - len(part.split())
            if n_words + more > MAX_WORDS and any(
                a != b for a, b in zip(said, parts, strict=False)
            ):
                new, more = part, 0
            n_words += more
        elif said and said[-1] != parts[len(said) - 1] and _is_joint(part):
            new = part if part.lstrip()[0] in ",;.!?" else f",{part}"
        if said and said[-1].rstrip().endswith((".", "!", "?")):
            new = new[:1].upper() + new[1:]  # a sentence of its own
        said.append(new)
    sentence = " ".join("".join(said).split())
    return sentence[:1].upper() + sentence[1:]


def _clause(part: str, mention: Mention, draw: np.ndarray) -> str:
    """A part of the caption with its sound described, beside the name or instead of it."""
    likes = mention.sound.like
    like = likes[int(draw[0] * len(likes))]
    if draw[1] >= INSTEAD:
        return BESIDE[int(draw[2] * len(BESIDE))].format(clause=part, like=like)
    place = _PLACE.search(part, mention.end)
    outside = part[: mention.start] + " " + part[mention.end : place.start() if place else None]
    manner = [_MANNER[word.lower()] for word in _MANNER_WORD.findall(outside)]
    said = with_adjectives(like, list(dict.fromkeys(manner)))
    return f"{said} {place[0]}" if place else said


def with_adjectives(noun_phrase: str, adjectives: Sequence[str]) -> str:
    """Adjectives put after the article, which is made to agree: "a roar" -> "an eerie roar"."""
    words = noun_phrase.split()
    article = words.pop(0) if words[0] in ("a", "an", "the", "one") else ""
    told = [each for each in adjectives if each not in words]
    if article in ("a", "an"):
        article = "an" if (told or words)[0][0] in "aeiou" else "a"
    return " ".join(filter(None, [article, *told, *words]))


def _is_joint(part: str) -> bool:
    return _JOINT.fullmatch(part) is not None
