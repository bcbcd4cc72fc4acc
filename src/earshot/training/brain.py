"""A study of brains made ready: split, scaled, with features of what was heard; and its figures."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from earshot.audio import Audio, read_audio
from earshot.core.errors import EarShotError
from earshot.core.files import replacing
from earshot.core.seed import generator
from earshot.data.brain import BrainStudy, Extent, FeatureTrack, HeardSound
from earshot.data.brain_windows import (
    BrainBatches,
    BrainWindow,
    BrainWindowConfig,
    find_windows,
    scale_recording,
)
from earshot.metrics.segments import segment_accuracy, word_accuracy
from earshot.models.brain_module import BrainModule
from earshot.models.predictive_speech import PredictiveSpeech, PredictiveSpeechConfig
from earshot.models.speech_targets import FrozenTarget
from earshot.objectives.sequence_clip import sequence_scores
from earshot.training.fit import FitConfig
from earshot.training.recipe_run import RecipeRun

CANDIDATES = 256  # segments that are scored at a time
PIECE_S = 2.0  # of sound that an encoder of speech learns from at a time
SPEECH_BATCH = 8  # of these
SPEECH_NAME = "speech.safetensors"  # in a run's folder: the encoder that was taught there


class Listen(Protocol):
    """What turns a waveform into features."""

    sample_rate: int  # Hz that it hears
    rate: float  # frames a second that it gives
    dim: int

    def __call__(self, waveform: Tensor) -> Tensor: ...  # noqa: D102


@dataclass(frozen=True)
class BrainMaterial:
    """All that a decoder learns from and is tested on."""

    study: BrainStudy
    extents: list[Extent]
    windows: BrainWindowConfig
    train: list[BrainWindow]
    test: list[BrainWindow]
    scaled: list[np.ndarray]  # of each recording
    tracks: dict[int, FeatureTrack]  # of each extent, standardised
    mean: float  # of the features in training, over all of them
    std: float

    @property
    def dim(self) -> int:
        """Features of speech."""
        return next(iter(self.tracks.values())).values.shape[0]

    def batches(self, windows: Sequence[BrainWindow], **options: Any) -> BrainBatches:
        """Batches of those windows; options as BrainBatches has them."""
        return BrainBatches(
            windows,
            self.study.recordings,
            self.scaled,
            self.extents,
            self.tracks,
            self.windows,
            **options,
        )


def brain_material(
    study: BrainStudy,
    extents: list[Extent],
    listen: Listen | None,
    windows: BrainWindowConfig,
    *,
    seed: int,
    n_test: int | None = None,
) -> BrainMaterial:
    """The study made ready, over extents of `split_extents`.

    `listen` hears each extent by itself, so that no feature of a test has heard training nor the
    other way; None for studies that bring features. Scales of recordings and of features are
    those of training alone. `n_test` segments are tested, drawn by the seed; all where left out.
    """
    recordings = study.recordings
    train = find_windows(recordings, extents, windows, at_words=False, split="train")
    test = find_windows(recordings, extents, windows, at_words=True, split="test")
    if not train or not test:
        seconds = sum(extent.stop_s - extent.start_s for extent in extents)
        raise EarShotError(
            got=f"{len(train)} windows of training and {len(test)} of the test in {seconds:.0f} s",
            expected="some of both",
            mend="Give longer recordings, or shorter windows: windows.after_s.",
        )
    if n_test is not None:
        names = sorted({window.segment for window in test})
        kept = set(generator(seed, "test segments").permutation(names)[:n_test].tolist())
        test = [window for window in test if window.segment in kept]
    scaled = []
    for index, recording in enumerate(recordings):
        own = [window for window in train if window.recording == index]
        scaled.append(scale_recording(recording, own, windows))
    used = sorted({window.extent for window in [*train, *test]})
    tracks = {number: hear_extent(study, extents[number], listen) for number in used}
    mean, std = _moments([tracks[n].values for n in used if extents[n].split == "train"])
    tracks = {number: standardised(track, mean, std) for number, track in tracks.items()}
    return BrainMaterial(study, extents, windows, train, test, scaled, tracks, mean, std)


def hear_extent(study: BrainStudy, extent: Extent, listen: Listen | None) -> FeatureTrack:
    """The features of that stretch of a sound; nothing around it is heard."""
    sound: HeardSound = study.sounds[extent.sound]
    if isinstance(sound, FeatureTrack):
        first, last = (round(each * sound.rate) for each in (extent.start_s, extent.stop_s))
        return FeatureTrack(sound.values[:, first:last], sound.rate)
    if listen is None:
        raise EarShotError(
            got=f"{extent.sound}, a sound, where features were expected",
            expected="speech.kind of mel, deep_mel or frozen",
            mend="Set speech.kind=deep_mel.",
        )
    values = listen(torch.from_numpy(_read(sound, extent, listen.sample_rate)))
    return FeatureTrack(values.numpy(), listen.rate)


def _read(sound: Path | Audio, extent: Extent, sample_rate: int) -> np.ndarray:
    return read_audio(
        sound,
        sample_rate=sample_rate,
        start_s=extent.start_s,
        duration_s=extent.stop_s - extent.start_s,
    ).waveform


def standardised(track: FeatureTrack, mean: float, std: float) -> FeatureTrack:
    """The track less one mean, over one deviation, for all features together."""
    return FeatureTrack(((track.values - mean) / std).astype(np.float32), track.rate)


def _moments(values: Sequence[np.ndarray]) -> tuple[float, float]:
    n = sum(each.size for each in values)
    mean = sum(float(each.sum(dtype=np.float64)) for each in values) / n
    square = sum(float(np.square(each - mean).sum(dtype=np.float64)) for each in values) / n
    return mean, max(square**0.5, 1e-8)


@torch.inference_mode()
def candidate_features(model: BrainModule, batches: BrainBatches) -> Tensor:
    """What the model hears in every segment of those windows: [segments, dim, samples]."""
    device = next(model.parameters()).device
    first: dict[int, BrainWindow] = {}
    for window in batches.windows:
        first.setdefault(batches.segments[window.segment], window)
    speech = [batches.speech(first[number]) for number in range(len(first))]
    return torch.cat(
        [
            model.hear(torch.from_numpy(np.stack(speech[at : at + CANDIDATES])).to(device))
            for at in range(0, len(speech), CANDIDATES)
        ]
    )


@torch.inference_mode()
def score_windows(model: BrainModule, batches: BrainBatches) -> tuple[np.ndarray, np.ndarray]:
    """Scores [windows, segments] of every window, and [windows] its own segment's number."""
    model.eval()
    device = next(model.parameters()).device
    candidates = candidate_features(model, batches)
    rows, own = [], []
    for batch in batches.once():
        batch = batch.to(device)
        estimate = model(batch.brain, batch.positions, batch.subject, batch.padding)
        rows.append(sequence_scores(estimate, candidates).cpu().numpy())
        own.append(batch.segment.cpu().numpy())
    return np.concatenate(rows), np.concatenate(own)


