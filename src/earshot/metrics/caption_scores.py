"""Figures of captions held against references, as the audio captioning papers report them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from earshot.core.errors import unknown_name
from earshot.metrics.bleu import bleu
from earshot.metrics.caption_corpus import read_corpus
from earshot.metrics.caption_metrics import MADE_OF, MEASURES, Array, Measured
from earshot.metrics.caption_parts import CaptionParts, UnavailableError
from earshot.metrics.weighted import weighted_mean

SETS = {
    "basic": ("bleu", "rouge_l", "cider_d", "vocabulary", "distinct"),
    "dcase2020": ("bleu", "meteor", "rouge_l", "cider_d", "spice", "spider"),
    "dcase2023": ("meteor", "cider_d", "spice", "spider", "spider_fl"),
    "dcase2024": ("meteor", "cider_d", "spice", "spider", "spider_fl", "fense", "vocabulary"),
    "all": tuple(MEASURES),
}
_NO_MEANS = ("bleu", "meteor")  # their corpus figure is not the mean over clips
_BY_JAVA = {"meteor", "spice"}


@dataclass(frozen=True, eq=False)
class CaptionScores:
    """Figures by name, as the tools print them: fractions, and CIDEr-D from 0 to 10.

    A metric whose requirements are missing is in `unavailable`, with the reason, and nowhere else.
    """

    corpus: dict[str, float]
    per_clip: dict[str, Array]  # [clips] each
    unavailable: dict[str, str]
    tokenizer: str
    n_clips: int
    n_references: tuple[int, int]  # of the clip with the fewest, and of that with the most
    counts: Array | None = field(default=None, repr=False)  # [clips, 10], of `bleu_counts`

    def weighted(self, weights: Array) -> dict[str, float]:
        """The figures of a draw of the clips; weights [clips]: how often each was drawn.

        How rare words are (CIDEr-D) stays as it is among all clips. METEOR and the variety of
        words are left out: they are no sums over clips.
        """
        found = {
            name: weighted_mean(values, weights)
            for name, values in self.per_clip.items()
            if not name.startswith(_NO_MEANS)
        }
        if self.counts is not None:
            found |= {f"bleu_{n + 1}": float(x) for n, x in enumerate(bleu(weights @ self.counts))}
        return {name: found[name] for name in self.corpus if name in found}


def caption_scores(
    candidates: Sequence[str],
    references: Sequence[Sequence[str]],
    metrics: str | Sequence[str] = "basic",
    *,
    parts: CaptionParts | None = None,
) -> CaptionScores:
    """The figures of one candidate a clip against one reference or more a clip.

    metrics: a set ("basic", "dcase2020", "dcase2023", "dcase2024", "all") or names of metrics; what
    a metric is made of is reported with it. parts: tokenizer, programs and models; when left out,
    EarShot's own tokenizer and the programs that `caption_files` finds. METEOR and SPICE read
    tokenised sentences, the models read sentences as they were written. A candidate without a word
    is worth 0; a line break is white space like any other.
    Raises EarShotError for other numbers of both, and for a clip without a reference.
    """
    asked = _with_what_they_are_made_of(_names(metrics))
    parts = parts or _parts_for(asked)
    measured = Measured(read_corpus(candidates, references, parts.tokenizer), parts)
    unavailable = {}
    for name in asked:
        try:
            MEASURES[name](measured)
        except UnavailableError as fault:
            unavailable[name] = str(fault)
    n_references = [len(clip) for clip in measured.corpus.references]
    return CaptionScores(
        corpus=measured.figures,
        per_clip=measured.per_clip,
        unavailable=unavailable,
        tokenizer=parts.tokenizer.name,
        n_clips=len(n_references),
        n_references=(min(n_references), max(n_references)),
        counts=measured.counts,
    )


def _names(metrics: str | Sequence[str]) -> Sequence[str]:
    if isinstance(metrics, str):
        if metrics in SETS:
            return SETS[metrics]
        raise unknown_name("set of caption metrics", metrics, SETS)
    for name in metrics:
        if name not in MEASURES:
            raise unknown_name("caption metric", name, MEASURES)
    return metrics


def _with_what_they_are_made_of(names: Sequence[str]) -> list[str]:
    wanted = {part for name in names for part in (*MADE_OF.get(name, ()), name)}
    return [name for name in MEASURES if name in wanted]


def _parts_for(asked: Sequence[str]) -> CaptionParts:
    if _BY_JAVA.isdisjoint(asked):
        return CaptionParts()
    from earshot.metrics.caption_files import java_parts

    return java_parts(tokenizer="python")
