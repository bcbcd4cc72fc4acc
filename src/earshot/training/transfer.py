"""What an encoder is worth to a new task with few labelled clips: train a head on it, or all."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from earshot.audio import AudioError
from earshot.core.errors import EarShotError
from earshot.core.seed import generator, seed_all
from earshot.data import Batch, BatchLoader, Clip, ClipSet
from earshot.metrics import accuracy, balanced_accuracy
from earshot.training.fit import FitConfig, FitResult, LossOf, fit
from earshot.training.processes import this_process

AT_ONCE = 64  # clips, where all of a set are heard
Mode = Literal["scratch", "fine_tune", "frozen"]


class Fit(Protocol):
    """`training.fit.fit` into a folder of its own, or RecipeRun.fit under a stage's name."""

    def __call__(  # noqa: D102
        self,
        model: nn.Module,
        loss_of: LossOf,
        batches: Callable[[int], Iterator[Any]],
        settings: FitConfig,
        /,
    ) -> FitResult: ...


@dataclass(frozen=True)
class TransferConfig:
    """How a new task is learnt."""

    mode: Mode = "fine_tune"  # scratch: as fine_tune, of an encoder that was taught nothing
    fit: FitConfig = field(default_factory=lambda: FitConfig(learning_rate=1e-4))
    batch_size: int = 32  # clips
    hidden_dims: tuple[int, ...] = ()  # widths of layers with ReLU before the last one
    dropout: float = 0.0  # before the head
    label_smoothing: float = 0.0

    def __post_init__(self) -> None:
        if self.mode not in ("scratch", "fine_tune", "frozen"):
            raise EarShotError(
                got=f"mode={self.mode!r}",
                expected="scratch, fine_tune or frozen",
                mend="Pick one of these.",
            )
        if self.batch_size < 2 or not 0 <= self.dropout < 1:
            raise EarShotError(
                got=f"batch_size={self.batch_size} with dropout={self.dropout:g}",
                expected="at least 2 clips, and a dropout from 0 to below 1",
                mend="Change that field.",
            )


@dataclass(frozen=True)
class Transferred:
    """What was learnt: the model, and its answers to the test clips."""

    model: Classifier
    figures: dict[str, float]  # accuracy, balanced_accuracy, chance
    logits: np.ndarray  # [clips, labels]
    faults: tuple[str, ...] = ()  # of clips that could not be read


