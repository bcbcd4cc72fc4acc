"""Text from the web as plain sentences: without markup, addresses and file names."""

from __future__ import annotations

import html
import re

from earshot.text.clean import clean

_TAG = re.compile(r"<(?:/?[a-zA-Z][^<>]{0,300}|!--.{0,2000}?--)>", re.DOTALL)
_URL = re.compile(
    r"(?:https?://|ftp://|www\.)\S+|\b[\w.+-]+@[\w-]+\.[\w.]+\b"
    r"|\b[\w-]{2,}\.(?:com|org|net|edu|gov|info|io|fm|tv|co\.uk|de|fr|nl|ca|au)\b(?:/\S*)?",
    re.IGNORECASE,
)
_HANDLE = re.compile(r"(?<!\w)[@#]\w+")
_FILE = re.compile(r"\.(?:wav|mp3|ogg|oga|flac|aiff?|m4a|wma|mp4|avi|mov|zip)\b", re.IGNORECASE)
_MARKDOWN = re.compile(r"\[([^\[\]]{1,200})\]\([^()\s]{1,500}\)|[*_`~]{2,}|^#{1,6}\s", re.MULTILINE)
_SMILEY = re.compile(r"(?<!\w)[:;=8][-~o']?[)(\]\[DPpO/\\|](?!\w)|<3")
_ENTITY_LEFT = re.compile(r"&(?:[a-z]+|#\d+);", re.IGNORECASE)
_ABBREVIATION = re.compile(r"\b(?:mr|mrs|ms|dr|st|vs|etc|approx|no|ca|e\.g|i\.e)\.$", re.IGNORECASE)
_SENTENCE_END = re.compile(
    r"(?<=[.!?])[\"')\]]*\s+|\s*[\n\r]+\s*|\s+[|\u2022\u00b7]\s+|\.{2,}\s*|;\s+"
)
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z][a-z])|(?<=[A-Za-z])(?=\d)|(?<=\d)(?=[A-Za-z])")
_NAME_LIKE = re.compile(r"^\S*[_.]\S*$|^[A-Za-z0-9]+(?:[-_.][A-Za-z0-9]+)+$")


def strip_markup(text: str) -> str:
    """Plain text: no HTML or Markdown, no addresses of the web or of mail, no handles or smileys.

    Line breaks stay; other runs of space become one space.
    """
    text = html.unescape(html.unescape(_line_breaks(text)))
    text = _MARKDOWN.sub(lambda match: match[1] or " ", text)
    text = _TAG.sub(" ", text)
    for pattern in (_URL, _HANDLE, _SMILEY, _ENTITY_LEFT):
        text = pattern.sub(" ", text)
    text = text.replace("\u2019", "'").replace("\u2018", "'").replace("\u2014", " - ")
    text = text.replace("\u201c", '"').replace("\u201d", '"').replace("\u2013", " - ")
    lines = [" ".join(clean(line).split()) for line in text.split("\n")]
    return "\n".join(line for line in lines if line)


def title_words(title: str) -> str:
    """A title as words: file names lose suffix, marks, numbers and camel case.

    "dog_barking-01.wav" -> "dog barking".
    """
    plain = _FILE.sub(" ", strip_markup(title).replace("\n", " ")).strip()
    if _NAME_LIKE.match(plain) or "_" in plain:
        plain = re.sub(r"[-_.]+", " ", plain)
    if " " not in plain.strip() or any(ch.isdigit() for ch in plain):
        plain = _CAMEL.sub(" ", plain)
    return " ".join(word for word in plain.split() if not word.isdigit())


def sentences(text: str) -> list[str]:
    """The sentences of plain text, in order; lines and semicolons part them too."""
    parts: list[str] = []
    for part in _SENTENCE_END.split(text):
        part = part.strip()
        if not part:
            continue
        if parts and _ABBREVIATION.search(parts[-1]):
            parts[-1] += " " + part
        else:
            parts.append(part)
    return parts


def n_words(text: str) -> int:
    """Words of a text: runs that hold a letter."""
    return sum(any(ch.isalpha() for ch in word) for word in text.split())


def _line_breaks(text: str) -> str:
    """Breaks and paragraphs of HTML as new lines, before its tags go."""
    text = text[:20_000].replace("\r\n", "\n").replace("\r", "\n")
    return re.sub(r"<\s*(?:br|/?p|/?div|/?li|/?tr|/?h[1-6])\b[^<>]{0,200}>", "\n", text, flags=re.I)
