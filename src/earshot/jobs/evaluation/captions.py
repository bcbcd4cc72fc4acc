"""Figures of written captions against references, with intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from earshot import metrics
from earshot.core.errors import EarShotError
from earshot.core.fingerprint import fingerprint
from earshot.data.caption_tables import Scored, match_captions, read_captions
from earshot.jobs.evaluation.result import Evaluation
from earshot.metrics.caption_events import EventCounts, EventReader, event_counts
from earshot.metrics.caption_files import VARIABLE, TokenizerName, java_parts, roots
from earshot.metrics.caption_parts import Absent, CaptionParts
from earshot.metrics.caption_scores import CaptionScores, caption_scores

if TYPE_CHECKING:
    from earshot.models.fluency_judge import FluencyJudge

TASK = "caption"
ENCODER = "sbert/paraphrase-TinyBERT-L6-v2"
JUDGE = "fluency/echecker_clotho_audiocaps_base.ckpt"
N_RESAMPLES = 1000


def evaluate_captions(
    candidates: Path,
    references: Path,
    *,
    measures: str | Sequence[str] = "basic",
    parts: CaptionParts | None = None,
) -> Evaluation:
    """The figures of the captions in one file against those in another, clip by clip.

    measures: a set of `metrics.caption_scores.SETS`, or names of metrics. parts: what
    `caption_parts` found; EarShot's own tokenizer and no model when left out. Beside them the
    sounds that captions name are held against those that each clip has (a column `events`), or
    else against those that its references name. `details` has each clip's figures, what is
    unavailable and why, the tokenizer, and how many references clips have.
    """
    scored = match_captions(read_captions(candidates, written=True), read_captions(references))
    texts = [each.candidate for each in scored]
    found = caption_scores(texts, [each.references for each in scored], measures, parts=parts)
    counts, how = _events(scored)

    def figures(weights: NDArray[np.float64]) -> dict[str, float]:
        drawn = counts.figures(weights)
        return found.weighted(weights) | {n: v for n, v in drawn.items() if n in shown}

    shown = {name for name, value in counts.figures().items() if not math.isnan(value)}
    resampled = metrics.resample(
        figures, np.array([each.key for each in scored]), n_resamples=N_RESAMPLES
    )
    values = {name: v for name, v in found.corpus.items() if not math.isnan(v)}
    return Evaluation(
        task=TASK,
        n=found.n_clips,
        metrics=values | {n: v for n, v in resampled.values.items() if n not in values},
        intervals=resampled.intervals,
        model=str(candidates),
        fingerprint=fingerprint({"captions": texts, "tokenizer": found.tokenizer}),
        data=str(references),
        details=_details(scored, found, how),
        draws=resampled.draws,
        items=tuple(each.key for each in scored),
    )


def caption_parts(
    folder: Path | None = None,
    *,
    tokenizer: TokenizerName = "auto",
    encoder: Path | None = None,
    device: str = "cpu",
) -> CaptionParts:
    """Programs and models that caption metrics need, as far as they are at hand.

    folder: laid out like the package pycocoevalcap, with sbert/ and fluency/ beside; that of the
    variable EARSHOT_CAPTION_METRICS, and the package itself, are looked at as well. encoder: the
    folder of a sentence encoder; another one than the published one is named in its figures.
    """
    if folder is not None and not folder.is_dir():
        raise EarShotError(
            got=f"{folder}, which is no folder",
            expected="a folder of jars and models",
            mend="Correct the path.",
        )
    java = java_parts(folder, tokenizer=tokenizer)
    places = roots(folder)
    return CaptionParts(
        tokenizer=java.tokenizer,
        meteor=java.meteor,
        spice=java.spice,
        encoder=_encoder(places, encoder, device),
        fluency=_judge(places, device),
    )


def _encoder(places: Sequence[Path], given: Path | None, device: str) -> Any:
    folder = given or next((each / ENCODER for each in places if (each / ENCODER).is_dir()), None)
    if folder is None:
        return Absent(
            f"{Path(ENCODER).name} is missing: put its folder at {ENCODER} of the folder {VARIABLE}"
        )
    from earshot.models.sentence_encoder import load_sentence_encoder

    return load_sentence_encoder(folder, device)


def _judge(places: Sequence[Path], device: str) -> Any:
    path = next((each / JUDGE for each in places if (each / JUDGE).is_file()), None)
    if path is None:
        return Absent(f"{Path(JUDGE).name} is missing: put it at {JUDGE} of the folder {VARIABLE}")
    from earshot.models.fluency_judge import load_fluency_judge

    return load_fluency_judge(path, device=device)


def fluency_judge(folder: Path | None = None, device: str = "cpu") -> FluencyJudge | None:
    """The detector of fluency errors, where `caption_parts` would find it."""
    found = _judge(roots(folder), device)
    return None if isinstance(found, Absent) else found


def _events(scored: Sequence[Scored]) -> tuple[EventCounts, str]:
    """What the captions name, against what there is, and where that is known from."""
    texts = [each.candidate for each in scored]
    if all(each.events is not None for each in scored):
        gold = [each.events or [] for each in scored]
        kinds = {str(e["kind"] if isinstance(e, dict) else e) for clip in gold for e in clip}
        if kinds:
            return event_counts(texts, gold, EventReader.of(sorted(kinds))), "of the clips"
    reader = EventReader()
    named = [
        [
            {"kind": kind, "onset_s": 0, "offset_s": 1}  # references do not agree on an order
            for kind in dict.fromkeys(k for text in each.references for k in reader.events(text))
        ]
        for each in scored
    ]
    return event_counts(texts, named, reader), "named by the references"


def _details(scored: Sequence[Scored], found: CaptionScores, how: str) -> dict[str, Any]:
    return {
        "tokenizer": found.tokenizer,
        "references_per_clip": list(found.n_references),
        "events": how,
        "unavailable": found.unavailable,
        "clips": [
            {
                "id": each.key,
                "candidate": each.candidate,
                **{name: float(values[i]) for name, values in found.per_clip.items()},
            }
            for i, each in enumerate(scored)
        ],
    }
