from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from earshot.core.errors import EarShotError
from earshot.encoders.beats import BeatsConfig, BeatsEncoder
from earshot.encoders.beats_tokenizer import BeatsTokenizer, BeatsTokenizerConfig
from earshot.layers.deepnorm_transformer import DeepNormConfig
from earshot.layers.ema_codebook import EmaCodebookConfig
from published import shake

TINY = BeatsConfig(
    n_mels=12, patch=4, embed_dim=8,
    transformer=DeepNormConfig(
        dim=16, depth=2, n_heads=2, mlp_dim=32, conv_width=6, conv_groups=2, n_buckets=16,
        max_distance=20,
    ),
)  # fmt: skip


def test_the_released_sizes() -> None:
    with torch.device("meta"):
        model = BeatsEncoder(BeatsConfig(n_classes=527))
        tokenizer = BeatsTokenizer(BeatsTokenizerConfig())
    shapes = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    expected = {
        "patch_embedding.weight": (512, 1, 16, 16),
        "layer_norm.weight": (512,),
        "post_extract_proj.weight": (768, 512),
        "post_extract_proj.bias": (768,),
        "encoder.pos_conv.0.weight_g": (1, 1, 128),
        "encoder.pos_conv.0.weight_v": (768, 48, 128),
        "encoder.pos_conv.0.bias": (768,),
        "encoder.layer_norm.bias": (768,),
        "encoder.layers.11.self_attn.q_proj.weight": (768, 768),
        "encoder.layers.11.self_attn.grep_linear.weight": (8, 64),
        "encoder.layers.11.self_attn.grep_a": (1, 12, 1, 1),
        "encoder.layers.0.self_attn.relative_attention_bias.weight": (320, 12),
        "encoder.layers.11.self_attn_layer_norm.weight": (768,),
        "encoder.layers.11.fc1.weight": (3072, 768),
        "encoder.layers.11.fc2.weight": (768, 3072),
        "encoder.layers.11.final_layer_norm.weight": (768,),
        "predictor.weight": (527, 768),
    }
    assert expected.items() <= shapes.items()
    count = sum(each.numel() for each in model.parameters()) - 527 * 769
    assert count == pytest.approx(90.3e6, rel=0.001)
    book = sum(each.numel() for each in tokenizer.quantize.buffers())
    whole = sum(each.numel() for each in tokenizer.parameters()) + book
    assert whole == pytest.approx(91.6e6, rel=0.005)  # the released count holds both means


def test_ten_seconds_are_496_patches_time_after_time() -> None:
    model = BeatsEncoder(replace(TINY, n_mels=128, patch=16))
    patches, padding = model.patches(torch.zeros(1, 128, 998), torch.tensor([998]))
    assert patches.shape == (1, 496, 256)
    assert not padding.any()
    log_mel = torch.arange(12)[None, :, None] * 100.0 + torch.arange(9)[None, None]
    pixels, _ = BeatsEncoder(TINY).patches(log_mel, torch.tensor([9]))
    assert pixels.shape == (1, 6, 16)  # the ninth frame is dropped
    assert pixels[0, :, 0].tolist() == [0, 400, 800, 4, 404, 804]


def test_patches_are_embedded_as_by_the_convolution() -> None:
    model = shake(BeatsEncoder(TINY), 0)
    log_mel = torch.randn(2, 12, 11)
    with torch.no_grad():
        strided = model.patch_embedding(
            log_mel.transpose(1, 2)[:, None]
        )  # [batch, dim, time, band]
        expected = model.post_extract_proj(model.layer_norm(strided.flatten(2).transpose(1, 2)))
        found = model.embed(model.patches(log_mel, torch.tensor([11, 11]))[0])
    assert torch.allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("n_frames", [1, 3, 4, 7, 8, 21])
def test_a_clip_is_the_same_alone_and_padded(n_frames: int) -> None:
    model = shake(BeatsEncoder(TINY), 0)
    clip, other = torch.randn(1, 12, n_frames), torch.randn(1, 12, 33)
    both = torch.cat([F.pad(clip, (0, 33 - n_frames), value=9.0), other])
    lengths = torch.tensor([n_frames, 33])
    with torch.no_grad():
        assert torch.allclose(model(clip, lengths[:1]), model(both, lengths)[:1], atol=1e-5)
        one, two = model.layers(clip, lengths[:1]), model.layers(both, lengths)
    rows = max(1, n_frames // 4)
    assert two.n_positions.tolist() == [rows, 8]
    assert len(one.hidden) == 3
    for alone, padded in zip(one.hidden, two.hidden, strict=True):
        assert alone.shape == (1, rows, 16)
        assert torch.allclose(alone[0], padded[0, :rows], atol=1e-5)


def test_a_clip_s_vector_is_the_mean_of_its_rows_and_order_is_heard() -> None:
    model = shake(BeatsEncoder(TINY), 0)
    log_mel, n_frames = torch.randn(1, 12, 20), torch.tensor([20])
    with torch.no_grad():
        model.encoder.pos_conv[0].weight_g.mul_(30.0)
        vector = model(log_mel, n_frames)
        assert torch.allclose(model.layers(log_mel, n_frames).last.mean(1), vector, atol=1e-5)
        later = model.layers(log_mel.roll(4, 2), n_frames).last.roll(-1, 1)
        assert not torch.allclose(later, model.layers(log_mel, n_frames).last, atol=1e-2)


def test_classes_are_the_sigmoid_of_the_mean_logit() -> None:
    model = shake(BeatsEncoder(replace(TINY, n_classes=5)), 0)
    log_mel, n_frames = torch.randn(2, 12, 20), torch.tensor([20, 9])
    with torch.no_grad():
        found = model.class_probabilities(log_mel, n_frames)
        expected = model.predictor(model(log_mel, n_frames)).sigmoid()
    assert torch.allclose(found, expected, atol=1e-5)
    with pytest.raises(EarShotError, match="with a predictor"):
        BeatsEncoder(TINY).class_probabilities(log_mel, n_frames)


def test_a_tokenizer_s_labels_hold_alone_and_padded() -> None:
    torch.manual_seed(0)
    config = BeatsTokenizerConfig(TINY, EmaCodebookConfig(n_codes=7, dim=6, kmeans_steps=2))
    tokenizer = BeatsTokenizer(config)
    log_mel = torch.randn(4, 12, 16)
    found, padding = tokenizer.train()(log_mel, torch.tensor([16] * 4))
    assert padding.shape == found.codes.shape == (4, 12)
    assert found.vectors.shape == (4, 12, 6)
    tokenizer.eval()
    short = tokenizer.labels(log_mel[:1, :, :9], torch.tensor([9]))
    assert torch.equal(short, tokenizer.labels(log_mel[:2], torch.tensor([9, 16]))[:1, :6])
    assert short.max() < 7


def test_other_bands_and_impossible_patches_are_refused() -> None:
    with pytest.raises(EarShotError, match="same number of bands"):
        BeatsEncoder(TINY)(torch.zeros(1, 9, 8), torch.tensor([8]))
    with pytest.raises(EarShotError, match="patch=16"):
        BeatsConfig(n_mels=8)
