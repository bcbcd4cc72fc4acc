from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from earshot.core.errors import EarShotError
from earshot.objectives.infonce import InfoNCE
from earshot.objectives.temporal import N_VERSIONS, TemporalConfig, TemporalNCE

SETTINGS = settings(deadline=None, derandomize=True, max_examples=20)
PLAIN = TemporalConfig(0.0, 0.0, 0.0, 0.0)
WEIGHT = st.sampled_from([0.0, 0.3, 1.0, 2.5])


def versions(n: int, seed: int = 0, dim: int = 5) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return F.normalize(torch.randn(n, N_VERSIONS, dim, generator=generator), dim=2)


def slow(
    audio: Tensor, text: Tensor, scale: float, config: TemporalConfig, meanings: list[list[int]]
) -> Tensor:
    """The loss as the formulas say it, in loops over anchors and candidates, without logsumexp."""
    n, total = len(audio), torch.zeros(())
    for anchors, others in ((audio, text), (text, audio)):
        for version, weight in enumerate((1.0, config.beta, config.gamma)):
            for i in range(n):
                denominator, right, n_right = torch.zeros(()), torch.zeros(()), 0.0
                for j in range(n):
                    for other in range(N_VERSIONS):
                        alpha = config.alpha_same if i == j else config.alpha_cross
                        times = 1.0 if other == version else alpha
                        cosine = (anchors[i, version] * others[j, other]).sum()
                        denominator = denominator + times * torch.exp(scale * cosine)
                        if meanings[i][version] == meanings[j][other]:
                            right, n_right = right + times * scale * cosine, n_right + times
                loss = torch.log(denominator) - right / n_right
                total = total + weight * loss / n / 2
    return total


@SETTINGS
@given(
    n=st.integers(1, 4),
    seed=st.integers(0, 50),
    weights=st.tuples(WEIGHT, WEIGHT, WEIGHT, WEIGHT),
    scale=st.floats(1.0, 20.0),
    shared=st.booleans(),
)
def test_values_and_gradients_are_those_of_the_double_loop(
    n: int, seed: int, weights: tuple[float, ...], scale: float, shared: bool
) -> None:
    config = TemporalConfig(*weights)
    draw = torch.randint(0, 4, (n, N_VERSIONS), generator=torch.Generator().manual_seed(seed))
    meanings = draw if shared else torch.arange(n * N_VERSIONS).view(n, N_VERSIONS)
    grads, values = [], []
    for way in ("fast", "slow"):
        audio, text = versions(n, seed).requires_grad_(), versions(n, seed + 99).requires_grad_()
        if way == "fast":
            loss = TemporalNCE(config)(audio, text, torch.tensor(scale), meanings=meanings)
        else:
            loss = slow(audio, text, scale, config, meanings.tolist())
        loss.backward()
        values.append(loss.item())
        grads.append(torch.cat([audio.grad, text.grad]))
    assert values[0] == pytest.approx(values[1], rel=1e-5, abs=1e-6)
    torch.testing.assert_close(*grads, rtol=1e-4, atol=2e-6)


@SETTINGS
@given(n=st.integers(1, 8), seed=st.integers(0, 50), scale=st.floats(1.0, 100.0))
def test_all_zero_is_infonce_of_the_forward_version(n: int, seed: int, scale: float) -> None:
    audio, text, scale_ = versions(n, seed), versions(n, seed + 9), torch.tensor(scale)
    found = TemporalNCE(PLAIN)(audio, text, scale_)
    assert found.item() == pytest.approx(
        InfoNCE()(audio[:, 0], text[:, 0], scale_).item(), rel=1e-5, abs=1e-6
    )
    meanings = torch.randint(0, 3, (n, N_VERSIONS), generator=torch.Generator().manual_seed(seed))
    found = TemporalNCE(PLAIN)(audio, text, scale_, meanings=meanings)
    grouped = InfoNCE()(audio[:, 0], text[:, 0], scale_, groups=meanings[:, 0])
    assert found.item() == pytest.approx(grouped.item(), rel=1e-5, abs=1e-6)


