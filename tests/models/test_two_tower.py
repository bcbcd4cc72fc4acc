from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from earshot.core.errors import EarShotError
from earshot.features.log_mel import LogMel
from earshot.layers.spec_augment import SpecAugment
from earshot.models.long_clips import LongClips
from earshot.models.two_tower import TwoTower
from earshot.objectives.infonce import InfoNCE
from tiny_models import (
    FRONT_END,
    MODELS,
    RATE,
    fused_model,
    htsat_model,
    seeded,
    sounds,
    strip_model,
)


def batch(lengths: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
    rows = torch.zeros(len(lengths), max(lengths))
    for row, clip in zip(rows, sounds(lengths), strict=True):
        row[: len(clip)] = torch.from_numpy(clip)
    return rows, torch.tensor(lengths)


@pytest.mark.parametrize("name", ["strip", "cnn", "htsat"])
def test_eight_clips_are_learnt_in_seconds(name: str) -> None:
    torch.manual_seed(0)
    model = MODELS[name]().train()
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    waveform, n_samples = batch([4_000 + 500 * i for i in range(8)])
    texts = [
        f"sound number {word}"
        for word in ["one", "two", "three", "four", "five", "six", "seven", "eight"]
    ]
    optimiser = torch.optim.Adam(model.parameters(), 3e-3)
    for _ in range(80):
        loss = InfoNCE()(
            model.embed_audio(waveform, n_samples), model.embed_text(texts), model.scale
        )
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        model.clamp_scale()
    model.eval()
    with torch.inference_mode():
        cosines = model.embed_audio(waveform, n_samples) @ model.embed_text(texts).T
    assert (cosines.argmax(1) == torch.arange(8)).float().mean() >= 7 / 8


def test_scale_starts_at_one_over_007_and_stays_below_100() -> None:
    model = strip_model()
    assert model.scale.item() == pytest.approx(1 / 0.07, rel=1e-5)
    with torch.no_grad():
        model.logit_scale.fill_(9.0)
    assert model.scale.item() == 100.0
    model.clamp_scale()
    assert model.logit_scale.item() == pytest.approx(math.log(100), abs=1e-4)
    model.scale.backward()
    assert model.logit_scale.grad.item() == pytest.approx(100, rel=1e-3)  # not cut by the clamp


def test_repeatpad_makes_a_clip_and_its_repetition_one() -> None:
    model = seeded(htsat_model)
    clip = torch.from_numpy(sounds([3_000])[0])[None]
    twice = torch.cat([clip, clip], 1)
    with torch.inference_mode():
        one = model.embed_audio(clip, torch.tensor([3_000]))
        two = model.embed_audio(twice, torch.tensor([6_000]))
    assert torch.allclose(one, two, atol=1e-6)


@pytest.mark.parametrize("kind", ["daf", "aff", "iaff"])
def test_fusion_hears_all_of_a_long_clip(kind: str) -> None:
    model = seeded(lambda: fused_model(kind))
    waveform, n_samples = batch([4 * RATE, RATE, 2_000])
    with torch.inference_mode():
        rows = model.embed_audio(waveform, n_samples)
        assert torch.equal(rows, model.embed_audio(waveform, n_samples))
        short = model.embed_audio(waveform[1:, :RATE], n_samples[1:])
        waveform[0, : RATE // 4] = 0.0
        changed = model.embed_audio(waveform, n_samples)
    assert torch.allclose(rows[1:], short, atol=1e-5)  # a longer batch-mate changes nothing
    assert (changed[0] - rows[0]).abs().max() > 1e-4


@pytest.mark.parametrize("kind", ["daf", "aff", "iaff"])
def test_fusion_trains_even_with_one_long_clip_in_the_batch(kind: str) -> None:
    torch.manual_seed(0)
    model = fused_model(kind).train()
    model.embed_audio(*batch([3 * RATE, 5_000])).sum().backward()
    patch = model.audio_encoder.model.audio_encoder.patch_embed
    assert patch.mel_conv2d.weight.grad.abs().sum() > 0
    if kind != "daf":
        assert patch.fusion_model.local_att[0].weight.grad.abs().sum() > 0


def test_resize_squeezes_a_long_clip_into_any_encoder() -> None:
    model = seeded(strip_model)
    model.long_clips = LongClips("resize")
    waveform, n_samples = batch([4 * RATE])
    with torch.inference_mode():
        log_mel, n_frames = model.frames(waveform, n_samples)
        squeezed, extra = model.long_clips.fit(log_mel, n_frames, 126, training=False)
        row = model.embed_audio(waveform, n_samples)
        direct = model.audio_projection(model.audio_encoder(squeezed, torch.tensor([126])))
    assert extra == ()
    assert torch.allclose(row, torch.nn.functional.normalize(direct), atol=1e-6)


def test_spec_augment_acts_only_while_training() -> None:
    plain, masked = seeded(strip_model), seeded(strip_model)
    masked.spec_augment = SpecAugment()
    sound = batch([8_000, 6_000])
    with torch.no_grad():
        assert torch.equal(plain.embed_audio(*sound), masked.eval().embed_audio(*sound))
        assert not torch.equal(plain.embed_audio(*sound), masked.train().embed_audio(*sound))


def test_a_clip_longer_than_the_window_is_refused_in_words() -> None:
    with pytest.raises(EarShotError, match="clip of 2.00 s.*at most 1 s.*windows"):
        strip_model().embed_audio(torch.zeros(1, 16_000), torch.tensor([16_000]))


def test_wrong_lengths_and_shapes_are_refused() -> None:
    model = strip_model()
    for waveform, n_samples in (
        (torch.zeros(2, 100), torch.tensor([100, 101])),
        (torch.zeros(2, 100), torch.tensor([100, 0])),
        (torch.zeros(2, 100), torch.tensor([100])),
        (torch.zeros(100), torch.tensor([100])),
    ):
        with pytest.raises(EarShotError):
            model.embed_audio(waveform, n_samples)


def test_towers_and_front_end_must_agree_on_the_rate() -> None:
    parts = dict(strip_model().named_children())
    parts["features"] = LogMel(replace(FRONT_END, sample_rate=16_000))
    with pytest.raises(EarShotError, match="8000 Hz with a front end for 16000 Hz"):
        TwoTower(**parts, tokenizer=lambda texts: texts, sample_rate=RATE, window_s=1.0)
