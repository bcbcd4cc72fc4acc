"""Bridges over the gap between the texts and the sounds of one space.

A decoder that was taught by embeddings of texts is handed embeddings of sounds, which lie elsewhere
in the space. A bridge moves texts in training, sounds at inference, or both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from earshot.core.errors import EarShotError

BLOCK = 1_024  # rows of a similarity matrix that are held at once


class GapBridge:
    """The bridge that moves nothing; others move one side.

    Embeddings [batch, dim] are unit rows before and after.
    """

    def train_text(self, embeddings: Tensor, rows: Tensor, generator: torch.Generator) -> Tensor:
        """What stands for texts in training; rows [batch]: their places in the corpus."""
        return embeddings

    def infer_audio(self, embeddings: Tensor) -> Tensor:
        """What stands for sounds at inference."""
        return embeddings


class Noise(GapBridge):
    """Texts with Gaussian noise of `variance` a dimension, brought back to unit length."""

    def __init__(self, variance: float) -> None:
        self.variance = variance

    def train_text(self, embeddings: Tensor, rows: Tensor, generator: torch.Generator) -> Tensor:
        """norm(e + n), n from N(0, variance)."""
        noise = torch.randn(embeddings.shape, generator=generator) * self.variance**0.5
        return F.normalize(embeddings + noise.to(embeddings))


class Replacement(GapBridge):
    """Some texts in the place of which a neighbour of theirs stands; what is to be said stays."""

    def __init__(self, corpus: Tensor, neighbours: Tensor, probability: float) -> None:
        self.corpus, self.neighbours, self.probability = corpus, neighbours, probability

    def train_text(self, embeddings: Tensor, rows: Tensor, generator: torch.Generator) -> Tensor:
        """A neighbour drawn evenly, with the probability given; embeddings themselves else."""
        which = torch.randint(self.neighbours.shape[1], (len(rows), 1), generator=generator)
        taken = torch.rand(len(rows), generator=generator) < self.probability
        other = self.corpus[self.neighbours[rows].gather(1, which)[:, 0]]
        return torch.where(taken[:, None].to(embeddings.device), other.to(embeddings), embeddings)


class Offset(GapBridge):
    """Texts moved by the mean way from texts to sounds. Source: github.com/zelaki/wsac."""

    def __init__(self, gap: Tensor) -> None:
        self.gap = gap

    def train_text(self, embeddings: Tensor, rows: Tensor, generator: torch.Generator) -> Tensor:
        """norm(e + gap)."""
        return F.normalize(embeddings + self.gap.to(embeddings))


class Projection(GapBridge):
    """Sounds told anew as a mean of texts, by how close these are. Source: arXiv:2410.09472."""

    def __init__(self, bank: Tensor, temperature: float = 0.07) -> None:
        self.bank, self.temperature = bank, temperature

    def infer_audio(self, embeddings: Tensor) -> Tensor:
        """norm(sum of softmax(e . t / temperature) t) over texts t of the bank."""
        bank = self.bank.to(embeddings)
        weights = (embeddings @ bank.T / self.temperature).softmax(-1)  # [batch, bank]
        return F.normalize(weights @ bank)


class Nearest(GapBridge):
    """The closest text in the place of a sound: a projection at temperature 0."""

    def __init__(self, bank: Tensor) -> None:
        self.bank = bank

    def infer_audio(self, embeddings: Tensor) -> Tensor:
        """The bank's row of the greatest cosine; of equal ones the first."""
        bank = self.bank.to(embeddings)
        return bank[(embeddings @ bank.T).argmax(1)]


class Bridges(GapBridge):
    """Several in turn."""

    def __init__(self, parts: Sequence[GapBridge]) -> None:
        self.parts = tuple(parts)

    def train_text(self, embeddings: Tensor, rows: Tensor, generator: torch.Generator) -> Tensor:
        """Through all parts, the first one first."""
        for part in self.parts:
            embeddings = part.train_text(embeddings, rows, generator)
        return embeddings

    def infer_audio(self, embeddings: Tensor) -> Tensor:
        """Through all parts, the first one first."""
        for part in self.parts:
            embeddings = part.infer_audio(embeddings)
        return embeddings


@dataclass(frozen=True)
class GapBridgeConfig:
    """What a bridge is made of; 0 leaves a part out."""

    replacement: float = 0.5  # probability that a neighbour stands for a text in training
    n_neighbours: int = 5
    noise: float = 0.015  # variance a dimension, of unit vectors
    offset: bool = False  # texts are moved by the mean gap in training
    sounds: Literal["as they are", "projection", "nearest"] = "as they are"  # at inference
    temperature: float = 0.07  # of a projection

    def __post_init__(self) -> None:
        for wrong, got, expected in (
            (not 0 <= self.replacement <= 1, f"replacement={self.replacement:g}", "0 to 1"),
            (self.n_neighbours < 1, f"n_neighbours={self.n_neighbours}", "at least 1"),
            (self.noise < 0, f"noise={self.noise:g}", "a variance of 0 or more"),
            (self.temperature <= 0, f"temperature={self.temperature:g}", "above 0"),
        ):
            if wrong:
                raise EarShotError(got=got, expected=expected, mend="Change that field.")

    @classmethod
    def none(cls) -> GapBridgeConfig:
        """No bridge: texts and sounds as they are."""
        return cls(replacement=0.0, noise=0.0)


def training_bridge(config: GapBridgeConfig, corpus: Tensor, gap: Tensor | None) -> GapBridge:
    """What moves the texts of `corpus` [texts, dim]; `gap` [dim] is what an offset moves them by.

    Neighbours are looked up here, once.
    """
    parts: list[GapBridge] = []
    if config.replacement and len(corpus) > 1:
        neighbours = neighbours_of(corpus, config.n_neighbours)
        parts.append(Replacement(corpus, neighbours, config.replacement))
    if config.offset:
        if gap is None:
            raise EarShotError(
                got="an offset without sounds to measure the gap by",
                expected="some sounds, which need no captions",
                mend="Set sounds to a folder or a manifest of sounds, or bridge.offset=false.",
            )
        parts.append(Offset(gap))
    if config.noise:
        parts.append(Noise(config.noise))
    return Bridges(parts)


def inference_bridge(config: GapBridgeConfig, bank: Tensor | None) -> GapBridge:
    """What moves sounds; `bank` [texts, dim] is what a projection tells them by."""
    if config.sounds == "as they are":
        return GapBridge()
    if bank is None:
        raise EarShotError(
            got=f"sounds told by {config.sounds} without a bank of texts",
            expected="embeddings of captions",
            mend="Copy the run's folder again, with its bank.",
        )
    return Nearest(bank) if config.sounds == "nearest" else Projection(bank, config.temperature)


def neighbours_of(corpus: Tensor, n: int) -> Tensor:
    """Places of each row's `n` closest other rows, [rows, n], the closest first.

    A row is never its own neighbour. Other captions of the same clip may be, and should.
    """
    n = min(n, len(corpus) - 1)
    found = []
    for start in range(0, len(corpus), BLOCK):
        block = corpus[start : start + BLOCK]
        cosines = block @ corpus.T  # [block, rows]
        own = torch.arange(len(block))
        cosines[own, start + own] = -torch.inf
        found.append(cosines.topk(n, dim=1).indices)
    return torch.cat(found)


def mean_gap(texts: Tensor, sounds: Tensor) -> Tensor:
    """The way from the mean text to the mean sound, [dim]; they need not be pairs."""
    return sounds.mean(0) - texts.mean(0)
