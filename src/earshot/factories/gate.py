"""A gate that listens: a caption passes that fits its sound at least as well as the labels do."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from earshot.core.errors import EarShotError
from earshot.core.fingerprint import fingerprint
from earshot.factories.item import Item
from earshot.factories.sounds import read_sound
from earshot.factories.write import Draft, Writer, written
from earshot.llm.usage import Usage
from earshot.models.embedder import Embedder

NAME = "gate"
Equalise = Literal["released", "spaced", "none"]
EQUALISE = ("released", "spaced", "none")
_PUNCTUATION = re.compile(f"[{re.escape(string.punctuation)}]")


class Scorer(Protocol):
    """What the gate hears and reads with."""

    @property
    def identity(self) -> str:
        """Digest of the model."""

    def hear(self, item: Item) -> NDArray[np.float32]:
        """The item's sound as a unit vector [dim]. Raises EarShotError where it cannot be used."""

    def read(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Texts as unit rows [texts, dim]."""


class ClapScorer:
    """A model of sound and words, such as LAION-CLAP or earshot-small."""

    def __init__(self, embedder: Embedder) -> None:
        self.embedder = embedder

    @property
    def identity(self) -> str:
        """The model's fingerprint."""
        return self.embedder.fingerprint

    def hear(self, item: Item) -> NDArray[np.float32]:
        """The mean of its windows, up to a minute."""
        sound = read_sound(item, self.embedder.sample_rate)
        return np.asarray(self.embedder.embed_audio(sound).mean, np.float32)

    def read(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """As the model reads them."""
        return np.asarray(self.embedder.embed_texts(texts), np.float32)


def equalised(caption: str, label: str, how: Equalise = "released") -> tuple[str, str]:
    """Both texts with punctuation as spaces, the shorter one repeated towards the other's length.

    With n characters in the longer one, s becomes s + s * floor((n - |s|) / |s|), since models give
    longer texts higher scores. Source: arXiv:2411.18953, released code, which glues the repeats
    together; "spaced" puts a space between them, within the same length, and "none" repeats
    nothing.
    """
    texts = [_PUNCTUATION.sub(" ", text) for text in (caption, label)]
    longest = max(map(len, texts))

    def filled(text: str) -> str:
        if how == "none" or not text.strip():
            return text
        if how == "released":
            return text + text * ((longest - len(text)) // len(text))
        text = " ".join(text.split())
        return " ".join([text] * max(1, (longest + 1) // (len(text) + 1)))

    return filled(texts[0]), filled(texts[1])


@dataclass
class _Tried:
    """What is known of an item on its way through the gate."""

    item: Item
    sound: NDArray[np.float32]
    caption: str = ""
    score: float = -np.inf
    label: float = -np.inf
    tries: int = 0
    passed: bool = False
    draft: Draft | None = None  # the last, where none was a caption


class Gate:
    """Writes, and writes again while the caption fits the sound less well than the labels do.

    With c = cos(sound, caption) and l = cos(sound, labels), both texts equalised, a caption passes
    if c >= l; at most `tries` are written. Where none passes, "best" keeps the one of the highest
    c, "released" the last, as the released code does. `below` says what becomes of those: "keep"
    them with their scores, or "reject". An item without labels passes with its first caption.
    Scores: `clap_caption`, `clap_label`, `tries`. Source: arXiv:2411.18953, CLAP refinement.
    """

    name = NAME
    needs_audio = True

    def __init__(
        self,
        writer: Writer,
        scorer: Scorer,
        *,
        tries: int = 2,
        compat: Literal["best", "released"] = "best",
        below: Literal["keep", "reject"] = "keep",
        equalise: Equalise = "released",
    ) -> None:
        for name, value, known in (("compat", compat, ("best", "released")),
                                   ("below", below, ("keep", "reject")),
                                   ("equalise", equalise, EQUALISE)):  # fmt: skip
            if value not in known:
                raise EarShotError(
                    got=f"{name}={value!r}", expected=" or ".join(known), mend="Pick one."
                )
        if tries < 1:
            raise EarShotError(got=f"tries={tries}", expected="1 or more", mend="Give it one.")
        self.writer, self.scorer, self.tries = writer, scorer, tries
        self.compat, self.below, self.equalise = compat, below, equalise

    @property
    def identity(self) -> str:
        """Digest of writer, model and rules."""
        rules = [self.tries, self.compat, self.below, self.equalise]
        facts = {"writer": self.writer.identity, "scorer": self.scorer.identity, "rules": rules}
        return fingerprint(facts)

    @property
    def usage(self) -> Usage | None:
        """What the writer's calls came to."""
        return getattr(self.writer, "usage", None)

    def work(self, items: Sequence[Item]) -> Iterator[Item]:
        """As many items, in order, with the caption that was kept."""
        done: dict[int, Item] = {}
        tried: dict[int, _Tried] = {}
        for i, item in enumerate(items):
            try:
                tried[i] = _Tried(item, self.scorer.hear(item))
            except EarShotError as fault:
                done[i] = item.fail(NAME, "unreadable", str(fault))
        for take in range(self.tries):
            left = [each for each in tried.values() if not each.passed]
            if not left:
                break
            drafts = list(self.writer.drafts([each.item for each in left], take))
            self._judge(left, drafts)
        for i, each in tried.items():
            done[i] = self._finished(each)
        yield from (done[i] for i in range(len(items)))

    def _judge(self, left: Sequence[_Tried], drafts: Sequence[Draft]) -> None:
        """Score one draft of each item, and keep what is to be kept."""
        pairs: list[tuple[_Tried, str]] = []
        for each, draft in zip(left, drafts, strict=True):
            each.tries += 1
            if draft.fault:
                each.draft = draft
            else:
                pairs.append((each, draft.text))
        if not pairs:
            return
        texts = [
            text
            for each, caption in pairs
            for text in equalised(caption, _labels(each.item) or caption, self.equalise)
        ]
        rows = self.scorer.read(texts)
        for place, (each, caption) in enumerate(pairs):
            score = float(rows[2 * place] @ each.sound)
            label = float(rows[2 * place + 1] @ each.sound) if each.item.labels else -np.inf
            each.passed = score >= label
            if each.passed or self.compat == "released" or score > each.score:
                each.caption, each.score, each.label = caption, score, label

    def _finished(self, each: _Tried) -> Item:
        if not each.caption:
            assert each.draft is not None
            return written(each.item, each.draft, NAME)
        scores = {"clap_caption": each.score, "tries": float(each.tries)}
        if each.item.labels:
            scores["clap_label"] = each.label
        item = each.item.with_(caption=each.caption, scores={**each.item.scores, **scores})
        if each.passed or self.below == "keep":
            return item
        detail = f"{each.score:.3f}, and {each.label:.3f} for the labels."
        return replace(item, caption="").reject(NAME, "below_label", detail)


def _labels(item: Item) -> str:
    """The item's labels as one text."""
    return ", ".join(item.labels)
