from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from earshot.core.errors import EarShotError
from earshot.layers.deepnorm_transformer import DeepNormConfig, DeepNormLayer, DeepNormTransformer
from published import shake

TINY = DeepNormConfig(
    dim=16, depth=3, n_heads=2, mlp_dim=32, conv_width=6, conv_groups=2, n_buckets=16,
    max_distance=20, dropout=0.0, attention_dropout=0.0, layer_drop=0.0,
)  # fmt: skip


def test_a_layer_is_the_published_form() -> None:
    layer = shake(DeepNormLayer(TINY), 0)
    hidden, padding = torch.randn(2, 7, 16), torch.zeros(2, 7, dtype=torch.bool)
    bias = layer.self_attn.position_bias(torch.arange(7)[None])
    alpha = 6**0.25  # two norms a layer, three layers
    with torch.no_grad():
        attended = layer.self_attn(hidden, bias, padding)
        first = layer.self_attn_layer_norm(alpha * hidden + attended)
        fed = layer.fc2(F.gelu(layer.fc1(first)))
        assert torch.allclose(
            layer(hidden, bias, padding), layer.final_layer_norm(alpha * first + fed), atol=1e-6
        )
    assert DeepNormLayer(replace(TINY, depth=12)).alpha == pytest.approx(2.213, abs=1e-3)
    assert DeepNormLayer(replace(TINY, deep_norm=False)).alpha == 1.0


def test_weights_start_as_deepnorm_wants_them() -> None:
    torch.manual_seed(0)
    model = DeepNormTransformer(replace(TINY, dim=128, depth=12, mlp_dim=512, conv_groups=4))
    layer, beta = model.layers[5], (8 * 12) ** -0.25
    square = (2 / 256) ** 0.5
    for linear, spread in (
        (layer.self_attn.q_proj, square),
        (layer.self_attn.k_proj, square),
        (layer.self_attn.v_proj, beta * square),
        (layer.self_attn.out_proj, beta * square),
        (layer.fc1, beta * (2 / 640) ** 0.5),
        (layer.fc2, beta * (2 / 640) ** 0.5),
    ):
        assert linear.weight.std().item() == pytest.approx(spread, rel=0.05)
        assert not linear.bias.any()


def test_the_first_layer_s_table_is_for_all() -> None:
    model = shake(DeepNormTransformer(TINY), 0)
    names = [name for name in model.state_dict() if "relative_attention_bias" in name]
    assert names == ["layers.0.self_attn.relative_attention_bias.weight"]
    hidden, padding = torch.randn(1, 6, 16), torch.zeros(1, 6, dtype=torch.bool)
    model(hidden, padding).square().sum().backward()
    assert model.layers[0].self_attn.relative_attention_bias.weight.grad.any()


def test_padding_reaches_nothing_and_places_keep_their_distances() -> None:
    model = shake(DeepNormTransformer(TINY), 1)
    hidden = torch.randn(1, 9, 16)
    wide = F.pad(hidden, (0, 0, 0, 5), value=7.0)
    padding = torch.arange(14)[None] >= 9
    with torch.no_grad():
        alone = model(hidden, torch.zeros(1, 9, dtype=torch.bool))
        assert torch.allclose(model(wide, padding)[:, :9], alone, atol=1e-5)
        # a part of the positions, given by place, is what the whole is with the others padded
        some = torch.tensor([[0, 2, 3, 8]])
        absent = torch.ones(1, 9, dtype=torch.bool).index_fill(1, some[0], False)
        placed = model.place(hidden, absent)
        part = model.states(placed[:, some[0]], torch.zeros(1, 4, dtype=torch.bool), some)[-1]
        assert torch.allclose(part, model.states(placed, absent)[-1][:, some[0]], atol=1e-5)
        moved = model.states(placed[:, some[0]], torch.zeros(1, 4, dtype=torch.bool))[-1]
    assert not torch.allclose(part, moved, atol=1e-3)


def test_gradients_decay_and_layers_drop_while_training_alone() -> None:
    hidden, padding = torch.randn(1, 5, 16), torch.zeros(1, 5, dtype=torch.bool)
    slow = DeepNormTransformer(replace(TINY, gradient_decay=0.5))
    plain = DeepNormTransformer(TINY)
    plain.load_state_dict(slow.state_dict())
    assert torch.allclose(slow(hidden, padding), plain(hidden, padding), atol=1e-5)
    grads = []
    for model in (slow, plain):
        model.train()(hidden, padding).square().sum().backward()
        grads.append([layer.fc1.weight.grad for layer in model.layers])
    for decay, ours, theirs in zip((0.25, 0.5, 1.0), *grads, strict=True):
        assert torch.allclose(ours, decay * theirs, atol=1e-4)
    dropping = DeepNormTransformer(replace(TINY, layer_drop=1.0))
    assert torch.equal(dropping.train().states(hidden, padding)[-1], dropping.layer_norm(hidden))
    assert not torch.equal(dropping.eval().states(hidden, padding)[-1], dropping.layer_norm(hidden))


def test_groups_that_do_not_fit_are_refused() -> None:
    with pytest.raises(EarShotError, match="conv_groups"):
        replace(TINY, conv_groups=3)
