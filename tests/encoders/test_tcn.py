from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from earshot.core.errors import EarShotError
from earshot.encoders.tcn import Pooling, Tcn, TcnConfig
from earshot.layers.tcn_trunk import TcnTrunkConfig

SMALL = TcnTrunkConfig(width=8, depth=2, dim=8, causal_kernels=(1, 4))


def tcn(pooling: Pooling = "max", trunk: TcnTrunkConfig = SMALL) -> Tcn:
    torch.manual_seed(0)
    return Tcn(TcnConfig(5, trunk, pooling=pooling, center=-40.0, spread=20.0)).eval()


def test_the_published_size_is_counted_exactly() -> None:
    with torch.device("meta"):
        model = Tcn(TcnConfig(n_features=8))
    n = sum(each.numel() for each in model.parameters())
    assert n == 26_752_256  # 26.75 M
    assert sum(each.numel() for each in model.tfd.parameters()) == 26_114_560  # 26.1 M


@settings(deadline=None, derandomize=True, max_examples=20)
@given(
    n=st.integers(1, 20),
    more=st.integers(1, 15),
    pooling=st.sampled_from(["max", "mean", "max_mean", "last"]),
    direction=st.sampled_from(["centred", "causal"]),
)
def test_padding_and_batch_mates_change_nothing(
    n: int, more: int, pooling: Pooling, direction: str
) -> None:
    trunk = TcnTrunkConfig(8, 2, 6, 3, (1, 4), direction)  # type: ignore[arg-type]
    model = tcn(pooling, trunk)
    log_mel = torch.randn(1, 5, n) * 20 - 40
    padded = torch.cat([F.pad(log_mel, (0, more), value=-100.0), torch.randn(1, 5, n + more)])
    alone = model(log_mel, torch.tensor([n]))
    among = model(padded, torch.tensor([n, n + more]))[:1]
    torch.testing.assert_close(among, alone, atol=1e-5, rtol=1e-5)


def test_it_is_linear_blocks_and_the_mean_of_causal_convolutions() -> None:
    model, log_mel = tcn(), torch.randn(2, 5, 9)
    hidden = model.input_fc(((log_mel + 40) / 20).transpose(1, 2))
    hidden = model.feature_extractor(hidden.transpose(1, 2))
    one = model.tfd[0](hidden)
    four = F.conv1d(hidden, model.tfd[1].weight, model.tfd[1].bias, padding=3)[..., :-3]
    steps = ((one + four) / 2).transpose(1, 2)
    n_frames = torch.tensor([9, 9])
    torch.testing.assert_close(model(log_mel, n_frames), steps.amax(1))
    model.config = TcnConfig(5, SMALL, pooling="max_mean", center=-40.0, spread=20.0)
    both = (steps.amax(1) + steps.mean(1)) / 2
    torch.testing.assert_close(model(log_mel, n_frames), both)
    states = model.layers(log_mel, n_frames)
    assert len(states.hidden) == 5  # the input, three blocks, the average: all eight wide
    torch.testing.assert_close(states.last, steps)
    assert states.n_positions.tolist() == [9, 9]


def test_layers_of_other_widths_are_left_out() -> None:
    model = tcn(trunk=TcnTrunkConfig(width=6, depth=2, dim=8, causal_kernels=(1, 2)))
    states = model.layers(torch.zeros(1, 5, 7), torch.tensor([7]))
    assert [each.shape for each in states.hidden] == [(1, 7, 8), (1, 7, 8)]


def test_causal_throughout_no_step_sees_a_later_one() -> None:
    trunk = TcnTrunkConfig(8, 2, 8, 3, (1, 4), "causal")
    model = tcn("last", trunk).double()
    series = torch.randn(1, 80, 5, dtype=torch.float64, requires_grad=True)
    model.steps(series, torch.tensor([80]))[0, 60].sum().backward()
    assert series.grad is not None
    seen = torch.nonzero(series.grad[0].abs().sum(1)).flatten()
    assert seen.max() == 60
    assert seen.min() == 60 - trunk.before
    centred = TcnTrunkConfig(8, 2, 8, 3, (1, 4))
    assert centred.before == trunk.before - 2 * (1 + 2 + 4)
    # a window's last step is what a pass over everything says there
    log_mel = torch.randn(1, 5, 70, dtype=torch.float64)
    window = log_mel[..., 60 - trunk.before : 61]
    whole = model.steps(model.standardise(log_mel), torch.tensor([70]))
    torch.testing.assert_close(model(window, torch.tensor([window.shape[2]])), whole[:, 60])


def test_steps_are_silenced_in_training_alone() -> None:
    model, log_mel = tcn(), torch.randn(2, 5, 30)
    n_frames = torch.tensor([30, 30])
    assert torch.equal(model(log_mel, n_frames), model(log_mel, n_frames))
    model.train()
    assert not torch.equal(model(log_mel, n_frames), model(log_mel, n_frames))
    heard = []
    model.feature_extractor.net[0].register_forward_pre_hook(lambda _, g: heard.append(g[0]))
    model(torch.randn(50, 5, 40), torch.full((50,), 40))
    silent = (heard[0] == 0).all(1).float().mean()
    assert silent.item() == pytest.approx(0.5, abs=0.05)


def test_what_it_cannot_hear_is_refused() -> None:
    with pytest.raises(EarShotError, match="number of bands"):
        tcn()(torch.zeros(1, 4, 9), torch.tensor([9]))
    with pytest.raises(EarShotError, match="step_dropout=1"):
        TcnConfig(step_dropout=1.0)
