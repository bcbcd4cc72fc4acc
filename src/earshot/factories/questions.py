"""Questions and answers on a clip: what is heard, who speaks, what plays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from earshot.core.fingerprint import fingerprint
from earshot.factories.item import QA, Item

NAME = "questions"
ASKED = {
    "description": "What can be heard in this recording?",
    "speech": "Does anybody speak in this recording, and what is the speech like?",
    "music": "Is there music in this recording, and what is it like?",
}


@dataclass(frozen=True)
class NoteQuestions:
    """Three pairs for each clip, made of the notes on what is heard, on speech and on music.

    Stands between extraction and the filter of notes: that there is no music is an answer too. It
    costs no call. Source: arXiv:2411.18953, whose three answers are those of the extraction.
    """

    name: str = NAME

    @property
    def identity(self) -> str:
        """Digest of the questions."""
        return fingerprint({"questions": ASKED})

    def work(self, items: Sequence[Item]) -> Iterator[Item]:
        """As many items, in order; a note that is not there has no question."""
        for item in items:
            pairs = (QA(ASKED[kind], item.notes[kind]) for kind in ASKED if item.notes.get(kind))
            yield item.with_(answers=(*item.answers, *pairs))
