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
from earshot.data import BatchLoader, Clip, ClipSet, open_clips
from earshot.data.rewritten import COLUMN
from earshot.jobs.loading import load
from earshot.models.start import Start
from earshot.objectives.infonce import InfoNCE
from earshot.recipes import reclap
from earshot.synth.invented import InventedConfig, invented_clips
from earshot.text.prompt_bank import BankEntry, PromptBank
from earshot.training import evaluation
from earshot.training.fit import FitConfig, fit
from recipes.power_cut import check_it_ends_the_same
from recipes.tiny_reclap import tiny_config


@pytest.mark.claim("reclap/descriptions")
@pytest.mark.claim("reclap/number")
@pytest.mark.claim("reclap/names")
@pytest.mark.timeout(400)
def test_descriptions_teach_what_names_do_not(tmp_path: Path) -> None:
    """A third of the claim's steps, one seed: eight classes whose names were never read."""
    small = reclap.Config.small()
    model = replace(small.model, features=replace(small.model.features, hop_length=512))
    toy = InventedConfig(n_seen=16, n_held_out=8, n_train=480, n_test=160)
    fit_config = replace(small.fit, steps=200)
    config = replace(small, model=model, fit=fit_config, batch_size=32, toy=toy, seed=100)
    arms = {
        "rewrites": config,
        "names": replace(config, rewrite_probability=0.0),
        "shuffled": replace(config, shuffle_rewrites=True),
    }
    got = {name: reclap.run(each, None, tmp_path / name).values for name, each in arms.items()}
    chance = 1 / config.toy.n_held_out
    assert got["rewrites"]["held_out_described"] > 3 * chance
    assert got["rewrites"]["held_out_described_n10"] > got["rewrites"]["held_out_described_n1"]
    assert got["rewrites"]["seen_by_name"] > 4 / config.toy.n_seen
    for control in ("names", "shuffled"):
        assert got[control]["held_out_described"] < 2.5 * chance
    for name in arms:
        assert got[name]["held_out_by_name"] < 2.5 * chance


def test_it_learns_eight_clips(tmp_path: Path) -> None:
    config = tiny_config()
    toy = replace(config.toy, n_seen=8, n_held_out=2, n_train=8, n_test=4)
    told = ClipSet(
        [replace(clip, captions=clip.labels) for clip in invented_clips(0, toy).split("train")]
    )
    torch.manual_seed(0)
    model, objective = reclap.build(config), InfoNCE()

    def loss_of(batch):
        audio = model.embed_audio(batch.waveform, batch.n_samples)
        return objective(audio, model.embed_text(batch.captions), model.scale)

    loader = BatchLoader(told, batch_size=8, sample_rate=16_000, workers=0)
    settings = FitConfig(steps=60, learning_rate=3e-3, warmup_steps=5)
    result = fit(model, loss_of, loader.batches, settings, tmp_path, after_step=model.clamp_scale)
    assert result.loss < 0.1  # from log 8 = 2.08


@pytest.mark.parametrize("preset", ["paper", "small"])
def test_presets_survive_json(preset: str) -> None:
    config = getattr(reclap.Config, preset)()
    assert from_dict(reclap.Config, json.loads(json.dumps(to_dict(config)))) == config


def test_the_paper_s_model_has_the_sizes_of_its_towers() -> None:
    config = reclap.Config.paper()
    with torch.device("meta"):
        model = reclap.build(config)
    sizes = [
        sum(value.numel() for value in part.parameters())
        for part in (model, model.audio_encoder, model.text_encoder)
    ]
    assert sizes[1] == pytest.approx(67.8e6, rel=0.02)  # HTSAT-base; fusion adds a little
    assert sizes[2] == 341_231_104  # as `transformers` counts the encoder of Flan-T5-large
    assert sizes[0] == pytest.approx(412e6, rel=0.01)
    assert config.batch_size == 8 * 64
    assert (config.rewrite_probability, config.n_prompts) == (0.6, 2)


def test_the_run_s_folder_is_a_model_that_goes_on(tmp_path: Path) -> None:
    report = reclap.run(tiny_config(), None, tmp_path / "one")
    checkpoint = read_checkpoint(tmp_path / "one")
    assert checkpoint.recipe == "reclap"
    assert checkpoint.extra["figures"] == report.values
    model = reclap.build(from_dict(reclap.Config, checkpoint.config))
    model.load_state_dict(checkpoint.weights())
    row = load(tmp_path / "one").embed_texts(["a low hum"])
    np.testing.assert_allclose(row, model.eval().embed_text(["a low hum"]).detach(), atol=1e-6)
    config = replace(tiny_config(), text_weights="of another model, not to be read")
    start = Start(str(tmp_path / "one"), model, config.model)
    further = reclap.run(config, None, tmp_path / "two", start=start)
    assert np.isfinite(further.values["loss"])


def test_a_run_that_was_cut_short_ends_the_same(tmp_path: Path) -> None:
    config = tiny_config(steps=10)
    config = replace(config, fit=replace(config.fit, checkpoint_every=4))
    check_it_ends_the_same(reclap, config, tmp_path, update=9)


