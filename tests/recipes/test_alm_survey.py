from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from earshot.audio import write_audio
from earshot.cli.main import app
from earshot.core.checkpoint import read_checkpoint
from earshot.core.config import from_dict, to_dict
from earshot.core.errors import EarShotError
from earshot.data import BatchLoader, ClipSet, open_clips
from earshot.data.described import described, wholes
from earshot.jobs.loading import load
from earshot.models.start import Start
from earshot.models.two_tower import TwoTower
from earshot.recipes import alm_survey
from earshot.synth.kind_clips import KindClipsConfig, kind_clips
from earshot.synth.sounds import SOUNDS
from earshot.text.lexicon import shipped_lexicon
from earshot.training.fit import FitConfig, fit
from recipes.power_cut import check_it_ends_the_same
from recipes.tiny_alm_survey import KINDS, little, tiny_config


@pytest.fixture(scope="module")
def figures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, float]]:
    """The claim's method with smaller clips, one seed: both ways to be taught; and each again with
    every held-out kind told by another one's words."""
    small = little(alm_survey.Config.small())
    features = replace(small.model.features, hop_length=800)
    small = replace(small, model=replace(small.model, features=features))
    toy = replace(small.toy, n_train=2, n_test=2)
    config = replace(small, seed=100, toy=toy)
    material = alm_survey.find_material(config, None)
    wrong = alm_survey.exchanged({k: material.told[k] for k in material.unseen.labels}, 100)
    control = replace(material, told=material.told | wrong)
    found = {}
    for supervision, steps in (("language", 45), ("labels", 60)):
        out = tmp_path_factory.mktemp(supervision) / "run"
        arm = replace(config, supervision=supervision, fit=replace(small.fit, steps=steps))
        found[supervision] = alm_survey.run(arm, None, out).values
        model = load(out).model
        found[f"{supervision}, exchanged"] = alm_survey.measure_model(model, arm, control)[0]
    return found


@pytest.mark.claim("alm_survey/unseen")
@pytest.mark.claim("alm_survey/one_example")
@pytest.mark.claim("alm_survey/real")
def test_descriptions_name_what_was_never_heard(figures: dict[str, dict[str, float]]) -> None:
    taught, control = figures["language"], figures["language, exchanged"]
    assert taught["zero_shot"] > 0.4  # chance is 0.25
    assert control["zero_shot"] < 0.3
    assert control["shot_1"] == pytest.approx(taught["shot_1"])  # no words in it


@pytest.mark.claim("alm_survey/words_later")
@pytest.mark.claim("alm_survey/examples")
def test_a_tagger_s_labels_can_be_told_what_they_are_like(
    figures: dict[str, dict[str, float]],
) -> None:
    taught, control = figures["labels"], figures["labels, exchanged"]
    assert taught["zero_shot"] > 0.3
    assert control["zero_shot"] < 0.26
    for each in ("language", "labels"):
        assert figures[each]["shot_1"] > 0.5


@pytest.mark.parametrize("supervision", ["language", "labels"])
def test_it_learns_eight_clips(supervision: str, tmp_path: Path) -> None:
    config = replace(tiny_config(), supervision=supervision, n_labels=8)
    kinds = KINDS[:8]
    told = alm_survey.descriptions_of(kinds, shipped_lexicon())
    clips = described(kind_clips(0, kinds, "train", KindClipsConfig(n_train=1)), told)
    torch.manual_seed(0)
    model = alm_survey.build(config)

    def loss_of(batch):
        if isinstance(model, TwoTower):
            return alm_survey.language_loss(model, batch)
        return alm_survey.label_loss(model, batch)

    loader = BatchLoader(clips, batch_size=8, sample_rate=16_000, workers=0)
    result = fit(
        model,
        loss_of,
        loader.batches,
        FitConfig(steps=40, learning_rate=3e-3, warmup_steps=5),
        tmp_path,
        after_step=getattr(model, "clamp_scale", None),
    )
    assert result.loss < 0.15  # from log 8 = 2.08


