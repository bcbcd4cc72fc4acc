from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor
from transformers.models.wav2vec2_conformer.modeling_wav2vec2_conformer import (
    Wav2Vec2ConformerEncoder,
)

from earshot.core.errors import EarShotError
from earshot.encoders.post_encoder import PostEncoder, PostEncoderConfig
from published import shake

TINY = PostEncoderConfig(dim=16, depth=2, n_heads=2, mlp_dim=24, depthwise_kernel=7)


def encoder(config: PostEncoderConfig = TINY) -> PostEncoder:
    return shake(PostEncoder(12, config), 0)


def states() -> tuple[Tensor, Tensor]:
    drawn = torch.randn(4, 20, 12, generator=torch.Generator().manual_seed(1))
    return drawn, torch.tensor([20, 3, 11, 7])


@torch.no_grad()
def test_batch_mates_and_padding_change_no_row() -> None:
    model, (hidden, n) = encoder(), states()
    out, n_out = model(hidden, n)
    assert n_out.tolist() == [6, 1, 3, 2]  # windows of 4, every 3
    assert out.shape == (4, 6, 16)
    for i, real in enumerate(n.tolist()):
        alone, n_alone = model(hidden[i : i + 1, :real], n[i : i + 1])
        assert n_alone[0] == n_out[i]
        assert torch.allclose(alone[0], out[i, : n_out[i]], atol=1e-5)
    noisy = hidden + 100 * (torch.arange(20) >= n[:, None])[..., None]
    again, _ = model(noisy, n)
    for i, real in enumerate(n_out.tolist()):
        assert torch.equal(again[i, :real], out[i, :real])


@torch.no_grad()
def test_a_whole_clip_is_what_the_library_makes_of_it() -> None:
    model, (hidden, _) = encoder(), states()
    library = Wav2Vec2ConformerEncoder(TINY.library_config()).eval()
    library.load_state_dict(model.postencoder.state_dict())
    fewer = model.downsample_conv(hidden.transpose(1, 2)).transpose(1, 2)
    expected = library(fewer.clone()).last_hidden_state
    assert torch.allclose(model(hidden, torch.full((4,), 20))[0], expected, atol=1e-5)


def test_training_counts_and_learns() -> None:
    model, (hidden, n) = encoder().train(), states()
    model(hidden, n)[0].sum().backward()
    unused = {name for name, value in model.named_parameters() if value.grad is None}
    assert {name.split(".")[1] for name in unused} == {"pos_conv_embed"}


def test_the_published_size() -> None:
    with torch.device("meta"):
        model = PostEncoder(768, PostEncoderConfig())
    sizes = {name: sum(p.numel() for p in part.parameters()) for name, part in
             model.named_children()}  # fmt: skip
    assert sizes == {"downsample_conv": 2_360_064, "postencoder": 23_679_872}


def test_sizes_that_do_not_fit_are_refused() -> None:
    for wrong in ({"n_heads": 3}, {"depthwise_kernel": 6}, {"kernel": 2}, {"depth": 0}):
        with pytest.raises(EarShotError, match="The paper has 768, 12, 3, 4, 2 and 31"):
            replace(TINY, **wrong)
