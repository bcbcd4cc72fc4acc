from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from earshot.audio import write_audio
from earshot.core.checkpoint import read_checkpoint
from earshot.core.config import from_dict, to_dict
from earshot.core.errors import EarShotError
from earshot.data import BatchLoader, ClipSet, open_clips
from earshot.jobs.loading import load
from earshot.objectives.ase import AseLoss
from earshot.recipes import wavcaps
from earshot.synth.caption_scenes import CaptionScenesConfig
from earshot.training.fit import FitConfig, fit
from recipes.power_cut import check_it_ends_the_same

SCENES = CaptionScenesConfig(
    kinds=("dog bark", "siren", "typing", "bubbles"), relations=("single",), duration_s=1.0,
    attribute_rate=0.0,
)  # fmt: skip


def tiny_config(steps: int = 4, **changes: object) -> wavcaps.Config:
    """Second-long scenes of four kinds of sound."""
    small = wavcaps.Config.small()
    toy = replace(small.toy, n_clips=24, n_test=8, scenes=SCENES)
    fitted = replace(small.fit, steps=steps, warmup_steps=2)
    return replace(small, **{"fit": fitted, "batch_size": 8, "toy": toy, **changes})


@pytest.mark.claim("wavcaps/cleaning")
@pytest.mark.claim("wavcaps/near_truth")
@pytest.mark.claim("wavcaps/inaudible")
@pytest.mark.timeout(400)
def test_cleaned_text_teaches_what_raw_text_says(tmp_path: Path) -> None:
    """Four kinds of second-long sounds, one seed; the control has another clip's caption."""
    config = tiny_config(steps=120, seed=100, batch_size=24)
    config = replace(config, toy=replace(config.toy, n_clips=120, n_test=40))
    arms = {
        "cleaned": replace(config, text="cleaned"),
        "gold": config,
        "shuffled": replace(config, text="cleaned", shuffle=True),
    }
    got = {name: wavcaps.run(each, None, tmp_path / name).values for name, each in arms.items()}
    chance = got["gold"]["zero_shot_chance"]
    assert chance == 1 / 4
    for name in ("cleaned", "gold"):
        assert got[name]["t2a_map10"] > got["shuffled"]["t2a_map10"] + 0.05
        assert got[name]["zero_shot"] > 2 * chance
    assert got["shuffled"]["zero_shot"] < 0.55
    assert got["cleaned"]["inaudible_recall"] > 0.8
    assert got["cleaned"]["inaudible_precision"] > 0.8
    assert got["cleaned"]["told_recall"] > 0.8


def test_raw_and_cleaned_text_of_a_scene() -> None:
    config = tiny_config()
    train = wavcaps.toy_clips(config).split("train")
    raw, none = wavcaps.with_text(train, replace(config, text="raw"))
    assert none == {}
    assert len(raw) == len(train)
    cleaned, figures = wavcaps.with_text(train, replace(config, text="cleaned"))
    assert len(cleaned) == round(figures["cleaned_share"] * len(train)) < len(train)
    lengths = [np.mean([len(c.captions[0].split()) for c in each]) for each in (raw, cleaned)]
    assert lengths[0] > 2 * lengths[1]
    told = {clip.id: clip for clip in train}
    assert all(told[clip.id].audio is clip.audio for clip in cleaned)
    shuffled, _ = wavcaps.with_text(train, replace(config, text="cleaned", shuffle=True))
    assert sorted(c.captions for c in shuffled) == sorted(c.captions for c in cleaned)
    assert [c.captions for c in shuffled] != [c.captions for c in cleaned]


def test_it_learns_eight_clips(tmp_path: Path) -> None:
    config = tiny_config()
    clips = ClipSet(wavcaps.toy_clips(config).split("train")[:8])
    told = ClipSet([replace(c, captions=(f"sound {i}",)) for i, c in enumerate(clips)])
    torch.manual_seed(0)
    model, objective = wavcaps.build(config), AseLoss(regularise=False)

    def loss_of(batch):
        audio = model.embed_audio(batch.waveform, batch.n_samples)
        groups = wavcaps.groups_of(batch.clips)
        return objective(audio, model.embed_text(batch.captions), model.scale, groups)

    loader = BatchLoader(told, batch_size=8, sample_rate=16_000, workers=0)
    settings = FitConfig(steps=80, learning_rate=3e-3, warmup_steps=5)
    result = fit(model, loss_of, loader.batches, settings, tmp_path, after_step=model.clamp_scale)
    assert result.loss < 0.15  # from log 8 = 2.08


