"""BLEU and chrF of translations, as `sacrebleu` computes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from earshot.core.errors import EarShotError


def translation_figures(
    written: Sequence[str],
    references: Sequence[str],
    *,
    tokenize: Literal["13a", "none", "char", "zh", "ja-mecab", "intl"] = "13a",
) -> dict[str, float]:
    """Corpus `bleu` and `chrf` (chrF2), each 0 to 100, of one reference for every text.

    Detokenised texts with their case, sacrebleu's defaults: BLEU-4 with exponential smoothing,
    chrF with character 6-grams and beta 2. tokenize="none" takes texts that are tokens already.
    """
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF

    if len(written) != len(references) or not written:
        raise EarShotError(
            got=f"{len(written)} texts and {len(references)} references",
            expected="as many of both, at least one",
            mend="Pass one reference per text.",
        )
    bleu = BLEU(tokenize=tokenize).corpus_score(list(written), [list(references)])
    chrf = CHRF().corpus_score(list(written), [list(references)])
    return {"bleu": float(bleu.score), "chrf": float(chrf.score)}
