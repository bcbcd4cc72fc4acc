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
from earshot.encoders.agnostic import WaveStemConfig
from earshot.jobs.loading import load
from earshot.jobs.starting import find_start
from earshot.models.three_streams import ViewConfig, add_view, load_view
from earshot.models.two_tower import TwoTower
from earshot.objectives.mil_nce import JointNCE
from earshot.recipes import gradient_harmonization as gh
from earshot.synth.scene_clips import scene_clips
from earshot.training.fit import FitConfig, fit
from earshot.training.harmony_log import read_harmony
from recipes.power_cut import check_it_ends_the_same
from recipes.tiny_harmony import tiny_config


@pytest.mark.claim("gradient_harmonization/filter")
def test_wrong_captions_that_are_left_out_do_not_hurt(tmp_path: Path) -> None:
    """A perfect filter of half the captions finds clips; the control, all captions wrong, not."""
    config = replace(tiny_config(140, mode="sum"), misaligned=0.5)
    config = replace(config, toy=replace(config.toy, n_train=400))
    values = gh.run(replace(config, oracle=True), None, tmp_path / "told").values
    assert values["kept_flagged"] == 0.0
    assert abs(values["kept"] - 0.5) < 0.05
    control = gh.run(replace(config, misaligned=1.0), None, tmp_path / "control").values
    assert values["t2a_r10"] > 1.5 * 10 / 48
    assert values["t2a_r10"] > control["t2a_r10"] + 0.1


@pytest.mark.parametrize("unit", ["sample", "micro_batch"])
def test_it_learns_eight_clips(tmp_path: Path, unit: str) -> None:
    config = tiny_config(150, unit=unit, micro_batch=4, mode="gr")
    of_pair = {clip.labels: clip for clip in scene_clips(0, config.toy)}
    clips = [replace(clip, captions=(" and ".join(pair),)) for pair, clip in of_pair.items()][:8]
    told = ClipSet([replace(clip, split=split, id=f"{split}-{clip.id}")
                    for split in ("train", "test") for clip in clips])  # fmt: skip
    config = replace(config, batch_size=8, fit=replace(config.fit, warmup_steps=5))
    values = gh.run(config, told, tmp_path).values
    assert values["t2a_r1"] == 1.0
    assert values["v2a_r1"] == 1.0
    assert values["loss"] < 1.0  # from (ln 16 + ln 16) / 2 = 2.77, and at best ln 2 = 0.69


@pytest.mark.parametrize("preset", ["paper", "small"])
def test_presets_survive_json(preset: str) -> None:
    config = getattr(gh.Config, preset)()
    assert from_dict(gh.Config, json.loads(json.dumps(to_dict(config)))) == config


def test_the_paper_s_model_has_the_published_size() -> None:
    """About 155 M: the trunk, stems and heads; the word table was taken from word2vec there."""
    config = gh.Config.paper()
    with torch.device("meta"):
        streams = add_view(gh.build(config), config.view)
    sizes = {name: value.numel() for name, value in streams.named_parameters()}
    assert all(value.is_meta for value in streams.parameters())
    table = sizes["towers.text_encoder.stem.table.weight"]
    assert table == 65_536 * 300
    assert sum(sizes.values()) - table == pytest.approx(155e6, rel=0.01)
    trunk = streams.towers.audio_encoder.trunk
    assert sum(p.numel() for p in trunk.parameters()) == 12 * 12_596_224 + 2 * 1_024


@pytest.mark.slow
def test_the_paper_s_model_takes_a_training_step(tmp_path: Path) -> None:
    config = gh.Config.paper()
    harmony = replace(config.harmony, micro_batch=1)
    config = replace(config, harmony=harmony, batch_size=2,
                     fit=replace(config.fit, steps=1, warmup_steps=0))  # fmt: skip
    clips = scene_clips(0, tiny_config().toy)[:8]
    told = ClipSet([replace(clip, split="train") for clip in clips], labels=clips.labels)
    test = [replace(clip, split="test", id=f"{clip.id}t") for clip in clips]
    values = gh.run(config, ClipSet([*told, *test], labels=clips.labels), tmp_path).values
    assert np.isfinite(values["loss"])


