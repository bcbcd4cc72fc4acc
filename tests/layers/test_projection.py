from __future__ import annotations

import torch
import torch.nn.functional as F
from transformers import ClapAudioConfig
from transformers.models.clap.modeling_clap import ClapProjectionLayer

from earshot.layers.projection import MlpProjection, ResidualProjection
from published import shake


def test_mlp_equals_the_library_on_copied_weights() -> None:
    theirs = shake(ClapProjectionLayer(ClapAudioConfig(hidden_size=6, projection_dim=4)), 1)
    ours = MlpProjection(6, 4)
    ours.load_state_dict(theirs.state_dict())
    hidden = torch.randn(3, 6)
    assert torch.allclose(ours(hidden), theirs(hidden), atol=1e-6)


def test_residual_is_the_published_form() -> None:
    ours = shake(ResidualProjection(6, 4), 2)
    state = ours.state_dict()
    assert set(state) == {
        "linear1.weight",
        "linear2.weight",
        "layer_norm.weight",
        "layer_norm.bias",
    }
    hidden = torch.randn(3, 6)
    first = hidden @ state["linear1.weight"].T
    second = first + F.gelu(first) @ state["linear2.weight"].T
    mean, var = second.mean(1, keepdim=True), second.var(1, unbiased=False, keepdim=True)
    expected = (second - mean) / (var + 1e-5).sqrt()
    expected = expected * state["layer_norm.weight"] + state["layer_norm.bias"]
    assert torch.allclose(ours(hidden), expected, atol=1e-5)


def test_residual_drops_half_while_training() -> None:
    ours = shake(ResidualProjection(6, 64), 2)
    hidden = torch.randn(1, 6)
    assert torch.equal(ours(hidden), ours(hidden))
    ours.train()
    assert not torch.equal(ours(hidden), ours(hidden))
    assert ours.drop.p == 0.5
