from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from earshot.core.errors import EarShotError
from earshot.encoders.patches import PatchConfig, PatchEmbedding, cut_patches, fill_frames

SHAPES = [
    PatchConfig(n_mels=12, height=4, width=3),
    PatchConfig(n_mels=12, height=4, width=3, order="time"),
    PatchConfig(n_mels=12, height=4, width=6, mel_stride=3, time_stride=2),
    PatchConfig(n_mels=12, height=5, width=4, mel_stride=2, time_stride=3, order="time"),
    PatchConfig(n_mels=12, height=12, width=2),
]


def slow_patches(log_mel: torch.Tensor, config: PatchConfig) -> list[torch.Tensor]:
    """Patch by patch, in loops."""
    (mel_stride, time_stride), frames = config.strides, log_mel.shape[2]
    columns = config.whole_columns(frames)
    places = [(row, column) for row in range(config.n_rows) for column in range(columns)]
    if config.order == "time":
        places = [(row, column) for column in range(columns) for row in range(config.n_rows)]
    return [
        log_mel[
            :,
            row * mel_stride : row * mel_stride + config.height,
            column * time_stride : column * time_stride + config.width,
        ]
        for row, column in places
    ]


@pytest.mark.parametrize("config", SHAPES)
def test_patches_are_those_of_a_loop_in_the_order_asked_for(config: PatchConfig) -> None:
    log_mel = torch.randn(2, 12, 17, generator=torch.Generator().manual_seed(0))
    patches = cut_patches(log_mel, config)
    slow = torch.stack([each.flatten(1) for each in slow_patches(log_mel, config)], 1)
    assert torch.equal(patches, slow)
    assert patches.shape[2] == config.n_pixels


@pytest.mark.parametrize("config", SHAPES)
def test_an_embedding_is_the_same_linear_map_of_each_patch(config: PatchConfig) -> None:
    torch.manual_seed(0)
    log_mel, embed = torch.randn(2, 12, 17), PatchEmbedding(config, 7)
    slow = cut_patches(log_mel, config) @ embed.proj.weight.flatten(1).T + embed.proj.bias
    torch.testing.assert_close(embed(log_mel), slow, atol=1e-6, rtol=1e-5)
    assert set(embed.state_dict()) == {"proj.weight", "proj.bias"}


@pytest.mark.parametrize("config", SHAPES)
def test_tokens_and_grid_are_the_same_patches(config: PatchConfig) -> None:
    columns = config.whole_columns(17)
    tokens = torch.arange(2 * config.n_rows * columns).view(2, -1)
    grid = config.to_grid(tokens, columns)
    assert grid.shape == (2, config.n_rows, columns)
    assert torch.equal(config.to_tokens(grid), tokens)


@given(st.integers(1, 8), st.integers(1, 8), st.integers(1, 60))
@settings(deadline=None, derandomize=True, max_examples=80)
def test_real_columns_are_the_fewest_that_cover_the_sound(
    width: int, stride: int, frames: int
) -> None:
    stride = min(stride, width)
    config = PatchConfig(n_mels=4, height=4, width=width, time_stride=stride)
    columns = config.columns(frames)
    assert config.frames(columns) >= frames
    assert columns == 1 or config.frames(columns - 1) < frames
    assert int(config.real_columns(torch.tensor([frames]))[0]) == columns
    assert config.whole_columns(config.frames(columns)) == columns


def test_the_published_shapes_have_their_counts() -> None:
    patch, frame = PatchConfig(), PatchConfig(height=128, width=2)
    assert (patch.n_rows, patch.whole_columns(1024), patch.n_pixels) == (8, 64, 256)
    assert (frame.n_rows, frame.whole_columns(1024), frame.n_pixels) == (1, 512, 256)
    overlapping = PatchConfig(mel_stride=10, time_stride=10)  # AST's: 1212 and two more
    assert overlapping.n_rows * overlapping.whole_columns(1024) == 1212


def test_real_tokens_are_those_of_real_columns() -> None:
    n_columns = torch.tensor([1, 3])
    by_row = PatchConfig(n_mels=4, height=2, width=2).real_tokens(n_columns, 3)
    assert by_row.tolist() == [[True, False, False] * 2, [True] * 6]
    by_column = PatchConfig(n_mels=4, height=2, width=2, order="time").real_tokens(n_columns, 3)
    assert by_column.tolist() == [[True] * 2 + [False] * 4, [True] * 6]


def test_frames_past_the_sound_are_filled() -> None:
    log_mel = torch.ones(2, 1, 4)
    filled = fill_frames(log_mel, torch.tensor([2, 4]), 6, -3.0)
    assert filled[:, 0].tolist() == [[1, 1, -3, -3, -3, -3], [1, 1, 1, 1, -3, -3]]
    assert fill_frames(log_mel, torch.tensor([2, 4]), 3, 0.0)[:, 0].tolist() == [[1, 1, 0], [1] * 3]


def test_impossible_patches_are_refused() -> None:
    with pytest.raises(EarShotError, match="no more bands"):
        PatchConfig(n_mels=64, height=128)
    with pytest.raises(EarShotError, match="strides of at least 1"):
        PatchConfig(time_stride=-1)
    with pytest.raises(EarShotError, match="same number of bands"):
        PatchEmbedding(PatchConfig(n_mels=64), 4)(torch.zeros(1, 128, 32))
    with pytest.raises(EarShotError, match="same number of bands"):
        cut_patches(torch.zeros(1, 128, 32), PatchConfig(n_mels=64))
