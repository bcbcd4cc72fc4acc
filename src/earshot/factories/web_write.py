"""Stage 2 of WavCaps: one sentence of what can be heard, by rule or by a language model."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import resources
from typing import Any

from earshot.core.errors import EarShotError
from earshot.core.fingerprint import fingerprint
from earshot.factories.item import Item
from earshot.factories.web_filter import ORDERED
from earshot.factories.web_source import source_of
from earshot.llm.client import LlmClient, LlmError
from earshot.llm.messages import user
from earshot.llm.prompt_files import fill, read_prompt
from earshot.llm.usage import Usage
from earshot.text.event_order import weave
from earshot.text.web_writer import FAILURE, WebText, write_caption

VERSION = 1
PROMPTS = {  # source -> its prompt; records of other sources are read as Freesound's
    "SoundBible": "wavcaps_soundbible_v1",
    "FreeSound": "wavcaps_freesound_v1",
    "BBC": "wavcaps_bbc_v1",
    "AudioSet": "wavcaps_audioset_v1",
}
OTHERS = "FreeSound"
RECORDS = 10  # a request
TAKES = 3  # of a record on its own, before it fails
MOST_CHARACTERS = 1_500  # of a field that a model is shown
_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "captions": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"id": {"type": "integer"}, "caption": {"type": "string"}},
                "required": ["id", "caption"],
                "additionalProperties": False,
            },
        }
    },
    "required": ["captions"],
    "additionalProperties": False,
}


class RuleWebWriter:
    """By rule and word lists, with no model: `text/web_writer.py`, and `weave` for strong labels.

    Where nothing audible remains the caption is "Failure.", which the check rejects.
    """

    name = "write"
    needs_audio = False

    @property
    def identity(self) -> str:
        """Changes with the word lists."""
        return fingerprint({"writer": "rule", "version": VERSION, "words": _word_lists()})

    def work(self, items: Sequence[Item]) -> Iterator[Item]:
        """As many items, in order."""
        for item in items:
            yield item.with_(caption=written(item) or FAILURE)


def written(item: Item) -> str | None:
    """The caption by rule of an item that the filter passed."""
    if ORDERED in item.notes:
        return weave(json.loads(item.notes[ORDERED]))
    tags = tuple(tag.strip() for tag in item.notes.get("tags", "").split(",") if tag.strip())
    title, description = item.notes.get("title", ""), item.notes.get("description", "")
    return write_caption(WebText(title, description, tags))


class LlmWebWriter:
    """By a language model, several records a request, one prompt for each source.

    Answers are held to the records by id. A batch whose answer has other ids, too few or too many,
    or that stays malformed is split in two and asked again, down to single records; a record that
    is never answered fails and waits for another run. Source: arXiv:2303.17395, section III.
    """

    name = "write"
    needs_audio = False

    def __init__(self, client: LlmClient, *, n_records: int = RECORDS) -> None:
        if not 1 <= n_records <= 100:
            raise EarShotError(
                got=f"{n_records} records a request", expected="1 to 100", mend="Ask for 10."
            )
        self.client, self.n_records = client, n_records
        self._prompts = {source: read_prompt(name) for source, name in PROMPTS.items()}

    @property
    def identity(self) -> str:
        """Changes with model, sampling, prompts and the size of a batch."""
        facts = {"writer": "llm", "version": VERSION, "options": self.client.config.options}
        return fingerprint(facts | {"prompts": self._prompts, "n_records": self.n_records})

    @property
    def usage(self) -> Usage:
        """What the calls came to so far."""
        return self.client.usage

    def work(self, items: Sequence[Item]) -> Iterator[Item]:
        """As many items, in order; batches are under way several at a time."""
        batches = batches_by_source(items, self.n_records)
        done: dict[str, Item] = {}
        asked = self.client.map(batches, self._batch)
        for batch, result in zip(batches, asked, strict=True):
            if isinstance(result, LlmError):  # `_batch` keeps its own; this one is of no record
                result = [item.fail(self.name, "unanswered", str(result)) for item in batch]
            done |= {item.id: item for item in result}
        return iter([done[item.id] for item in items])

    def _batch(self, items: list[Item]) -> list[Item]:
        """A batch answered, whole or in halves."""
        done: dict[str, Item] = {}
        waiting, silent, reason = [items], 0, ""
        while waiting:
            part = waiting.pop()
            if silent > 1:  # the endpoint answers nothing: no more of this batch is asked
                done |= {i.id: i.fail(self.name, "unanswered", reason) for i in part}
                continue
            captions, reason = self._ask(part)
            if captions is not None:
                silent = 0
                done |= {i.id: i.with_(caption=c) for i, c in zip(part, captions, strict=True)}
            elif len(part) == 1:
                silent += 1
                done[part[0].id] = part[0].fail(self.name, "unanswered", reason)
            else:
                half = (len(part) + 1) // 2
                waiting += [part[half:], part[:half]]
        return [done[item.id] for item in items]

    def _ask(self, items: list[Item]) -> tuple[list[str] | None, str]:
        """A caption for each item; or None and why not."""
        source = source_of(items[0])
        prompt = self._prompts.get(source, self._prompts[OTHERS])
        rows = [shown(item, number) for number, item in enumerate(items, start=1)]
        records = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
        for take in range(1 if len(items) > 1 else TAKES):
            try:
                message = user(fill(prompt, records=records))
                answer = self.client.ask_json([message], _SCHEMA, take=take)
            except LlmError as fault:
                return None, str(fault)
            captions = aligned(answer.value.get("captions"), len(items))
            if captions is not None:
                return captions, ""
        return None, "answers with other ids than asked for"


def aligned(entries: Any, n: int) -> list[str] | None:
    """The captions of records 1 to n in order; None unless each is there exactly once."""
    if not isinstance(entries, list):
        return None
    found: dict[int, str] = {}
    for entry in entries:
        if not isinstance(entry, dict):
            return None
        number, caption = entry.get("id"), entry.get("caption")
        if isinstance(number, str) and number.strip().isdigit():
            number = int(number)
        good = isinstance(number, int) and not isinstance(number, bool) and number not in found
        if not good or not isinstance(caption, str) or not caption.strip():
            return None
        found[number] = " ".join(caption.split())
    return [found[i] for i in range(1, n + 1)] if set(found) == set(range(1, n + 1)) else None


def shown(item: Item, number: int) -> dict[str, Any]:
    """What a model is shown of an item: plain text, under a number of its own."""
    row: dict[str, Any] = {"id": number}
    if ORDERED in item.notes:
        return row | {"events": json.loads(item.notes[ORDERED])}
    for name in ("title", "description"):
        if text := item.notes.get(name):
            row[name] = text[:MOST_CHARACTERS]
    if tags := item.notes.get("tags"):
        row["tags"] = [tag.strip() for tag in tags.split(",")][:30]
    return row


def batches_by_source(items: Sequence[Item], most: int) -> list[list[Item]]:
    """Items of one source together, in order, at most so many a batch."""
    by_source: dict[str, list[Item]] = {}
    for item in items:
        by_source.setdefault(source_of(item), []).append(item)
    return [
        group[start : start + most]
        for group in by_source.values()
        for start in range(0, len(group), most)
    ]


@cache
def _word_lists() -> str:
    """A digest of all that the rules read."""
    folder = resources.files("earshot.text") / "web_words"
    texts = {path.name: path.read_text("utf-8") for path in folder.iterdir()
             if path.name.endswith(".txt")}  # fmt: skip
    return fingerprint(texts)