class Classifier(nn.Module):
    """An encoder of sound, and a head over its clip vectors.

    `encoder.audio_hidden(waveform, n_samples)` gives these, [batch, dim]. They come to the head
    standardised by `mean` and `spread` [dim], which a head over a frozen encoder takes from its
    training clips, so that no unit of the encoder is louder to it than another.
    """

    mean: Tensor
    spread: Tensor

    def __init__(
        self,
        encoder: Any,
        dim: int,
        n_labels: int,
        *,
        hidden_dims: tuple[int, ...] = (),
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.register_buffer("mean", torch.zeros(dim))
        self.register_buffer("spread", torch.ones(dim))
        layers: list[nn.Module] = [nn.Dropout(dropout)]
        for width in hidden_dims:
            layers += [nn.Linear(dim, width), nn.ReLU()]
            dim = width
        self.head = nn.Sequential(*layers, nn.Linear(dim, n_labels))

    @property
    def sample_rate(self) -> int:
        """Hz, the encoder's."""
        return int(self.encoder.sample_rate)

    def forward(self, waveform: Tensor, n_samples: Tensor) -> Tensor:
        """Logits [batch, labels]."""
        return self.answer(self.encoder.audio_hidden(waveform, n_samples))

    def answer(self, vectors: Tensor) -> Tensor:
        """Logits [batch, labels] of clip vectors [batch, dim]."""
        return self.head((vectors - self.mean) / self.spread)


def transfer(
    encoder: Any,
    train: ClipSet,
    test: ClipSet,
    config: TransferConfig,
    out: Path,
    *,
    seed: int = 0,
    resume: bool = False,
    run_fit: Fit | None = None,
) -> Transferred:
    """Learn the labels of `train` over `encoder`, a SoundEncoder, and answer for those of `test`.

    Every clip has one label, of `train.labels`. "frozen" trains the head alone on the vectors that
    the encoder gives in eval mode; "fine_tune" and "scratch" train all of it, and differ in what
    they are handed. Clips longer than the encoder's window are cropped, at random to train on and
    at their start to be tested on. `encoder` itself is left as it was where it is frozen, and holds
    what was learnt where it is not. `run_fit` trains in the place of `fit` in the folder `out`: a
    recipe hands in its own run's.

    Raises EarShotError for clips with none or several labels, and for a test label never learnt.
    """
    _check(train, test)
    seed_all(seed)
    device = next(encoder.parameters()).device
    model = Classifier(
        encoder,
        encoder.audio_encoder.dim,
        len(train.labels),
        hidden_dims=config.hidden_dims,
        dropout=config.dropout,
    ).to(device)
    learn = run_fit or partial(fit, out=out, resume=resume)
    smooth = config.label_smoothing
    if config.mode == "frozen":
        vectors, target, _ = _heard(encoder, train)
        with torch.no_grad():
            model.mean.copy_(vectors.mean(0))
            model.spread.copy_(vectors.std(0, correction=0).clamp(min=1e-6))
        head = _Head(model)

        def head_loss(batch: tuple[Tensor, Tensor]) -> Tensor:
            rows, truth = batch
            return F.cross_entropy(model.answer(rows), truth, label_smoothing=smooth)

        rows = _Rows(vectors, target, min(config.batch_size, len(vectors)), seed)
        learn(head, head_loss, rows.batches, config.fit)
    else:

        def loss_of(batch: Batch) -> Tensor:
            assert batch.target is not None
            logits = model(batch.waveform, batch.n_samples)
            return F.cross_entropy(logits, batch.target, label_smoothing=smooth)

        place = this_process()
        loader = BatchLoader(
            train,
            batch_size=min(config.batch_size, len(train)),
            sample_rate=encoder.sample_rate,
            max_s=encoder.window_s,
            seed=seed,
            bucket=False,
            rank=place.rank,
            world=place.world,
        )
        learn(model, loss_of, loader.batches, config.fit)
    return _answer(model, test)


def few_of_each(clips: ClipSet, n: int, seed: int) -> ClipSet:
    """At most `n` clips of every label, drawn by `seed`; more of them hold the fewer."""
    order = generator(seed, "few of each").permutation(len(clips))
    taken: dict[str, int] = {}
    kept = set()
    for index in order:
        label = clips[int(index)].labels[0]
        if taken.get(label, 0) < n:
            taken[label] = taken.get(label, 0) + 1
            kept.add(int(index))
    part = [clip for index, clip in enumerate(clips) if index in kept]
    return ClipSet(part, name=clips.name, labels=clips.labels)


class _Head(nn.Module):
    """The head as all that is trained: the frozen encoder's weights are no part of a checkpoint."""

    def __init__(self, model: Classifier) -> None:
        super().__init__()
        self.head = model.head


class _Rows:
    """Endless batches of vectors with their labels, a function of the seed and the step."""

    def __init__(self, vectors: Tensor, target: Tensor, batch_size: int, seed: int) -> None:
        self.vectors, self.target, self.batch_size, self.seed = vectors, target, batch_size, seed

    def batches(self, start_step: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        rank, world = this_process()
        n_steps = max(1, len(self.vectors) // self.batch_size)
        for step in itertools.count(start_step):
            epoch, place = divmod(step, n_steps)
            order = generator(self.seed, "rows", epoch).permutation(len(self.vectors))
            batch = order[place * self.batch_size : (place + 1) * self.batch_size]
            rows = torch.from_numpy(np.array_split(batch, world)[rank])
            yield self.vectors[rows], self.target[rows]


def _heard(encoder: Any, clips: ClipSet) -> tuple[Tensor, Tensor, list[str]]:
    """Clip vectors and labels of every clip that can be read, on the CPU, and the faults."""
    was_training = encoder.training
    encoder.eval()
    device = next(encoder.parameters()).device
    vectors, target, faults = [], [], []
    with torch.no_grad():
        for start in range(0, len(clips), AT_ONCE):
            sounds, labels = [], []
            for clip in clips[start : start + AT_ONCE]:
                try:
                    sound = clip.read(sample_rate=encoder.sample_rate, duration_s=encoder.window_s)
                except AudioError as fault:
                    faults.append(f"{clip.id}: {fault}")
                    continue
                sounds.append(torch.from_numpy(sound.waveform))
                labels.append(clips.labels.index(clip.labels[0]))
            if sounds:
                n_samples = torch.tensor([len(sound) for sound in sounds])
                waveform = pad_sequence(sounds, batch_first=True)  # [batch, samples]
                vectors.append(encoder.audio_hidden(waveform.to(device), n_samples.to(device)))
                target += labels
    encoder.train(was_training)
    if not vectors:
        raise EarShotError(
            got=f"{len(clips)} clips, none of which can be read",
            expected="sounds",
            mend=f"The first fault: {faults[0]}",
        )
    return torch.cat(vectors).cpu(), torch.tensor(target), faults


def _answer(model: Classifier, test: ClipSet) -> Transferred:
    model.head.eval()
    vectors, target, faults = _heard(model.encoder, test)
    with torch.no_grad():
        logits = model.answer(vectors.to(model.mean.device)).cpu().numpy()
    present = sorted(set(target.tolist()))
    figures = {
        "accuracy": accuracy(logits, target.numpy()),
        "balanced_accuracy": balanced_accuracy(logits, target.numpy()),
        "chance": 1 / len(present),
    }
    return Transferred(model, figures, logits, tuple(faults))


def _check(train: ClipSet, test: ClipSet) -> None:
    def several(clip: Clip) -> bool:
        return len(clip.labels) != 1

    wrong = [clip for clip in (*train, *test) if several(clip)]
    if wrong:
        raise EarShotError(
            got=f"{wrong[0].id} with {len(wrong[0].labels)} labels",
            expected="one label for every clip",
            mend="Leave such clips out, or train a tagger on them: earshot run panns.",
        )
    known = {clip.labels[0] for clip in train}
    new = sorted({clip.labels[0] for clip in test} - known)
    if new or len(known) < 2:
        raise EarShotError(
            got=f"{len(known)} labels to learn" + (f", {new[0]!r} not among them" if new else ""),
            expected="two or more, and all those of the test",
            mend="Give every label of the test some training clips.",
        )
