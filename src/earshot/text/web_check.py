"""What is wrong with a caption that was made from web text, in words that are counted."""

from __future__ import annotations

import re
from dataclasses import dataclass

from earshot.core.errors import EarShotError
from earshot.text.web_entities import find_entities
from earshot.text.web_text import n_words, sentences

_FAILURE = re.compile(r"^\W*(?:failure|failed|none|null|n/?a|unknown|nothing)\W*$", re.IGNORECASE)
_TALK = re.compile(
    r"\b(?:as an ai|language model|i cannot|i can't|i'm sorry|sorry|here (?:is|are)|caption|label"
    r"|description|output|input|provided|not (?:specified|mentioned|provided|audible|possible)"
    r"|no (?:sound|audio|audible)|cannot be determined)\b",
    re.IGNORECASE,
)
_MALFORMED = re.compile(r"[<>{}\[\]|\\=_*#~^]|https?:|\bnull\b|\?\?|\.\.\.|^\W*$|^\d+[.):]")
_BLAMED = re.compile(
    r"\b(?:fuck|shit|cunt|bitch|nigg|rape|porn|faggot|slut|whore|suicide)\w*", re.IGNORECASE
)


@dataclass(frozen=True)
class CheckSettings:
    """What a caption may be."""

    least_words: int = 3
    most_words: int = 30  # the prompts ask for 20; the released captions go to 38
    allow_numbers: bool = False  # "two dogs bark": the paper's captions have few, by its prompts

    def __post_init__(self) -> None:
        if not 1 <= self.least_words <= self.most_words:
            raise EarShotError(
                got=f"least_words={self.least_words} and most_words={self.most_words}",
                expected="1 or more, and not above the other",
                mend="Change these fields.",
            )


def fault_of(caption: str, settings: CheckSettings | None = None) -> tuple[str, str] | None:
    """A word for the fault that counts it, and a sentence; None for a caption that may be used.

    The words: "failure", "too_short", "too_long", "malformed", "talk", "sensitive", "entity".
    """
    settings = settings or CheckSettings()
    text = caption.strip()
    length = n_words(text)
    if not text or _FAILURE.match(text):
        return "failure", "nothing audible remained"
    if _MALFORMED.search(text) or len(sentences(text)) > 2:
        return "malformed", f"{text[:80]!r} is not a plain sentence or two"
    if length < settings.least_words:
        return "too_short", f"{length} words, fewer than {settings.least_words}"
    if length > settings.most_words:
        return "too_long", f"{length} words, more than {settings.most_words}"
    if found := _TALK.search(text):
        return "talk", f"{found[0]!r} speaks of the task, not of a sound"
    if found := _BLAMED.search(text):
        return "sensitive", f"{found[0]!r}"
    for entity in find_entities(text):
        if entity.kind != "number" or not settings.allow_numbers:
            return "entity", f"the {entity.kind} {entity.text!r} is left"
    return None
