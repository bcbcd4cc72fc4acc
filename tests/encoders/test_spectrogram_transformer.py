from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from earshot.core.errors import EarShotError
from earshot.encoders.patches import PatchConfig
from earshot.encoders.spectrogram_transformer import (
    N_SPECIAL,
    SpectrogramTransformer,
    SpectrogramTransformerConfig,
    resize_positions,
)

SQUARE = SpectrogramTransformerConfig(
    PatchConfig(n_mels=16, height=8, width=4), dim=12, depth=2, n_heads=3, mlp_dim=20,
    most_frames=30, fill=0.4,
)  # fmt: skip
STRIPS = replace(SQUARE, patches=PatchConfig(n_mels=16, height=16, width=2))
OVERLAP = replace(SQUARE, patches=PatchConfig(n_mels=16, height=8, width=4, time_stride=3))
BY_TIME = replace(SQUARE, patches=PatchConfig(n_mels=16, height=8, width=4, order="time"))
ATTENDED = replace(SQUARE, padding="attended")
ALL = {"square": SQUARE, "strips": STRIPS, "overlap": OVERLAP, "time": BY_TIME, "all": ATTENDED}


def made(config: SpectrogramTransformerConfig) -> SpectrogramTransformer:
    torch.manual_seed(0)
    encoder = SpectrogramTransformer(config).eval()
    for value in encoder.parameters():  # positions and norms that show
        torch.nn.init.normal_(value, std=0.3)
    return encoder