def test_the_run_s_folder_is_a_model_and_keeps_the_view(tmp_path: Path) -> None:
    config = tiny_config(steps=4)
    report = gh.run(config, None, tmp_path)
    checkpoint = read_checkpoint(tmp_path)
    assert (checkpoint.recipe, checkpoint.extra["figures"]) == (gh.PAPER.key, report.values)
    embedder = load(tmp_path)
    assert abs(embedder.scale - 1 / 0.07) < 1e-3
    sound = np.sin(np.arange(12_000) / 9).astype(np.float32) * 0.3
    given = torch.from_numpy(sound)[None], torch.tensor([12_000])
    streams = add_view(gh.build(config), config.view).eval()
    streams.towers.load_state_dict(checkpoint.weights())
    load_view(streams, tmp_path)
    with torch.inference_mode():
        row, view = streams.towers.embed_audio(*given), streams.view(*given)
    np.testing.assert_allclose(embedder.embed_waveforms([sound]), row.numpy(), atol=1e-6)
    assert view.shape == row.shape
    assert len(read_harmony(tmp_path)) == 4
    assert (tmp_path / "conflict.svg").read_text().startswith("<svg")


def test_a_run_goes_on_from_another_model(tmp_path: Path) -> None:
    config = tiny_config(steps=3)
    gh.run(config, None, tmp_path / "first")
    start = find_start(tmp_path / "first")
    before = start.model.text_encoder.embed.weight.detach().clone()
    gh.run(replace(config, model=start.config), None, tmp_path / "second", start=start)
    assert torch.equal(before, read_checkpoint(tmp_path / "first").weights()[
        "text_encoder.embed.weight"])  # fmt: skip
    moved = read_checkpoint(tmp_path / "second").weights()["text_encoder.embed.weight"]
    assert 0 < (moved - before).abs().max() < 0.1  # three small steps away


def test_a_run_that_was_cut_short_ends_the_same(tmp_path: Path) -> None:
    config = tiny_config(warmup=0.0)
    config = replace(config, misaligned=0.5,
                     fit=replace(config.fit, steps=12, checkpoint_every=4))  # fmt: skip
    check_it_ends_the_same(gh, config, tmp_path, update=10)
    assert read_harmony(tmp_path / "cut") == read_harmony(tmp_path / "whole")
    views = [(tmp_path / name / "view.safetensors").read_bytes() for name in ("whole", "cut")]
    assert views[0] == views[1]


def test_several_sentences_are_candidates_and_clips_without_any_take_part(tmp_path: Path) -> None:
    config = replace(tiny_config(steps=2), n_candidates=3, batch_size=8)
    clips = scene_clips(0, config.toy)
    bare = [replace(clip, captions=(), labels=()) if n % 3 == 0 and clip.split == "train" else clip
            for n, clip in enumerate(clips)]  # fmt: skip
    train, _ = gh.split_clips(ClipSet(bare), config)
    loader = BatchLoader(train, batch_size=8, sample_rate=16_000, max_s=1.0, workers=0)
    batch = next(loader.batches())
    texts = gh.candidates_of(batch, 3)
    assert {len(each) for each in texts} == {3}
    for drawn, captions, each in zip(batch.captions, batch.all_captions, texts, strict=True):
        assert each[0] == drawn
        assert {text for text in each if text} <= set(captions)
        assert len(set(each)) == 3 or not captions
    streams = add_view(gh.build(config), config.view).eval()
    sides = gh.embed(streams, batch, 3)
    for row, each in zip(sides.others[1], texts, strict=True):
        for candidate, text in zip(row, each, strict=True):
            wanted = streams.towers.embed_text([text])[0] if text else torch.zeros(config.model.dim)
            torch.testing.assert_close(candidate, wanted, atol=1e-5, rtol=0)
    assert np.isfinite(gh.run(config, ClipSet(bare), tmp_path).values["loss"])


