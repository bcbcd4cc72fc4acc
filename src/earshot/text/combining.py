"""Two captions in one sentence, by rule: what is said of a mixture of two clips."""

from __future__ import annotations

import re
from typing import Protocol

from earshot.core.errors import EarShotError
from earshot.core.fingerprint import fingerprint
from earshot.core.seed import generator

MAX_WORDS = 25  # of a mixed caption
JOINTS = (" while ", " and ", " as ")
_LEAD = re.compile(
    r"^(?:this is |that is |here is )?(?:(?:the |a )?(?:sound|noise|recording)s? of |"
    r"in this (?:clip|recording),? (?:we hear |one (?:can|may) hear )?|"
    r"(?:we|you|one|i)(?: can| may)? hear |there (?:is|are) (?:the sound of )?|listen to )",
    re.IGNORECASE,
)
_TAIL = re.compile(r" (?:can|may) be heard$| (?:is|are) heard$", re.IGNORECASE)
_KEPT = re.compile(r"^(?:I\b|[A-Z]{2})")  # words whose first letter stays a capital


class CaptionCombiner(Protocol):
    """Anything that says two captions in one sentence: by rule, or by a language model."""

    @property
    def identity(self) -> str:
        """What the sentences depend on beside the captions."""

    def combine(self, first: str, second: str, n: int) -> tuple[str, ...]:
        """Up to `n` different sentences; none where it cannot. Raises EarShotError on a fault."""


class RuleCombiner:
    """ "A while B", "A and B", "A as B", in either order, of at most `max_words` words.

    Phrases that only lead in ("This is the sound of ...") are left out. Two captions that are too
    long together have no such sentence. Source: arXiv:2309.17352, caption mix-ups. Differs: a rule,
    where the paper asks ChatGPT.
    """

    def __init__(self, *, max_words: int = MAX_WORDS, seed: int = 0) -> None:
        if max_words < 3:
            raise EarShotError(
                got=f"max_words={max_words}",
                expected="at least 3: a word for each caption and one between",
                mend=f"The paper's prompt allows about {MAX_WORDS}.",
            )
        self.max_words, self.seed = max_words, seed

    @property
    def identity(self) -> str:
        """Digest of the rule."""
        facts = {"joints": JOINTS, "max_words": self.max_words, "seed": self.seed, "version": 1}
        return f"rule-{fingerprint(facts)}"

    def combine(self, first: str, second: str, n: int) -> tuple[str, ...]:
        """Up to `n` of the six sentences, in an order that depends on the captions and the seed."""
        parts = [core_of(first), core_of(second)]
        if not all(parts):
            return ()
        made = [
            _sentence(one, joint, other) for one, other in (parts, parts[::-1]) for joint in JOINTS
        ]
        order = generator(self.seed, "combine", first, second).permutation(len(made))
        drawn = dict.fromkeys(made[int(i)] for i in order)
        return tuple(text for text in drawn if len(text.split()) <= self.max_words)[:n]


def core_of(caption: str) -> str:
    """A caption without the words that only lead in or out, and without its full stop."""
    text = " ".join(caption.split()).rstrip(" .!?;,")
    bare = _TAIL.sub("", _LEAD.sub("", text))
    return bare or text


def plain_caption(text: str) -> str:
    """Lower case without punctuation: the form that the captioner is taught.

    Source: arXiv:2309.17352, released code, which strips ASCII punctuation.
    """
    return " ".join(re.sub(r"[!-/:-@\[-`{-~]", "", text).lower().split())


def _sentence(one: str, joint: str, other: str) -> str:
    lowered = other if _KEPT.match(other) else other[0].lower() + other[1:]
    return one[0].upper() + one[1:] + joint + lowered