def test_all_one_is_infonce_of_all_versions_together() -> None:
    audio, text, scale = versions(5), versions(5, 1), torch.tensor(9.0)
    meanings = torch.tensor([[0, 1, 2], [1, 0, 2], [3, 4, 5], [0, 1, 2], [6, 7, 8]])
    together = InfoNCE()(audio.flatten(0, 1), text.flatten(0, 1), scale, groups=meanings.flatten())
    found = TemporalNCE()(audio, text, scale, meanings=meanings)
    assert found.item() == pytest.approx(3 * together.item(), rel=1e-5)


def test_perfect_pairs_give_the_closed_form() -> None:
    n, scale = 4, 3.0
    rows = torch.eye(n * N_VERSIONS).view(n, N_VERSIONS, -1)
    config = TemporalConfig(2.0, 0.5, 0.0, 0.0)
    found = TemporalNCE(config)(rows, rows, torch.tensor(scale))
    others = (n - 1) + 2 * 2.0 + 2 * (n - 1) * 0.5
    assert found.item() == pytest.approx(math.log1p(others * math.exp(-scale)), abs=1e-6)


def test_reversing_twice_is_the_identity_and_reversed_anchors_mirror_forward_ones() -> None:
    audio, text, scale = versions(4), versions(4, 1), torch.tensor(7.0)
    turned = [1, 0, 2]
    assert torch.equal(audio[:, turned][:, turned], audio)
    backward = TemporalConfig(1.0, 1.0, 1.0, 0.0)
    found = TemporalNCE(backward)(audio, text, scale)
    mirrored = TemporalNCE(backward)(audio[:, turned], text[:, turned], scale)
    assert found.item() == pytest.approx(mirrored.item(), rel=1e-6)


def test_one_meaning_in_two_pairs_is_no_negative() -> None:
    """Pairs (A, B) and (B, A): what one calls reverse is what the other calls forward."""
    rows = torch.eye(3)[None].repeat(2, 1, 1)
    rows[1] = rows[0, [1, 0, 2]]
    one_scale = torch.tensor(50.0)
    blind = TemporalNCE()(rows, rows, one_scale)
    told = TemporalNCE()(rows, rows, one_scale, meanings=torch.tensor([[0, 1, 2], [1, 0, 2]]))
    assert blind.item() == pytest.approx(told.item(), abs=1e-5)  # a value that cannot be lowered
    audio = rows.clone()
    audio[0, 0] = F.normalize(torch.tensor([1.0, 0.4, 0.0]), dim=0)
    audio.requires_grad_()
    text = rows.clone()
    text[1, 1] = F.normalize(torch.tensor([0.5, 0.0, 1.0]), dim=0)  # also says "A before B"
    loss = TemporalNCE(TemporalConfig(1, 1, 0, 0))(
        audio, text, torch.tensor(5.0), meanings=torch.tensor([[0, 1, 2], [1, 0, 2]])
    )
    loss.backward()
    assert (audio.grad[0, 0] @ text[1, 1]) < 0  # moving towards it lowers the loss


@pytest.mark.parametrize("name", ["alpha_same", "alpha_cross", "beta", "gamma"])
@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf")])
def test_impossible_weights_are_refused(name: str, value: float) -> None:
    with pytest.raises(EarShotError, match=f"Set {name} to 1"):
        TemporalConfig(**{name: value})


def test_shapes_and_numbers_are_checked() -> None:
    one, good = torch.tensor(1.0), versions(3)
    with pytest.raises(EarShotError, match="Stack forward, reverse and overlap"):
        TemporalNCE()(good[:, :2], good[:, :2], one)
    with pytest.raises(EarShotError, match="one caption per version"):
        TemporalNCE()(good, good[:2], one)
    with pytest.raises(EarShotError, match="version of every pair a number"):
        TemporalNCE()(good, good, one, meanings=torch.zeros(3, dtype=torch.int64))
    bad = good.clone()
    bad[1, 2, 0] = torch.nan
    with pytest.raises(EarShotError, match="NaN"):
        TemporalNCE()(bad, good, one)


def test_bf16_input_is_computed_in_float32() -> None:
    audio, text = versions(4).bfloat16(), versions(4, 1).bfloat16()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = TemporalNCE()(audio, text, torch.tensor(50.0))
    assert found.dtype == torch.float32
    wanted = TemporalNCE()(audio.float(), text.float(), torch.tensor(50.0))
    assert found.item() == pytest.approx(wanted.item(), rel=1e-6)
