"""Prompts made in two stages: what a label sounds like, then captions that have that sound."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from earshot.core.errors import EarShotError
from earshot.text.lexicon import Lexicon
from earshot.text.prompt_bank import BankEntry, PromptBank

FRAMES = (  # {label} its name, {like} what it is like, {where} a scene
    "{label}, {like}",
    "{label} with {like}",
    "{label}: {like}, {where}",
    "{like}, as of {label}, {where}",
)
SCENES = (
    "close by", "in the distance", "in a quiet room", "outdoors", "in the background",
    "in the street", "in a large hall", "in the open air", "at home", "on an old recording",
)  # fmt: skip


class Prompter(Protocol):
    """Something that answers the two questions of prompt augmentation: rules, or a model."""

    def describe(self, label: str) -> Sequence[str]:
        """Stage 1: different descriptions of what the label sounds like; none if it cannot."""

    def compose(self, label: str, description: str) -> Sequence[str]:
        """Stage 2: captions of scenes with that sound that agree with the description."""


def augment_prompts(
    labels: Sequence[str],
    prompter: Prompter,
    *,
    name: str = "prompts",
    about: str = "",
    also: Mapping[str, Sequence[str]] | None = None,
) -> PromptBank:
    """A bank of all captions that `prompter` composes, each once.

    Raises EarShotError for labels that it cannot describe, naming them all. Source:
    arXiv:2409.09213, prompt augmentation: 5 descriptions of 10 captions each, by GPT-4o.
    """
    entries, unknown = [], []
    for label in labels:
        told = [text for each in prompter.describe(label) for text in prompter.compose(label, each)]
        if not told:
            unknown.append(label)
            continue
        names = tuple(dict.fromkeys((also or {}).get(label, ())))
        entries.append(BankEntry(label, tuple(dict.fromkeys(told)), names))
    if unknown:
        raise EarShotError(
            got=f"no description of {', '.join(unknown[:10])}"
            + (f" and {len(unknown) - 10} more" if len(unknown) > 10 else ""),
            expected="labels that the lexicon knows",
            mend="Name them otherwise, or let a language model describe them.",
        )
    return PromptBank(tuple(entries), name, about)


class RulePrompter:
    """Descriptions from a lexicon, captions from frames and scenes: offline, always the same.

    The label's name stays in every prompt: descriptions of neighbouring labels may collide.
    """

    def __init__(self, lexicon: Lexicon) -> None:
        self.lexicon = lexicon

    def describe(self, label: str) -> Sequence[str]:
        """The lexicon's."""
        found = self.lexicon.of(label)
        return () if found is None else found.like

    def compose(self, label: str, description: str) -> Sequence[str]:
        """One caption a frame; the scenes go round with label and description."""
        name = " ".join(label.replace("_", " ").split()).lower()
        turn = sum(map(ord, name + description))
        return [
            frame.format(label=name, like=description, where=SCENES[(turn + i) % len(SCENES)])
            for i, frame in enumerate(FRAMES)
        ]