@pytest.mark.parametrize("preset", ["paper", "small"])
def test_presets_survive_json(preset: str) -> None:
    config = getattr(wavcaps.Config, preset)()
    assert from_dict(wavcaps.Config, json.loads(json.dumps(to_dict(config)))) == config


def test_the_paper_s_model_has_the_sizes_of_its_towers() -> None:
    config = wavcaps.Config.paper()
    with torch.device("meta"):
        model = wavcaps.build(config)
    sizes = {
        name: sum(value.numel() for value in part.parameters())
        for name, part in model.named_children()
    }
    assert sizes["audio_encoder"] == pytest.approx(27.5e6, rel=0.01)  # arXiv:2202.00874's trunk
    assert sizes["text_encoder"] == 109_482_240  # as `transformers` counts BERT-base
    mlp = 768 * 1024 + 1024 + 1024 * 1024 + 1024
    assert (sizes["audio_projection"], sizes["text_projection"]) == (mlp, mlp)
    assert config.model.text.published.max_tokens == 30
    assert model.spec_augment is not None
    assert (config.batch_size, config.fit.learning_rate) == (128, 5e-5)


def test_groups_are_of_one_clip() -> None:
    train = wavcaps.toy_clips(tiny_config()).split("train")
    assert wavcaps.groups_of([train[0], train[1], train[0]]).tolist() == [0, 1, 0]


def test_the_run_s_folder_is_a_model(tmp_path: Path) -> None:
    config = tiny_config(text="cleaned")
    report = wavcaps.run(config, None, tmp_path / "one")
    checkpoint = read_checkpoint(tmp_path / "one")
    assert checkpoint.recipe == "wavcaps"
    assert checkpoint.extra["figures"] == report.values
    model = wavcaps.build(from_dict(wavcaps.Config, checkpoint.config))
    model.load_state_dict(checkpoint.weights())
    row = load(tmp_path / "one").embed_texts(["a dog is barking"])
    np.testing.assert_allclose(
        row, model.eval().embed_text(["a dog is barking"]).detach(), atol=1e-6
    )


def test_a_run_that_was_cut_short_ends_the_same(tmp_path: Path) -> None:
    config = tiny_config(steps=6)
    config = replace(config, text="cleaned", fit=replace(config.fit, checkpoint_every=2))
    check_it_ends_the_same(wavcaps, config, tmp_path, update=5)


def told_clips(folder: Path, rows: list[dict]) -> ClipSet:
    """A manifest of tones."""
    for i, row in enumerate(rows):
        wave = 0.3 * np.sin(np.arange(8_000) * (0.1 + 0.02 * i))
        write_audio(folder / f"{i}.wav", wave.astype(np.float32), 16_000)
        row["audio"] = f"{i}.wav"
    (folder / "clips.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return open_clips(folder / "clips.jsonl")


def test_own_clips_are_cleaned_and_raw_ones_read(tmp_path: Path) -> None:
    rows = [
        {"description": text, "caption": "a dog barks", "split": split}
        for split, n in (("train", 4), ("test", 2))
        for text in ["The sound of a dog barking, taped in Oslo."] * n
        + ["Recorded by Bob with a Zoom H4n."] * n
    ]
    clips = told_clips(tmp_path, rows)
    config = tiny_config(text="cleaned")
    loose = replace(config.cleaning.filter, least_s=0.1)
    config = replace(config, cleaning=replace(config.cleaning, filter=loose))
    report = wavcaps.run(config, clips, tmp_path / "run")
    assert report.values["cleaned_share"] == 0.5
    assert "inaudible_recall" not in report.values  # no one says what is
    bare = told_clips(tmp_path, [{"caption": "a dog barks", "split": s} for s in ("train", "test")])
    with pytest.raises(EarShotError, match="without title, description and tags"):
        wavcaps.with_text(bare.split("train"), replace(config, text="raw"))
    silent = ClipSet([clip for clip in clips.split("train") if "Zoom" in clip.extra["description"]])
    with pytest.raises(EarShotError, match="no text is left"):
        wavcaps.with_text(silent, config)
