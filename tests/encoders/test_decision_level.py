"""Segment decisions against the published forward, written once more without classes or padding."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from earshot.core.errors import EarShotError
from earshot.encoders.decision_level import DecisionCnn
from earshot.encoders.panns import CnnConfig

TOY = CnnConfig(n_mels=16, channels=(3, 4, 6), n_pools=2, dim=6, n_classes=5, decision="max")


def cnn(decision: str) -> DecisionCnn:
    torch.manual_seed(0)
    model = DecisionCnn(replace(TOY, decision=decision)).eval()
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.uniform_(-1, 1)
            module.running_var.uniform_(0.5, 2)
    return model


def by_hand(model: DecisionCnn, clip: Tensor) -> tuple[Tensor, Tensor]:
    """Clip [n_classes] and framewise [frames, n_classes] of one clip [n_mels, frames]."""
    state, frames = model.state_dict(), clip.shape[1]
    maps, _ = model.maps(clip[None], torch.tensor([frames]))
    x = maps.mean(3)
    x = F.max_pool1d(x, 3, 1, 1) + F.avg_pool1d(x, 3, 1, 1)
    x = F.relu(F.linear(x.transpose(1, 2), state["fc1.weight"], state["fc1.bias"]))[0]
    if model.config.decision == "attention":
        att = x @ state["att_block.att.weight"][..., 0].T + state["att_block.att.bias"]
        cla = x @ state["att_block.cla.weight"][..., 0].T + state["att_block.cla.bias"]
        segment = torch.sigmoid(cla)
        whole = (torch.softmax(att.clamp(-10, 10), 0) * segment).sum(0)
    else:
        segment = torch.sigmoid(x @ state["fc_audioset.weight"].T + state["fc_audioset.bias"])
        whole = segment.amax(0) if model.config.decision == "max" else segment.mean(0)
    up = segment.repeat_interleave(4, 0)
    return whole, torch.cat([up, up[-1:].expand(frames - len(up), -1)])


@pytest.mark.parametrize("decision", ["max", "mean", "attention"])
def test_decisions_are_the_published_ones_alone_and_in_a_batch(decision: str) -> None:
    model = cnn(decision)
    log_mel = torch.randn(3, 16, 41) * 20 - 40
    n_frames = torch.tensor([41, 22, 7])
    logits, frames = model.logits(log_mel, n_frames), model.framewise(log_mel, n_frames)
    for i, n in enumerate(n_frames.tolist()):
        whole, framewise = by_hand(model, log_mel[i, :, :n])
        assert torch.allclose(logits[i].sigmoid(), whole, atol=1e-5)
        assert torch.allclose(frames[i, :n], framewise, atol=1e-5)
    alone = model(log_mel[1:2, :, :22], n_frames[1:2])
    assert torch.allclose(alone[0], model(log_mel, n_frames)[1], atol=1e-5)


def test_frames_repeat_their_segment_s_decision() -> None:
    model = cnn("max")
    frames = model.framewise(torch.randn(1, 16, 23), torch.tensor([23]))[0]
    assert frames.shape == (23, 5)
    assert torch.equal(frames[0:4], frames[:1].expand(4, -1))
    assert torch.equal(frames[16:], frames[16:17].expand(7, -1))  # five segments, the last goes on


@pytest.mark.parametrize(
    ("decision", "millions", "name"),
    [("max", 80.75, "fc_audioset.weight"), ("attention", 81.83, "att_block.cla.weight")],
)
def test_published_sizes_and_names(decision: str, millions: float, name: str) -> None:
    with torch.device("meta"):
        model = DecisionCnn(replace(CnnConfig.cnn14(), decision=decision))
    assert sum(p.numel() for p in model.parameters()) / 1e6 == pytest.approx(millions, abs=0.01)
    assert list(model.state_dict()[name].shape)[:2] == [527, 2048]


def test_shares_mix_here_too_and_all_of_it_learns() -> None:
    model = cnn("attention").train()
    logits = model.logits(
        torch.randn(4, 16, 24), torch.full((4,), 24), torch.tensor([0.5, 0.5, 0.1, 0.9])
    )
    assert logits.shape == (2, 5)
    F.binary_cross_entropy_with_logits(logits, torch.ones(2, 5)).backward()
    assert model.conv_block1.conv1.weight.grad.any()


def test_a_head_without_decisions_is_refused() -> None:
    with pytest.raises(EarShotError, match="max, mean or attention"):
        DecisionCnn(replace(TOY, decision=None))