@pytest.mark.parametrize("preset", ["paper", "small"])
def test_presets_survive_json(preset: str) -> None:
    config = getattr(alm_survey.Config, preset)()
    assert from_dict(alm_survey.Config, json.loads(json.dumps(to_dict(config)))) == config


def test_the_paper_s_sizes_are_those_of_laion_clap() -> None:
    """As `transformers` counts laion/clap-htsat-unfused, without its second scale."""
    from transformers import ClapConfig, ClapModel

    with torch.device("meta"):
        model = alm_survey.build(alm_survey.Config.paper())
        library = ClapModel(ClapConfig())
    ours, theirs = (sum(p.numel() for p in each.parameters()) for each in (model, library))
    assert ours == pytest.approx(theirs, rel=0.01)
    assert ours == pytest.approx(153.5e6, rel=0.01)


def test_no_clip_and_no_word_of_a_label_held_out_is_taught() -> None:
    for config in (tiny_config(), replace(tiny_config(), exchange=True)):
        material = alm_survey.find_material(config, None)
        held, taught = set(material.unseen.labels), set(material.train.labels)
        assert len(held) == 4
        assert not held & taught
        assert held | taught == set(KINDS)
        assert {clip.labels[0] for clip in material.unseen} == held
        said = " | ".join(caption for clip in material.train for caption in clip.captions)
        assert not any(phrase in said for label in held for phrase in material.told[label])
        right = [clip.captions == wholes(material.told[clip.labels[0]]) for clip in material.train]
        assert all(right) != config.exchange
        assert any(right) != config.exchange


def test_what_is_held_out_goes_by_seed_or_by_name() -> None:
    config = tiny_config()
    drawn = [
        alm_survey.find_material(replace(config, seed=seed), None).unseen.labels
        for seed in (1, 1, 2)
    ]
    assert drawn[0] == drawn[1] != drawn[2]
    named = replace(config, held_out=("cow", "gong"))
    assert set(alm_survey.find_material(named, None).unseen.labels) == {"cow", "gong"}
    with pytest.raises(EarShotError, match="Did you mean 'gong'"):
        alm_survey.find_material(replace(config, held_out=("gongg",)), None)


@pytest.mark.parametrize("supervision", ["language", "labels"])
def test_the_run_s_folder_is_a_model(supervision: str, tmp_path: Path) -> None:
    config = replace(tiny_config(), supervision=supervision)
    report = alm_survey.run(config, None, tmp_path / "one")
    checkpoint = read_checkpoint(tmp_path / "one")
    assert checkpoint.extra["figures"] == report.values
    assert {"zero_shot", "shot_1", "shot_5", "probe_1", "probe_5", "seen", "loss"} < set(
        report.values
    )
    embedder = load(tmp_path / "one")
    sound = kind_clips(0, ("cow",), "test", KindClipsConfig(n_train=1, n_test=1))[0].read().waveform
    model = alm_survey.build(from_dict(alm_survey.Config, checkpoint.config))
    model.load_state_dict(checkpoint.weights())
    with torch.inference_mode():
        row = model.eval().embed_audio(torch.from_numpy(sound)[None], torch.tensor([len(sound)]))
    np.testing.assert_allclose(embedder.embed_waveforms([sound]), row.numpy(), atol=1e-5)
    write_audio(tmp_path / "cow.wav", sound, 16_000)
    words = ["tag", str(tmp_path / "cow.wav"), "--model", str(tmp_path / "one"), "--json"]
    words += ["--labels", "cow,rain"] if supervision == "language" else []
    said = CliRunner().invoke(app, words)
    assert said.exit_code == 0, said.output
    named = json.loads(said.stdout.splitlines()[0])
    assert "rain" in json.dumps(named) or "rain" in checkpoint.config["held_out"]


def test_it_goes_on_from_a_model_but_a_head_starts_at_random(tmp_path: Path) -> None:
    config = tiny_config()
    start = Start("mine", alm_survey.build(config), config.model)
    further = alm_survey.run(config, None, tmp_path / "two", start=start)
    assert np.isfinite(further.values["loss"])
    labels = replace(config, supervision="labels")
    with pytest.raises(EarShotError, match="Leave --model out"):
        alm_survey.run(labels, None, tmp_path / "three", start=start)


