"""One caption metric a function: the corpus' figures, and each clip's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from earshot.metrics.bleu import bleu, bleu_counts
from earshot.metrics.caption_corpus import Corpus
from earshot.metrics.caption_parts import Absent, CaptionParts, SentencesMetric, UnavailableError
from earshot.metrics.cider_d import CiderD
from earshot.metrics.rouge_l import rouge_l
from earshot.metrics.word_variety import distinct, vocabulary_figures

Array = NDArray[np.float64]
FLUENCY_THRESHOLD = 0.9  # a sentence has an error when its probability is higher
FLUENCY_PENALTY = 0.9  # the part of its score that such a sentence loses
Part = TypeVar("Part")


@dataclass(eq=False)
class Measured:
    """What was measured so far of a corpus."""

    corpus: Corpus
    parts: CaptionParts
    figures: dict[str, float] = field(default_factory=dict)
    per_clip: dict[str, Array] = field(default_factory=dict)
    counts: Array | None = None  # [clips, 10], of `bleu_counts`

    def mean(self, name: str, per_clip: Array) -> None:
        """Keep a figure whose corpus value is the mean over clips."""
        self.figures[name], self.per_clip[name] = float(per_clip.mean()), per_clip

    def of(self, name: str) -> Array:
        """Each clip's figure of a metric that was measured before."""
        if name not in self.per_clip:
            raise UnavailableError(f"it is made of {name}, which is unavailable")
        return self.per_clip[name]


def _bleu(measured: Measured) -> None:
    corpus = measured.corpus
    measured.counts = counts = np.stack(
        [bleu_counts(*each) for each in zip(corpus.words, corpus.references, strict=True)]
    )
    clips = np.stack([bleu(each) for each in counts])  # [clips, 4]
    for n, value in enumerate(bleu(counts.sum(axis=0)), start=1):
        measured.figures[f"bleu_{n}"], measured.per_clip[f"bleu_{n}"] = (
            float(value),
            clips[:, n - 1],
        )


def _rouge_l(measured: Measured) -> None:
    corpus = measured.corpus
    pairs = zip(corpus.words, corpus.references, strict=True)
    measured.mean("rouge_l", np.array([rouge_l(*pair) for pair in pairs]))


def _cider_d(measured: Measured) -> None:
    corpus = measured.corpus
    if len(corpus.words) < 2:
        raise UnavailableError("it needs two clips or more: words are weighed by how rare they are")
    cider_d = CiderD(corpus.references)
    pairs = zip(corpus.words, corpus.references, strict=True)
    measured.mean("cider_d", np.array([cider_d.score(*pair) for pair in pairs]))


def _vocabulary(measured: Measured) -> None:
    measured.figures |= vocabulary_figures(measured.corpus.words, measured.corpus.references)


def _distinct(measured: Measured) -> None:
    for n in (1, 2):
        measured.figures[f"distinct_{n}"] = distinct(measured.corpus.words, n)


def _by_program(name: str) -> Callable[[Measured], None]:
    def measure(measured: Measured) -> None:
        program: SentencesMetric = _at_hand(getattr(measured.parts, name))
        corpus = measured.corpus
        value, per_clip = program(corpus.tokenised, corpus.tokenised_references)
        measured.figures[name], measured.per_clip[name] = value, per_clip

    return measure


def _spider(measured: Measured) -> None:
    measured.mean("spider", (measured.of("cider_d") + measured.of("spice")) / 2)


def _spider_fl(measured: Measured) -> None:
    measured.mean("spider_fl", measured.of("spider") * _kept(measured))


def _fluency_error_rate(measured: Measured) -> None:
    probability = _at_hand(measured.parts.fluency)(measured.corpus.raw)
    measured.mean("fluency_error_rate", (probability > FLUENCY_THRESHOLD).astype(np.float64))


def _sbert_sim(measured: Measured) -> None:
    corpus, encoder = measured.corpus, _at_hand(measured.parts.encoder)
    flat = [each for clip in corpus.raw_references for each in clip]
    vectors = encoder([*corpus.raw, *flat])
    own, theirs = vectors[: len(corpus.raw)], vectors[len(corpus.raw) :]
    sizes = np.array([len(clip) for clip in corpus.raw_references])
    cosines = (np.repeat(own, sizes, axis=0) * theirs).sum(axis=1)
    sums = np.add.reduceat(cosines, np.cumsum(sizes) - sizes)
    has_words = np.array([bool(words) for words in corpus.words])
    measured.mean(similarity_name("sbert_sim", measured.parts), has_words * sums / sizes)


def _fense(measured: Measured) -> None:
    name = similarity_name("sbert_sim", measured.parts)
    measured.mean(similarity_name("fense", measured.parts), measured.of(name) * _kept(measured))


def similarity_name(name: str, parts: CaptionParts) -> str:
    """The name of a figure that a sentence encoder is behind: a stand-in is named in it."""
    encoder = parts.encoder
    return name if isinstance(encoder, Absent) or encoder.published else f"{name}[{encoder.name}]"


def _kept(measured: Measured) -> Array:
    """The part of its score that each sentence keeps."""
    return 1 - FLUENCY_PENALTY * measured.of("fluency_error_rate")


def _at_hand(part: Part | Absent) -> Part:
    if isinstance(part, Absent):
        raise UnavailableError(part.reason)
    return part


MEASURES: dict[str, Callable[[Measured], None]] = {
    "bleu": _bleu,
    "rouge_l": _rouge_l,
    "cider_d": _cider_d,
    "vocabulary": _vocabulary,
    "distinct": _distinct,
    "meteor": _by_program("meteor"),
    "spice": _by_program("spice"),
    "spider": _spider,
    "fluency_error_rate": _fluency_error_rate,
    "spider_fl": _spider_fl,
    "sbert_sim": _sbert_sim,
    "fense": _fense,
}
MADE_OF = {
    "spider": ("cider_d", "spice"),
    "spider_fl": ("cider_d", "spice", "spider", "fluency_error_rate"),
    "fense": ("sbert_sim", "fluency_error_rate"),
}
