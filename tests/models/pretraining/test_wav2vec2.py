from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from transformers import Wav2Vec2ForPreTraining

from earshot.encoders.wav2vec2 import Wav2Vec2Encoder, Wav2Vec2EncoderConfig
from earshot.features import Waveform
from earshot.layers.gumbel_quantizer import GumbelQuantizerConfig
from earshot.models.pretraining.wav2vec2 import Wav2Vec2Pretraining, Wav2Vec2TaskConfig

TINY = Wav2Vec2EncoderConfig(
    dim=32,
    depth=2,
    n_heads=4,
    mlp_dim=64,
    conv_dim=16,
    conv_norm="layer",
    pre_norm=True,
    position_kernel=16,
    position_groups=4,
    dropout=0.0,
)
TASK = Wav2Vec2TaskConfig(
    quantizer=GumbelQuantizerConfig(n_codes=12, n_codebooks=2, dim=16, temperature_decay=0.5),
    dim=24,
    n_distractors=5,
)


def task(config: Wav2Vec2EncoderConfig = TINY) -> Wav2Vec2Pretraining:
    torch.manual_seed(0)
    return Wav2Vec2Pretraining(Wav2Vec2Encoder(config), TASK).eval()


def test_the_loss_is_the_library_s_divided_by_the_hidden_steps() -> None:
    """Same weights, masks and distractors, argmax codes."""
    ours = task()
    library = Wav2Vec2ForPreTraining(
        TINY.library_config(
            num_codevectors_per_group=12,
            num_codevector_groups=2,
            codevector_dim=16,
            proj_codevector_dim=24,
        )
    ).eval()
    names = {"encoder.model.": "wav2vec2."}
    state = {}
    for name, value in ours.state_dict().items():
        for here, there in names.items():
            name = name.replace(here, there)
        if name != "quantizer.n_updates":
            state[name] = value
    library.load_state_dict(state)  # strict: every name is the library's
    waveform = torch.randn(2, 6_000, generator=torch.Generator().manual_seed(1))
    log_mel, n_frames = Waveform()(waveform, torch.tensor([6_000, 6_000]))
    masked = torch.zeros(2, 18, dtype=torch.bool)
    masked[0, 3:9] = masked[1, 10:17] = True
    rng = torch.Generator().manual_seed(2)
    distractors = torch.zeros(2, 18, 5, dtype=torch.int64)
    distractors[0, 3:9] = torch.randint(3, 9, (6, 5), generator=rng)
    distractors[1, 10:17] = torch.randint(10, 17, (7, 5), generator=rng)
    with torch.inference_mode():
        found = ours(log_mel, n_frames, masked=masked, distractors=distractors)
        theirs = library(
            log_mel[:, 0],
            mask_time_indices=masked,
            sampled_negative_indices=distractors + torch.tensor([0, 18])[:, None, None],
        )
    n_hidden = masked.sum()
    assert found["contrastive"].item() == pytest.approx(
        theirs.contrastive_loss.item() / n_hidden.item(), abs=1e-4
    )
    total = found["contrastive"] + TASK.diversity_weight * found["diversity"]
    assert found["loss"].item() == pytest.approx(total.item(), abs=1e-6)


def test_the_diversity_of_training_is_the_library_s() -> None:
    """There it comes from the probabilities without noise, over hidden steps."""
    ours = task().train()
    log_mel, n_frames = Waveform()(torch.randn(2, 6_000), torch.tensor([6_000, 4_000]))
    masked = torch.zeros(2, 18, dtype=torch.bool)
    masked[:, 2:8] = True
    found = ours(log_mel, n_frames, masked=masked)
    features, _ = ours.encoder.features(log_mel, n_frames)
    _, normed = ours.encoder.project(features)
    logits = ours.quantizer.weight_proj(normed)[masked].unflatten(-1, (2, 12))
    mean = logits.softmax(-1).mean(0)
    perplexity = (-(mean * mean.log()).sum(-1)).exp().sum()
    assert found["perplexity"].item() == pytest.approx(perplexity.item(), rel=1e-4)
    assert found["diversity"].item() == pytest.approx((24 - perplexity.item()) / 24, abs=1e-4)


def test_nothing_learnt_is_the_log_of_all_that_are_compared() -> None:
    """Contexts that say nothing: every cosine is 0."""
    model = task()
    with torch.no_grad():
        model.project_hid.weight.zero_()
        model.project_hid.bias.zero_()
        model.quantizer.weight_proj.weight.mul_(50)
    log_mel, n_frames = Waveform()(torch.randn(1, 40_000), torch.tensor([40_000]))
    found = model(log_mel, n_frames)
    assert found["contrastive"].item() <= math.log(6) + 1e-4
    assert found["accuracy"].item() == 0


def test_padding_is_never_hidden_nor_heard() -> None:
    """One clip beside a longer one: the same loss for the same masks."""
    model = task()
    log_mel, n_frames = Waveform()(torch.randn(2, 6_000), torch.tensor([6_000, 3_900]))
    masked = torch.zeros(2, 18, dtype=torch.bool)
    masked[1, 2:8] = True
    alone = masked[1:, :11]
    distractors = torch.tensor([3, 4, 5, 6, 7]).expand(2, 18, 5)
    with torch.inference_mode():
        together = model(log_mel, n_frames, masked=masked, distractors=distractors)
        single = model(
            log_mel[1:, :, :3_900], n_frames[1:], masked=alone, distractors=distractors[1:, :11]
        )
    assert together["contrastive"].item() == pytest.approx(single["contrastive"].item(), abs=1e-5)
    assert together["perplexity"].item() == pytest.approx(single["perplexity"].item(), rel=1e-5)


def test_the_temperature_falls_and_begins_anew() -> None:
    model = task()
    assert model.quantizer.temperature == 2.0
    model.count_update()
    model.count_update()
    assert model.quantizer.temperature == 0.5
    model.restart()
    assert model.quantizer.temperature == 2.0
    model.restart(0.6)  # 2, 1, 0.5: the first that is not above
    assert model.quantizer.temperature == 0.5
    model.restart(3.0)
    assert model.quantizer.temperature == 2.0


def test_a_log_mel_is_a_front_end_too() -> None:
    model = task(replace(TINY, n_mels=8)).train()
    found = model(torch.randn(3, 8, 90), torch.tensor([90, 70, 61]))
    found["loss"].backward()
    assert model.quantizer.codevectors.grad is not None
    assert model.encoder.model.masked_spec_embed.grad.any()


def test_xlsr_has_its_size() -> None:
    with torch.device("meta"):
        model = Wav2Vec2Pretraining(
            Wav2Vec2Encoder(Wav2Vec2EncoderConfig.large()), Wav2Vec2TaskConfig.large()
        )
    n = sum(each.numel() for each in model.parameters())
    assert n / 1e6 == pytest.approx(317.4, abs=0.05)
