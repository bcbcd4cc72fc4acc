"""The words of a file name, its folders, tags and caption, as full-text search takes them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

MAX_QUERY_WORDS = 64  # of a query; a pasted book is searched by its beginning
MIN_STEM = 3  # letters that must stay when an ending is cut

# Words that say nothing about a sound, beside those that carry no meaning at all.
STOP_WORDS = frozenset(
    """
    a an and are as at be by for from has in into is it its of off on one or some that the their
    there this to was were while with then sound sounds audio recording recordings wav mp3 flac ogg
    """.split()  # noqa: SIM905
)
_WORD = re.compile(r"[^\W\d_]+|\d+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_ENDINGS = ("ings", "ing", "ers", "er", "ed", "es", "s", "ly")


def words_of(*texts: str) -> list[str]:
    """Lower-case words without accents; camelCase, digits and underscores part words."""
    found: list[str] = []
    for text in texts:
        spaced = _CAMEL.sub(" ", text)
        folded = unicodedata.normalize("NFKD", spaced)
        plain = "".join(c for c in folded if not unicodedata.combining(c)).lower()
        for word in _WORD.findall(plain):
            found.extend(word if _has_no_spaces(word) else [word])
    return found


def query_words(text: str) -> list[str]:
    """The words of a query that can match, each once, in order."""
    words = dict.fromkeys(word for word in words_of(text[:10_000]) if word not in STOP_WORDS)
    return list(words)[:MAX_QUERY_WORDS]


@lru_cache(maxsize=100_000)
def stem(word: str) -> str:
    """`word` without a common English ending, so that "barks" meets "barking"."""
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= MIN_STEM:
            word = word.removesuffix(ending)
            if len(word) > MIN_STEM and word[-1] == word[-2] and word[-1] not in "aeiouls":
                word = word[:-1]  # running -> run
            break
    return word.removesuffix("e") if len(word) > MIN_STEM else word


def matches(query: Iterable[str], words: Iterable[str]) -> list[str]:
    """Those of the query's words that are, up to their endings, among `words`."""
    stems = {stem(word) for word in words}
    return [word for word in query if stem(word) in stems]


def _has_no_spaces(word: str) -> bool:
    """True for Chinese and Japanese, which are written without spaces: one character, one word."""
    return "\u3040" <= word[0] <= "\u30ff" or "\u4e00" <= word[0] <= "\u9fff"