def sounds(*lengths: int, width: int = 0, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows of their own seeds, with rubbish past their ends."""
    frames = max(*lengths, width)
    rows = [
        torch.randn(16, frames, generator=torch.Generator().manual_seed(seed + place))
        for place in range(len(lengths))
    ]
    return torch.stack(rows), torch.tensor(lengths)


@pytest.mark.parametrize("name", ALL)
@given(st.lists(st.integers(1, 30), min_size=2, max_size=4), st.integers(0, 30))
@settings(deadline=None, derandomize=True, max_examples=15)
def test_padding_and_batch_mates_change_nothing(name: str, lengths: list[int], width: int) -> None:
    encoder = made(ALL[name])
    log_mel, n_frames = sounds(*lengths, width=width)
    with torch.no_grad():
        together = encoder(log_mel, n_frames)
        states = encoder.layers(log_mel, n_frames)
        for i, n in enumerate(lengths):
            alone = encoder(log_mel[i : i + 1, :, :n], n_frames[i : i + 1])
            torch.testing.assert_close(together[i : i + 1], alone, atol=1e-5, rtol=0)
            own = encoder.layers(log_mel[i : i + 1, :, :n], n_frames[i : i + 1])
            count = int(states.n_positions[i])
            assert count == int(own.n_positions[0])
            for one, other in zip(states.hidden, own.hidden, strict=True):
                torch.testing.assert_close(one[i, :count], other[0, :count], atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", ALL)
def test_layers_are_the_input_and_every_block_over_time(name: str) -> None:
    config, encoder = ALL[name], made(ALL[name])
    log_mel, n_frames = sounds(28, 28)
    states = encoder.layers(log_mel, n_frames)
    assert len(states.hidden) == config.depth + 1
    filled = encoder.filled(log_mel, n_frames)
    tokens = encoder.encode(encoder.patch_embed(filled.log_mel), filled)[-1][:, N_SPECIAL:]
    grid = config.patches.to_grid(tokens.transpose(1, 2), filled.columns)
    torch.testing.assert_close(states.last, grid.mean(2).transpose(1, 2))
    assert encoder.position_frames == config.patches.strides[1]
    assert states.hidden[0].shape == (2, filled.columns, 12)


def test_a_block_is_that_of_the_equations() -> None:
    """Attention and feed-forward written out, with the weights of the first block."""
    encoder = made(replace(SQUARE, depth=1))
    log_mel, n_frames = sounds(30)
    filled = encoder.filled(log_mel, n_frames)
    before, after = encoder.encode(encoder.patch_embed(filled.log_mel), filled)
    block, hidden = encoder.blocks[0], before[0]
    normed = F.layer_norm(hidden, (12,), block.norm1.weight, block.norm1.bias, 1e-6)
    query, key, value = (normed @ block.attn.qkv.weight.T + block.attn.qkv.bias).split(12, 1)
    heads = []
    for place in range(0, 12, 4):
        part = slice(place, place + 4)
        scores = query[:, part] @ key[:, part].T / 4**0.5
        heads.append(scores.softmax(1) @ value[:, part])
    hidden = hidden + block.attn.proj(torch.cat(heads, 1))
    normed = F.layer_norm(hidden, (12,), block.norm2.weight, block.norm2.bias, 1e-6)
    inner = block.mlp.fc1(normed)
    inner = inner * 0.5 * (1 + torch.erf(inner / 2**0.5))
    hidden = encoder.norm(hidden + block.mlp.fc2(inner))
    torch.testing.assert_close(after[0], hidden, atol=1e-5, rtol=1e-4)


def test_attended_padding_is_heard_and_masked_padding_is_not() -> None:
    log_mel, n_frames = sounds(8)
    for config, heard in ((ATTENDED, True), (SQUARE, False)):
        one, other = made(config), made(replace(config, fill=3.0))
        with torch.no_grad():
            same = torch.allclose(one(log_mel, n_frames), other(log_mel, n_frames), atol=1e-6)
        assert same is not heard


def test_the_vector_is_the_mean_of_patches_or_of_special_tokens() -> None:
    log_mel, n_frames = sounds(30, 30)
    for config in (ATTENDED, replace(ATTENDED, pooling="special")):
        encoder = made(config)
        filled = encoder.filled(log_mel, n_frames)
        tokens = encoder.encode(encoder.patch_embed(filled.log_mel), filled)[-1]
        part = tokens[:, :2] if config.pooling == "special" else tokens[:, 2:]
        torch.testing.assert_close(encoder(log_mel, n_frames), part.mean(1))


def test_published_names_and_counts() -> None:
    with torch.device("meta"):
        encoder = SpectrogramTransformer()
    shapes = {name: tuple(value.shape) for name, value in encoder.state_dict().items()}
    assert shapes["pos_embed"] == (1, 514, 768)
    assert shapes["patch_embed.proj.weight"] == (768, 1, 16, 16)
    assert shapes["blocks.11.attn.qkv.weight"] == (2304, 768)
    assert shapes["blocks.0.mlp.fc1.weight"] == (3072, 768)
    assert {"cls_token", "dist_token", "norm.bias", "blocks.3.attn.proj.bias"} <= shapes.keys()


def test_positions_are_cut_in_the_middle_and_stretched_evenly() -> None:
    grid = torch.arange(12.0).view(1, 12, 1)  # 2 rows of 6 columns
    special = torch.tensor([[[100.0], [200.0]]])
    before = torch.cat([special, grid], 1)
    shorter = resize_positions(before, (2, 6), (2, 2))
    assert shorter.flatten().tolist() == [100, 200, 2, 3, 8, 9]
    assert torch.equal(resize_positions(before, (2, 6), (2, 6)), before)
    longer = resize_positions(before, (2, 6), (4, 12))[0, 2:, 0].view(4, 12)
    slow = F.interpolate(grid.view(1, 1, 2, 6), size=(4, 12), mode="bilinear")[0, 0]
    torch.testing.assert_close(longer, slow)
    both = resize_positions(before, (2, 6), (3, 4))[0, 2:, 0].view(3, 4)
    assert both[0].tolist() == [1, 2, 3, 4]
    assert both[1].tolist() == [4, 5, 6, 7]  # halfway between the rows
    with pytest.raises(EarShotError, match="the grid that these positions"):
        resize_positions(before, (2, 5), (2, 2))


def test_a_longer_model_hears_what_a_shorter_one_learnt() -> None:
    """Transfer to more frames: the new positions are the old ones, stretched."""
    short, long = made(SQUARE), made(replace(SQUARE, most_frames=60))
    state = short.state_dict()
    state["pos_embed"] = resize_positions(state["pos_embed"], SQUARE.grid, long.config.grid)
    long.load_state_dict(state)
    assert long(*sounds(60)).isfinite().all()


def test_what_cannot_be_heard_is_refused() -> None:
    with pytest.raises(EarShotError, match="at most 30"):
        made(SQUARE)(*sounds(31))
    with pytest.raises(EarShotError, match="same number of bands"):
        made(SQUARE)(torch.zeros(1, 15, 10), torch.tensor([10]))
    with pytest.raises(EarShotError, match="multiple of n_heads"):
        replace(SQUARE, n_heads=5)
    with pytest.raises(EarShotError, match="sizes of at least 1"):
        replace(SQUARE, depth=0)


def test_weights_begin_as_deit_s_or_as_xavier_s() -> None:
    wide = replace(SQUARE, dim=96, n_heads=4, mlp_dim=192)
    torch.manual_seed(0)
    deit = SpectrogramTransformer(wide)
    assert deit.blocks[0].mlp.fc1.weight.std().item() == pytest.approx(0.02, rel=0.05)
    assert deit.pos_embed.std().item() == pytest.approx(0.02, rel=0.1)
    assert not deit.blocks[1].attn.qkv.bias.any()
    other = SpectrogramTransformer(replace(wide, init_std=None, position_std=0.2))
    expected = (2 / (96 + 192)) ** 0.5
    assert other.blocks[0].mlp.fc1.weight.std().item() == pytest.approx(expected, rel=0.05)
    assert other.pos_embed.std().item() == pytest.approx(0.2, rel=0.1)
