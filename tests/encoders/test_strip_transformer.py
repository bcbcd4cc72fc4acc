from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from earshot.core.errors import EarShotError
from earshot.encoders.strip_transformer import StripTransformer, StripTransformerConfig

SIZES = StripTransformerConfig(n_mels=8, dim=16, depth=2, n_heads=2)


@pytest.mark.parametrize("n_frames", [1, 3, 4, 5, 8, 18])
def test_a_clip_is_the_same_alone_and_padded(n_frames: int) -> None:
    torch.manual_seed(0)
    model = StripTransformer(SIZES).eval()
    clip = torch.randn(1, 8, n_frames) * 20 - 40
    wide = F.pad(clip, (0, 11), value=33.0)
    alone, padded = (model(x, torch.tensor([n_frames])) for x in (clip, wide))
    assert torch.allclose(alone, padded, atol=1e-5)


def test_time_reaches_the_embedding_and_so_does_every_frame() -> None:
    torch.manual_seed(0)
    model = StripTransformer(SIZES).eval()
    clip = (torch.randn(1, 8, 18) * 20 - 40).requires_grad_()
    embedding = model(clip, torch.tensor([18]))
    swapped = torch.cat([clip[:, :, 8:16], clip[:, :, :8], clip[:, :, 16:]], 2)
    assert not torch.allclose(embedding, model(swapped, torch.tensor([18])), atol=1e-3)
    embedding.square().sum().backward()
    assert (clip.grad.abs().sum((0, 1)) > 0).all()  # the last, incomplete strip counts too


def test_wrong_mels_and_strips_are_refused() -> None:
    with pytest.raises(EarShotError, match="same n_mels"):
        StripTransformer(SIZES)(torch.zeros(1, 9, 4), torch.tensor([4]))
    with pytest.raises(EarShotError, match="strip"):
        StripTransformerConfig(strip=0)
