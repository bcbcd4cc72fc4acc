from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from earshot.core.errors import EarShotError
from earshot.encoders.beats import BeatsConfig, BeatsEncoder
from earshot.layers.deepnorm_transformer import DeepNormConfig
from earshot.layers.patch_mask import random_mask
from earshot.models.pretraining.masked_labels import MaskedLabels, MaskedLabelsConfig
from published import shake

TINY = BeatsConfig(
    n_mels=12, patch=4, embed_dim=8,
    transformer=DeepNormConfig(
        dim=16, depth=2, n_heads=2, mlp_dim=32, conv_width=6, conv_groups=2, n_buckets=16,
        max_distance=20, dropout=0.0, attention_dropout=0.0, layer_drop=0.0,
    ),
)  # fmt: skip
LABELS = MaskedLabelsConfig(predictor_depth=1, label_smoothing=0.2)


def heads(config: MaskedLabelsConfig = LABELS) -> MaskedLabels:
    return shake(MaskedLabels(BeatsEncoder(TINY), config, n_codes=5), 0)


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(2)
    return torch.randn(3, 12, 20), torch.tensor([20, 12, 20])


def codes(log_mel: torch.Tensor, n_frames: torch.Tensor) -> torch.Tensor:
    return (torch.arange(15)[None] + torch.arange(len(log_mel))[:, None]) % 5


def test_the_loss_is_the_cross_entropy_of_hidden_patches() -> None:
    model, (log_mel, n_frames) = heads(), batch()
    torch.manual_seed(4)
    found = model(log_mel, n_frames, codes)
    patches, padding = model.encoder.patches(log_mel, n_frames)
    torch.manual_seed(4)
    mask = random_mask(~padding, 0.75)
    assert mask.sum(1).tolist() == [11, 7, 11]
    labels = codes(log_mel, n_frames)
    answers = model.answers(patches, padding, mask).detach()
    total, right = 0.0, 0
    for b in range(3):
        for t in range(15):
            if mask[b, t]:
                log_share = answers[b, t].log_softmax(0)
                total -= 0.8 * float(log_share[labels[b, t]]) + 0.2 * float(log_share.mean())
                right += int(answers[b, t].argmax() == labels[b, t])
    assert found["loss"].item() == pytest.approx(total / 29, rel=1e-4)
    assert found["accuracy"].item() == pytest.approx(right / 29)


def test_pixels_are_drawn_by_their_mean_squared_error() -> None:
    model, (log_mel, n_frames) = heads(replace(LABELS, target="pixels")), batch()
    torch.manual_seed(4)
    found = model(log_mel, n_frames)["loss"]
    patches, padding = model.encoder.patches(log_mel, n_frames)
    torch.manual_seed(4)
    mask = random_mask(~padding, 0.75)
    answers = model.answers(patches, padding, mask)
    assert answers.shape == (3, 15, 16)
    rows = [(answers[b, t] - patches[b, t]).square().mean() for b, t in mask.nonzero().tolist()]
    assert found.item() == pytest.approx(torch.stack(rows).mean().item(), rel=1e-5)


def test_hidden_pixels_and_padding_reach_no_answer() -> None:
    (log_mel, n_frames), model = batch(), MaskedLabels(BeatsEncoder(TINY), LABELS, n_codes=5)
    patches, padding = model.encoder.patches(log_mel, n_frames)
    mask = torch.zeros_like(padding)
    mask[:, 1::2] = True
    mask &= ~padding
    with torch.no_grad():
        answers = model.answers(patches, padding, mask)
        changed = torch.where((mask | padding)[..., None], 9.0, patches)
        assert torch.allclose(model.answers(changed, padding, mask), answers, atol=1e-5)
        seen = patches.clone()
        seen[0, 0] += 3.0
        assert not torch.allclose(model.answers(seen, padding, mask)[0], answers[0], atol=1e-3)
        alone = model.answers(patches[1:2, :9], padding[1:2, :9], mask[1:2, :9])
    assert torch.allclose(alone[0], answers[1, :9], atol=1e-5)


def test_shuffled_labels_are_another_clip_s() -> None:
    (log_mel, n_frames), model = batch(), heads(replace(LABELS, shuffled=True))
    n_frames = torch.full_like(n_frames, 20)

    def turned(*given: torch.Tensor) -> torch.Tensor:
        return codes(*given).roll(1, 0)

    plain = heads()
    torch.manual_seed(4)
    found = model(log_mel, n_frames, codes)["loss"]
    torch.manual_seed(4)
    expected = plain(log_mel, n_frames, turned)["loss"]
    assert torch.equal(found, expected)


def test_it_learns_what_it_sees_eight_times() -> None:
    torch.manual_seed(0)
    config = replace(LABELS, label_smoothing=0.0, share=0.5)
    wide = replace(TINY, transformer=replace(TINY.transformer, dim=32))
    model = MaskedLabels(BeatsEncoder(wide), config, n_codes=5)
    log_mel = torch.randn(8, 12, 12)
    n_frames, labels = torch.full((8,), 12), torch.randint(0, 5, (8, 9))
    optimizer = torch.optim.Adam(model.parameters(), 5e-3)
    for _ in range(200):
        found = model(log_mel, n_frames, lambda *_: labels)
        optimizer.zero_grad()
        found["loss"].backward()
        optimizer.step()
    assert found["accuracy"] > 0.9  # of 5 labels at random
    assert F.softmax(model.head.bias, 0).max() < 0.5


def test_impossible_masks_and_missing_labels_are_refused() -> None:
    with pytest.raises(EarShotError, match="share=1"):
        MaskedLabelsConfig(share=1.0)
    with pytest.raises(EarShotError, match="a tokenizer"):
        heads()(*batch())
