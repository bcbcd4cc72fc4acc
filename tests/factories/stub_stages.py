"""Stages that cost nothing and decide by a clip's own id, so that any run of them ends alike."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from earshot.factories.factory import Factory
from earshot.factories.item import Item
from earshot.llm.usage import Usage


def draw(id: str, salt: str = "") -> float:
    """A number in [0, 1) that an id has."""
    return zlib.crc32(f"{salt}{id}".encode()) / 2**32


@dataclass
class Note:
    """Notes what the labels say; clips of some ids have nothing in them."""

    rejects: float = 0.1
    name: str = "extract"
    identity: str = "note-1"

    def work(self, items: Sequence[Item]) -> Iterator[Item]:
        for item in items:
            if draw(item.id, "note") < self.rejects:
                yield item.reject(self.name, "nothing_heard", "silence throughout")
            else:
                yield item.with_(notes={"description": f"sound of {' and '.join(item.labels)}"})


@dataclass
class Write:
    """Writes a caption of the notes, and says what a model would have cost."""

    identity: str = "write-1"
    name: str = "write"
    usage: Usage = field(default_factory=Usage)

    def work(self, items: Sequence[Item]) -> Iterator[Item]:
        for item in items:
            self.usage.calls += 1
            self.usage.prompt_tokens += 100
            self.usage.completion_tokens += 10
            yield item.with_(caption=f"The {item.notes['description']} is heard.")


@dataclass
class Score:
    """Scores by id; fails for ids in a file `broken`, one a line, while they stand there."""

    broken: Path | None = None
    name: str = "gate"
    identity: str = "score-1"

    def work(self, items: Sequence[Item]) -> Iterator[Item]:
        broken = self.broken.read_text().split() if self.broken and self.broken.exists() else []
        for item in items:
            if item.id in broken:
                yield item.fail(self.name, "no_answer", "HTTP 503")
                continue
            scores = {"clap_caption": draw(item.id, "c"), "clap_label": 0.1}
            item = item.with_(scores=scores)
            below = scores["clap_caption"] < 0.1
            yield item.reject(self.name, "below_label") if below else item


@dataclass
class Die:
    """Ends the process when it meets a clip, as kill -9 would."""

    at: str
    name: str = "die"
    identity: str = "die-1"

    def work(self, items: Sequence[Item]) -> Iterator[Item]:
        for item in items:
            if item.id == self.at:
                os._exit(9)
            yield item


def clips(n: int, begin: int = 0) -> Iterator[Item]:
    """Text-only clips c000000 ..."""
    for i in range(begin, begin + n):
        yield Item(f"c{i:06d}", labels=("Dog", "Rain")[: 1 + i % 2], source={"title": f"clip {i}"})


def stub_factory(**changes: object) -> Factory:
    """Three stages."""
    return Factory("stub", (Note(), Write(), Score(**changes)))  # type: ignore[arg-type]
