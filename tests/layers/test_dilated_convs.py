from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from earshot.core.errors import EarShotError
from earshot.layers.dilated_convs import (
    CausalAverage,
    DilatedConv,
    DilatedConvs,
    Direction,
    GatedConvs,
)


def slow_conv(
    hidden: Tensor, conv: nn.Conv1d, dilation: int, before: int, padding: Tensor
) -> Tensor:
    """A convolution step by step, over real steps alone."""
    out = torch.zeros(hidden.shape[0], conv.out_channels, hidden.shape[2])
    for row in range(hidden.shape[0]):
        for step in range(hidden.shape[2]):
            out[row, :, step] = conv.bias
            for tap in range(conv.kernel_size[0]):
                at = step - before + tap * dilation
                if 0 <= at < hidden.shape[2] and not padding[row, at]:
                    out[row, :, step] += conv.weight[:, :, tap] @ hidden[row, :, at]
    return out


@settings(deadline=None, derandomize=True, max_examples=25)
@given(
    kernel=st.integers(1, 4),
    dilation=st.integers(1, 3),
    steps=st.integers(1, 9),
    direction=st.sampled_from(["centred", "causal"]),
)
def test_a_convolution_is_its_slow_loop_over_real_steps(
    kernel: int, dilation: int, steps: int, direction: Direction
) -> None:
    torch.manual_seed(kernel + 10 * dilation + 100 * steps)
    conv = DilatedConv(2, 3, kernel, dilation=dilation, direction=direction)
    hidden = torch.randn(2, 2, steps)
    padding = torch.arange(steps) >= torch.tensor([[steps], [(steps + 1) // 2]])
    reach = (kernel - 1) * dilation
    before = reach if direction == "causal" else (reach + 1) // 2
    expected = slow_conv(hidden, conv.conv, dilation, before, padding)
    torch.testing.assert_close(conv(hidden, padding), expected, atol=1e-6, rtol=1e-5)


@settings(deadline=None, derandomize=True, max_examples=20)
@given(kernel=st.integers(1, 5), dilation=st.integers(1, 4))
def test_a_centred_convolution_is_torch_s_with_half_the_reach_padded(
    kernel: int, dilation: int
) -> None:
    """As TS2Vec writes it: half the reach on both sides, the last step dropped where it is even."""
    conv = DilatedConv(2, 2, kernel, dilation=dilation)
    hidden = torch.randn(3, 2, 11)
    reach = (kernel - 1) * dilation + 1
    out = F.conv1d(hidden, conv.conv.weight, conv.conv.bias, padding=reach // 2, dilation=dilation)
    torch.testing.assert_close(conv(hidden), out[:, :, :-1] if reach % 2 == 0 else out)


def seen_by(model: nn.Module, in_dim: int, steps: int, step: int) -> list[int]:
    """The input steps that an output step depends on, by gradient."""
    hidden = torch.randn(1, in_dim, steps, requires_grad=True)
    model(hidden)[0, :, step].sum().backward()
    assert hidden.grad is not None
    return torch.nonzero(hidden.grad.abs().sum((0, 1))).flatten().tolist()


def test_a_causal_stack_sees_the_past_alone_and_a_centred_one_both_sides() -> None:
    torch.manual_seed(0)
    causal = DilatedConvs(3, [8, 8, 6], direction="causal").double()
    centred = DilatedConvs(3, [8, 8, 6]).double()
    torch.set_default_dtype(torch.float64)
    try:
        assert seen_by(causal, 3, 60, 40) == list(range(40 - 2 * 2 * (1 + 2 + 4), 41))
        assert seen_by(centred, 3, 60, 30) == list(range(30 - 14, 30 + 15))
        average = CausalAverage(3, 4, [1, 2, 4]).double()
        assert seen_by(average, 3, 20, 10) == [7, 8, 9, 10]
    finally:
        torch.set_default_dtype(torch.float32)


def test_the_stack_is_blocks_of_gelu_and_convolution_with_shortcuts() -> None:
    torch.manual_seed(0)
    stack = DilatedConvs(4, [4, 4, 7])
    names = set(stack.state_dict())
    for block in range(3):
        for conv in ("conv1", "conv2"):
            assert f"net.{block}.{conv}.conv.weight" in names
    assert {name for name in names if "projector" in name} == {
        "net.2.projector.weight",
        "net.2.projector.bias",
    }  # the widths agree before
    hidden = torch.randn(2, 4, 12)
    expected = hidden
    for i, block in enumerate(stack.net):
        inner = F.gelu(expected)
        for conv in (block.conv1.conv, block.conv2.conv):
            inner = F.conv1d(inner, conv.weight, conv.bias, padding=2**i, dilation=2**i)
            inner = F.gelu(inner) if conv is block.conv1.conv else inner
        shortcut = expected if block.projector is None else block.projector(expected)
        expected = shortcut + inner
    torch.testing.assert_close(stack(hidden), expected)
    assert [state.shape[1] for state in stack.layers(hidden)] == [4, 4, 4, 7]


def test_padding_and_batch_mates_change_nothing() -> None:
    torch.manual_seed(0)
    for stack in (DilatedConvs(3, [5, 5]), DilatedConvs(3, [5, 5], direction="causal")):
        short = torch.randn(1, 3, 9)
        long = torch.cat([F.pad(short, (0, 8), value=7.0), torch.randn(1, 3, 17)])
        padding = torch.arange(17) >= torch.tensor([[9], [17]])
        inside = stack(long, padding)[:1, :, :9]
        torch.testing.assert_close(inside, stack(short), atol=1e-6, rtol=1e-5)


def test_an_average_of_causal_convolutions_is_that() -> None:
    torch.manual_seed(0)
    average = CausalAverage(2, 3, [1, 2, 8])
    assert set(average.state_dict()) == {f"{i}.{n}" for i in range(3) for n in ("weight", "bias")}
    hidden, expected = torch.randn(2, 2, 6), torch.zeros(2, 3, 6)
    for conv in average:
        padded = F.conv1d(hidden, conv.weight, conv.bias, padding=conv.kernel_size[0] - 1)
        expected += padded[:, :, :6] / 3  # the tail dropped
    torch.testing.assert_close(average(hidden), expected)


def test_gated_convolutions_have_the_published_shapes_and_order() -> None:
    with torch.device("meta"):
        published = GatedConvs(270, 320, 10)
    shapes = {name: tuple(value.shape) for name, value in published.state_dict().items()}
    assert shapes["sequence.0.0.weight"] == (320, 270, 3)
    assert shapes["sequence.9.1.running_var"] == (320,)
    assert {name for name in shapes if name.startswith("glus")} == {
        f"glus.{k}.0.{part}" for k in (1, 3, 5, 7, 9) for part in ("weight", "bias")
    }
    assert shapes["glus.1.0.weight"] == (640, 320, 3)
    assert [layer[0].dilation[0] for layer in published.sequence] == [1, 2, 4, 8, 16] * 2
    torch.manual_seed(0)
    stack = GatedConvs(3, 4, 3).eval()
    hidden = torch.randn(2, 3, 10)
    first = stack.sequence[0](hidden)  # other width: not added
    second = stack.sequence[1](first) + first
    gate = stack.glus["1"][0](second)
    gated = gate[:, :4] * torch.sigmoid(gate[:, 4:])  # not added
    third = stack.sequence[2](gated) + gated
    torch.testing.assert_close(stack(hidden), third)
    plain = GatedConvs(3, 4, 2, gate_every=0, residual=False, activation=nn.ReLU).eval()
    torch.testing.assert_close(plain(hidden), plain.sequence[1](plain.sequence[0](hidden).clone()))
    assert isinstance(plain.sequence[0][2], nn.ReLU)


def test_sizes_that_make_no_stack_are_refused() -> None:
    with pytest.raises(EarShotError, match="at least 1 each"):
        DilatedConv(2, 2, 0)
    with pytest.raises(EarShotError, match="an odd kernel"):
        GatedConvs(2, 2, 2, kernel=4)
    with pytest.raises(EarShotError, match="of shape"):
        GatedConvs(2, 2, 2)(torch.zeros(1, 3, 5))
