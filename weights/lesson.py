"""The losses: ears alone, reading alone, then hearing what was read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from distil import Lessons, Student, distance
from earshot.core.seed import generator
from earshot.models.two_tower import TwoTower
from mixing import Mixer, Mixes
from phrases import TEMPLATES, fill

SMOOTHING = 0.05
CONTENT = 0.3  # weight of what is in a scene beside its order


class Ears(nn.Module):
    """The audio tower alone, drawn to an anchor for every concept: no words yet.

    Hearing takes the most steps; without the text beside it each costs less and teaches more.
    """

    def __init__(self, model: TwoTower, n_concepts: int):
        super().__init__()
        self.encoder, self.projection = model.audio_encoder, model.audio_projection
        self.concept = nn.Parameter(torch.randn(n_concepts, model.text_projection.dim))

    def loss(self, mixes: Mixes) -> Tensor:
        """How far the sounds are from the anchors of what is in them, by its shares."""
        heard = self.encoder(mixes.log_mel, mixes.n_frames)
        with torch.autocast("cpu", enabled=False):  # cosines need more digits than bf16 has
            sounds = F.normalize(self.projection(heard.float()))
            return soft_cross_entropy(near(sounds, self.concept), smoothed(mixes.shares))


@dataclass(frozen=True)
class Page:
    """What is read in one step: names of concepts, captions of an order, the teacher's texts."""

    names: list[str]
    named: Tensor  # [names], concepts
    tellings: list[str]
    order: Tensor  # [tellings, 2], concepts first and last
    lesson: tuple[list[str], Tensor]


def page_of(mixer: Mixer, taught: Lessons, seed: int, number: int) -> Page:
    """Page `number` of a seed: the same whenever it is asked for."""
    rng = generator(seed, number, "page")
    named = rng.integers(len(mixer.concepts), size=64)
    names = [phrased(mixer, mixer.concepts[i], rng) for i in named]
    tellings, order = mixer.tellings(rng, 112)
    return Page(names, torch.from_numpy(named), tellings, order, taught.draw(rng, 48))


def phrased(mixer: Mixer, concept: str, rng: np.random.Generator) -> str:
    """A phrase for a concept in a template."""
    return fill(TEMPLATES[rng.integers(len(TEMPLATES))], mixer.phrase(concept, rng))


class Reading(nn.Module):
    """The text tower, drawn to the ears' anchors, and to anchors of what comes first and last.

    By those it learns the order of words, which its teacher hardly heeds, far sooner than from
    pairs; it goes on heeding the teacher for everything else.
    """

    def __init__(self, model: TwoTower, student: Student, concept: Tensor):
        super().__init__()
        self.encoder, self.projection = model.text_encoder, model.text_projection
        self.tokenizer, self.to_teacher = model.tokenizer, student.to_teacher
        self.register_buffer("concept", concept.detach().clone())
        self.first, self.last = (nn.Parameter(torch.randn_like(concept)) for _ in range(2))

    def loss(self, page: Page) -> Tensor:
        """Names to concepts, tellings to an order, lessons to the teacher."""
        texts, vectors = page.lesson
        read = self.encoder(*self.tokenizer([*page.names, *page.tellings]))
        answers = self.to_teacher(self.encoder(*self.tokenizer(texts)))
        with torch.autocast("cpu", enabled=False):
            rows = F.normalize(self.projection(read.float()))
            names, told = rows.split([len(page.names), len(page.tellings)])
            own = F.one_hot(page.named, len(self.concept)).float()
            return (
                soft_cross_entropy(near(names, self.concept), smoothed(own))
                + order_loss(told, page.order, self.first, self.last)
                + CONTENT * content_loss(told, page.order, self.concept)
                + distance(answers, vectors)
            )


@dataclass(frozen=True)
class Heard:
    """One step of hearing: log-mels, or the steps that the convolutions made of them."""

    sounds: Tensor  # [mixes and scenes, n_mels, frames], or [mixes and scenes, steps, dim]
    n_real: Tensor  # frames, or steps
    shares: Tensor  # [mixes, concepts]
    order: Tensor  # [scenes, 2]
    captions: Tensor  # [scenes, dim], unit rows of the captions
    wrong: Tensor  # [scenes, dim], and of the wrong ones


