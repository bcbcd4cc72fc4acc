"""English captions as the words that caption metrics count, without Java."""

from __future__ import annotations

import re
from collections.abc import Sequence

PTB_PYTHON = "earshot.ptb"  # what results call this tokenizer
DROPPED = frozenset(  # brackets in capitals: a bug kept, see `ptb_tokens`
    ["''", "'", "``", "`", "-LRB-", "-RRB-", "-LCB-", "-RCB-"]
    + [".", "?", "!", ",", ":", "-", "--", "...", ";"]
)
_PLAIN = str.maketrans(
    {"’": "'", "‘": "'", "“": '"', "”": '"', "…": "...", "—": "--", "–": "--", "£": "#", "´": "'"}
)
_BRACKETS = {"(": "-lrb-", ")": "-rrb-", "[": "-lsb-", "]": "-rsb-", "{": "-lcb-", "}": "-rcb-"}
_TWO_WORDS = {
    "cannot": ("can", "not"),
    "gonna": ("gon", "na"),
    "wanna": ("wan", "na"),
    "gotta": ("got", "ta"),
    "gimme": ("gim", "me"),
    "lemme": ("lem", "me"),
    "'tis": ("'t", "is"),
    "'twas": ("'t", "was"),
}
_ABBREVIATIONS = "mr mrs ms dr prof st etc vs jr sr rev gen col capt lt sgt inc ltd co corp"
_TOKEN = re.compile(
    rf"""
      https?://\S+ | [\w.+-]+@[\w-]+(?:\.[\w-]+)+     # addresses
    | [:;]-?[()]                                      # smileys
    | (?:[a-z]\.){{2,}}                               # a.m., u.s.a.
    | \b(?:{_ABBREVIATIONS.replace(" ", "|")})\.(?=\s+\S)
    | '(?:tis|twas|\d0s)\b
    | '(?:s|m|d|re|ve|ll)\b                           # a clitic that stands alone
    | \.?\d+(?:[.,:/]\d+)+ | (?<![\w.])\.\d+          # 1,000  3.5  10:30  .5
    | @?[^\W_]+(?:[-_./][^\W_]+|'[^\W\d_]+)*          # words, with what is inside them
    | \.{{2,}} | -{{2,}} | [!?]+ | \*+
    | \S
    """,
    re.VERBOSE,
)
_CLITIC = re.compile(r"(.+?)(n't|'(?:s|m|d|re|ve|ll))$")


def ptb_tokens(sentence: str) -> list[str]:
    """The words of a sentence, lower-case, without punctuation; any white space parts words.

    As Stanford's PTBTokenizer 3.4.1 with -lowerCase, followed by the list of punctuation of the
    COCO caption tools: clitics are words ("car 's", "do n't"), a word with hyphens is one.
    Parentheses stay, as "-lrb-" and "-rrb-", and so does "!!": bugs of those tools, whose list has
    the former in capitals and the latter not at all. Published figures were computed with them.
    Source: arXiv:1504.00325, Sec. 3. Differs: rare things such as unknown abbreviations at the end
    of a sentence come out otherwise.
    """
    text = sentence.translate(_PLAIN).lower()
    return [word for found in _TOKEN.finditer(text) for word in _words(found[0]) if _counts(word)]


def ptb_sentences(sentences: Sequence[str]) -> list[list[str]]:
    """`ptb_tokens` of each."""
    return [ptb_tokens(sentence) for sentence in sentences]


def _words(token: str) -> Sequence[str]:
    if token in _TWO_WORDS:
        return _TWO_WORDS[token]
    if clitic := _CLITIC.match(token):
        first, second = clitic.groups()
        return (first, second) if first[-1].isalnum() else (token,)
    if token[0] in ":;" and token[-1] in "()" and len(token) > 1:
        return (token[:-1] + _BRACKETS[token[-1]],)
    return (_BRACKETS.get(token, token),)


def _counts(word: str) -> bool:
    return word not in DROPPED and word != '"' and set(word) not in ({"."}, {"-"})
