from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from earshot.core.errors import EarShotError
from earshot.layers.random_projection import RandomProjection, RandomProjectionConfig, nearest

COMPARE = ["plain", "unit", "layer_norm"]
SIZES = RandomProjectionConfig(n_inputs=6, n_codes=9, code_dim=4)


def slow_code(row: list[float], quantiser: RandomProjection) -> int:
    """One position by loops over plain numbers, as the equation says it."""
    table, book = quantiser.projection.tolist(), quantiser.codebook.tolist()
    n = len(table[0])
    seen = [sum(x * line[j] for x, line in zip(row, table, strict=True)) for j in range(n)]
    if quantiser.config.compare == "unit":
        length = sum(x * x for x in seen) ** 0.5
        seen = [x / length for x in seen]
    if quantiser.config.compare == "layer_norm":
        mean = sum(seen) / n
        var = sum((x - mean) ** 2 for x in seen) / n
        seen = [(x - mean) / (var + 1e-5) ** 0.5 for x in seen]
    distances = [sum((c - x) ** 2 for c, x in zip(code, seen, strict=True)) for code in book]
    return distances.index(min(distances))


@given(seed=st.integers(0, 10_000), compare=st.sampled_from(COMPARE))
@settings(deadline=None, derandomize=True, max_examples=30)
def test_codes_are_those_of_the_equation(seed: int, compare: str) -> None:
    config = RandomProjectionConfig(n_inputs=6, n_codes=9, code_dim=4, compare=compare, seed=seed)
    quantiser = RandomProjection(config)
    inputs = torch.randn(2, 5, 6, generator=torch.Generator().manual_seed(seed))
    codes = quantiser(inputs)
    assert codes.dtype == torch.int64
    assert codes.tolist() == [
        [slow_code(row, quantiser) for row in clip] for clip in inputs.tolist()
    ]


@pytest.mark.parametrize("compare", ["unit", "layer_norm"])
def test_gain_changes_no_code_once_projections_are_normalised(compare: str) -> None:
    quantiser = RandomProjection(
        RandomProjectionConfig(n_inputs=6, n_codes=50, code_dim=4, compare=compare)
    )
    inputs = torch.randn(4, 20, 6)
    assert torch.equal(quantiser(inputs), quantiser(30.0 * inputs))


def test_tables_follow_from_the_seed_and_leave_the_generator_alone() -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    one, same = RandomProjection(SIZES), RandomProjection(SIZES)
    other = RandomProjection(RandomProjectionConfig(n_inputs=6, n_codes=9, code_dim=4, seed=1))
    assert torch.equal(before, torch.get_rng_state())
    assert torch.equal(one.projection, same.projection)
    assert torch.equal(one.codebook, same.codebook)
    assert not torch.equal(one.codebook, other.codebook)
    assert not list(one.parameters())
    assert one.codebook.norm(dim=1) == pytest.approx(torch.ones(9).tolist(), abs=1e-6)


def test_many_codes_are_used_and_bf16_changes_none() -> None:
    quantiser = RandomProjection(RandomProjectionConfig(n_inputs=32, n_codes=64, code_dim=16))
    inputs = torch.randn(10, 200, 32)
    codes = quantiser(inputs)
    assert len(codes.unique()) > 58
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(quantiser(inputs), codes)


def test_of_equal_rows_the_first_is_nearest() -> None:
    book = torch.tensor([[0.0, 1.0], [1.0, 0.0], [1.0, 0.0]])
    assert nearest(torch.tensor([[0.9, 0.1], [0.1, 0.9]]), book).tolist() == [1, 0]


def test_other_inputs_and_no_codes_are_refused() -> None:
    with pytest.raises(EarShotError, match="n_inputs of its positions"):
        RandomProjection(SIZES)(torch.zeros(1, 2, 7))
    with pytest.raises(EarShotError, match="n_codes=0"):
        RandomProjectionConfig(n_codes=0)
