from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from earshot.core.checkpoint import read_checkpoint
from earshot.core.config import from_dict, to_dict
from earshot.core.errors import EarShotError
from earshot.data import BatchLoader, ClipSet
from earshot.encoders.htsat import HtsatConfig
from earshot.jobs.loading import load
from earshot.layers.spec_augment import SpecAugmentConfig
from earshot.models.towers import AudioTower
from earshot.objectives.infonce import InfoNCE
from earshot.recipes import clap
from earshot.synth.combinations import combination_clips
from earshot.training.fit import FitConfig, fit
from recipes.power_cut import check_it_ends_the_same
from recipes.tiny_clap import tiny_config

PRESETS = ("paper", "small", "earshot_small", "msclap_2022", "msclap_2023")


@pytest.mark.claim("clap/zero_shot")
def test_captions_teach_names_and_shuffled_captions_do_not(tmp_path: Path) -> None:
    config = tiny_config()
    taught = clap.run(config, None, tmp_path / "taught").values
    control = clap.run(replace(config, shuffle_captions=True), None, tmp_path / "control").values
    assert taught["zero_shot"] > 5 * taught["zero_shot_chance"]  # of twelve combinations
    assert taught["t2a_r1"] > 4 * taught["r1_chance"]
    assert control["zero_shot"] < 3 * control["zero_shot_chance"]
    assert control["t2a_r1"] < 3 * control["r1_chance"]


@pytest.mark.claim("clap/fusion")
def test_a_crop_misses_what_four_views_meet(tmp_path: Path) -> None:
    """Six-second clips with one second of sound, for a window of one: the arms, not yet trained.

    Whether fusing wins takes training, which `earshot claim clap` measures. This holds what makes
    it possible: nearly half of the random crops hold no event, and nearly all clips' views do.
    """
    config = tiny_config()
    config = replace(config, toy=replace(config.toy, clip_s=6.0, snr_db=(60.0, 60.0)))
    audio = AudioTower(htsat=replace(HtsatConfig.nano(), fusion="aff"))
    fusing = replace(config.model, audio=audio, long_clips="fusion", fill="repeatpad")
    model = clap.build(replace(config, model=fusing)).eval()
    test = combination_clips(0, config.toy).split("test")
    loader = BatchLoader(test, batch_size=48, sample_rate=16_000, max_s=1.0, seed=0)
    heard = [float(each) for batch in loader.epoch() for each in batch.waveform.abs().amax(1)]
    assert np.mean(np.array(heard) < 0.02) > 0.4
    whole = next(BatchLoader(test, batch_size=48, sample_rate=16_000, seed=0).epoch())
    log_mel, n_frames = model.frames(whole.waveform, whole.n_samples)
    views, loudest = [], log_mel.amax((1, 2))

    def watch(encoder, given):
        views.append(given[0])

    model.audio_encoder.register_forward_pre_hook(watch)
    model.embed_audio(whole.waveform, whole.n_samples)
    met = views[0].amax((1, 2, 3))  # over the views, bands and frames of each clip
    assert (met > loudest - 6).float().mean() > 0.9
    assert n_frames.unique().tolist() == [6 * 16_000 // 256 + 1]


def test_it_learns_eight_clips(tmp_path: Path) -> None:
    config = tiny_config()
    toy = replace(config.toy, n_train=12, n_test=12, held_out=0.0)
    clips = combination_clips(0, toy).split("train")[:8]  # eight of the twelve combinations
    told = [replace(clip, captions=clip.labels) for clip in clips]
    torch.manual_seed(0)
    model, objective = clap.build(config), InfoNCE()

    def loss_of(batch):
        audio = model.embed_audio(batch.waveform, batch.n_samples)
        return objective(audio, model.embed_text(batch.captions), model.scale)

    loader = BatchLoader(ClipSet(told), batch_size=8, sample_rate=16_000, workers=0)
    settings = FitConfig(steps=60, learning_rate=3e-3, warmup_steps=5)
    result = fit(model, loss_of, loader.batches, settings, tmp_path, after_step=model.clamp_scale)
    assert result.loss < 0.1  # from log 8 = 2.08


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_survive_json(preset: str) -> None:
    config = getattr(clap.Config, preset)()
    assert from_dict(clap.Config, json.loads(json.dumps(to_dict(config)))) == config


def n_parameters(config: clap.Config) -> int:
    with torch.device("meta"):
        model = clap.build(config)
    assert all(value.is_meta for value in model.parameters())
    return sum(value.numel() for value in model.parameters())


def test_the_paper_s_model_has_the_published_size() -> None:
    config = clap.Config.paper()
    assert n_parameters(config) == pytest.approx(153.5e6, rel=0.01)
    assert config.batch_size == 24 * 96


@pytest.mark.slow
def test_the_paper_s_model_takes_a_training_step(tmp_path: Path) -> None:
    config = clap.Config.paper()
    model = clap.build(config)
    model.tokenizer = lambda texts: (  # the published one needs its files
        torch.arange(3, 13).repeat(len(texts), 1),
        torch.zeros(len(texts), 10, dtype=torch.bool),
    )
    clap.augment(model, config.spec_augment)
    noise = torch.randn(2, 12 * 48_000, generator=torch.Generator().manual_seed(0)) * 0.1
    n_samples = torch.tensor([12 * 48_000, 7 * 48_000])  # one fused, one repeated and padded

    def loss_of(batch: torch.Tensor) -> torch.Tensor:
        text = model.embed_text(["a", "b"])
        return InfoNCE()(model.embed_audio(batch, n_samples), text, model.scale)

    before = [value.detach().clone() for value in model.parameters()]
    settings = replace(config.fit, steps=1, warmup_steps=0, precision="bf16")
    result = fit(model, loss_of, lambda first: iter([noise]), settings, tmp_path)
    assert np.isfinite(result.loss)
    moved = sum(not torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))
    assert moved > 0.9 * len(before)


