from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from earshot.core.errors import EarShotError
from earshot.encoders.patches import PatchConfig, cut_patches
from earshot.encoders.spectrogram_transformer import (
    N_SPECIAL,
    SpectrogramTransformer,
    SpectrogramTransformerConfig,
)
from earshot.models.pretraining import masked_spectrogram
from earshot.models.pretraining.masked_spectrogram import MaskedSpectrogram, MaskingConfig

ENCODER = SpectrogramTransformerConfig(
    PatchConfig(n_mels=16, height=4, width=4), dim=12, depth=1, n_heads=2, mlp_dim=20,
    most_frames=24,
)  # fmt: skip
HALF = MaskingConfig(share=0.5, sides=(2, 3))


def made(config: MaskingConfig = HALF) -> MaskedSpectrogram:
    torch.manual_seed(0)
    return MaskedSpectrogram(SpectrogramTransformer(ENCODER), config)


def batch(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    noise = torch.randn(3, 16, 24, generator=torch.Generator().manual_seed(seed))
    return noise, torch.tensor([24, 24, 10])


def test_the_loss_is_the_sum_of_its_parts() -> None:
    model = made(replace(HALF, weight=7.0))
    found = model(*batch())
    assert found.keys() == {"loss", "identification", "accuracy", "reconstruction"}
    expected = found["identification"] + 7.0 * found["reconstruction"]
    torch.testing.assert_close(found["loss"], expected)
    for task, part in (("identify", "identification"), ("reconstruct", "reconstruction")):
        alone = made(replace(HALF, tasks=(task,)))(*batch())
        torch.testing.assert_close(alone["loss"], alone[part])


def test_a_pass_is_the_encoder_over_hidden_patches() -> None:
    """One task, done again by hand with the same mask."""
    model = made(replace(HALF, tasks=("identify",)))
    log_mel, n_frames = batch()
    torch.manual_seed(1)
    found = model(log_mel, n_frames)
    torch.manual_seed(1)
    filled = model.v.filled(log_mel, n_frames)
    mask, embedded = model.mask(filled), model.v.patch_embed(filled.log_mel)
    patches = embedded.clone()
    patches[mask] = model.mask_embed[0, 0]
    tokens = model.v.encode(patches, filled)[-1][:, N_SPECIAL:]
    pixels = cut_patches(filled.log_mel, ENCODER.patches)
    losses = []
    for i in range(3):
        scores = model.cpredlayer(tokens[i, mask[i]]) @ pixels[i, mask[i]].T
        losses.append(-scores.log_softmax(1).diagonal().mean())
    torch.testing.assert_close(found["loss"], torch.stack(losses).mean())


def test_what_is_hidden_is_not_heard() -> None:
    """The prediction does not depend on hidden pixels; the target does."""
    model = made(replace(HALF, tasks=("reconstruct",)))
    log_mel, n_frames = batch()
    seen: list[torch.Tensor] = []
    model.gpredlayer.register_forward_hook(lambda _, __, out: seen.append(out.detach()))
    torch.manual_seed(2)
    filled = model.v.filled(log_mel, n_frames)
    mask = ENCODER.patches.to_grid(model.mask(filled), 6)  # [batch, rows, columns]
    pixel = mask.repeat_interleave(4, 1).repeat_interleave(4, 2)
    other = torch.where(pixel, log_mel + 5.0, log_mel)
    for given in (log_mel, other):
        torch.manual_seed(2)
        model(given, n_frames)
    torch.testing.assert_close(seen[0], seen[1])
    shown = torch.where(~pixel, log_mel + 5.0, log_mel)
    torch.manual_seed(2)
    model(shown, n_frames)
    assert not torch.allclose(seen[0], seen[2])


def test_the_two_tasks_have_masks_of_their_own() -> None:
    model = made()
    masks: list[torch.Tensor] = []
    draw = model.mask

    def kept(filled):
        masks.append(draw(filled))
        return masks[-1]

    model.mask = kept  # type: ignore[method-assign]
    model(*batch())
    assert len(masks) == 2
    assert not torch.equal(masks[0], masks[1])
    assert masks[0].sum(1).tolist() == [12, 12, 6]  # of 4 rows by 6, 6 and 3 columns


def test_padding_changes_no_loss() -> None:
    model = made().eval()
    log_mel, n_frames = batch()
    rubbish = log_mel.clone()
    rubbish[2, :, 10:] = 100.0
    with torch.no_grad():
        torch.manual_seed(3)
        one = model(log_mel, n_frames)
        torch.manual_seed(3)
        other = model(rubbish, n_frames)
    assert one["loss"].item() == pytest.approx(other["loss"].item(), abs=1e-6)


@pytest.mark.parametrize("wrong", [False, True])
def test_wrong_targets_are_another_clip_s(wrong: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    log_mel = torch.arange(3.0)[:, None, None].expand(3, 16, 24)  # a clip is its own number
    targets: list[torch.Tensor] = []

    def watch(predicted, target, real):
        targets.append(target)
        return predicted.sum() * 0.0

    monkeypatch.setattr(masked_spectrogram, "reconstruction", watch)
    model = made(replace(HALF, tasks=("reconstruct",), wrong_targets=wrong))
    model(log_mel, torch.full((3,), 24))
    assert [set(each.flatten().tolist()) for each in targets[0]] == (
        [{2.0}, {0.0}, {1.0}] if wrong else [{0.0}, {1.0}, {2.0}]
    )


@pytest.mark.parametrize("kind", ["clusters", "anywhere"])
def test_it_learns_eight_clips(kind: str) -> None:
    torch.manual_seed(0)
    wider = replace(ENCODER, dim=48, depth=2, mlp_dim=96)
    masking = MaskingConfig(share=0.5, sides=(2,), kind=kind)
    model = MaskedSpectrogram(SpectrogramTransformer(wider), masking)
    rows = torch.randn(8, 16, 1, generator=torch.Generator().manual_seed(4))
    wave = torch.sin(torch.arange(24.0) / 3)
    log_mel, n_frames = rows * wave, torch.full((8,), 24)  # each clip from one pattern
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    first = None
    for _ in range(150):
        found = model(log_mel, n_frames)
        first = first or found["reconstruction"].item()
        optimizer.zero_grad()
        found["loss"].backward()
        optimizer.step()
    assert found["reconstruction"].item() < 0.4 * first
    assert found["accuracy"].item() > 0.5  # chance is 1 in 12


def test_impossible_tasks_are_refused() -> None:
    for change in ({"tasks": ()}, {"tasks": ("guess",)}, {"tasks": ("identify", "identify")}):
        with pytest.raises(EarShotError, match="identify, reconstruct or both"):
            replace(HALF, **change)
    for change in ({"share": 1.0}, {"weight": 0.0}):
        with pytest.raises(EarShotError, match="between 0 and 1"):
            replace(HALF, **change)
