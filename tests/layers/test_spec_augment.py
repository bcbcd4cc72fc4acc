from __future__ import annotations

from itertools import pairwise

import pytest
import torch

from earshot.core.errors import EarShotError
from earshot.layers.spec_augment import SpecAugment, SpecAugmentConfig, stripes

SHAPE = (64, 40, 200)  # clips, mels, frames


def runs(row: torch.Tensor) -> list[int]:
    """Widths of the masked runs of one row."""
    edges = torch.nonzero(row.int().diff(prepend=torch.zeros(1), append=torch.zeros(1))).flatten()
    return [int(end - begin) for begin, end in list(pairwise(edges))[::2]]


def test_outside_training_nothing_changes() -> None:
    log_mel = torch.rand(SHAPE)
    assert SpecAugment().eval()(log_mel) is log_mel


def test_stripes_have_their_counts_and_widths() -> None:
    masks = stripes(torch.full((2_000,), 200), 200, 2, 64, torch.Generator().manual_seed(0))
    widths = [runs(row) for row in masks]
    assert max(map(len, widths)) == 2  # overlapping stripes make one run
    one = stripes(torch.full((2_000,), 200), 200, 1, 64, torch.Generator().manual_seed(0))
    drawn = one.sum(1)
    assert drawn.min() == 0
    assert drawn.max() == 63
    assert drawn.float().mean() == pytest.approx(31.5, abs=1.5)  # uniform on 0..63
    assert one[:, 0].any()
    assert one[:, -1].any()


def test_stripes_keep_to_the_real_frames_and_never_mask_all() -> None:
    n_real = torch.arange(1, 201)
    masks = stripes(n_real, 200, 2, 64, torch.Generator().manual_seed(0))
    assert not masks[torch.arange(200) >= n_real[:, None]].any()
    single = stripes(n_real, 200, 1, 64, torch.Generator().manual_seed(0))
    assert (single.sum(1) < n_real).all()


@pytest.mark.parametrize("fill", ["mean", "zero"])
def test_masked_values_are_the_mean_or_zero_and_others_stay(fill: str) -> None:
    noise = torch.rand(SHAPE, generator=torch.Generator().manual_seed(1)) - 0.5
    log_mel = noise + noise.sign() - 40.0  # no value near the mean
    n_frames = torch.full((64,), 200)
    n_frames[0] = 50
    augment = SpecAugment(SpecAugmentConfig(fill=fill)).train()  # type: ignore[arg-type]
    out = augment(log_mel, n_frames, generator=torch.Generator().manual_seed(0))
    assert torch.equal(out[0, :, 50:], log_mel[0, :, 50:])
    changed = 0
    for after, before, n in zip(out, log_mel, n_frames.tolist(), strict=True):
        value = before[:, :n].mean() if fill == "mean" else torch.tensor(0.0)
        masked = after != before
        changed += int(masked.any())
        torch.testing.assert_close(after[masked], value.expand(int(masked.sum())))
        whole_frames, whole_bands = masked[:, :n].all(0), masked[:, :n].all(1)
        assert torch.equal(masked[:, :n], whole_frames[None] | whole_bands[:, None])
    assert changed > 60


def test_every_clip_draws_its_own_and_a_generator_repeats_them() -> None:
    log_mel = torch.rand(SHAPE)
    augment = SpecAugment().train()
    first, again, other = (
        augment(log_mel, generator=torch.Generator().manual_seed(seed)) for seed in (0, 0, 1)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert len({tuple(row.flatten().tolist()) for row in (first != log_mel)}) > 60
    torch.manual_seed(3)
    drawn = augment(log_mel)
    torch.manual_seed(3)
    assert torch.equal(drawn, augment(log_mel))


def test_the_views_of_a_clip_share_their_stripes() -> None:
    log_mel = torch.rand(8, 4, 40, 200) + 1.0
    augment = SpecAugment(SpecAugmentConfig(fill="zero")).train()
    out = augment(log_mel, generator=torch.Generator().manual_seed(0))
    masked = out == 0
    assert masked.any()
    assert torch.equal(masked, masked[:, :1].expand(-1, 4, -1, -1))


def test_no_stripes_no_change() -> None:
    log_mel = torch.rand(SHAPE)
    augment = SpecAugment(SpecAugmentConfig(n_time=0, n_mel=0)).train()
    assert torch.equal(augment(log_mel), log_mel)


def test_impossible_stripes_are_refused() -> None:
    with pytest.raises(EarShotError, match="time_width=0.*Set a count to 0"):
        SpecAugmentConfig(time_width=0)
