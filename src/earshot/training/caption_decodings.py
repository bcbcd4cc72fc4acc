"""What a captioner writes of a test split, looked for and chosen in several ways, as figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from earshot.data import Clip
from earshot.decoders.decoding import Candidate, DecodingConfig
from earshot.decoders.reranking import best_of, cosines, hybrid
from earshot.metrics.caption_events import EventReader, event_counts
from earshot.metrics.caption_scores import caption_scores
from earshot.metrics.label_curves import multi_label
from earshot.models.beats_bart import BeatsBart
from earshot.models.caption_sentences import CaptionSentences
from earshot.training.kept_states import KeptStates

AT_ONCE = 25  # clips that are decoded together
N_WRONG = 5  # other clips whose captions a clip's own are held against


@dataclass(frozen=True)
class Written:
    """One clip: what a beam search wrote, what was drawn, and the clip's place among sentences."""

    clip: Clip
    beam: Candidate
    drawn: list[Candidate]  # each text once, the surest first
    row: Tensor  # [sentence_dim]


@torch.no_grad()
def write_all(
    model: BeatsBart, heard: KeptStates, beam: DecodingConfig, nucleus: DecodingConfig
) -> list[Written]:
    """Candidates of every clip."""
    device = model.decoder.cross_embed_positions.weight.device
    found = []
    for begin in range(0, len(heard.clips), AT_ONCE):
        places = range(begin, min(begin + AT_ONCE, len(heard.clips)))
        batch = heard.rows(places, [""] * len(places)).to(device)
        memory, n_positions = model.hear(batch.states, batch.n_positions)
        rows = model.sentence(memory, n_positions).cpu()
        beams = model.decoder.generate(memory, n_positions, beam)
        drawn = model.decoder.generate(memory, n_positions, nucleus)
        for clip, one, several, row in zip(batch.clips, beams, drawn, rows, strict=True):
            distinct = list({each.text: each for each in several}.values())
            found.append(Written(clip, one[0], distinct, row))
    return found


def chosen(
    written: Sequence[Written],
    sentences: CaptionSentences,
    *,
    accept: Callable[[str], bool] = lambda text: True,
    worth: Callable[[Written, Candidate], float] | None = None,
) -> dict[str, list[str]]:
    """A caption a clip by each way to choose: "beam", "decoder", "encoder", "hybrid", "oracle".

    "decoder" takes what was drawn with the greatest mean log-probability, "encoder" what lies
    nearest the sound among sentences, "hybrid" 0.3 of the one plus 0.7 of the other, the first that
    `accept` takes; "oracle", with `worth`, what is in truth the best.
    """
    texts = sentences.embed([each.text for one in written for each in one.drawn])
    split = texts.split([len(each.drawn) for each in written])
    found: dict[str, list[str]] = {"beam": [each.beam.text for each in written]}
    for each, rows in zip(written, split, strict=True):
        scores = {
            "decoder": [candidate.score for candidate in each.drawn],
            "encoder": cosines(each.row, rows).tolist(),
            "hybrid": hybrid(each.drawn, each.row, rows),
        }
        if worth is not None:
            scores["oracle"] = [worth(each, candidate) for candidate in each.drawn]
        for name, values in scores.items():
            taken = {"accept": accept} if name == "hybrid" else {}
            best = best_of(each.drawn, values, **taken)
            found.setdefault(name, []).append(each.drawn[best].text)
    return found


def decoding_figures(
    written: Sequence[Written],
    sentences: CaptionSentences,
    reader: EventReader | None,
    *,
    accept: Callable[[str], bool] = lambda text: True,
) -> dict[str, float]:
    """Figures named WAY_FIGURE for every way to choose of `chosen`.

    cider_d against the clips' captions, and distinct_2; where the clips list their sounds in
    extra["events"], event_f1 and order_accuracy, of those with two sounds two_event_f1, and among
    the ways the oracle's: the greatest event F1, then the most words in common with a caption.
    """
    gold = [each.clip.extra.get("events") or [] for each in written]
    judged = all(gold) and reader is not None
    references = [each.clip.captions for each in written]

    def worth(each: Written, candidate: Candidate) -> float:
        counts = event_counts([candidate.text], [each.clip.extra["events"]], reader)
        own = {caption.lower() for caption in each.clip.captions}
        return counts.figures()["event_f1"] + 1e-3 * _overlap(candidate.text, own)

    figures: dict[str, float] = {}
    two = np.array([len(events) == 2 for events in gold], dtype=np.float64)
    ways = chosen(written, sentences, accept=accept, worth=worth if judged else None)
    for way, captions in ways.items():
        found = caption_scores(captions, references, ("cider_d", "distinct")).corpus
        names = ["cider_d", "distinct_2"]
        if judged:
            counts = event_counts(captions, gold, reader)
            found |= counts.figures()
            names += ["event_f1", "order_accuracy"]
            if two.any():
                found["two_event_f1"] = counts.figures(two)["event_f1"]
                names.append("two_event_f1")
        figures |= {
            f"{way}_{name}": found[name] for name in names if np.isfinite(found.get(name, np.nan))
        }
    return figures


def encoder_auc(written: Sequence[Written], sentences: CaptionSentences) -> float:
    """How often a clip's head ranks a caption of its own above one of another clip, over all pairs.

    The area under the ROC curve of all cosines: of clips with their own captions, against those
    with captions of the next few clips of other labels. 0.5 is chance.
    """
    own = [sentences.embed(list(each.clip.captions)) for each in written]
    scores: list[Tensor] = []
    truth: list[Tensor] = []
    for i, each in enumerate(written):
        after = [(i + step) % len(written) for step in range(1, len(written))]
        others = [
            j for j in after if not each.clip.labels or written[j].clip.labels != each.clip.labels
        ]
        for j in [i, *others[:N_WRONG]]:
            scores.append(cosines(each.row, own[j]))
            truth.append(torch.full((len(own[j]),), float(j == i)))
    curve = multi_label(torch.cat(scores)[:, None].numpy(), torch.cat(truth)[:, None].numpy())
    return float(curve.roc_auc[0])


def _overlap(text: str, references: set[str]) -> float:
    """The greatest share of words in common with a reference: what parts equal candidates."""
    words = set(text.lower().split())
    shares = [
        len(words & set(each.split())) / max(1, len(words | set(each.split())))
        for each in references
    ]
    return max(shares, default=0.0)