def decoding_figures(model: BrainModule, batches: BrainBatches) -> dict[str, float]:
    """Accuracy among the segments of those windows, by segment and word, beside chance.

    `first_top10` is that of the first subject alone, over the same candidates.
    """
    scores, own = score_windows(model, batches)
    word_of = {batches.segments[window.segment]: window.word for window in batches.windows}
    words = [word_of[number] for number in range(scores.shape[1])]
    subjects = np.array(
        [
            batches.subjects[batches.recordings[window.recording].subject]
            for window in batches.windows
        ]
    )
    first = subjects == subjects.min()
    figures = segment_accuracy(scores, own) | word_accuracy(scores, own, words)
    figures |= {
        f"first_{name}": value
        for name, value in segment_accuracy(scores[first], own[first]).items()
        if not name.startswith("chance")
    }
    return figures | {"n_candidates": float(scores.shape[1])}


def teach_speech(
    this: RecipeRun,
    config: PredictiveSpeechConfig,
    study: BrainStudy,
    extents: Sequence[Extent],
    settings: FitConfig,
    *,
    seed: int,
) -> FrozenTarget:
    """An encoder taught on the sound of training alone to tell what comes next, then frozen."""
    model = PredictiveSpeech(config)
    rate = model.sound.sample_rate
    size, pieces = round(PIECE_S * rate), []
    for extent in extents:
        sound = study.sounds[extent.sound]
        if extent.split != "train" or isinstance(sound, FeatureTrack):
            continue
        waveform = _read(sound, extent, rate)
        pieces += [waveform[at : at + size] for at in range(0, len(waveform) - size + 1, size)]
    if not pieces:
        raise EarShotError(
            got=f"no {PIECE_S:g} s of sound in training",
            expected="sounds to learn speech from",
            mend="Give speech.model a trained encoder, or longer recordings.",
        )
    sound_of = torch.from_numpy(np.stack(pieces))  # [pieces, samples]

    def batches(start: int) -> Iterator[Tensor]:
        for step in itertools.count(start):
            rng = generator(seed, step, "speech pieces")
            rows = rng.choice(len(sound_of), min(SPEECH_BATCH, len(sound_of)), replace=False)
            yield sound_of[rows[this.rank :: this.world]]

    this.fit(model, lambda waveform: model(waveform), batches, settings, stage="speech")
    if this.rank == 0:
        with replacing(this.out / SPEECH_NAME) as part:
            save_file(model.sound.state_dict(), part)
    return FrozenTarget(model.sound)


def taught_speech(config: PredictiveSpeechConfig, folder: Path) -> FrozenTarget:
    """The encoder that `teach_speech` left in a run's folder."""
    model = PredictiveSpeech(config).sound
    try:
        model.load_state_dict(load_file(folder / SPEECH_NAME))
    except (OSError, RuntimeError, SafetensorError) as fault:
        raise EarShotError(
            got=f"{folder / SPEECH_NAME} ({str(fault).partition(chr(10))[0][:200]})",
            expected="the encoder of speech that the run was taught with",
            mend="Copy the run's folder again, all of it.",
        ) from fault
    return FrozenTarget(model)
