from __future__ import annotations

import pytest
import torch
from torch import nn
from transformers import ClapAudioConfig
from transformers.models.clap.modeling_clap import ClapAudioAFFBlock

from earshot.layers.feature_fusion import Aff, Daf, Iaff, fusion_block
from published import shake


def maps(n: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    draw = torch.Generator().manual_seed(0)
    return tuple(torch.randn(n, 8, 4, 5, generator=draw) for _ in range(2))


def test_aff_equals_the_library_on_copied_weights() -> None:
    theirs = shake(ClapAudioAFFBlock(ClapAudioConfig(patch_embeds_hidden_size=8)), 1)
    ours = Aff(8)
    ours.load_state_dict(theirs.state_dict())
    assert torch.allclose(ours.eval()(*maps()), theirs(*maps()), atol=1e-6)


def test_iaff_is_two_rounds_and_ignores_its_second_global_attention() -> None:
    block = shake(Iaff(8), 2)
    whole, parts = maps()
    with torch.no_grad():
        both = whole + parts
        weight = torch.sigmoid(block.local_att(both) + block.global_att(both))
        mixed = weight * whole + (1 - weight) * parts
        weight = torch.sigmoid(block.local_att2(mixed) + block.global_att(mixed))
        fused = block(whole, parts)
        assert torch.allclose(fused, weight * whole + (1 - weight) * parts, atol=1e-6)
        for value in block.global_att2.parameters():
            value.add_(1.0)
        assert torch.equal(block(whole, parts), fused)
    assert any(name.startswith("global_att2.") for name in block.state_dict())
    assert not any(value.requires_grad for value in block.global_att2.parameters())


def test_daf_is_the_sum() -> None:
    whole, parts = maps()
    assert torch.equal(Daf()(whole, parts), whole + parts)


@pytest.mark.parametrize("kind", ["aff", "iaff"])
def test_equal_maps_are_kept_up_to_the_doubling(kind: str) -> None:
    block = shake(fusion_block(kind, 8), 3)
    whole, _ = maps()
    factor = 2 if kind == "aff" else 1
    assert torch.allclose(block(whole, whole), factor * whole, atol=1e-5)


@pytest.mark.parametrize("kind", ["aff", "iaff"])
def test_one_row_trains(kind: str) -> None:
    block = fusion_block(kind, 8).train()
    fused = block(*maps(1))
    assert fused.shape == (1, 8, 4, 5)
    fused.sum().backward()
    assert any(isinstance(m, nn.BatchNorm2d) for m in block.modules())
    assert block.local_att[0].weight.grad is not None
