from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from earshot.core.errors import EarShotError
from earshot.encoders.wav2vec2 import Wav2Vec2Encoder, Wav2Vec2EncoderConfig, stacked
from earshot.features import Waveform
from earshot.layers.span_mask import SpanMaskConfig

TINY = Wav2Vec2EncoderConfig(
    dim=32, depth=2, n_heads=4, mlp_dim=64, conv_dim=16, position_kernel=16, position_groups=4
)
MEL = replace(TINY, n_mels=8, stack=3)
DATA2VEC: dict[str, Any] = {"kind": "data2vec-audio", "position_kernel": 5, "position_depth": 3}
VARIANTS = [
    replace(TINY, **changes)
    for changes in (
        {},
        {"conv_norm": "layer", "conv_bias": True},
        {"conv_norm": "layer", "pre_norm": True},
        {"kind": "hubert"},
        {"kind": "hubert", "feature_norm": False, "position_batch_norm": True},
        {"kind": "wavlm"},
        {**DATA2VEC, "conv_norm": "layer"},
        {"n_mels": 8, "stack": 3},
    )
]
LENGTHS = torch.tensor([6_000, 3_100, 150])  # the last is shorter than a frame of the convolutions


def encoder(config: Wav2Vec2EncoderConfig) -> Wav2Vec2Encoder:
    torch.manual_seed(0)
    return Wav2Vec2Encoder(config).eval()


def heard(config: Wav2Vec2EncoderConfig) -> tuple[torch.Tensor, torch.Tensor]:
    """Three clips as the front end gives them."""
    draw = torch.Generator().manual_seed(1)
    if config.n_mels is not None:
        return torch.randn(3, config.n_mels, 40, generator=draw) * 9 - 40, torch.tensor([40, 22, 2])
    return Waveform()(torch.randn(3, 6_000, generator=draw) * 0.1, LENGTHS)


@pytest.mark.parametrize("config", VARIANTS, ids=lambda each: f"{each.kind}-{each.conv_norm}")
@torch.inference_mode()
def test_padding_and_mates_change_nothing(config: Wav2Vec2EncoderConfig) -> None:
    model, (log_mel, n_frames) = encoder(config), heard(config)
    together, rows = model.layers(log_mel, n_frames), model(log_mel, n_frames)
    assert len(together.hidden) == config.depth + 1
    for i, n in enumerate(n_frames.tolist()):
        alone = model.layers(log_mel[i : i + 1, :, :n], n_frames[i : i + 1])
        n_real = int(together.n_positions[i])
        assert n_real == int(alone.n_positions[0]) >= 1
        for one, other in zip(together.hidden, alone.hidden, strict=True):
            torch.testing.assert_close(one[i, :n_real], other[0], atol=1e-5, rtol=0)
            assert not one[i, n_real:].any()
        row = model(log_mel[i : i + 1, :, :n], n_frames[i : i + 1])[0]
        torch.testing.assert_close(rows[i], row, atol=1e-5, rtol=0)
        torch.testing.assert_close(row, alone.last[0].mean(0), atol=1e-5, rtol=0)


@pytest.mark.parametrize("config", VARIANTS[:-1], ids=lambda each: f"{each.kind}-{each.conv_norm}")
@torch.inference_mode()
def test_states_are_the_library_s(config: Wav2Vec2EncoderConfig) -> None:
    model, (log_mel, n_frames) = encoder(config), heard(config)
    ours = model.layers(log_mel[:1], n_frames[:1])
    theirs = model.model(log_mel[:1, 0], output_hidden_states=True)
    torch.testing.assert_close(ours.last, theirs.last_hidden_state, atol=1e-5, rtol=0)
    for one, other in zip(ours.hidden[:-1], theirs.hidden_states[:-1], strict=True):
        torch.testing.assert_close(one, other[:1], atol=1e-5, rtol=0)


def test_stacked_frames_are_levelled_and_stand_side_by_side() -> None:
    log_mel, n_frames = heard(MEL)
    rows, n_positions = stacked(log_mel, n_frames, 3)
    assert n_positions.tolist() == [13, 7, 1]
    own = log_mel[1, :, :22]
    level = (own - own.mean(1, keepdim=True)) / own.std(1, correction=0, keepdim=True)
    torch.testing.assert_close(rows[1, 2], level[:, 6:9].T.flatten(), atol=1e-4, rtol=0)
    assert not rows[1, 8:].any()


@pytest.mark.parametrize(
    ("config", "millions"),
    [(Wav2Vec2EncoderConfig(), 94.4), (Wav2Vec2EncoderConfig.large(), 315.4)],
    ids=["base", "large"],
)
def test_published_sizes(config: Wav2Vec2EncoderConfig, millions: float) -> None:
    with torch.device("meta"):
        model = Wav2Vec2Encoder(config)
    n = sum(each.numel() for each in model.parameters())
    assert n / 1e6 == pytest.approx(millions, abs=0.05)
    assert model.position_frames == 320


def test_masks_hide_in_training_alone() -> None:
    config = replace(
        TINY,
        dropout=0.0,
        time_mask=SpanMaskConfig(0.3, 2),
        channel_mask=SpanMaskConfig(0.1, 4, least_spans=1),
    )
    model = encoder(config)
    hidden, n = torch.ones(2, 30, 32), torch.tensor([30, 12])
    assert torch.equal(model.masked(hidden, n), hidden)
    model.train()
    with torch.no_grad():
        model.model.masked_spec_embed.fill_(7.0)
        found = model.masked(hidden, n)
    changed = (found == 7.0).any(2)
    assert changed[0].any()
    assert not changed[1, 12:].any()
    channels_gone = (found == 0).all(1)
    assert 4 <= channels_gone.sum(1).min() <= channels_gone.sum(1).max() < 32


def test_frozen_convolutions_learn_no_more() -> None:
    model = encoder(TINY).train()
    model.freeze_convolutions()
    model(*heard(TINY)).sum().backward()
    for name, value in model.named_parameters():
        assert (value.grad is None) == (
            name.startswith("model.feature_extractor") or "masked_spec_embed" in name
        ), name


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(EarShotError, match="a stride for each kernel"):
        replace(TINY, conv_kernels=(3,))
    with pytest.raises(EarShotError, match="share evenly"):
        replace(TINY, n_heads=5)
    with pytest.raises(EarShotError, match="the same n_mels"):
        encoder(MEL).layers(torch.zeros(1, 9, 20), torch.tensor([20]))