class Hearing(nn.Module):
    """The audio tower, drawn to what the text tower, which rests, says of the same sounds.

    With `alone` only what follows the convolutions learns, from steps that were worked out once.
    """

    def __init__(self, model: TwoTower, reading: Reading, names: Tensor, *, alone: bool):
        super().__init__()
        self.encoder, self.projection = model.audio_encoder, model.audio_projection
        self.logit_scale, self.alone = model.logit_scale, alone
        for name, table in (
            ("concept", reading.concept), ("first", reading.first), ("last", reading.last),
            ("names", names),
        ):  # fmt: skip
            self.register_buffer(name, table.detach().clone())
        for parameter in [*self.encoder.stages.parameters(), *self.encoder.squeeze.parameters()]:
            parameter.requires_grad_(not alone)

    def loss(self, heard: Heard) -> Tensor:
        """Mixes to concepts and their names, scenes to orders and captions."""
        n_mixes = len(heard.shares)
        if self.alone:
            padding = torch.arange(heard.sounds.shape[1])[None] >= heard.n_real[:, None]
            hidden = self.encoder.pooled(heard.sounds.float(), padding)
        else:
            hidden = self.encoder(heard.sounds, heard.n_real)
        with torch.autocast("cpu", enabled=False):
            rows = F.normalize(self.projection(hidden.float()))
            mixes, scenes = rows[:n_mixes], rows[n_mixes:]
            scale = self.logit_scale.exp().clamp(max=100)
            names = self.names[torch.randint(len(self.names), ())]  # one phrasing of each concept
            told = torch.cat([heard.captions, heard.wrong])
            return (
                2 * soft_cross_entropy(near(mixes, self.concept), smoothed(heard.shares))
                + naming_loss(scale * mixes @ names.T, heard.shares)
                + order_loss(scenes, heard.order, self.first, self.last)
                + CONTENT * content_loss(scenes, heard.order, self.concept)
                + 0.5 * scene_loss(scale * scenes @ told.T)
            )


def near(rows: Tensor, anchors: Tensor) -> Tensor:
    """Cosines [rows, anchors] at a scale of 16."""
    return 16 * rows @ F.normalize(anchors.float()).T


def order_loss(rows: Tensor, order: Tensor, first: Tensor, last: Tensor) -> Tensor:
    """How far rows [n, dim] are from the anchors of order [n, 2]; -1 where nothing is said."""
    return sum(
        F.cross_entropy(near(rows, anchors), order[:, i], ignore_index=-1)
        for i, anchors in enumerate((first, last))
    )


def content_loss(rows: Tensor, order: Tensor, concept: Tensor) -> Tensor:
    """How far rows [n, dim] are from both concepts of order [n, 2], half and half."""
    said = order[:, 0] >= 0
    shares = sum(F.one_hot(order[said, i], len(concept)).float() for i in range(2)) / 2
    return soft_cross_entropy(near(rows[said], concept), smoothed(shares))


def naming_loss(logits: Tensor, shares: Tensor) -> Tensor:
    """Names for each mix by their shares in it, and mixes for each name that is in some."""
    total = shares.sum(0)
    present = total > 0
    found = soft_cross_entropy(logits.T[present], (shares / total.clamp(min=1e-6)).T[present])
    return soft_cross_entropy(logits, smoothed(shares)) + 0.5 * found


def scene_loss(turns: Tensor) -> Tensor:
    """Scenes by captions, by rows [scenes, captions and wrong ones]: each has its own.

    Each scene among all captions, each true caption among all scenes; and each scene nearer to its
    own caption than to its wrong one by a margin, at a scale three times as fine.
    """
    n_scenes = len(turns)
    own = torch.arange(n_scenes)
    right, wrong = turns[:, :n_scenes], turns[:, n_scenes:]
    apart = F.softplus(-3 * (right.diagonal() - wrong.diagonal())).mean()
    return F.cross_entropy(turns, own) + F.cross_entropy(right.T, own) + apart


def smoothed(shares: Tensor) -> Tensor:
    """Shares with a little of every column."""
    return (1 - SMOOTHING) * shares + SMOOTHING / shares.shape[1]


def soft_cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """Mean over rows of the cross-entropy to target rows that sum to 1."""
    return -(target * F.log_softmax(logits, dim=1)).sum(1).mean()
