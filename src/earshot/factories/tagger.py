"""Names for a sound, as far as a model of sound and words is sure of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from earshot.core.errors import EarShotError
from earshot.core.fingerprint import fingerprint
from earshot.models.embedder import Embedder
from earshot.text.everyday import everyday_sounds
from earshot.text.lexicon import stem
from earshot.text.prompt_ensemble import ensemble
from earshot.text.prompts import fill_prompt

TEMPLATES = ("{label}", "this is a sound of {label}", "the sound of {label}",
             "a recording of {label}")  # fmt: skip
LIKELY, ALSO = 0.3, 0.15  # shares of the probability that a first and a further name must have
N_NAMES = 3  # at most
_WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True)
class Named:
    """A label and its share of the probability over all labels, its kin's shares added."""

    label: str
    share: float


class Tagger:
    """The few labels that fit a sound; none where nothing stands out.

    Shares are the softmax over all labels of the model's scale times the cosine. Labels with a word
    in common ("rain", "heavy rain on a roof") are kin: the best of them is named for all.
    """

    def __init__(self, embedder: Embedder, labels: Sequence[str] | None = None) -> None:
        self.embedder = embedder
        self.labels = tuple(everyday_sounds() if labels is None else dict.fromkeys(labels))
        if len(self.labels) < 2:
            raise EarShotError(
                got=f"{len(self.labels)} labels to choose from",
                expected="two or more",
                mend="Leave labels out for everyday sounds.",
            )
        prompts = [[fill_prompt(each, label) for each in TEMPLATES] for label in self.labels]
        self._vectors = ensemble(embedder.embed_texts, prompts)  # [labels, dim]
        self._stems = [{stem(word) for word in _WORD.findall(label)} for label in self.labels]

    @property
    def identity(self) -> str:
        """Digest of model, labels and thresholds."""
        facts = {"model": self.embedder.fingerprint, "labels": self.labels, "version": 1}
        return fingerprint({**facts, "least": (LIKELY, ALSO, N_NAMES)})

    def names(self, sound: NDArray[np.float32]) -> list[Named]:
        """At most three labels of a unit vector [dim], surest first."""
        logits = self.embedder.scale * (self._vectors @ sound).astype(np.float64)
        shares = np.exp(logits - logits.max())
        shares /= shares.sum()
        found: list[Named] = []
        taken: list[set[str]] = []
        for place in np.argsort(-shares, kind="stable")[:20]:
            own = self._stems[place]
            kin = next((i for i, stems in enumerate(taken) if stems & own), None)
            if kin is None:
                found.append(Named(self.labels[place], float(shares[place])))
                taken.append(set(own))
            else:
                found[kin] = Named(found[kin].label, found[kin].share + float(shares[place]))
        ranked = sorted(found, key=lambda named: -named.share)
        sure = [named for i, named in enumerate(ranked) if named.share >= (ALSO if i else LIKELY)]
        return sure[:N_NAMES] if ranked[0].share >= LIKELY else []
