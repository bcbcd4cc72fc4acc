"""One vector a label: the mean over a few ways of saying it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from earshot.core.errors import EarShotError
from earshot.text.clean import clean
from earshot.text.prompts import fill_prompt

if TYPE_CHECKING:
    from earshot.models.embedder import Embedder

TEMPLATES = (
    "{label}",
    "this is a sound of {label}",
    "the sound of {label}",
    "a recording of {label}",
)


def label_vectors(
    labels: Sequence[str], embedder: Embedder, templates: Sequence[str] = TEMPLATES
) -> np.ndarray:
    """Unit rows [labels, dim]; underscores in labels are read as spaces."""
    if not templates:
        raise EarShotError(
            got="no prompt", expected="at least one", mend='Write one like "a sound of {label}".'
        )
    texts = [fill_prompt(template, clean(label)) for label in labels for template in templates]
    rows = embedder.embed_texts(texts).reshape(len(labels), len(templates), -1)
    means = rows.mean(axis=1)
    return means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12)


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
