from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F

from earshot.core.errors import EarShotError
from earshot.encoders.frame_encoder import FrameEncoder, FrameEncoderConfig

KINDS = ("transformer", "gru")


def encoder(kind: str, **sizes: int | str) -> FrameEncoder:
    torch.manual_seed(0)
    config: dict[str, Any] = {
        "n_features": 6,
        "dim": 16,
        "depth": 2,
        "n_heads": 2,
        "position_width": 5,
        **sizes,
    }
    return FrameEncoder(FrameEncoderConfig(kind=kind, **config)).eval()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n_frames", [1, 2, 7, 12])
def test_states_are_the_same_alone_and_padded(kind: str, n_frames: int) -> None:
    model = encoder(kind)
    clip = torch.randn(1, 6, n_frames) * 20 - 40
    mate = torch.randn(1, 6, n_frames + 9) * 20 - 40
    wide = torch.cat([F.pad(clip, (0, 9), value=33.0), mate])
    lengths = torch.tensor([n_frames, n_frames + 9])
    alone = model.layers(clip, torch.tensor([n_frames]))
    among = model.layers(wide, lengths)
    n = int(alone.n_positions)
    assert n == -(-n_frames // 2) == among.n_positions[0]
    assert len(alone.hidden) == 3
    for one, two in zip(alone.hidden, among.hidden, strict=True):
        assert torch.allclose(one[0], two[0, :n], atol=1e-5)
    assert torch.allclose(model(clip, lengths[:1])[0], model(wide, lengths)[0], atol=1e-5)
    assert torch.allclose(model(clip, lengths[:1]), alone.last.mean(1), atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_only_the_gru_is_deaf_to_what_comes(kind: str) -> None:
    model = encoder(kind)
    clip = (torch.randn(1, 6, 20) * 20 - 40).requires_grad_()
    model.layers(clip, torch.tensor([20])).last[0, 4].square().sum().backward()
    heard = clip.grad[0].abs().sum(0) > 0
    assert heard[:10].all()
    assert heard[10:].any() == (kind == "transformer")


def test_embedding_hears_its_own_frames_alone() -> None:
    model = encoder("transformer", stack=3)
    clip = (torch.randn(1, 6, 12) * 20 - 40).requires_grad_()
    inputs, _ = model.stacked(clip, torch.tensor([12]))
    assert torch.allclose(inputs[0, 1, 6:12], (clip[0, :, 4] + 30) / 20)
    model.embed(inputs)[0, 1].square().sum().backward()
    assert (clip.grad[0].abs().sum(0) > 0).nonzero()[:, 0].tolist() == [3, 4, 5]


@pytest.mark.parametrize("positions", ["convolution", "sinusoids"])
def test_where_a_position_is_reaches_the_transformer(positions: str) -> None:
    model = encoder("transformer", positions=positions)
    clip = torch.randn(1, 6, 24) * 20 - 40
    turned = torch.cat([clip[:, :, 12:], clip[:, :, :12]], 2)
    lengths = torch.tensor([24])
    assert not torch.allclose(model(clip, lengths), model(turned, lengths), atol=1e-4)


def test_sizes_that_cannot_be_are_refused() -> None:
    with pytest.raises(EarShotError, match="odd position_width"):
        FrameEncoderConfig(position_width=4)
    with pytest.raises(EarShotError, match="multiple of 8"):
        FrameEncoderConfig(dim=12)
    with pytest.raises(EarShotError, match="as many bands"):
        encoder("gru").layers(torch.zeros(1, 5, 4), torch.tensor([4]))
