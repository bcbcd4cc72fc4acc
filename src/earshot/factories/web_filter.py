"""Stage 1 of WavCaps: records that cannot become captions go, the others become plain text."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from earshot.core.errors import EarShotError
from earshot.core.fingerprint import fingerprint
from earshot.data.blacklist import SourceBlacklist
from earshot.factories.item import Item
from earshot.factories.web_source import DOUBLE, EVENTS, is_listed
from earshot.text.event_order import StrongLabel, ordered_events
from earshot.text.web_text import n_words, strip_markup, title_words

VERSION = 1
ORDERED = "events"  # the note with the events in order, as a JSON list


@dataclass(frozen=True)
class WebFilterConfig:
    """What a record needs."""

    least_s: float = 1.0  # shorter clips go. Source: arXiv:2303.17395, section III
    least_words: int = 3  # of a description, or of title and tags where there is none
    blacklist: str | None = None  # a JSON file of ids by source: clips of test sets elsewhere

    def __post_init__(self) -> None:
        if not self.least_s >= 0 or self.least_words < 0:
            raise EarShotError(
                got=f"least_s={self.least_s} and least_words={self.least_words}",
                expected="0 or more",
                mend="Change these fields.",
            )


class WebFilter:
    """Notes "title", "description" and "tags" as plain text, or "events" in order.

    Rejects by "blacklisted", "double", "too_short" (the clip), "no_text" (under `least_words`).
    Clips of unknown length stay. Source: arXiv:2303.17395, section III.
    """

    name = "filter"
    needs_audio = False

    def __init__(self, config: WebFilterConfig | None = None) -> None:
        self.config = config or WebFilterConfig()
        listed = self.config.blacklist
        self.blacklist = None if listed is None else SourceBlacklist.read(Path(listed))

    @property
    def identity(self) -> str:
        """Changes with its settings and with what the blacklist holds."""
        facts: dict[str, Any] = {"version": VERSION} | asdict(self.config)
        if self.blacklist is not None:
            facts["blacklist"] = {name: sorted(ids) for name, ids in self.blacklist.ids.items()}
        return fingerprint(facts)

    def work(self, items: Sequence[Item]) -> Iterator[Item]:
        """As many items, in order."""
        return map(self._one, items)

    def _one(self, item: Item) -> Item:
        if self.blacklist is not None and is_listed(item, self.blacklist):
            return item.reject(
                self.name, "blacklisted", "it stands in a list of clips to leave out"
            )
        if before := item.notes.get(DOUBLE):
            return item.reject(self.name, "double", f"{before} says the same")
        if item.duration_s is not None and item.duration_s < self.config.least_s:
            short = f"{item.duration_s:g} s, under {self.config.least_s:g} s"
            return item.reject(self.name, "too_short", short)
        if EVENTS in item.source:
            return self._strong(item)
        told = {
            "title": title_words(item.source.get("title", "")),
            "description": strip_markup(item.source.get("description", "")),
            "tags": strip_markup(item.source.get("tags", "")).replace("\n", " "),
        }
        counted = n_words(told["description"] or f"{told['title']} {told['tags']}")
        if counted < self.config.least_words:
            few = f"{counted} words, under {self.config.least_words}"
            return item.reject(self.name, "no_text", few)
        notes = {name: text for name, text in told.items() if text}
        return item.with_(notes={**item.notes, **notes})

    def _strong(self, item: Item) -> Item:
        """A clip of strong labels: their names by onset."""
        try:
            rows = [StrongLabel(str(name), float(a), float(b))
                    for name, a, b in json.loads(item.source[EVENTS])]  # fmt: skip
        except (ValueError, TypeError, EarShotError) as fault:
            return item.reject(self.name, "malformed", f"strong labels: {fault}")
        events = ordered_events(rows)
        if not events:
            return item.reject(self.name, "no_text", "no event")
        return item.with_(notes={**item.notes, ORDERED: json.dumps(events)})
