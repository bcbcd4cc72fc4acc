"""Writers: from notes and labels to one sentence, by rule or by a language model."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from earshot.core.errors import EarShotError
from earshot.core.fingerprint import fingerprint
from earshot.factories.item import Item
from earshot.llm import LlmClient, Message, TextPart, user
from earshot.llm.client import LlmError
from earshot.llm.prompt_files import fill, read_prompt
from earshot.llm.usage import Usage
from earshot.text.stored_rewrites import clean_rewrite

NAME = "write"
MAX_WORDS = 50
NOTED = ("description", "speech", "music")
_QUOTED = re.compile(r"[\"“”]([^\"“”]*)[\"“”]")
_MACHINE = re.compile(r"[{}\[\]<>]|\blabels?\b|\bcrowd workers?\b|\bannotators?\b|\bcaption:",
                      re.IGNORECASE)  # fmt: skip


@dataclass(frozen=True)
class Draft:
    """One try at a caption: the text, or why there is none that can be used."""

    text: str
    fault: str = ""  # a sentence
    failed: bool = False  # no answer came, so that another run may do better


class Writer(Protocol):
    """Anything that writes captions. `take` numbers the draws of one item, from 0 on."""

    @property
    def identity(self) -> str:
        """Digest of all that a caption depends on beside item and take."""

    def drafts(self, items: Sequence[Item], take: int) -> Iterator[Draft]:
        """A draft for each item, in order. A writer may also have `usage`."""


class LlmWriter:
    """Asks a model for the caption, as an annotator who has crowd notes and true labels.

    Source: arXiv:2411.18953, caption generation (Mistral-7B-Instruct). Differs: instructions of our
    own; a draft is refused that is too long, says a label of several names or brackets, or quotes.
    """

    def __init__(
        self,
        client: LlmClient,
        *,
        max_words: int = MAX_WORDS,
        persona: str = "annotator_v1",
        prompt: str = "annotate_v1",
    ) -> None:
        self.client, self.max_words = client, max_words
        self._persona, self._prompt = read_prompt(persona), read_prompt(prompt)

    @property
    def identity(self) -> str:
        """Digest of prompts, model, sampling and limit."""
        facts = {"prompts": [self._persona, self._prompt], "max_words": self.max_words}
        return f"llm-{fingerprint({**facts, **self.client.config.options})}"

    @property
    def usage(self) -> Usage:
        """What its calls came to."""
        return self.client.usage

    def drafts(self, items: Sequence[Item], take: int) -> Iterator[Draft]:
        """A draft for each item, in order, several requests at a time."""
        for item, answer in zip(
            items, self.client.map(items, lambda item: self._ask(item, take)), strict=True
        ):
            if isinstance(answer, LlmError):
                yield Draft("", str(answer), failed=True)
                continue
            text = clean_rewrite(answer) or ""
            yield Draft(text, fault_of(text, item.labels, self.max_words))

    def _ask(self, item: Item, take: int) -> str:
        return self.client.ask(self.messages(item), take=take).text

    def messages(self, item: Item) -> list[Message]:
        """What is sent for an item."""
        lines = [
            f"{kind.capitalize()}: {item.notes[kind]}" for kind in NOTED if item.notes.get(kind)
        ]
        filled = fill(
            self._prompt,
            notes=" ".join(lines),
            labels=", ".join(item.labels),
            limit=str(self.max_words),
        )
        return [Message("system", (TextPart(self._persona),)), user(filled)]


def fault_of(text: str, labels: Sequence[str], max_words: int = MAX_WORDS) -> str:
    """Why a text is no caption of a clip, in a sentence; "" for one that is."""
    n_words = len(text.split())
    if not n_words:
        return "Nothing was written."
    if n_words > max_words:
        return f"{n_words} words, of at most {max_words}."
    if (found := _MACHINE.search(text)) is not None:
        return f"It says {found[0]!r}, which nobody hears."
    if any(len(said.split()) > 2 for said in _QUOTED.findall(text)):
        return "It quotes what is said."
    plain = text.lower()
    for label in labels:
        if ("," in label or "(" in label or "_" in label) and label.lower() in plain:
            return f"It prints the label {label!r}."
    return ""


class WriteStage:
    """A stage that writes each item's caption: the first of `tries` drafts that is one."""

    name = NAME

    def __init__(self, writer: Writer, *, tries: int = 2) -> None:
        if tries < 1:
            raise EarShotError(got=f"tries={tries}", expected="1 or more", mend="Give it one.")
        self.writer, self.tries = writer, tries

    @property
    def identity(self) -> str:
        """Digest of the writer and of how often it may try."""
        return fingerprint({"writer": self.writer.identity, "tries": self.tries})

    @property
    def usage(self) -> Usage | None:
        """What its calls came to."""
        return getattr(self.writer, "usage", None)

    def work(self, items: Sequence[Item]) -> Iterator[Item]:
        """As many items, in order, with a caption or a reason."""
        done: dict[int, Item] = {}
        waiting = list(range(len(items)))
        for take in range(self.tries):
            drafts = self.writer.drafts([items[i] for i in waiting], take)
            for i, draft in zip(waiting, drafts, strict=True):
                done[i] = written(items[i], draft)
            waiting = [i for i in waiting if done[i].rejected is not None]
            if not waiting:
                break
        yield from (done[i] for i in range(len(items)))


def written(item: Item, draft: Draft, stage: str = NAME) -> Item:
    """The item with the draft as its caption, or with the reason why it is none."""
    if not draft.fault:
        return item.with_(caption=draft.text)
    if draft.failed:
        return item.fail(stage, "no_answer", draft.fault)
    return item.reject(stage, "no_caption", draft.fault)
