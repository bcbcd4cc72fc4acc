"""Several searches for texts, and which of what they found to take."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from torch import Tensor

from earshot.core.errors import EarShotError
from earshot.decoders.decoding import Candidate, DecodingConfig
from earshot.decoders.reranking import best_of, weighted

Rerank = Literal["likelihood", "encoder", "hybrid", "clap"]
Judge = Literal["encoder", "clap"]  # what tells how close a text is to a sound
JUDGES: dict[str, Judge] = {"encoder": "encoder", "hybrid": "encoder", "clap": "clap"}


@dataclass(frozen=True)
class CaptionPlan:
    """How candidates are looked for, and by what the best of them is told."""

    decodings: tuple[DecodingConfig, ...] = (DecodingConfig("beam"),)
    rerank: Rerank = "likelihood"

    def __post_init__(self) -> None:
        if not self.decodings or self.rerank not in get_args(Rerank):
            raise EarShotError(
                got=f"{len(self.decodings)} searches, rerank={self.rerank!r}",
                expected=f"a search or more, and one of {', '.join(get_args(Rerank))}",
                mend="Correct the plan.",
            )

    @classmethod
    def of(
        cls,
        *,
        n_beams: int = 4,
        n_samples: int = 0,
        rerank: Rerank | None = None,
        max_tokens: int = 40,
        **drawn: Any,
    ) -> CaptionPlan:
        """`n_samples` draws from the nucleus (`drawn`: top_p, temperature, seed), else beams.

        Where beams are reranked, each width from 2 to `n_beams` gives its best text; widths 2 to 8
        are those of arXiv:2410.09503. Draws have no run of three tokens twice: arXiv:2309.17352.
        """
        if n_samples:
            how = {"n_samples": n_samples, "max_tokens": max_tokens, "no_repeat_ngram": 3, **drawn}
            decodings = (DecodingConfig("nucleus", **how),)
        elif rerank is None or n_beams == 1:
            decodings = (DecodingConfig.by_beams(n_beams, max_tokens=max_tokens),)
        else:
            decodings = tuple(
                DecodingConfig.by_beams(width, max_tokens=max_tokens)
                for width in range(2, n_beams + 1)
            )
        return cls(decodings, rerank or "likelihood")

    @property
    def judge(self) -> Judge | None:
        """Who is asked how close the candidates are to the sound."""
        return JUDGES.get(self.rerank)


def distinct(found: Sequence[Sequence[Candidate]]) -> list[Candidate]:
    """Candidates of several searches, each text once with its greatest score, the surest first."""
    best: dict[str, Candidate] = {}
    for candidate in (each for one in found for each in one):
        if candidate.text not in best or candidate.score > best[candidate.text].score:
            best[candidate.text] = candidate
    return sorted(best.values(), key=lambda each: (-each.score, each.text))


def rerank_scores(
    candidates: Sequence[Candidate], rerank: Rerank, cosines: Tensor | None
) -> list[float]:
    """What each candidate is worth; `cosines` [candidates] with the sound, where they are asked."""
    if rerank == "likelihood":
        return [each.score for each in candidates]
    if cosines is None:
        raise EarShotError(
            got=f"rerank={rerank} without cosines",
            expected="one for each candidate",
            mend="Ask the captioner for its closeness.",
        )
    if rerank == "hybrid":
        return weighted(candidates, cosines.tolist())
    return cosines.tolist()


def best_first(
    candidates: Sequence[Candidate],
    scores: Sequence[float],
    accept: Callable[[str], bool] = lambda text: True,
) -> list[Candidate]:
    """The best of `best_of` first, then the others by their scores; texts that say nothing last."""
    taken = best_of(candidates, scores, accept=accept)
    order = sorted(
        range(len(candidates)),
        key=lambda i: (i != taken, not candidates[i].text.strip(), -scores[i], i),
    )
    return [candidates[i] for i in order]