def test_the_sum_is_training_without_a_harmoniser(tmp_path: Path) -> None:
    """Three updates of the plain arm equal three of a loop that knows nothing of harmony."""
    config = replace(tiny_config(steps=3, mode="sum"), batch_size=8)
    config = replace(config, view=replace(config.view, noise=0.0))
    gh.run(config, None, tmp_path / "run")
    torch.manual_seed(config.seed)
    streams = add_view(gh.build(config), config.view)
    streams.towers.logit_scale.requires_grad_(False)
    train, _ = gh.split_clips(scene_clips(0, config.toy), config)
    loader = BatchLoader(train, batch_size=8, sample_rate=16_000, max_s=1.0, seed=0, workers=0)
    loss, scale = JointNCE(), torch.tensor(1 / 0.07)

    def loss_of(batch):
        given = batch.waveform, batch.n_samples
        anchor = streams.towers.embed_audio(*given)
        with_text = loss(anchor, streams.towers.embed_text(batch.captions), scale)
        return (loss(anchor, streams.view(*given), scale) + with_text) / 2

    settings = FitConfig(**{**to_dict(config.fit), "betas": (0.9, 0.999)})
    fit(streams, loss_of, loader.batches, settings, tmp_path / "loop")
    kept = read_checkpoint(tmp_path / "run").weights()
    for name, value in streams.towers.state_dict().items():
        if name.endswith("qkv.bias"):  # keys' biases cancel in the softmax: Adam moves by rounding
            queries, _, values = kept[name].chunk(3)
            kept[name], value = torch.cat([queries, values]), torch.cat(value.chunk(3)[::2])
        torch.testing.assert_close(kept[name], value, atol=2e-4, rtol=0, msg=name)


def test_faults_say_what_to_mend(tmp_path: Path) -> None:
    config = tiny_config(steps=1)
    clips = scene_clips(0, config.toy)
    silent = ClipSet([replace(clip, captions=(), labels=()) for clip in clips])
    with pytest.raises(EarShotError, match="captions or labels"):
        gh.run(config, silent, tmp_path)
    with pytest.raises(EarShotError, match="temperature=0"):
        replace(config, temperature=0.0)
    with pytest.raises(EarShotError, match="n_candidates=0"):
        replace(config, n_candidates=0)
    with pytest.raises(EarShotError, match="trunk of its own"):
        gh.run(replace(config, view=ViewConfig(WaveStemConfig())), None, tmp_path / "no trunk")
    gh.run(config, None, tmp_path / "used")
    with pytest.raises(EarShotError, match="another clips than"):
        gh.run(config, scene_clips(1, config.toy), tmp_path / "used", resume=True)


@pytest.mark.parametrize("with_recordings", [False, True])
def test_the_claim_s_arms_differ_as_they_should(
    with_recordings: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / gh.RECORDINGS).mkdir()
    monkeypatch.setenv("EARSHOT_SHARED", str(tmp_path) if with_recordings else "")
    experiment = gh.claim()
    arms = {arm.name: arm.config for arm in experiment.arms}
    assert {each.claim for each in experiment.comparisons} == set(gh.PAPER.claims)
    own = {name: config for name, config in arms.items() if config.recordings is None}
    assert len(arms) - len(own) == 2 * with_recordings
    for name, config in own.items():
        alike = replace(config, harmony=arms["sum"].harmony, oracle=False, misaligned=0.5)
        assert alike == arms["sum"], name
        assert isinstance(gh.build(config), TwoTower)
    assert (arms["right_gc"].misaligned, arms["others"].misaligned) == (0.0, 1.0)
    assert arms["oracle"].oracle
    if with_recordings:
        same = replace(arms["real_gc"], harmony=arms["real_sum"].harmony)
        assert same == arms["real_sum"]
