"""One clip on its way through a caption factory."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from earshot.core.fingerprint import fingerprint
from earshot.core.urls import is_url


@dataclass(frozen=True)
class QA:
    """A question about a clip and its answer."""

    question: str
    answer: str


@dataclass(frozen=True)
class Rejection:
    """Why a clip has no caption.

    `reason` is a short word that is counted ("too_short", "below_label"), `detail` a sentence.
    `failed` tells a fault that another try may mend (no answer, no such file) from a verdict.
    """

    stage: str
    reason: str
    detail: str = ""
    failed: bool = False


@dataclass(frozen=True)
class Item:
    """What is known of one clip: where it lies, what came with it, and what stages made of it.

    Never changed: `with_` gives another one. Mappings are to be treated likewise.
    """

    id: str  # unique in the job
    audio: Path | str | None = None  # a file, a URL, or none: text only
    start_s: float = 0.0
    duration_s: float | None = None  # to its end if None
    labels: tuple[str, ...] = ()  # ground truth, tags
    source: Mapping[str, str] = field(default_factory=dict)  # raw text: title, description, tags
    notes: Mapping[str, str] = field(default_factory=dict)  # by kind: description, speech, music
    caption: str = ""  # the present candidate, at the end the result
    scores: Mapping[str, float] = field(default_factory=dict)  # such as clap_caption, clap_label
    answers: tuple[QA, ...] = ()
    provenance: Mapping[str, str] = field(default_factory=dict)  # stage -> identity of what did it
    rejected: Rejection | None = None

    def with_(self, **changes: Any) -> Item:
        """The item with other fields."""
        return dataclasses.replace(self, **changes)

    def reject(self, stage: str, reason: str, detail: str = "") -> Item:
        """The item without a caption, for good: `reason` is a word, `detail` a sentence."""
        return self.with_(rejected=Rejection(stage, reason, detail))

    def fail(self, stage: str, reason: str, detail: str = "") -> Item:
        """The item without a caption until another run: a fault that may pass."""
        return self.with_(rejected=Rejection(stage, reason, detail, failed=True))

    @property
    def content(self) -> str:
        """16 hex digits of what it came with; of a file's name, not of its bytes."""
        came = (self.id, str(self.audio), self.start_s, self.duration_s, self.labels)
        return fingerprint({"came": came, "source": dict(self.source)})

    def to_row(self) -> dict[str, Any]:
        """As plain JSON values; fields at their defaults are left out."""
        row: dict[str, Any] = {"id": self.id}
        if self.audio is not None:
            row["audio"] = str(self.audio)
        if self.start_s:
            row["start_s"] = self.start_s
        if self.duration_s is not None:
            row["duration_s"] = self.duration_s
        if self.labels:
            row["labels"] = list(self.labels)
        for name in ("source", "notes", "scores", "provenance"):
            if mapping := getattr(self, name):
                row[name] = dict(mapping)
        if self.caption:
            row["caption"] = self.caption
        if self.answers:
            row["answers"] = [[pair.question, pair.answer] for pair in self.answers]
        if (no := self.rejected) is not None:
            row["rejected"] = [no.stage, no.reason, no.detail, no.failed]
        return row

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Item:
        """What `to_row` gave."""
        values = dict(row)
        audio = values.get("audio")
        if audio is not None and not is_url(audio):
            values["audio"] = Path(audio)
        values["labels"] = tuple(values.get("labels", ()))
        values["answers"] = tuple(QA(*pair) for pair in values.get("answers", ()))
        if (no := values.get("rejected")) is not None:
            values["rejected"] = Rejection(*no)
        return cls(**values)
