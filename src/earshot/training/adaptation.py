"""The stages that bring a speech model to a new language, each of which may be run alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from earshot.core.errors import EarShotError
from earshot.metrics.edits import error_rate
from earshot.models.pretraining.wav2vec2 import Wav2Vec2Pretraining
from earshot.models.recognizer import Recognizer
from earshot.objectives.ctc import ctc_greedy, ctc_loss
from earshot.text.vocabulary import UNKNOWN, Vocabulary
from earshot.training.fit import FitConfig
from earshot.training.recipe_run import RecipeRun
from earshot.training.spoken_batches import Spoken, SpokenBatch, SpokenBatches, collate_spoken

AT_ONCE = 32  # utterances that are measured together


def pretrain(
    this: RecipeRun,
    task: Wav2Vec2Pretraining,
    spoken: Sequence[Spoken],
    settings: FitConfig,
    *,
    stage: str,
    batch_size: int,
    alpha: float = 1.0,
    shares: Mapping[str, float] | None = None,
) -> None:
    """Train `task` in place on the sound of utterances, whatever was written of them.

    The Gumbel temperature falls from where the quantiser's count of updates has it. Languages are
    drawn by `alpha`, or by `shares` where given.
    """
    place = {"rank": this.rank, "world": this.world, "seed": this.config.seed}
    batches = SpokenBatches(spoken, batch_size=batch_size, alpha=alpha, shares=shares, **place)
    this.fit(
        task,
        lambda batch: task(batch.frames, batch.n_frames),
        batches.batches,
        settings,
        stage=stage,
        after_step=task.count_update,
    )


def fine_tune(
    this: RecipeRun,
    model: Recognizer,
    spoken: Sequence[Spoken],
    vocabulary: Vocabulary,
    settings: FitConfig,
    *,
    stage: str,
    batch_size: int,
    frozen: float,
    alpha: float = 1.0,
) -> None:
    """Train `model` in place to write utterances, by CTC averaged over them.

    What hears the waveform learns nothing; in the share `frozen` of the updates the map to symbols
    alone learns. The augmentations are those of the model: spec_augment, and the encoder's masks.
    """
    place = {"rank": this.rank, "world": this.world, "seed": this.config.seed}
    batches = SpokenBatches(spoken, vocabulary, batch_size=batch_size, alpha=alpha, **place)
    freeze = getattr(model.audio_encoder, "freeze_convolutions", None)
    if freeze is not None:
        freeze()
    n_frozen = round(frozen * settings.steps) * settings.accumulate

    def loss_of(batch: SpokenBatch) -> Tensor:
        log_mel = batch.frames
        if model.spec_augment is not None:
            log_mel = model.spec_augment(log_mel, batch.n_frames)
        heard = model.hear_frames(log_mel, batch.n_frames, frozen=batch.step < n_frozen)
        nats = ctc_loss(heard.logits, heard.n_positions, batch.symbols, batch.n_symbols)
        return nats.mean()

    this.fit(model, loss_of, batches.batches, settings, stage=stage)


@torch.no_grad()
def recognition_figures(
    model: Recognizer, vocabulary: Vocabulary, test: Sequence[Spoken]
) -> dict[str, float]:
    """`cer` and `wer` over all utterances together, read greedily; `accuracy` is 1 - cer.

    A character is a symbol of the vocabulary, spaces included; a word what spaces part.
    """
    model.eval()
    device = next(model.parameters()).device
    written: list[list[int]] = []
    for first in range(0, len(test), AT_ONCE):
        batch = collate_spoken(test[first : first + AT_ONCE], None).to(device)
        heard = model.hear_frames(batch.frames, batch.n_frames)
        read = ctc_greedy(heard.logits, heard.n_positions)
        written += [[each for each in ids if each > UNKNOWN] for ids in read]
    cer = error_rate(written, [vocabulary.encode(each.text) for each in test])
    texts = [vocabulary.decode(ids).split() for ids in written]
    wer = error_rate(texts, [each.text.split() for each in test])
    return {"cer": cer, "wer": wer, "accuracy": 1 - cer}


@torch.no_grad()
def task_figures(
    task: Wav2Vec2Pretraining, spoken: Sequence[Spoken], seed: int
) -> dict[str, float]:
    """How often hidden steps are told, their loss, the codes in use; masks drawn by `seed`.

    The mean over batches of utterances of like length.
    """
    was_training, device = task.training, next(task.parameters()).device
    task.eval()
    ordered = sorted(spoken, key=lambda each: each.frames.shape[1])
    found: list[dict[str, Tensor]] = []
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for first in range(0, len(ordered), AT_ONCE):
            batch = collate_spoken(ordered[first : first + AT_ONCE], None).to(device)
            found.append(task(batch.frames, batch.n_frames))
    task.train(was_training)
    names = ("accuracy", "contrastive", "perplexity")
    return {name: float(torch.stack([each[name] for each in found]).mean()) for name in names}


def fits(model: Recognizer, vocabulary: Vocabulary, spoken: Sequence[Spoken]) -> list[Spoken]:
    """The utterances that have positions enough for their symbols: CTC can learn nothing of others.

    A symbol needs one position, one more where it is the same as the one before.
    """
    frames = model.audio_encoder.position_frames
    kept = []
    for each in spoken:
        ids = vocabulary.encode(each.text)
        needed = len(ids) + sum(a == b for a, b in zip(ids, ids[1:], strict=False))
        if ids and needed <= each.frames.shape[1] // frames - 1:
            kept.append(each)
    return kept


def union_vocabulary(texts: Sequence[str], kind: str, size: int) -> Vocabulary:
    """The symbols of all languages together. Raises EarShotError where the model has too few."""
    vocabulary = Vocabulary.learn(texts, kind, size=10_000)  # type: ignore[arg-type]
    if len(vocabulary) > size:
        raise EarShotError(
            got=f"{len(vocabulary)} symbols in the transcripts for n_symbols={size}",
            expected="a model with room for all of them",
            mend="Raise n_symbols, or write all languages with one inventory: latin=true.",
        )
    return vocabulary


def replay_shares(replay: float, language: str, others: Sequence[Spoken]) -> dict[str, float]:
    """How often each language is drawn where a share `replay` of the audio is of the others."""
    names = dict.fromkeys(each.language for each in others if each.language != language)
    if not names:
        return {language: 1.0}
    return {language: 1 - replay} | dict.fromkeys(names, replay / len(names))
