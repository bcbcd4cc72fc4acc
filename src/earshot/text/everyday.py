"""The everyday sounds that are tried where nobody names any."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources

from earshot.text.lexicon import stem

_WORD = re.compile(r"[^\W\d_]+")
_SAYS_NOTHING = {"person", "sound", "human", "of", "the", "a", "an"}


@cache
def everyday_sounds() -> tuple[str, ...]:
    """Some two hundred names such as "dog barking", "rain" and "piano", in a fixed order."""
    text = resources.files("earshot.text").joinpath("everyday_sounds.txt").read_text("utf-8")
    return tuple(line for line in text.splitlines() if line and not line.startswith("#"))


def as_everyday(label: str) -> str:
    """The everyday name of the same words: "dog_bark" is "dog barking", "person sneeze" is
    "sneezing"; the label itself where there is none.
    """
    return _by_stems().get(_stems(label), label)


@cache
def _by_stems() -> dict[frozenset[str], str]:
    return {_stems(name): name for name in reversed(everyday_sounds())}


def _stems(label: str) -> frozenset[str]:
    found = {stem(word) for word in _WORD.findall(label.replace("_", " "))}
    return frozenset(found - _SAYS_NOTHING) or frozenset(found)