@pytest.mark.parametrize("supervision", ["language", "labels"])
def test_a_run_that_was_cut_short_ends_the_same(supervision: str, tmp_path: Path) -> None:
    config = replace(tiny_config(steps=8), supervision=supervision)
    config = replace(config, fit=replace(config.fit, checkpoint_every=3))
    check_it_ends_the_same(alm_survey, config, tmp_path, update=7)


def own_clips(folder: Path, labels: list[str], n: int = 4) -> ClipSet:
    rows = []
    for i, label in enumerate(labels * n):
        wave = 0.3 * np.sin(np.arange(16_000) * (0.1 + 0.02 * (i % len(labels))))
        write_audio(folder / f"{i}.wav", wave.astype(np.float32), 16_000)
        split = "train" if i < len(labels) * (n - 1) else "test"
        rows.append({"audio": f"{i}.wav", "label": label, "split": split, "caption": "x"})
    (folder / "clips.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return open_clips(folder / "clips.jsonl")


def test_own_clips_are_told_by_their_labels(tmp_path: Path) -> None:
    clips = own_clips(tmp_path, ["dog", "rain", "siren", "cow", "owl"])
    config = replace(tiny_config(), n_held_out=2)
    material = alm_survey.find_material(config, clips)
    assert len(material.unseen) == 8  # both splits: training hears none of them
    report = alm_survey.run(config, clips, tmp_path / "run")
    assert report.values["chance"] == 0.5
    assert "shot_1" in report.values
    assert "shot_5" not in report.values  # of four recordings a label
    unknown = own_clips(tmp_path, ["dog", "rain", "siren", "florp"])
    with pytest.raises(EarShotError, match="such as florp"):
        alm_survey.run(config, unknown, tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_clips_of_several_labels_and_too_many_held_out_are_refused(tmp_path: Path) -> None:
    clips = own_clips(tmp_path, ["dog", "rain", "siren", "cow"])
    with pytest.raises(EarShotError, match="from 2 to 2"):
        alm_survey.run(replace(tiny_config(), n_held_out=3), clips, tmp_path / "run")
    both = ClipSet([replace(clip, labels=("dog", "rain")) for clip in clips])
    with pytest.raises(EarShotError, match="exactly one label"):
        alm_survey.run(tiny_config(), both, tmp_path / "run")
    htsat = alm_survey.Config.paper()
    with pytest.raises(EarShotError, match=r"Set model\.audio\.cnn"):
        alm_survey.build(replace(htsat, supervision="labels"))


def test_recordings_stand_beside_the_toy_and_what_they_hold_out_is_not_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_clips(tmp_path, ["dog bark", "baby cry", "sea waves", "fire crackling"])
    (tmp_path / "data").mkdir()
    folder = tmp_path / "data" / "mine"
    folder.mkdir()
    for each in tmp_path.glob("*.wav"):
        each.rename(folder / each.name)
    (tmp_path / "clips.jsonl").rename(folder / "manifest.jsonl")
    monkeypatch.setenv("EARSHOT_SHARED", str(tmp_path))
    toy = KindClipsConfig(
        n_train=1, n_test=1, kinds=("crying baby", "crackling fire", "cow", "owl")
    )
    config = replace(tiny_config(), recordings="mine", held_out=("baby cry", "sea waves"), toy=toy)
    material = alm_survey.find_material(config, None)
    assert set(material.train.labels) == {
        "crackling fire",
        "cow",
        "owl",
        "dog bark",
        "fire crackling",
    }
    assert set(material.unseen.labels) == {"baby cry", "sea waves"}
    assert len(material.unseen) == 8


def test_the_claim_s_arms_differ_as_they_should(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EARSHOT_SHARED", raising=False)
    alone = alm_survey.claim()
    assert [arm.name for arm in alone.arms] == ["language", "labels", "exchanged"]
    base = alone.arm("language").config
    assert replace(alone.arm("labels").config, supervision="language") == base
    assert replace(alone.arm("exchanged").config, exchange=False) == base
    assert base.toy.kinds == ()
    assert len(SOUNDS) - base.n_held_out > 100
