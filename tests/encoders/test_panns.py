from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from earshot.core.errors import EarShotError
from earshot.encoders.panns import CnnConfig, PannsCnn
from published import shake

TOY = CnnConfig(n_mels=32, channels=(3, 4, 5), n_pools=2, dim=6, n_classes=7)


def by_hand(state: dict[str, Tensor], log_mel: Tensor) -> Tensor:
    """The published forward pass of one clip [n_mels, frames] on a state dict."""

    def norm(x: Tensor, name: str) -> Tensor:
        part = [state[f"{name}.{k}"] for k in ("running_mean", "running_var", "weight", "bias")]
        return F.batch_norm(x, *part)

    x = norm(log_mel.T[None, None].transpose(1, 3), "bn0").transpose(1, 3)
    for i in (1, 2, 3):
        for j in (1, 2):
            conv = F.conv2d(x, state[f"conv_block{i}.conv{j}.weight"], padding=1)
            x = F.relu(norm(conv, f"conv_block{i}.bn{j}"))
        x = F.avg_pool2d(x, 2) if i < 3 else x
    x = x.mean(3)
    x = x.amax(2) + x.mean(2)
    return F.relu(F.linear(x, state["fc1.weight"], state["fc1.bias"]))


def test_forward_is_the_published_one() -> None:
    cnn = shake(PannsCnn(TOY), 1)
    log_mel = torch.randn(2, 32, 41) * 20 - 40
    ours = cnn(log_mel, torch.tensor([41, 41]))
    for row, clip in zip(ours, log_mel, strict=True):
        assert torch.allclose(row, by_hand(cnn.state_dict(), clip)[0], atol=1e-4)
    head = F.linear(ours, cnn.fc_audioset.weight, cnn.fc_audioset.bias)
    assert torch.allclose(cnn.logits(log_mel, torch.tensor([41, 41])), head, atol=1e-5)


@pytest.mark.parametrize("n_frames", [4, 5, 6, 7, 13, 22])
def test_a_clip_is_the_same_alone_and_padded(n_frames: int) -> None:
    cnn = shake(PannsCnn(TOY), 1)
    clip = torch.randn(1, 32, n_frames) * 20 - 40
    wide = F.pad(clip, (0, 19), value=33.0)
    alone, padded = (cnn(x, torch.tensor([n_frames])) for x in (clip, wide))
    assert torch.allclose(alone, padded, atol=1e-6)
    assert not torch.allclose(alone, cnn(wide, torch.tensor([n_frames + 19])), atol=1e-5)


@pytest.mark.parametrize(
    ("sizes", "millions", "dim"),
    [
        (CnnConfig.cnn14(), 80.75, 2048),
        (CnnConfig.cnn10(), 5.22, 512),
        (CnnConfig.cnn6(), 4.84, 512),
    ],
)
def test_published_sizes(sizes: CnnConfig, millions: float, dim: int) -> None:
    with torch.device("meta"):
        cnn = PannsCnn(sizes)
    assert sum(p.numel() for p in cnn.parameters()) / 1e6 == pytest.approx(millions, abs=0.01)
    assert cnn.dim == dim


def test_published_names() -> None:
    with torch.device("meta"):
        shapes = {
            name: list(t.shape) for name, t in PannsCnn(CnnConfig.cnn14()).state_dict().items()
        }
    assert shapes["bn0.running_mean"] == [64]
    assert shapes["conv_block6.conv2.weight"] == [2048, 2048, 3, 3]
    assert shapes["conv_block1.bn2.num_batches_tracked"] == []
    assert shapes["fc1.weight"] == [2048, 2048]
    assert shapes["fc_audioset.bias"] == [527]


def test_too_short_and_headless_are_refused() -> None:
    cnn = PannsCnn(CnnConfig(n_mels=32, channels=(3, 4), n_pools=2, dim=6, n_classes=0))
    with pytest.raises(EarShotError, match="3 frames.*at least 4.*Fill"):
        cnn(torch.zeros(1, 32, 3), torch.tensor([3]))
    with pytest.raises(EarShotError, match="n_mels"):
        cnn(torch.zeros(1, 64, 8), torch.tensor([8]))
    with pytest.raises(EarShotError, match="head"):
        cnn.logits(torch.zeros(1, 32, 8), torch.tensor([8]))
