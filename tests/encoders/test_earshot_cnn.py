"""The audio tower of earshot-small: padding, level and batch-mates change nothing; order does."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from earshot.core.errors import EarShotError
from earshot.encoders.earshot_cnn import EarshotCnn, EarshotCnnConfig

SMALL = EarshotCnnConfig(n_mels=16, widths=(4, 8, 8), dim=16, n_heads=2, dropout=0.0)


def encoder(seed: int = 0) -> EarshotCnn:
    """A small tower with running statistics that are not the ones it was born with."""
    torch.manual_seed(seed)
    model = EarshotCnn(SMALL)
    for part in model.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.running_mean.uniform_(-0.3, 0.3)
            part.running_var.uniform_(0.5, 1.5)
    return model.eval()


def log_mel(n_frames: int, seed: int = 0) -> Tensor:
    """A log-mel [n_mels, frames] between -60 and 0 dB."""
    return -60 * torch.rand(SMALL.n_mels, n_frames, generator=torch.Generator().manual_seed(seed))


@settings(deadline=None, derandomize=True, max_examples=25)
@given(st.lists(st.integers(1, 90), min_size=1, max_size=4), st.integers(0, 40))
def test_batch_mates_and_padding_change_nothing(lengths: list[int], extra: int) -> None:
    model, clips = encoder(), [log_mel(n, seed) for seed, n in enumerate(lengths)]
    batch = torch.full((len(clips), SMALL.n_mels, max(lengths) + extra), 7.0)  # loud rubbish
    for row, clip in zip(batch, clips, strict=True):
        row[:, : clip.shape[1]] = clip
    with torch.inference_mode():
        together = model(batch, torch.tensor(lengths))
        alone = [model(clip[None], torch.tensor([clip.shape[1]]))[0] for clip in clips]
    torch.testing.assert_close(together, torch.stack(alone), atol=1e-5, rtol=0)


@settings(deadline=None, derandomize=True, max_examples=10)
@given(st.floats(-35, 35))
def test_the_level_of_a_clip_changes_nothing(gain_db: float) -> None:
    model, clip, length = encoder(), log_mel(50)[None], torch.tensor([50])
    with torch.inference_mode():
        torch.testing.assert_close(
            model(clip + gain_db, length), model(clip, length), atol=1e-3, rtol=0
        )


def orders(n: int, seed: int) -> tuple[Tensor, Tensor]:
    """n clips of a low and a high sound far apart, and which of them came first."""
    rng = torch.Generator().manual_seed(seed)
    clips, low_first = torch.full((n, SMALL.n_mels, 128), -50.0), torch.rand(n, generator=rng) < 0.5
    for clip, low in zip(clips, low_first, strict=True):
        early, late = (int(torch.randint(0, 16, (), generator=rng)) + at for at in (0, 92))
        bands = (slice(0, 6), slice(10, 16)) if low else (slice(10, 16), slice(0, 6))
        for band, start in zip(bands, (early, late), strict=True):
            clip[band, start : start + 20] = -10 * torch.rand(6, 20, generator=rng)
    return clips, low_first.long()


def test_it_learns_which_of_two_sounds_came_first() -> None:
    model = encoder().train()
    head = nn.Linear(model.dim, 2)
    optimizer = torch.optim.Adam([*model.parameters(), *head.parameters()], lr=3e-3)
    for step in range(80):
        clips, target = orders(16, seed=step)
        loss = nn.functional.cross_entropy(head(model(clips, torch.full((16,), 128))), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    clips, target = orders(64, seed=1_000)
    with torch.inference_mode():
        found = head(model.eval()(clips, torch.full((64,), 128))).argmax(1)
    assert (found == target).float().mean() >= 0.95


def test_every_real_frame_is_heard_and_no_padded_one_is() -> None:
    clip = log_mel(80)[None].requires_grad_()
    encoder()(clip, torch.tensor([53])).square().sum().backward()
    assert clip.grad is not None
    heard = clip.grad[0].abs().amax(0) > 0  # [frames]
    assert heard[:53].all()
    assert not heard[53:].any()


def test_silence_and_a_single_frame_give_numbers() -> None:
    with torch.inference_mode():
        rows = encoder()(torch.full((2, SMALL.n_mels, 9), -100.0), torch.tensor([1, 9]))
    assert rows.shape == (2, 3 * SMALL.dim)
    assert rows.isfinite().all()


def test_it_learns_eight_clips() -> None:
    model = encoder().train()
    clips, lengths = torch.stack([log_mel(40, i) for i in range(8)]), torch.full((8,), 40)
    head, target = nn.Linear(model.dim, 8), torch.arange(8)
    optimizer = torch.optim.Adam([*model.parameters(), *head.parameters()], lr=3e-3)
    for _ in range(60):
        loss = nn.functional.cross_entropy(head(model(clips, lengths)), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.inference_mode():
        assert (head(model(clips, lengths)).argmax(1) == target).all()


def test_mels_that_cannot_be_halved_are_refused() -> None:
    with pytest.raises(EarShotError, match="halved"):
        EarshotCnnConfig(n_mels=60)
