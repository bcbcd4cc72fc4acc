from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn
from transformers import WavLMConfig
from transformers.models.wavlm.modeling_wavlm import WavLMPositionalConvEmbedding

from earshot.layers.positional_conv import WeightNormConv, positional_conv
from published import shake


def test_it_is_the_library_s_on_copied_weights() -> None:
    config = WavLMConfig(hidden_size=12, num_conv_pos_embeddings=8, num_conv_pos_embedding_groups=3)
    theirs = shake(WavLMPositionalConvEmbedding(config), 0)
    ours = positional_conv(12, 8, 3)
    old = theirs.state_dict()
    ours.load_state_dict(
        {
            "0.weight_g": old["conv.parametrizations.weight.original0"],
            "0.weight_v": old["conv.parametrizations.weight.original1"],
            "0.bias": old["conv.bias"],
        }
    )
    hidden = torch.randn(2, 17, 12)
    with torch.no_grad():
        assert torch.allclose(
            ours(hidden.transpose(1, 2)).transpose(1, 2), theirs(hidden), atol=1e-6
        )


def test_a_new_one_has_the_kernel_it_drew_and_odd_widths_are_centred() -> None:
    conv = WeightNormConv(4, 3, 1)
    hidden = torch.randn(1, 4, 9)
    expected = F.conv1d(hidden, conv.weight_v, conv.bias, padding=1)
    assert torch.allclose(conv(hidden), expected, atol=1e-6)
    assert isinstance(positional_conv(4, 3, 1)[1], nn.GELU)
