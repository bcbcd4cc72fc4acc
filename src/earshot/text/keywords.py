"""Keyword-to-caption: tags become a sentence, and sentences lose words for gender."""

from __future__ import annotations

import re
from collections.abc import Sequence

from earshot.core.seed import generator

TEMPLATES = (
    "The sound of {tags}.",
    "This is a recording of {tags}.",
    "{tags} can be heard.",
    "Someone recorded {tags}.",
    "One can hear {tags}.",
    "A clip with {tags}.",
    "There is {tags} in this recording.",
    "Listen to {tags}.",
)

_NEUTRAL = {
    "man": "person", "woman": "person", "men": "people", "women": "people",
    "male": "person", "female": "person", "males": "people", "females": "people",
    "boy": "child", "girl": "child", "boys": "children", "girls": "children",
    "gentleman": "person", "lady": "person", "gentlemen": "people", "ladies": "people",
    "guy": "person", "guys": "people", "father": "parent", "mother": "parent",
    "he": "the person", "she": "the person", "him": "them", "his": "their", "her": "their",
    "hers": "theirs", "himself": "themselves", "herself": "themselves",
}  # fmt: skip
_ADJECTIVE = re.compile(
    r"\b(?:fe)?male\s+(?=(?:voice|vocal|singer|speaker|speech|singing|choir|rapper|narrator)s?\b)",
    re.IGNORECASE,
)
_GENDERED = re.compile(r"\b(" + "|".join(_NEUTRAL) + r")\b", re.IGNORECASE)
_HER_ALONE = re.compile(r"\bher\b(?=\s*(?:[.,;:!?]|$|\band\b|\bwhile\b|\bas\b))", re.IGNORECASE)


def keywords_to_caption(keywords: Sequence[str], *, seed: int = 0) -> str:
    """One sentence that names all keywords; the template depends on keywords and seed alone.

    Source: arXiv:2211.06687, section 3.3. Differs: templates, where the paper runs a T5 model.
    """
    names = list(dict.fromkeys(" ".join(k.replace("_", " ").split()).lower() for k in keywords))
    names = [name for name in names if name]
    if not names:
        return "A sound."
    listed = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    draw = generator(seed, "keywords", *names)
    sentence = TEMPLATES[int(draw.integers(len(TEMPLATES)))].format(tags=listed)
    return sentence[0].upper() + sentence[1:]


def neutralise_gender(text: str) -> str:
    """`text` with words for gender replaced: "A man and his dog" -> "A person and their dog".

    Source: arXiv:2211.06687, section 3.3. Word by word: verbs are left as they are.
    """
    text = _ADJECTIVE.sub("", text)
    text = _HER_ALONE.sub("them", text)

    def neutral(match: re.Match[str]) -> str:
        word = match.group()
        plain = _NEUTRAL[word.lower()]
        return plain[0].upper() + plain[1:] if word[0].isupper() else plain

    return _GENDERED.sub(neutral, text)
