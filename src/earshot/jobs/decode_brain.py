"""Which segment of speech was heard, from recordings of brains: by a run of brain_decoding."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from earshot.core.checkpoint import read_checkpoint
from earshot.core.config import from_dict
from earshot.core.errors import EarShotError
from earshot.data.brain import BrainStudy
from earshot.models.restoring import restore, to_device

if TYPE_CHECKING:
    from earshot.models.brain_module import BrainModule
    from earshot.training.brain import Listen

RECIPE = "brain_decoding"
MEND = "Copy the folder again, weights and earshot.json together."
Which = Literal["test", "all"]


@dataclass(frozen=True)
class Candidate:
    """A segment that may have been heard, with its share of the probability."""

    segment: str  # SOUND@MILLISECONDS of its word
    word: str  # at its onset
    probability: float


@dataclass(frozen=True)
class DecodedWindow:
    """A window of brain signal: what was heard, where that came, and what came first."""

    recording: str
    onset_s: float  # of the word, in the recording
    segment: str
    word: str
    rank: int  # of the true segment, 1 is best
    n_candidates: int
    best: tuple[Candidate, ...]


@dataclass(frozen=True)
class Decoded:
    """All windows in order, and the figures over them, with chance beside accuracy."""

    windows: list[DecodedWindow]
    figures: dict[str, float]
    notes: list[str]


@dataclass(frozen=True)
class BrainDecoder:
    """A trained decoder and what its run knew."""

    model: BrainModule
    config: Any  # of the recipe
    listen: Listen | None
    subjects: list[str]  # in the order of their matrices
    mean: float  # of speech features in its training
    std: float


def decode_brain(
    model: str | Path,
    study: str | Path | BrainStudy | None = None,
    *,
    which: Which = "test",
    top: int = 5,
    device: str = "cpu",
) -> Decoded:
    """For every word of `study` the rank of the segment that was heard among all that may be.

    model: the folder of a run of brain_decoding. study: a BIDS folder, a BrainStudy, or the run's
    own where left out. which: "test" takes the words that the run kept away from training; "all"
    takes every word, for recordings of sounds that it never had. Candidates are the segments at
    the onsets of all those words. A model with subject layers knows only its own subjects.
    """
    from earshot.data.brain_windows import BrainBatches, find_windows, scale_recording
    from earshot.metrics.segments import segment_accuracy, segment_ranks
    from earshot.training.brain import hear_extent, score_windows, standardised

    decoder = load_decoder(Path(model), device=device)
    found = _study(decoder, study)
    windows = decoder.config.windows
    extents = _extents(decoder, found, which)
    chosen = find_windows(found.recordings, extents, windows, at_words=True, split=which)
    if len(chosen) < 2:
        raise EarShotError(
            got=f"{len(chosen)} windows at words of {which}",
            expected="at least two to choose from",
            mend='Give more, or take every word: which="all", --which all.',
        )
    known = find_windows(found.recordings, extents, windows, at_words=False, split="train")
    scaled = [
        scale_recording(recording, [w for w in known if w.recording == index], windows)
        for index, recording in enumerate(found.recordings)
    ]
    tracks = {
        number: standardised(
            hear_extent(found, extents[number], decoder.listen), decoder.mean, decoder.std
        )
        for number in sorted({window.extent for window in chosen})
    }
    batches = BrainBatches(
        chosen,
        found.recordings,
        scaled,
        extents,
        tracks,
        windows,
        subjects=_subjects(decoder, found),
        batch_size=decoder.config.batch_size,
    )
    scores, own = score_windows(decoder.model, batches)
    ranks = segment_ranks(scores, own)
    names = sorted(batches.segments, key=batches.segments.__getitem__)
    words = {window.segment: window.word for window in chosen}
    decoded = [
        DecodedWindow(
            recording=found.recordings[window.recording].id,
            onset_s=window.onset_s,
            segment=window.segment,
            word=window.word,
            rank=int(rank),
            n_candidates=len(names),
            best=_best(row, names, words, top),
        )
        for window, row, rank in zip(chosen, scores, ranks, strict=True)
    ]
    return Decoded(decoded, segment_accuracy(scores, own), list(found.notes))


def load_decoder(folder: Path, *, device: str = "cpu") -> BrainDecoder:
    """The decoder in a run's folder. Raises EarShotError where there is none."""
    from earshot.recipes import find_recipe

    checkpoint = read_checkpoint(folder.expanduser())
    about = checkpoint.extra.get("brain")
    if checkpoint.recipe != RECIPE or not isinstance(about, dict):
        raise EarShotError(
            got=f"{folder}, a model of recipe {checkpoint.recipe!r}",
            expected="a model that decodes recordings of brains",
            mend="Train one: earshot run brain_decoding --set bids=FOLDER",
        )
    recipe = find_recipe(RECIPE)
    config = from_dict(recipe.Config, checkpoint.config)
    subjects, mean, std = about.get("subjects"), about.get("mean"), about.get("std")
    if not (isinstance(subjects, list) and isinstance(mean, float) and isinstance(std, float)):
        raise EarShotError(
            got=f"{folder}, which does not say whom and what it was taught by",
            expected="subjects, mean and std in its earshot.json",
            mend=MEND,
        )
    listen = recipe.listener(config.speech, checkpoint.folder)
    model: BrainModule = restore(checkpoint, lambda: recipe.build(config))
    return BrainDecoder(to_device(model, device).eval(), config, listen, subjects, mean, std)


def _study(decoder: BrainDecoder, study: str | Path | BrainStudy | None) -> BrainStudy:
    from earshot.recipes import find_recipe

    if isinstance(study, BrainStudy):
        return study
    config = decoder.config
    if study is not None:
        config = replace(config, bids=str(study), subjects=())
    return find_recipe(RECIPE).study_of(config)


def _extents(decoder: BrainDecoder, study: BrainStudy, which: Which) -> list[Any]:
    from earshot.data.brain import split_extents, whole_extents

    if which not in ("test", "all"):
        raise EarShotError(
            got=f"which={which!r}", expected="test or all", mend="Pick one of these."
        )
    return whole_extents(study) if which == "all" else split_extents(study, decoder.config.seed)


def _subjects(decoder: BrainDecoder, study: BrainStudy) -> list[str]:
    """Whose number is which; a model without subject layers takes anybody."""
    if not decoder.config.model.subject_layer:
        return study.subjects
    if unknown := sorted(set(study.subjects) - set(decoder.subjects)):
        raise EarShotError(
            got=f"subject {unknown[0]!r}",
            expected=f"one that the model was trained with: {', '.join(decoder.subjects)}",
            mend="Train with recordings of this subject among the others.",
        )
    return decoder.subjects


def _best(row: Any, names: list[str], words: dict[str, str], top: int) -> tuple[Candidate, ...]:
    """The first `top` candidates of a window's scores."""
    import numpy as np

    weights = np.exp(row - row.max())
    shares = weights / weights.sum()
    order = np.argsort(-row, kind="stable")[:top]
    return tuple(Candidate(names[i], words[names[i]], float(shares[i])) for i in order)