@pytest.mark.parametrize(
    ("preset", "n_audio", "n_text"),
    [("msclap_2022", 79.7e6, 109.5e6), ("msclap_2023", 27.5e6, 124.4e6)],
)
def test_microsoft_s_models_have_their_towers_sizes(
    preset: str, n_audio: float, n_text: float
) -> None:
    with torch.device("meta"):
        model = clap.build(getattr(clap.Config, preset)())
    for encoder, n in ((model.audio_encoder, n_audio), (model.text_encoder, n_text)):
        assert sum(value.numel() for value in encoder.parameters()) == pytest.approx(n, rel=0.01)


def test_the_run_s_folder_is_a_model(tmp_path: Path) -> None:
    report = clap.run(tiny_config(steps=3), None, tmp_path)
    checkpoint = read_checkpoint(tmp_path)
    assert checkpoint.recipe == "clap"
    assert checkpoint.extra["figures"] == report.values
    embedder = load(tmp_path)
    model = clap.build(from_dict(clap.Config, checkpoint.config))
    model.load_state_dict(checkpoint.weights())
    sound = np.sin(np.arange(12_000) / 9).astype(np.float32) * 0.3
    with torch.inference_mode():
        row = model.eval().embed_audio(torch.from_numpy(sound)[None], torch.tensor([12_000]))
    np.testing.assert_allclose(embedder.embed_waveforms([sound]), row.numpy(), atol=1e-6)
    assert (tmp_path / "log.csv").is_file()
    assert json.loads((tmp_path / "report.json").read_text())["values"] == report.values


def test_a_run_that_was_cut_short_ends_the_same(tmp_path: Path) -> None:
    config = tiny_config()
    config = replace(
        config,
        fit=replace(config.fit, steps=12, checkpoint_every=4),
        spec_augment=SpecAugmentConfig(time_width=8, mel_width=4),
    )
    check_it_ends_the_same(clap, config, tmp_path, update=10)


def test_graded_positives_under_a_locked_text_tower(tmp_path: Path) -> None:
    """loss=cwcl: text stays as it was, the weights decide, a tower at random is refused."""
    clap.run(tiny_config(steps=3), None, tmp_path / "before")
    config = replace(tiny_config(steps=3), loss="cwcl", text_weights=str(tmp_path / "before"))
    graded = clap.run(config, None, tmp_path / "cwcl").values
    start = read_checkpoint(tmp_path / "before").weights()
    after = read_checkpoint(tmp_path / "cwcl").weights()
    assert all(torch.equal(start[name], after[name]) for name in start if name.startswith("text_"))
    assert any(
        not torch.equal(start[name], after[name]) for name in start if name.startswith("audio_")
    )
    sharp = clap.run(replace(config, kappa=16.0), None, tmp_path / "sharp").values
    assert sharp["loss"] != graded["loss"]
    with pytest.raises(EarShotError, match="set text_weights to one"):
        clap.run(replace(config, text_weights=None), None, tmp_path / "random")


def test_a_run_on_other_clips_is_not_resumed(tmp_path: Path) -> None:
    config = tiny_config(steps=2)
    clap.run(config, None, tmp_path)
    other = combination_clips(1, config.toy)
    with pytest.raises(EarShotError, match="another clips than"):
        clap.run(config, other, tmp_path, resume=True)


def test_the_control_gives_every_caption_to_another_clip() -> None:
    config = tiny_config()
    clips = combination_clips(0, config.toy)
    train, _ = clap.split_clips(clips, config)
    shuffled, _ = clap.split_clips(clips, replace(config, shuffle_captions=True))
    assert sorted(c.captions for c in train) == sorted(c.captions for c in shuffled)
    same = sum(a.captions == b.captions for a, b in zip(train, shuffled, strict=True))
    assert same < len(train) / 20
    assert [clip.id for clip in train] == [clip.id for clip in shuffled]


def test_spec_augment_is_heard_in_training_alone() -> None:
    config = tiny_config()
    torch.manual_seed(0)
    plain, masked = clap.build(config), clap.build(config)
    masked.load_state_dict(plain.state_dict())
    clap.augment(masked, SpecAugmentConfig(time_width=30, mel_width=8))
    given = torch.randn(4, 16_000) * 0.1, torch.full((4,), 16_000)
    assert torch.equal(plain.eval().embed_audio(*given), masked.eval().embed_audio(*given))
    difference = plain.train().embed_audio(*given) - masked.train().embed_audio(*given)
    assert difference.abs().max() > 1e-3


def test_long_clips_are_measured_whole_and_cropped(tmp_path: Path) -> None:
    config = tiny_config(steps=1)
    toy = replace(config.toy, clip_s=3.0, n_train=40, n_test=12)
    values = clap.run(replace(config, toy=toy), None, tmp_path).values
    assert {"t2a_r1", "crop_t2a_r1"} <= values.keys()


def test_the_claim_s_arms_differ_as_they_should() -> None:
    experiment = clap.claim()
    arms = {arm.name: arm.config for arm in experiment.arms}
    assert replace(arms["shuffled"], shuffle_captions=False) == arms["clap"]
    assert replace(arms["rand_trunc"], model=arms["resize"].model, max_s=8.0) == arms["resize"]
    assert arms["aff"].toy == arms["resize"].toy == arms["rand_trunc"].toy
    assert arms["aff"].fit == arms["resize"].fit == arms["rand_trunc"].fit
    assert {each.claim for each in experiment.comparisons} == set(clap.PAPER.claims)
    for config in arms.values():
        clap.build(config)
