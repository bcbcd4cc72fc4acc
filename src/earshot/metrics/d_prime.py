"""How far apart two normal distributions are that would give an area under the ROC curve."""

from __future__ import annotations

import math

from earshot.core.errors import EarShotError


def d_prime(auc: float) -> float:
    """The square root of 2 times the normal quantile of `auc`, an area from 0 to 1: 0 at chance.

    Infinite where all positives lie above all negatives. Source: arXiv:1912.10211, section V-B.
    """
    from scipy.special import ndtri

    if not 0.0 <= auc <= 1.0:
        raise EarShotError(
            got=f"an area of {auc:g}", expected="0 to 1", mend="Pass the area under a ROC curve."
        )
    return math.sqrt(2.0) * float(ndtri(auc))
