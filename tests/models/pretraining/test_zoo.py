from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from earshot.core.errors import EarShotError
from earshot.encoders.frame_encoder import FrameEncoder, FrameEncoderConfig
from earshot.layers.gumbel_quantizer import GumbelQuantizerConfig
from earshot.layers.kmeans import kmeans
from earshot.layers.span_mask import SpanMaskConfig
from earshot.models.pretraining.contrastive import CpcConfig, Wav2Vec2Config
from earshot.models.pretraining.generative import MaskedReconstruction, ReconstructionConfig
from earshot.models.pretraining.predictive import (
    CepstralLabels,
    Data2Vec,
    Data2VecConfig,
    MaskedPrediction,
    StateLabels,
    UnitsConfig,
    over_time,
)
from earshot.models.pretraining.zoo import (
    CAUSAL,
    OBJECTIVES,
    ZooConfig,
    build_objective,
    second_iteration,
)

ZOO = ZooConfig(
    mask=SpanMaskConfig(start_probability=0.1, length=4),
    cpc=CpcConfig(n_horizons=3, n_negatives=16),
    wav2vec2=Wav2Vec2Config(quantizer=GumbelQuantizerConfig(8, 2, 16), n_distractors=10),
    units=UnitsConfig(n_units=8, unit_dim=16),
    best_rq_units=16,
    w2v_bert_tap_depth=1,
)
ALL = (*OBJECTIVES, "hubert_2")


def encoder(kind: str = "transformer") -> FrameEncoder:
    config = FrameEncoderConfig(kind=kind, n_features=20, dim=32, depth=2, n_heads=2)
    return FrameEncoder(config)


