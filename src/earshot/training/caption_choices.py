"""What a captioner writes under several widths of its search, and which of it is taken."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from earshot.data import Clip
from earshot.decoders.decoding import Candidate, DecodingConfig
from earshot.decoders.reranking import best_of, clap_refine, cosines
from earshot.metrics.caption_events import EventReader, event_counts
from earshot.metrics.caption_scores import caption_scores
from earshot.models.caption_judge import CaptionJudge
from earshot.models.slam_captioner import SlamCaptioner
from earshot.training.kept_states import KeptStates

AT_ONCE = 50  # clips that are decoded together
WIDTHS = (2, 3, 4, 5, 6, 7, 8)  # of the beam searches that are chosen from, section 2.4
PLAIN_WIDTH = 4  # of the search that choosing is held against


@dataclass(frozen=True)
class ByWidth:
    """A clip with what each search wrote; the first is greedy, the others one a width."""

    clip: Clip
    greedy: Candidate
    beams: dict[int, Candidate]

    @property
    def plain(self) -> Candidate:
        """The search of one width alone: the usual one, or the widest below it."""
        return self.beams.get(PLAIN_WIDTH) or self.beams[max(self.beams)]


@torch.no_grad()
def write_by_widths(
    model: SlamCaptioner,
    heard: KeptStates,
    widths: Sequence[int] = WIDTHS,
    *,
    max_tokens: int = 40,
) -> list[ByWidth]:
    """A greedy caption of every clip, and one of a beam search of every width."""
    model.eval()
    device = next(model.parameters()).device
    found: list[ByWidth] = []
    for begin in range(0, len(heard.clips), AT_ONCE):
        places = range(begin, min(begin + AT_ONCE, len(heard.clips)))
        batch = heard.rows(places, [""] * len(places)).to(device)
        told = {
            width: model.captions_of(
                batch.states,
                batch.n_positions,
                DecodingConfig.by_beams(width, max_tokens=max_tokens),
            )
            for width in (1, *widths)
        }
        for i, clip in enumerate(batch.clips):
            beams = {width: told[width][i][0] for width in widths}
            found.append(ByWidth(clip, told[1][i][0], beams))
    return found


@dataclass(frozen=True)
class Judged:
    """What chooses: a sound's embedding a clip [clips, dim], and an embedder of texts."""

    audio: Tensor
    embed: Callable[[Sequence[str]], Tensor]

    @classmethod
    def of(cls, judge: CaptionJudge, clips: Sequence[Clip]) -> Judged:
        """A judge's view of clips, each heard once."""
        return cls(torch.stack([judge.hear(clip.read()) for clip in clips]), judge.read)


def chosen(
    written: Sequence[ByWidth],
    judge: Judged | None,
    worth: Callable[[ByWidth, Candidate], float] | None = None,
) -> dict[str, list[str]]:
    """A caption a clip by each way: "greedy", "beam", "sure", "refine", "oracle".

    "beam" is the usual width alone; of all widths "sure" takes the greatest mean log-probability,
    "refine" the caption closest to the sound in the judge's space, and "oracle", with `worth`, what
    is in truth the best.
    """
    found: dict[str, list[str]] = {
        "greedy": [each.greedy.text for each in written],
        "beam": [each.plain.text for each in written],
    }
    for place, each in enumerate(written):
        several = list(each.beams.values())
        taken = {"sure": best_of(several, [one.score for one in several])}
        if judge is not None:
            texts = judge.embed([one.text for one in several])
            taken["refine"] = clap_refine(several, judge.audio[place], texts)
        if worth is not None:
            taken["oracle"] = best_of(several, [worth(each, one) for one in several])
        for way, i in taken.items():
            found.setdefault(way, []).append(several[i].text)
    return found


def choice_figures(
    written: Sequence[ByWidth], judge: Judged | None, reader: EventReader | None
) -> dict[str, float]:
    """Figures named WAY_FIGURE for every way of `chosen`; `different` texts a clip.

    cider_d against the clips' captions, vocabulary, clap (the mean cosine to the sound, by the
    judge) and, where the clips list their sounds, event_f1. The oracle takes the greatest event F1,
    then the greatest share of words in common with a caption.
    """
    gold = [each.clip.extra.get("events") or [] for each in written]
    judged = all(gold) and reader is not None
    references = [each.clip.captions for each in written]

    def worth(each: ByWidth, one: Candidate) -> float:
        counts = event_counts([one.text], [each.clip.extra["events"]], reader)
        return counts.figures()["event_f1"] + 1e-3 * _overlap(one.text, each.clip.captions)

    sizes = [len({one.text for one in each.beams.values()}) for each in written]
    figures = {"different": float(np.mean(sizes))}
    for way, captions in chosen(written, judge, worth if judged else None).items():
        scores = caption_scores(captions, references, ("cider_d", "vocabulary")).corpus
        figures |= {f"{way}_{name}": float(value) for name, value in scores.items()}
        if judge is not None:
            figures[f"{way}_clap"] = _closeness(judge, captions)
        if judged:
            counts = event_counts(captions, gold, reader).figures()
            figures[f"{way}_event_f1"] = counts["event_f1"]
    return figures


def _closeness(judge: Judged, captions: Sequence[str]) -> float:
    """The mean cosine of captions and their sounds."""
    texts = judge.embed(captions)
    pairs = zip(judge.audio, texts, strict=True)
    return float(torch.stack([cosines(audio, text[None])[0] for audio, text in pairs]).mean())


def _overlap(text: str, captions: Sequence[str]) -> float:
    """The greatest share of words in common with a caption."""
    words = set(text.lower().split())
    others = [set(each.lower().split()) for each in captions]
    return max((len(words & each) / max(1, len(words | each)) for each in others), default=0.0)
