"""Which of several candidates to take, by what a model of sound and words says of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor

from earshot.core.errors import EarShotError
from earshot.decoders.decoding import Candidate


def clap_refine(
    candidates: Sequence[Candidate], audio_embedding: Tensor, text_embeddings: Tensor
) -> int:
    """Index of the candidate closest to the sound: the greatest cosine. Source: arXiv:2410.09503.

    audio_embedding [dim], text_embeddings [candidates, dim], a row each; they need not be of unit
    length. Of equal ones the first is taken. Empty texts are taken only where there are no others.
    """
    return best_of(candidates, cosines(audio_embedding, text_embeddings).tolist())


def hybrid(
    candidates: Sequence[Candidate],
    audio_embedding: Tensor,
    text_embeddings: Tensor,
    *,
    decoder_weight: float = 0.3,
    encoder_weight: float = 0.7,
) -> list[float]:
    """Scores of the candidates: weights times mean log-probability and cosine, neither scaled.

    Source: arXiv:2309.17352, the released code's 0.3 * (-nll) + 0.7 * cosine.
    """
    close = cosines(audio_embedding, text_embeddings).tolist()
    return weighted(candidates, close, decoder_weight, encoder_weight)


def weighted(
    candidates: Sequence[Candidate],
    close: Sequence[float],
    decoder_weight: float = 0.3,
    encoder_weight: float = 0.7,
) -> list[float]:
    """As `hybrid`, of cosines that are known."""
    if len(close) != len(candidates):
        raise _other_length(len(close), len(candidates))
    return [
        decoder_weight * each.score + encoder_weight * cosine
        for each, cosine in zip(candidates, close, strict=True)
    ]


def best_of(
    candidates: Sequence[Candidate],
    scores: Sequence[float],
    *,
    accept: Callable[[str], bool] = lambda text: True,
) -> int:
    """Index of the best-scored candidate that `accept` takes; of equal ones the first.

    Where it takes none, the best-scored of all; empty texts only where there are no others.
    """
    if len(scores) != len(candidates):
        raise _other_length(len(scores), len(candidates))
    if not candidates:
        raise EarShotError(
            got="no candidates", expected="at least one", mend="Decode with n_samples or n_best."
        )
    order = sorted(range(len(candidates)), key=lambda i: (-scores[i], i))
    told = [i for i in order if candidates[i].text.strip()] or order
    return next((i for i in told if accept(candidates[i].text)), told[0])


def cosines(audio_embedding: Tensor, text_embeddings: Tensor) -> Tensor:
    """Cosine of each row of text_embeddings [n, dim] with audio_embedding [dim]; 0 for zeros."""
    dots = text_embeddings.float() @ audio_embedding.float()
    lengths = text_embeddings.float().norm(dim=1) * audio_embedding.float().norm()
    return dots / lengths.clamp(min=1e-12)


def _other_length(n_scores: int, n_candidates: int) -> EarShotError:
    return EarShotError(
        got=f"{n_scores} scores for {n_candidates} candidates",
        expected="one each",
        mend="Embed every candidate's text, in their order.",
    )
