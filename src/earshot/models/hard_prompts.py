"""Hard prompts: words for what a query is close to, names of sounds or captions alike."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from earshot.core.errors import EarShotError
from earshot.core.files import write_text
from earshot.text.prompts import fill_prompt


@dataclass(frozen=True)
class HardPromptConfig:
    """What a prompt names, and how it goes wrong in training as retrieval does at inference."""

    n_events: int = 4  # names of sounds; 0: none
    event_prompt: str = "{label}"  # how names are read by the text tower
    error_rate: float = 0.15  # of names that are left out or another's, in training
    n_similar: int = 0  # captions alike; 0: none (DRCap: 3)
    similar_from: float = 0.75  # cosines of captions that are taken in training,
    similar_to: float = 0.85  # so that neither the text itself nor its copies are

    def __post_init__(self) -> None:
        fill_prompt(self.event_prompt, "")  # refuses one without {label}
        for wrong, got, expected in (
            (min(self.n_events, self.n_similar) < 0,
             f"n_events={self.n_events}, n_similar={self.n_similar}", "0 or more"),
            (not 0 <= self.error_rate < 1, f"error_rate={self.error_rate:g}", "0 to below 1"),
            (self.similar_from >= self.similar_to,
             f"similar_from={self.similar_from:g}, similar_to={self.similar_to:g}",
             "the first below the second"),
        ):  # fmt: skip
            if wrong:
                raise EarShotError(got=got, expected=expected, mend="Change that field.")

    @classmethod
    def none(cls) -> HardPromptConfig:
        """No prompt."""
        return cls(n_events=0)

    @property
    def is_none(self) -> bool:
        """Whether nothing is named."""
        return not self.n_events and not self.n_similar


@dataclass(frozen=True, eq=False)
class TextBank:
    """Texts with their unit embeddings [texts, dim]."""

    texts: tuple[str, ...]
    embeddings: Tensor

    def closest(self, queries: Tensor, n: int) -> Tensor:
        """Places of the `n` closest texts of queries [batch, dim], [batch, n]; ties by place."""
        n = min(n, len(self.texts))
        cosines = queries.float() @ self.embeddings.to(queries).float().T
        return cosines.argsort(dim=1, descending=True, stable=True)[:, :n]

    def save(self, folder: Path, name: str) -> None:
        """Write both into `folder`, for `load`."""
        from safetensors.torch import save

        folder.mkdir(parents=True, exist_ok=True)
        data = save({"embeddings": self.embeddings.cpu().contiguous()})
        (folder / f"{name}.safetensors").write_bytes(data)
        write_text(folder / f"{name}.json", json.dumps(list(self.texts)) + "\n")

    @classmethod
    def load(cls, folder: Path, name: str) -> TextBank:
        """The bank that `save` wrote."""
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            texts = json.loads((folder / f"{name}.json").read_text("utf-8"))
            embeddings = load_file(folder / f"{name}.safetensors")["embeddings"]
            if not isinstance(texts, list) or len(texts) != len(embeddings):
                raise ValueError(f"{len(embeddings)} embeddings for other texts")
        except (OSError, ValueError, KeyError, SafetensorError) as fault:
            raise EarShotError(
                got=f"{folder / name}: {str(fault).partition(chr(10))[0]}",
                expected=f"{name}.json and {name}.safetensors as the run wrote them",
                mend="Copy the run's folder again.",
            ) from fault
        return cls(tuple(map(str, texts)), embeddings)


def prompt_text(events: Sequence[str], similar: Sequence[str]) -> str:
    """The sentence that names them: "There are dog bark, rain in the audio."."""
    parts = []
    if events:
        parts.append(f"There are {', '.join(events)} in the audio.")
    if similar:
        parts.append(f"Similar captions: {'; '.join(similar)}.")
    return " ".join(parts)


def first_alias(name: str) -> str:
    """The first of several names, in lower case: "Male speech, man speaking" -> "male speech"."""
    return " ".join(name.split(",")[0].split("(")[0].lower().split())


def with_errors(
    places: Sequence[int], n_texts: int, rate: float, rng: np.random.Generator
) -> list[int]:
    """The places with mistakes: of those drawn at `rate` half are left out, half are others."""
    kept = []
    for place in places:
        if rng.random() >= rate:
            kept.append(place)
        elif rng.random() < 0.5:
            kept.append(int(rng.integers(n_texts)))
    return list(dict.fromkeys(kept))


def alike_in_training(
    bank: TextBank, queries: Tensor, n: int, from_cosine: float, to_cosine: float
) -> Tensor:
    """Places [batch, n] of texts whose cosine lies in the range, else of the closest below it."""
    cosines = queries.float() @ bank.embeddings.to(queries).float().T
    below = cosines.masked_fill(cosines >= to_cosine, -torch.inf)
    inside = below >= from_cosine
    # those inside first, the closest of each; texts past the range come last of all
    order = (below + 10.0 * inside).argsort(dim=1, descending=True, stable=True)
    return order[:, : min(n, len(bank.texts))]
