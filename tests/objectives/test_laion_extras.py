from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from earshot.core.errors import EarShotError
from earshot.objectives.infonce import InfoNCE
from earshot.objectives.laion_extras import FourTermInfoNCE, KappaInfoNCE

SCALE = torch.tensor(6.0)


def rows(seed: int) -> Tensor:
    return F.normalize(torch.randn(5, 4, generator=torch.Generator().manual_seed(seed)))


def test_four_terms_without_a_transform_are_infonce() -> None:
    audio, text = rows(0), rows(1)
    loss = FourTermInfoNCE()(audio, text, audio, text, SCALE)
    assert loss.item() == pytest.approx(InfoNCE()(audio, text, SCALE).item(), abs=1e-6)


def test_four_terms_cross_raw_and_transformed() -> None:
    audio, text, audio_t, text_t = (rows(i) for i in range(4))
    target = torch.arange(5)
    expected = sum(
        F.cross_entropy(logits, target)
        for pair in (SCALE * audio @ text_t.T, SCALE * audio_t @ text.T)
        for logits in (pair, pair.T)
    )
    loss = FourTermInfoNCE()(audio, text, audio_t, text_t, SCALE)
    assert loss.item() == pytest.approx(expected.item() / 4, abs=1e-6)


def test_kappa_weights_are_cross_entropy_weights() -> None:
    audio, text = rows(0), rows(1)
    target, logits = torch.arange(5), SCALE * audio @ text.T
    weights = [((x @ x.T).sum(1) / (0.5 * 5)).exp() for x in (audio, text)]
    expected = F.cross_entropy(logits, target, weight=weights[0])
    expected = (expected + F.cross_entropy(logits.T, target, weight=weights[1])) / 2
    assert KappaInfoNCE(0.5)(audio, text, SCALE).item() == pytest.approx(expected.item(), abs=1e-6)


def test_a_large_kappa_is_plain_infonce() -> None:
    loss = KappaInfoNCE(1e6)(rows(0), rows(1), SCALE)
    assert loss.item() == pytest.approx(InfoNCE()(rows(0), rows(1), SCALE).item(), abs=1e-5)


def test_kappa_of_zero_is_refused() -> None:
    with pytest.raises(EarShotError, match="above 0"):
        KappaInfoNCE(0.0)
