from __future__ import annotations

import numpy as np
import pytest
import torch

from earshot.core.errors import EarShotError
from earshot.features import utterance_cmvn


def test_bands_of_the_real_frames_are_normalised_and_padding_is_zero() -> None:
    log_mel = torch.randn(3, 5, 20, generator=torch.Generator().manual_seed(0)) * 7 + 3
    n_frames = torch.tensor([20, 7, 1])
    out = utterance_cmvn(log_mel, n_frames)
    for i, n in enumerate(n_frames.tolist()):
        rows = log_mel[i, :, :n].double().numpy()
        std = np.sqrt(np.maximum(rows.var(1, keepdims=True), 1e-10))
        np.testing.assert_allclose(
            out[i, :, :n], (rows - rows.mean(1, keepdims=True)) / std, atol=1e-5
        )
        assert not out[i, :, n:].any()
    log_mel[1, :, 7:] = float("inf")  # not even that is heard
    assert torch.equal(utterance_cmvn(log_mel, n_frames)[1], out[1])


def test_lengths_must_fit() -> None:
    with pytest.raises(EarShotError, match="n_frames of shape"):
        utterance_cmvn(torch.zeros(2, 3, 4), torch.tensor([4]))