def told_clips(folder: Path, rows: list[dict]) -> ClipSet:
    """A manifest of tones."""
    for i, row in enumerate(rows):
        wave = 0.3 * np.sin(np.arange(8_000) * (0.1 + 0.02 * i))
        write_audio(folder / f"{i}.wav", wave.astype(np.float32), 16_000)
        row["audio"] = f"{i}.wav"
    (folder / "clips.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return open_clips(folder / "clips.jsonl")


def test_own_clips_are_rewritten_by_rule_and_named_by_the_shipped_bank(tmp_path: Path) -> None:
    rows = [
        {"label": label, "split": split}
        for split in ("train", "test")
        for label in ("dog", "rain", "siren")
        for _ in range(4)
    ]
    config = tiny_config()
    report = reclap.run(config, told_clips(tmp_path, rows), tmp_path / "run")
    assert 0 <= report.values["zero_shot_described"] <= 1
    assert "held_out_described" not in report.values  # every label was trained


def test_a_label_that_the_bank_lacks_is_said(tmp_path: Path) -> None:
    rows = [
        {"label": label, "caption": "a dog barks", "split": split}
        for split in ("train", "test")
        for label in ("dog", "florp")
        for _ in range(4)
    ]
    report = reclap.run(tiny_config(), told_clips(tmp_path, rows), tmp_path / "run")
    assert "zero_shot_described" not in report.values
    assert report.notes == ["Not named by descriptions: the bank 'descriptive' lacks florp."]
    bank = PromptBank((BankEntry("dog", ("a yap",)), BankEntry("florp", ("a low hum",))))
    bank.write(tmp_path / "bank.jsonl")
    config = replace(tiny_config(), bank=str(tmp_path / "bank.jsonl"))
    report = reclap.run(config, open_clips(tmp_path / "clips.jsonl"), tmp_path / "two")
    assert "zero_shot_described" in report.values


def test_a_bank_that_is_not_there_is_said_before_training(tmp_path: Path) -> None:
    config = replace(tiny_config(), bank=str(tmp_path / "none.jsonl"))
    with pytest.raises(EarShotError, match="Correct the path"):
        reclap.run(config, None, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def clips_of(caption: str, rewrites: list[str]) -> ClipSet:
    return ClipSet([Clip(audio=tone(), captions=(caption,), id="1", extra={COLUMN: rewrites})])


def tone():
    from earshot.audio import Audio

    return Audio(np.ones(100, np.float32), 16_000)


def test_the_manifest_s_rewrites_go_before_the_rules() -> None:
    config = tiny_config()
    assert reclap.rewrites_for(clips_of("a dog barks", ["a yap"]), config) == {
        "a dog barks": ("a yap",)
    }
    by_rule = reclap.rewrites_for(clips_of("a dog barks", []), config)
    assert len(by_rule["a dog barks"]) == config.n_rewrites
    with pytest.raises(EarShotError, match="rewrite_probability=0"):
        reclap.rewrites_for(clips_of("a florp", []), config)
    with pytest.raises(EarShotError, match="rewrite_probability=0"):
        reclap.rewrites_for(clips_of("a dog barks", []), replace(config, n_rewrites=0))
    none = replace(config, rewrite_probability=0.0)
    assert reclap.rewrites_for(clips_of("a florp", []), none) == {}


def test_only_clips_of_the_asked_labels_are_named() -> None:
    """Texts are read as the axis that their first letter names; the third clip is another's."""
    axes = np.eye(3, dtype=np.float32)
    clips = [
        Clip(audio=tone(), labels=(label,), id=label + str(i)) for i, label in enumerate("abca")
    ]
    heard = evaluation.Heard(axes[[0, 0, 2, 0]], clips)
    read = lambda texts: axes[["abc".index(text[0]) for text in texts]]  # noqa: E731
    prompts = {"a": ("a low", "a high"), "b": ("b",)}
    assert reclap.share_named(read, heard, prompts) == pytest.approx(2 / 3)


def test_the_claim_s_arms_differ_as_they_should() -> None:
    experiment = reclap.claim()
    arms = {arm.name: arm.config for arm in experiment.arms}
    base = arms["rewrites"]
    shares = {name: config.rewrite_probability for name, config in arms.items()}
    assert shares == {"names": 0.0, "rewrites": 0.6, "third": 0.3, "all": 1.0, "shuffled": 0.6}
    for config in arms.values():
        assert replace(config, rewrite_probability=0.6, shuffle_rewrites=False) == base
    assert {each.claim for each in experiment.comparisons} == set(reclap.PAPER.claims)
    assert base.toy == InventedConfig()


@pytest.mark.parametrize(
    "fields", [{"rewrite_probability": 1.5}, {"n_rewrites": -1}, {"n_prompts": 0}]
)
def test_settings_that_cannot_be_are_refused(fields: dict) -> None:
    with pytest.raises(EarShotError, match=next(iter(fields))):
        replace(reclap.Config.small(), **fields)