def clips(n: int = 8, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Six sounds of 20 bands, each held for six frames, in an order of its own in each clip."""
    draw = torch.Generator().manual_seed(seed)
    sounds = torch.randn(6, 20, generator=torch.Generator().manual_seed(9)) * 15 - 30
    order = torch.stack([torch.randperm(6, generator=draw) for _ in range(n)])
    log_mel = sounds[order].repeat_interleave(6, 1).transpose(1, 2)  # [n, 20, 36]
    log_mel = log_mel + torch.randn(log_mel.shape, generator=draw) * 3
    n_frames = torch.randint(26, 37, (n,), generator=draw)
    n_frames[0] = 36
    return log_mel, n_frames


def objective(name: str) -> MaskedPrediction:
    torch.manual_seed(0)
    model = encoder("gru" if name in CAUSAL else "transformer")
    if name == "hubert_2":
        made = second_iteration(model, encoder(), 1, ZOO)
    else:
        made = build_objective(name, model, ZOO)
    if name.startswith("hubert"):
        found = made.labels.describe(*clips(32)).detach().flatten(0, 1)
        made.labels.centroids.copy_(kmeans(found, 8, seed=0))
    return made


@pytest.mark.parametrize("name", ALL)
def test_every_objective_learns_eight_clips(name: str) -> None:
    made, batch = objective(name).train(), clips()
    torch.manual_seed(1)
    parameters = [each for each in made.parameters() if each.requires_grad]
    optimizer = torch.optim.Adam(parameters, 3e-3)
    losses = []
    for _ in range(120):
        figures = made(*batch)
        assert all(value.ndim == 0 and bool(value.isfinite()) for value in figures.values())
        optimizer.zero_grad()
        figures["loss"].backward()
        optimizer.step()
        made.after_update()
        losses.append(figures["loss"].item())
    first, last = sum(losses[:5]) / 5, sum(losses[-10:]) / 10
    assert last < (0.85 if name in ("best_rq", "wav2vec2", "w2v_bert") else 0.7) * first
    untouched = [n for n, p in made.encoder.named_parameters() if p.grad is None]
    assert not untouched


@pytest.mark.parametrize("name", ALL)
def test_what_lies_in_the_padding_changes_no_loss(name: str) -> None:
    made = objective(name).eval()
    log_mel, n_frames = clips()
    noisy = log_mel.clone()
    for row, n in zip(noisy, n_frames, strict=True):
        row[:, n:] = 44.0
    found = []
    for each in (log_mel, noisy):
        torch.manual_seed(3)
        found.append(made(each, n_frames)["loss"].item())
    assert found[0] == pytest.approx(found[1], abs=1e-5)


@pytest.mark.parametrize("name", ["wav2vec2", "hubert", "best_rq", "data2vec", "reconstruction"])
def test_targets_are_of_what_was_hidden(name: str) -> None:
    """Positions that were hidden do not reach the encoder: another sound there, the same states."""
    made = objective(name).eval()
    log_mel, n_frames = clips(1)
    inputs, n_positions = made.encoder.stacked(log_mel, n_frames)
    if name == "reconstruction":
        made = MaskedReconstruction(made.encoder, ReconstructionConfig(zeroed=1.0, swapped=0.0))
        masked = torch.zeros(inputs.shape[:2], dtype=torch.bool)
        masked[:, 4:8] = True
        torch.manual_seed(0)
        one = made.damage(inputs, masked)
        torch.manual_seed(0)
        two = made.damage(inputs + masked[..., None] * 5.0, masked)
        assert torch.equal(one, two)
        return
    latents = made.encoder.embed(inputs)
    torch.manual_seed(0)
    one, masked = made.hide(latents, n_positions)
    torch.manual_seed(0)
    two, _ = made.hide(latents + masked[..., None] * 5.0, n_positions)
    assert masked.any()
    assert torch.equal(one, two)
    assert torch.equal(one[~masked], latents[~masked])


def test_objectives_that_look_ahead_take_no_encoder_that_does() -> None:
    for name in CAUSAL:
        with pytest.raises(EarShotError, match="kind=gru"):
            build_objective(name, encoder(), ZOO)
    with pytest.raises(EarShotError, match="kind=transformer"):
        build_objective("data2vec", encoder("gru"), ZOO)
    with pytest.raises(EarShotError, match="one of apc"):
        build_objective("bert", encoder(), ZOO)


def test_the_teacher_follows_as_it_should() -> None:
    made = Data2Vec(encoder(), Data2VecConfig(decay=0.5, end_decay=0.9, decay_updates=2))
    block, projection = "blocks.blocks.0.out.weight", "projection.weight"
    start = made.teacher.get_parameter(block).clone()
    for each in made.encoder.parameters():
        each.data += 1.0
    own = made.encoder.get_parameter(block).detach()
    expected = start
    for decay in (0.5, 0.7, 0.9, 0.9):  # rises by half of the way an update
        made.after_update()
        expected = decay * expected + (1 - decay) * own
        assert torch.allclose(made.teacher.get_parameter(block), expected, atol=1e-6)
        shared = made.encoder.get_parameter(projection)
        assert torch.equal(made.teacher.get_parameter(projection), shared)
    assert not any(each.requires_grad for each in made.teacher.parameters())
    assert not made.train().teacher.training


def test_a_teacher_that_says_the_same_of_all_is_refused() -> None:
    made = Data2Vec(encoder(), Data2VecConfig())
    for block in made.teacher.blocks.blocks:
        block.mlp[2].weight.data.zero_()
    with pytest.raises(EarShotError, match="collapsed"):
        made(*clips())


def test_targets_over_time_have_mean_0_and_variance_1_where_real() -> None:
    padding = torch.arange(9)[None] >= torch.tensor([9, 5])[:, None]
    found = over_time(torch.randn(2, 9, 4) * 7 + 3, padding)
    for row, n in zip(found, (9, 5), strict=True):
        assert torch.allclose(row[:n].mean(0), torch.zeros(4), atol=1e-5)
        assert torch.allclose(row[:n].var(0, correction=0), torch.ones(4), atol=1e-4)
        assert not row[n:].any()


def test_labels_are_those_of_the_nearest_centroid_and_are_made_in_eval_mode() -> None:
    log_mel, n_frames = clips()
    first = CepstralLabels(2, 8)
    found = first.describe(log_mel, n_frames)
    assert found.shape == (8, 18, 39)
    first.centroids.copy_(found[0, :8])
    assert first(log_mel, n_frames)[0, :8].tolist() == list(range(8))
    second = StateLabels(encoder(), 1, 8).train()
    assert not second.encoder.training
    again = second.encoder.layers(log_mel, n_frames).hidden[1]
    assert torch.equal(second.describe(log_mel, n_frames), again)


def test_wav2vec2_starts_at_the_logarithm_of_its_choices() -> None:
    """All states alike and no two codes alike: nothing tells the true one."""
    made = objective("wav2vec2").eval()
    made.project_hid.weight.data.zero_()
    made.project_q.weight.data.zero_()
    figures = made(*clips())
    accepted = [math.log(k + 1) for k in range(ZOO.wav2vec2.n_distractors + 1)]
    assert accepted[0] <= figures["contrastive"].item() <= accepted[-1]
    assert figures["loss"].item() == pytest.approx(
        figures["contrastive"].item() + 0.1 * figures["diversity"].item(), abs=1e-6
    )
