"""Stage 3 of WavCaps: captions that failed, or that hold what they should not, go."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict

from earshot.core.fingerprint import fingerprint
from earshot.factories.item import Item
from earshot.text.web_check import CheckSettings, fault_of

VERSION = 1


class WebCheck:
    """Rejects by the words of `text/web_check.py`: "failure", "too_long", "entity" and others.

    What passes has one space between words, a capital and a full stop.
    Source: arXiv:2303.17395, section III.
    """

    name = "check"
    needs_audio = False

    def __init__(self, settings: CheckSettings | None = None) -> None:
        self.settings = settings or CheckSettings()

    @property
    def identity(self) -> str:
        """Changes with its settings."""
        return fingerprint({"version": VERSION} | asdict(self.settings))

    def work(self, items: Sequence[Item]) -> Iterator[Item]:
        """As many items, in order."""
        for item in items:
            caption = tidy(item.caption)
            fault = fault_of(caption, self.settings)
            if fault is None:
                yield item.with_(caption=caption)
            else:
                yield item.reject(self.name, *fault)


def tidy(caption: str) -> str:
    """One line without quotation marks around it, that begins with a capital and ends in a stop."""
    text = " ".join(caption.split())
    if len(text) > 1 and text[0] in "\"'" and text[-1] == text[0]:
        text = text[1:-1].strip()
    if not text:
        return ""
    return text[0].upper() + text[1:] + ("" if text[-1] in ".!?" else ".")
