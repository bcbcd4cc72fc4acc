"""One vector a label: the mean over a few ways of saying it, plainly or as a bank describes it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from earshot.core.errors import EarShotError, unknown_name
from earshot.core.files import is_file
from earshot.text.clean import clean
from earshot.text.prompt_bank import PromptBank, read_bank, shipped_bank, shipped_banks
from earshot.text.prompt_ensemble import ensemble
from earshot.text.prompts import fill_prompt

if TYPE_CHECKING:
    from earshot.models.embedder import Embedder

TEMPLATES = (
    "{label}",
    "this is a sound of {label}",
    "the sound of {label}",
    "a recording of {label}",
)


PLAIN, DESCRIPTIVE = "plain", "descriptive"


@dataclass(frozen=True)
class BankPrompts:
    """The prompts of a bank; labels that it lacks are said by `TEMPLATES` where that is allowed."""

    bank: PromptBank
    n: int | None = None  # a label; all if none
    or_plain: bool = False

    def of(self, label: str) -> tuple[str, ...]:
        """Raises EarShotError for a label that the bank lacks, unless plain ones stand in."""
        if self.or_plain and label not in self.bank:
            return _filled(TEMPLATES, label)
        return self.bank.prompts_of(label, self.n)

    def missing(self, labels: Iterable[str]) -> list[str]:
        """The labels that the bank lacks."""
        return [label for label in labels if label not in self.bank]


Prompts = Sequence[str] | BankPrompts  # templates with {label}, or a bank


def find_prompts(how: str | Path, n: int | None = None) -> Prompts:
    """Prompts by a word of the command line: plain, descriptive, the name of a bank, or its file.

    "descriptive" are all banks that come with EarShot, with plain ones for labels that they lack.
    `n` draws so many of each label. Raises EarShotError for what is none of these.
    """
    if how == PLAIN:
        return TEMPLATES
    if how == DESCRIPTIVE:
        return BankPrompts(shipped_bank(), n, or_plain=True)
    if how in shipped_banks():
        return BankPrompts(shipped_bank(str(how)), n)
    if is_file(how):
        return BankPrompts(read_bank(Path(how)), n)
    known = (PLAIN, DESCRIPTIVE, *shipped_banks())
    raise unknown_name("prompts", str(how), known, mend="Or name a file of JSON Lines.")


def label_vectors(
    labels: Sequence[str], embedder: Embedder, prompts: Prompts = TEMPLATES
) -> np.ndarray:
    """Unit rows [labels, dim]: the mean of the unit vectors of each label's prompts, renormalised.

    Underscores in labels are read as spaces.
    """
    return ensemble(embedder.embed_texts, [prompts_of(label, prompts) for label in labels])


def prompts_of(label: str, prompts: Prompts = TEMPLATES) -> tuple[str, ...]:
    """What is said of a label."""
    return prompts.of(label) if isinstance(prompts, BankPrompts) else _filled(prompts, label)


def name_of_prompts(prompts: Prompts) -> list[str]:
    """The templates, or the bank's name, for reports."""
    if isinstance(prompts, BankPrompts):
        return [
            prompts.bank.name if prompts.n is None else f"{prompts.bank.name}, {prompts.n} each"
        ]
    return list(prompts)


def _filled(templates: Sequence[str], label: str) -> tuple[str, ...]:
    return tuple(fill_prompt(template, clean(label)) for template in templates)


def check_labels(labels: Iterable[str]) -> list[str]:
    """The labels as given, without blanks around them; doubles and empty ones are refused."""
    found = [label.strip() for label in labels]
    if not found or not all(clean(label).strip() for label in found):
        raise EarShotError(
            got="an empty label" if found else "no labels",
            expected="names of sounds",
            mend="Write them like: --labels dog,rain,siren.",
        )
    if len(set(found)) < len(found):
        double = next(label for label in found if found.count(label) > 1)
        raise EarShotError(
            got=f"the label {double!r} twice", expected="each label once", mend="Drop one of them."
        )
    return found
