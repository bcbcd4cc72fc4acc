from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from earshot.core.errors import EarShotError
from earshot.encoders.panns import CnnConfig, PannsCnn
from earshot.layers.spec_augment import SpecAugmentConfig
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


def test_states_over_time_are_the_last_maps_without_frequency() -> None:
    cnn = shake(PannsCnn(TOY), 1)
    log_mel, n_frames = torch.randn(2, 32, 41) * 20 - 40, torch.tensor([41, 22])
    states = cnn.layers(log_mel, n_frames)
    maps, n_real = cnn.maps(log_mel, n_frames)
    assert torch.equal(states.n_positions, n_real)
    assert n_real.tolist() == [41 // 4, 22 // 4]
    assert cnn.position_frames == 4
    assert torch.allclose(states.last, maps.mean(3).transpose(1, 2))
    alone = cnn.layers(log_mel[1:, :, :22], n_frames[1:])
    assert torch.allclose(alone.last[0], states.last[1, :5], atol=1e-5)


def test_shares_mix_normalised_log_mels_and_halve_the_batch() -> None:
    cnn = shake(PannsCnn(TOY), 1)
    log_mel, n_frames = torch.randn(4, 32, 24) * 20 - 40, torch.tensor([24, 20, 8, 16])
    shares = torch.tensor([0.3, 0.7, 1.0, 0.0])
    apart, _ = cnn.image(log_mel, n_frames)
    together, n_real = cnn.image(log_mel, n_frames, shares)
    assert torch.allclose(together[0], 0.3 * apart[0] + 0.7 * apart[1], atol=1e-6)
    assert torch.allclose(together[1], apart[2])
    assert n_real.tolist() == [24, 16]
    assert cnn.logits(log_mel, n_frames, shares).shape == (2, TOY.n_classes)
    whole = cnn.logits(log_mel[:1], n_frames[:1])
    one = cnn.logits(log_mel[[0, 1]], n_frames[[0, 1]], torch.tensor([1.0, 0.0]))
    assert torch.allclose(one, whole, atol=1e-5)


def test_stripes_are_masked_while_training_only() -> None:
    stripes = SpecAugmentConfig(time_width=8, mel_width=8, fill="zero")
    cnn = PannsCnn(replace(TOY, spec_augment=stripes))
    log_mel, n_frames = torch.randn(2, 32, 24), torch.tensor([24, 24])
    torch.manual_seed(0)
    plain = cnn.eval().image(log_mel, n_frames)[0]
    masked = cnn.train().image(log_mel, n_frames)[0]
    assert bool((plain != 0).all())
    assert bool((masked == 0).any())
    assert cnn.state_dict().keys() == PannsCnn(TOY).state_dict().keys()


def test_short_clips_go_on_in_silence() -> None:
    cnn = shake(PannsCnn(replace(TOY, silence_db=-100.0)), 1)
    clip = torch.randn(1, 32, 3) * 20 - 40
    silent = F.pad(clip, (0, 1), value=-100.0)
    expected = cnn(silent, torch.tensor([4]))
    assert torch.allclose(cnn(clip, torch.tensor([3])), expected, atol=1e-6)
    noisy = F.pad(clip, (0, 9), value=5.0)
    assert torch.allclose(cnn(noisy, torch.tensor([3])), expected, atol=1e-6)
    longer = torch.randn(1, 32, 9)
    plain = shake(PannsCnn(TOY), 1)(longer, torch.tensor([9]))
    assert torch.equal(cnn(longer, torch.tensor([9])), plain)
