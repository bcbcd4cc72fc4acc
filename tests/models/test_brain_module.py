from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from earshot.core.errors import EarShotError
from earshot.models.brain_module import BrainModule, BrainModuleConfig, DeepMel, DeepMelConfig

TINY = BrainModuleConfig(
    n_subjects=2, dim=5, n_virtual=6, n_waves=3, width=8, conv_depth=3, head_width=16
)


def test_the_published_sizes_and_names() -> None:
    """9.57 M parameters for 27 subjects and 1 024 features; 9.32 M of Deep Mel."""
    with torch.device("meta"):
        model, deep = BrainModule(BrainModuleConfig()), DeepMel(DeepMelConfig())
    shapes = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    wanted = {
        "merger.heads": (270, 2_048),
        "initial_linear.0.weight": (270, 270, 1),
        "subject_layers.weights": (27, 270, 270),
        "encoders.meg.sequence.0.0.weight": (320, 270, 3),
        "encoders.meg.sequence.9.0.weight": (320, 320, 3),
        "encoders.meg.sequence.9.1.running_var": (320,),
        **{f"encoders.meg.glus.{k}.0.weight": (640, 320, 3) for k in (1, 3, 5, 7, 9)},
        "final.0.weight": (640, 320, 1),
        "final.2.weight": (640, 1_024, 1),
    }
    assert wanted.items() <= shapes.items()
    assert sum(each.numel() for each in model.parameters()) == 9_565_054
    assert sum(each.numel() for each in deep.parameters()) == 9_321_664
    dilations = [layer[0].dilation[0] for layer in model.encoders["meg"].sequence]
    assert dilations == [1, 2, 4, 8, 16] * 2


def test_it_is_the_sum_of_its_written_parts() -> None:
    """Layer by layer from the state dict, with other operations than its own."""
    torch.manual_seed(0)
    model = BrainModule(TINY).eval()
    for layer in model.encoders["meg"].sequence:
        layer[1].running_mean.normal_()
        layer[1].running_var.uniform_(0.5, 2.0)
    brain, where, subject = torch.randn(2, 4, 9), torch.rand(2, 4, 2), torch.tensor([1, 0])
    w = model.state_dict()
    hidden = torch.einsum("bvc,bct->bvt", model.merger.weights(where), brain)
    linear = w["initial_linear.0.weight"][..., 0]
    hidden = torch.einsum("oc,bct->bot", linear, hidden) + w["initial_linear.0.bias"][:, None]
    hidden = torch.einsum("bct,bcd->bdt", hidden, w["subject_layers.weights"][subject])
    for k in range(3):
        name = f"encoders.meg.sequence.{k}"
        out = by_hand(hidden, w[f"{name}.0.weight"], w[f"{name}.0.bias"], 2**k)
        mean, var = w[f"{name}.1.running_mean"], w[f"{name}.1.running_var"]
        out = (out - mean[:, None]) / (var[:, None] + 1e-5).sqrt()
        out = out * w[f"{name}.1.weight"][:, None] + w[f"{name}.1.bias"][:, None]
        out = 0.5 * out * (1 + torch.erf(out / 2**0.5))
        hidden = out if k == 0 else hidden + out
        if k == 1:
            gate = "encoders.meg.glus.1.0"
            value, door = by_hand(hidden, w[f"{gate}.weight"], w[f"{gate}.bias"], 1).chunk(2, 1)
            hidden = value * door.sigmoid()
    hidden = torch.einsum("oc,bct->bot", w["final.0.weight"][..., 0], hidden)
    hidden = hidden + w["final.0.bias"][:, None]
    hidden = 0.5 * hidden * (1 + torch.erf(hidden / 2**0.5))
    hidden = torch.einsum("io,bit->bot", w["final.2.weight"][..., 0], hidden)
    wanted = hidden + w["final.2.bias"][:, None]
    torch.testing.assert_close(model(brain, where, subject), wanted, atol=1e-5, rtol=1e-4)


def by_hand(hidden: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, dilation: int):
    """A convolution of three taps with zeros beyond the ends."""
    out = bias[:, None].expand(len(hidden), -1, hidden.shape[2]).clone()
    for tap, shift in enumerate((-dilation, 0, dilation)):
        moved = torch.zeros_like(hidden)
        for t in range(hidden.shape[2]):
            if 0 <= t + shift < hidden.shape[2]:
                moved[..., t] = hidden[..., t + shift]
        out = out + torch.einsum("oc,bct->bot", weight[..., tap], moved)
    return out


def test_batch_mates_and_padded_sensors_change_nothing() -> None:
    torch.manual_seed(0)
    model = BrainModule(TINY).eval()
    brain, where = torch.randn(3, 4, 11), torch.rand(3, 4, 2)
    subject = torch.tensor([0, 1, 1])
    together = model(brain, where, subject)
    for row in range(3):
        one = slice(row, row + 1)
        alone = model(brain[one], where[one], subject[one])
        torch.testing.assert_close(together[one], alone, atol=1e-5, rtol=1e-5)
    wide = torch.cat([brain, torch.full((3, 2, 11), 1e6)], 1)
    far = torch.cat([where, torch.zeros(3, 2, 2)], 1)
    padding = torch.arange(6).expand(3, 6) >= 4
    torch.testing.assert_close(model(wide, far, subject, padding), together, atol=1e-5, rtol=1e-5)


def test_subjects_differ_only_with_their_layer() -> None:
    torch.manual_seed(0)
    brain, where = torch.randn(1, 4, 11).expand(2, -1, -1), torch.rand(1, 4, 2).expand(2, -1, -1)
    subject = torch.tensor([0, 1])
    with_layer = BrainModule(TINY).eval()(brain, where, subject)
    without = BrainModule(replace(TINY, subject_layer=False)).eval()(brain, where, subject)
    assert not torch.allclose(with_layer[0], with_layer[1], atol=1e-3)
    torch.testing.assert_close(without[0], without[1])


def test_the_speech_side_learns_along_where_there_is_one() -> None:
    speech = torch.randn(2, 7, 11)
    assert torch.equal(BrainModule(TINY).hear(speech), speech)
    deep = BrainModule(replace(TINY, deep_mel=DeepMelConfig(7, 8, 3, 5)))
    assert deep.hear(speech).shape == (2, 5, 11)
    deep.hear(speech).sum().backward()
    assert deep.deep_mel.convs.sequence[0][0].weight.grad.any()


def test_impossible_sizes_are_refused() -> None:
    with pytest.raises(EarShotError, match="sizes from 1"):
        replace(TINY, n_waves=0)
    with pytest.raises(EarShotError, match="dim=5 beside deep_mel.dim=768"):
        replace(TINY, deep_mel=DeepMelConfig())
    with pytest.raises(EarShotError, match="positions"):
        BrainModule(TINY)(torch.zeros(1, 4, 9), torch.zeros(1, 3, 2), torch.tensor([0]))
