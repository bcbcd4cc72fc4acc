from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from transformers.models.wavlm.modeling_wavlm import WavLMAttention

from earshot.core.errors import EarShotError
from earshot.layers.gated_relative_attention import GatedRelativeAttention, distance_buckets
from published import shake

DIM, HEADS = 24, 3


def same_as_wavlm(ours: GatedRelativeAttention) -> WavLMAttention:
    """transformers' attention with the weights of ours."""
    theirs = WavLMAttention(DIM, HEADS, num_buckets=20, max_distance=30).eval()
    state = {
        name.replace("grep_linear", "gru_rel_pos_linear")
        .replace("grep_a", "gru_rel_pos_const")
        .replace("relative_attention_bias", "rel_attn_embed"): value
        for name, value in ours.state_dict().items()
    }
    theirs.load_state_dict(state)
    return theirs


def test_it_is_the_library_s_wavlm_attention_on_copied_weights() -> None:
    """WavLM's gate reads what comes in, ours the query: with an identity between they are one."""
    torch.manual_seed(0)
    ours = shake(GatedRelativeAttention(DIM, HEADS, n_buckets=20, max_distance=30), 1)
    with torch.no_grad():
        ours.q_proj.weight.copy_(torch.eye(DIM))
        ours.q_proj.bias.zero_()
        ours.relative_attention_bias.weight.normal_(0, 2)
    theirs, hidden = same_as_wavlm(ours), torch.randn(2, 40, DIM)
    padding = torch.arange(40)[None] >= torch.tensor([[40], [23]])
    bias = ours.position_bias(torch.arange(40)[None])
    with torch.no_grad():
        out = ours(hidden, bias, padding)
        expected, _, their_bias = theirs(hidden, attention_mask=(~padding).long())
    assert torch.equal(bias.expand(2, -1, -1, -1).reshape(2 * HEADS, 40, 40), their_bias)
    assert torch.allclose(out[~padding], expected[~padding], atol=1e-5)
    assert not torch.allclose(out, ours(hidden, 0 * bias, padding), atol=1e-2)


@given(seed=st.integers(0, 1_000))
@settings(deadline=None, derandomize=True, max_examples=10)
def test_logits_by_a_slow_loop(seed: int) -> None:
    """The released code's stable softmax is the usual one: query by query, head by head."""
    torch.manual_seed(seed)
    layer = shake(GatedRelativeAttention(8, 2, n_buckets=12, max_distance=20), seed)
    hidden, n = torch.randn(1, 5, 8), 5
    bias = layer.position_bias(torch.arange(n)[None])
    with torch.no_grad():
        out = layer(hidden, bias, torch.zeros(1, n, dtype=torch.bool))
        query, key, value = (p(hidden[0]) for p in (layer.q_proj, layer.k_proj, layer.v_proj))
        rows = []
        for i in range(n):
            heads = []
            for h in range(2):
                part = slice(4 * h, 4 * h + 4)
                fours = layer.grep_linear(query[i, part])
                a, b = (1 / (1 + math.exp(-float(s))) for s in (fours[:4].sum(), fours[4:].sum()))
                gate = a * (b * float(layer.grep_a[0, h]) - 1) + 2
                logits = torch.stack(
                    [query[i, part] @ key[j, part] / 2 + gate * bias[0, h, i, j] for j in range(n)]
                )
                shrunk = (logits / 32 - (logits / 32).max()) * 32
                heads.append(shrunk.softmax(0) @ value[:, part])
            rows.append(torch.cat(heads))
        expected = layer.out_proj(torch.stack(rows))
    assert torch.allclose(out[0], expected, atol=1e-5)


def test_distances_fall_into_their_buckets() -> None:
    distance = torch.tensor([0, -1, -79, -80, -799, -5_000, 1, 79, 800, 9_999])
    found = distance_buckets(distance, 320, 800).tolist()
    assert found[:3] == [0, 1, 79]
    assert found[3:7] == [80, 159, 159, 161]
    assert found[7:] == [239, 319, 319]
    rising = distance_buckets(-torch.arange(2_000), 320, 800)
    assert (rising.diff() >= 0).all()


def test_positions_may_have_gaps_and_the_bias_of_a_part_is_part_of_the_bias() -> None:
    layer = shake(GatedRelativeAttention(8, 2, n_buckets=12, max_distance=20), 0)
    whole = layer.position_bias(torch.arange(30)[None])
    some = torch.tensor([[0, 3, 4, 19], [2, 7, 11, 29]])
    found = layer.position_bias(some)
    for row, places in enumerate(some):
        assert torch.equal(found[row], whole[0][:, places][:, :, places])


def test_heads_that_do_not_share_evenly_are_refused() -> None:
    with pytest.raises(EarShotError, match="divisors of dim"):
        GatedRelativeAttention(10, 4)
    assert isinstance(GatedRelativeAttention(8, 4).grep_linear, nn.Linear)
