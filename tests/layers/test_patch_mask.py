from __future__ import annotations

import random

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from earshot.core.errors import EarShotError
from earshot.layers.patch_mask import cluster_mask, n_to_mask, random_mask, released_mask


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@given(st.integers(1, 600), st.floats(0.01, 0.99))
@settings(deadline=None, derandomize=True, max_examples=60)
def test_one_token_at_least_stays_and_one_goes(n_real: int, share: float) -> None:
    n = int(n_to_mask(torch.tensor(n_real), share))
    if n_real == 1:
        assert n == 0
    else:
        assert 1 <= n <= n_real - 1
        assert abs(n - min(max(n_real * share, 1), n_real - 1)) <= 0.501


def test_the_paper_s_share_is_its_count() -> None:
    assert int(n_to_mask(torch.tensor(512), 400 / 512)) == 400


@given(
    st.lists(st.integers(1, 12), min_size=1, max_size=6),
    st.floats(0.05, 0.95),
    st.integers(0, 2**31 - 1),
)
@settings(deadline=None, derandomize=True, max_examples=40)
def test_both_masks_hide_the_exact_count_and_only_what_is_real(
    columns: list[int], share: float, seed: int
) -> None:
    n_columns, rows = torch.tensor(columns), 4
    clusters = cluster_mask(n_columns, (rows, 12), share, generator=seeded(seed))
    real = (torch.arange(12) < n_columns[:, None])[:, None].expand(-1, rows, -1)
    anywhere = random_mask(real.flatten(1), share, generator=seeded(seed))
    expected = n_to_mask(real.sum((1, 2)), share)
    for mask in (clusters.flatten(1), anywhere):
        assert torch.equal(mask.sum(1), expected)
        assert not (mask & ~real.flatten(1)).any()


def test_the_same_generator_gives_the_same_mask_and_torch_s_own_serves_too() -> None:
    n_columns = torch.full((8,), 10)
    one, two = (cluster_mask(n_columns, (8, 10), 0.5, generator=seeded(3)) for _ in range(2))
    assert torch.equal(one, two)
    torch.manual_seed(3)
    assert torch.equal(cluster_mask(n_columns, (8, 10), 0.5), one)


def test_every_patch_is_hidden_as_often() -> None:
    n = 4_000
    masks = cluster_mask(torch.full((n,), 9), (5, 12), 0.6, generator=seeded())
    often = masks.float().mean(0)
    assert not often[:, 9:].any()
    assert often[:, :9].mean() == pytest.approx(27 / 45, abs=1e-6)
    # squares that cross an edge are drawn as often as others, so corners are no exception
    assert (often[:, :9] - 0.6).abs().max() < 0.05


def neighbours(mask: torch.Tensor) -> float:
    """How often the right-hand neighbour of a hidden patch is hidden too."""
    both = (mask[:, :, 1:] & mask[:, :, :-1]).sum()
    return float(both / mask[:, :, :-1].sum())


def test_clusters_are_clusters_and_random_masks_are_not() -> None:
    real = torch.ones(500, 8 * 64, dtype=torch.bool)
    share = 100 / 512
    clusters = cluster_mask(torch.full((500,), 64), (8, 64), share, generator=seeded())
    anywhere = random_mask(real, share, generator=seeded()).view(500, 8, 64)
    assert neighbours(anywhere) == pytest.approx(99 / 511, abs=0.01)  # without replacement
    assert neighbours(clusters) > 0.7


def test_one_square_is_a_square() -> None:
    """16 of 400 patches in squares of side 4: what is hidden lies within two squares."""
    masks = cluster_mask(torch.full((300,), 20), (20, 20), 16 / 400, sides=(4,), generator=seeded())
    whole = 0
    for mask in masks:
        place = mask.nonzero()
        extent = place.amax(0) - place.amin(0)
        whole += bool((extent == 3).all())
    assert whole / 300 > 0.3  # (17/23)^2 = 0.55 of first squares lie inside whole


def test_the_released_mask_keeps_its_three_faults() -> None:
    draw = random.Random(0)
    masks = torch.zeros(600, 512)
    for mask in masks:
        ids = released_mask((8, 64), 250, draw=draw)
        assert len(ids.unique()) == 250
        mask[ids] = 1
    often = masks.mean(0).view(8, 64)
    assert often[0, 0] == 0
    assert often[7].mean() < often[3].mean() - 0.02  # the cut takes from the highest band
    wrapped = released_mask((8, 64), 6, draw=_Fixed([0, 62]))  # side 3, from row 0 column 62
    assert wrapped.tolist() == [62, 63, 64, 126, 127, 128]  # 64 is the next row's first


class _Fixed(random.Random):
    """Says what it is told."""

    def __init__(self, says: list[int]) -> None:
        super().__init__(0)
        self.says = says

    def randrange(self, *_: object) -> int:  # type: ignore[override]
        return self.says.pop(0)


@pytest.mark.parametrize("share", [0.0, 1.0, -0.2, float("nan")])
def test_an_impossible_share_is_refused(share: float) -> None:
    with pytest.raises(EarShotError, match="between 0 and 1"):
        random_mask(torch.ones(1, 4, dtype=torch.bool), share)


def test_other_impossible_masks_are_refused() -> None:
    with pytest.raises(EarShotError, match="sides of at least 1"):
        cluster_mask(torch.tensor([4]), (4, 4), 0.5, sides=())
    with pytest.raises(EarShotError, match="patch 0 is never hidden"):
        released_mask((2, 4), 7, draw=random.Random(0))
    with pytest.raises(EarShotError, match="real of shape"):
        random_mask(torch.ones(4, dtype=torch.bool), 0.5)
