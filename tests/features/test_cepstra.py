from __future__ import annotations

import librosa
import numpy as np
import pytest
import torch
from scipy.fft import dct

from earshot.core.errors import EarShotError
from earshot.features.cepstra import cepstra, deltas


def test_cepstra_are_the_cosine_transform_and_its_changes() -> None:
    log_mel = torch.randn(2, 40, 30) * 10
    found = cepstra(log_mel, torch.tensor([30, 30]))
    assert found.shape == (2, 39, 30)
    expected = dct(log_mel.numpy(), axis=1, norm="ortho")[:, :13]
    np.testing.assert_allclose(found[:, :13], expected, atol=1e-4)
    slope = librosa.feature.delta(expected, width=5, mode="nearest", axis=2)
    np.testing.assert_allclose(found[:, 13:26, 2:-2], slope[:, :, 2:-2], atol=1e-4)


def test_padding_changes_nothing() -> None:
    log_mel = torch.randn(1, 20, 9)
    wide = torch.cat([log_mel, torch.full((1, 20, 4), 55.0)], 2)
    alone, padded = (cepstra(x, torch.tensor([9]), 5) for x in (log_mel, wide))
    assert torch.allclose(alone, padded[:, :, :9], atol=1e-5)


def test_a_line_has_its_slope() -> None:
    line = torch.arange(12.0)[None, None] * 3
    slope = deltas(line, torch.tensor([12]))
    assert torch.allclose(slope[0, 0, 2:-2], torch.tensor(3.0))
    with pytest.raises(EarShotError, match="number of bands"):
        cepstra(torch.zeros(1, 4, 3), torch.tensor([3]), 5)
