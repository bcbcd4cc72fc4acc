from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import Wav2Vec2Config, Wav2Vec2ForCTC, Wav2Vec2ForPreTraining

from earshot.audio import write_audio
from earshot.core.checkpoint import read_checkpoint
from earshot.core.config import from_dict, to_dict
from earshot.core.errors import EarShotError
from earshot.data import open_clips
from earshot.models.loading.wav2vec2 import encoder_state
from earshot.recipes import ainu_adaptation
from earshot.recipes.ainu_adaptation import Route
from earshot.training.adaptation import recognition_figures, replay_shares, union_vocabulary
from earshot.training.adaptation_material import first_minutes
from earshot.training.adaptation_stages import Stages
from earshot.training.recipe_run import RecipeRun
from recipes.power_cut import check_it_ends_the_same
from recipes.tiny_ainu import tiny_config, tiny_sound_config, tones, write_languages

S0, S2 = Route("S0"), Route("S2", continued="t")


def stages_of(config: ainu_adaptation.Config, out: Path) -> Stages:
    material = ainu_adaptation.material_of(config, None)
    this = RecipeRun("ainu_adaptation", config, out, ["a"])
    return Stages(this, material, ainu_adaptation.build_task(config), ainu_adaptation.build)


@pytest.mark.claim("ainu_adaptation/continued")
def test_pretraining_that_goes_on_tells_the_language_s_hidden_steps_better(tmp_path: Path) -> None:
    """The control: as many more updates on the audio of another language."""
    tiny = tiny_config(80)
    toy = replace(tiny.toy, n_target=80, n_other=80, n_test=40)
    stages = stages_of(replace(tiny, toy=toy, routes=(Route("w", continued="u"), S2)), tmp_path)
    stages.learn("base", stages.known, tiny.base_fit)
    stages.keep("", "base")
    for route in stages.config.routes:
        stages.start(route)
    figures = stages.figures
    assert figures["told_target_continued_t"] > figures["told_target_base"] + 0.02
    assert figures["told_target_continued_t"] > figures["told_target_continued_u"]


@pytest.mark.claim("ainu_adaptation/multilingual")
def test_labels_of_another_language_are_learnt_beside_the_target_s(tmp_path: Path) -> None:
    """Shared symbols: what is heard of the other language is written with them."""
    tiny = tiny_config(120)
    routes = (S0, Route("S1", auxiliary="r"))
    config = replace(tiny, routes=routes, base_fit=replace(tiny.base_fit, steps=5), frozen=0.0)
    stages = stages_of(config, tmp_path)
    stages.keep("", "base")
    other = [each for each in stages.labelled["r"] if each.text]
    errors = []
    for route in routes:
        model, _ = stages.tune(route, 0.0)
        errors.append(recognition_figures(model, stages.vocabulary, other)["cer"])
    assert errors[1] < errors[0] - 0.1


@pytest.mark.claim("ainu_adaptation/real")
def test_spoken_descriptions_take_the_same_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tones in the place of the set's speech; captions of the test are heard nowhere else."""
    rng = np.random.default_rng(0)
    for language in ("be", "es"):
        folder = tmp_path / "stamps" / "speech" / language
        folder.mkdir(parents=True)
        for i in range(16):
            write_audio(folder / f"{i:02d}.wav", tones("abcd"[: 1 + i % 4] * 2, rng), 8_000)
            (folder / f"{i:02d}.wav").rename(folder / f"{i:02d}.ogg")  # the content decides
    lines = ["id,caption,text_en,text_be,text_es"]
    for i in range(16):
        word = "абцд"[: 1 + i % 4] * 2
        lines.append(f"{i:02d},The {i % 8} cat.,x,{word if i else '5 ' + word}!,Ñab{'cd'[i % 2]}.")
    (tmp_path / "stamps" / "manifest.csv").write_text("\n".join(lines) + "\n")
    monkeypatch.setenv("EARSHOT_SHARED", str(tmp_path))
    config = tiny_sound_config()
    config = replace(
        config,
        target="be",
        base_languages=(),
        routes=(Route("S3", continued="be", auxiliary="es"),),
        n_symbols=16,
        toy=replace(config.toy, stamps=("be", "es")),
    )
    material = ainu_adaptation.material_of(config, None)
    away = {each.group for each in material.test}
    assert len(away) == 1
    assert not away & {each.group for of in material.train.values() for each in of}
    assert all("5" not in each.text for each in material.train["be"])
    assert set("".join(each.text for each in material.train["be"])) <= set("abtsd")
    assert material.train["es"][0].text.startswith("njab")
    values = ainu_adaptation.run(config, None, tmp_path / "run").values
    assert {"cer", "wer", "cer_S3_0", "told_base_continued_be"} <= values.keys()


def test_it_learns_eight_clips(tmp_path: Path) -> None:
    tiny = tiny_config(200)
    toy = replace(tiny.toy, n_target=8)
    stages = stages_of(replace(tiny, toy=toy, routes=(S0,), frozen=0.0), tmp_path)
    stages.keep("", "base")
    model, _ = stages.tune(S0, 0.0)
    found = recognition_figures(model, stages.vocabulary, stages.labelled["t"])
    assert found["cer"] < 0.1


def test_a_frozen_start_moves_the_map_to_symbols_alone(tmp_path: Path) -> None:
    stages = stages_of(replace(tiny_config(4), routes=(S0,), frozen=1.0), tmp_path)
    before = {n: v.clone() for n, v in stages.task.encoder.state_dict().items()}
    stages.keep("", "base")
    model, _ = stages.tune(S0, 0.0)
    after = model.audio_encoder.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    torch.manual_seed(0)
    assert not torch.equal(ainu_adaptation.build(stages.config).head.weight, model.head.weight)


def test_what_routes_share_is_trained_once(tmp_path: Path) -> None:
    few = Route("S3", continued="t", auxiliary="r", minutes=(0.1,))
    none = Route("random", from_scratch=True, minutes=(0.1,))
    config = replace(tiny_config(), routes=(few, S0, none, S2), minutes=(0.1, 0.0), replay=0.25)
    values = ainu_adaptation.run(config, None, tmp_path / "run").values
    folders = {each.name for each in (tmp_path / "run").iterdir() if each.is_dir()}
    assert folders == {
        "base",
        "continued_t",
        "S3_0.1",
        "random_0.1",
        "S0_0.1",
        "S0_0",
        "S2_0.1",
        "S2_0",
    }
    assert values["cer"] == values["cer_S2_0"]  # the last route is kept
    assert "cer_S3_0" not in values


def test_minutes_are_parts_of_more_minutes() -> None:
    spoken = ainu_adaptation.material_of(tiny_config(), None).train["t"]
    few, more = first_minutes(spoken, 0.05, 1), first_minutes(spoken, 0.15, 1)
    assert more[: len(few)] == few
    assert sum(each.duration_s for each in few) >= 3 > sum(each.duration_s for each in few[:-1])
    assert len(first_minutes(spoken, 99, 1)) == len(spoken)
    assert replay_shares(0.2, "t", spoken) == {"t": 1.0}
    other = [replace(each, language=name) for name in "ab" for each in spoken]
    assert replay_shares(0.2, "t", other) == pytest.approx({"t": 0.8, "a": 0.1, "b": 0.1})


@pytest.mark.parametrize("preset", ["paper", "small", "small_speech"])
def test_presets_survive_json(preset: str) -> None:
    config = getattr(ainu_adaptation.Config, preset)()
    again = from_dict(ainu_adaptation.Config, json.loads(json.dumps(to_dict(config))))
    assert again == config


def test_the_paper_s_models_have_their_sizes() -> None:
    """315.4 M hear; 317.4 M with quantiser and projections."""
    config = ainu_adaptation.Config.paper()
    with torch.device("meta"):
        model, task = ainu_adaptation.build(config), ainu_adaptation.build_task(config)
    head = 1_025 * config.n_symbols
    n = sum(each.numel() for each in model.parameters()) - head
    assert n == pytest.approx(315.4e6, rel=0.001)
    assert sum(each.numel() for each in task.parameters()) == pytest.approx(317.4e6, rel=0.001)


def test_a_run_that_was_cut_short_ends_the_same(tmp_path: Path) -> None:
    """Killed in the base training, while it goes on, and in fine-tuning."""
    tiny = tiny_config()
    fits = {
        name: replace(getattr(tiny, name), checkpoint_every=2)
        for name in ("base_fit", "continued_fit", "fine_tune_fit")
    }
    check_it_ends_the_same(ainu_adaptation, replace(tiny, **fits), tmp_path, update=(3, 5, 5))


def publish(folder: Path, model: type = Wav2Vec2ForPreTraining, **options: int) -> None:
    torch.manual_seed(0)
    config = Wav2Vec2Config(
        hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
        conv_dim=(8,) * 7, num_conv_pos_embeddings=8, num_conv_pos_embedding_groups=4,
        num_codevectors_per_group=6, codevector_dim=8, proj_codevector_dim=12, **options,
    )  # fmt: skip
    model(config).save_pretrained(folder)


def test_a_published_model_is_where_it_begins(tmp_path: Path) -> None:
    publish(tmp_path / "xlsr")
    tiny = tiny_sound_config(steps=2)
    config = replace(tiny, base=str(tmp_path / "xlsr"), routes=(Route("S0"),), shortest_s=0.2)
    manifest = write_languages(tmp_path / "sounds")
    values = ainu_adaptation.run(config, open_clips(manifest), tmp_path / "run").values
    assert "base_loss" not in values
    checkpoint = read_checkpoint(tmp_path / "run")
    assert checkpoint.config["model"]["audio"]["wav2vec2"]["dim"] == 32
    weights = checkpoint.weights()
    published = encoder_state(
        Wav2Vec2ForPreTraining.from_pretrained(tmp_path / "xlsr").state_dict(), "wav2vec2"
    )
    name = "feature_extractor.conv_layers.3.conv.weight"  # frozen: as it was
    assert torch.equal(weights[f"audio_encoder.model.{name}"], published[name])
    publish(tmp_path / "tuned", Wav2Vec2ForCTC)
    with pytest.raises(EarShotError, match="a checkpoint of pre-training, which has a quantiser"):
        ainu_adaptation.run(
            replace(config, base=str(tmp_path / "tuned")), open_clips(manifest), tmp_path / "b"
        )


def test_clips_of_a_manifest_are_heard_and_what_cannot_be_used_is_named(tmp_path: Path) -> None:
    manifest = write_languages(tmp_path)
    write_audio(tmp_path / "long.wav", np.zeros(24_000), 8_000)
    write_audio(tmp_path / "bare.wav", np.zeros(8_000), 8_000)
    with manifest.open("a") as file:
        file.write("long.wav,a b,x,train\nbare.wav,a,,train\n")
    report = ainu_adaptation.run(tiny_sound_config(), open_clips(manifest), tmp_path / "run")
    assert {"cer", "wer", "accuracy"} <= report.values.keys()
    assert any("3.0 s, not 0.1 to 2 s" in note for note in report.notes)
    assert any("no language" in note for note in report.notes)


def test_what_cannot_be_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EARSHOT_SHARED", raising=False)
    tiny, sound = tiny_config(), tiny_sound_config()
    manifest = open_clips(write_languages(tmp_path / "sounds"))
    with pytest.raises(EarShotError, match="target='z' and clips in x, y"):
        ainu_adaptation.run(replace(sound, target="z"), manifest, tmp_path / "a")
    strange = replace(sound, routes=(Route("S1", auxiliary="q"),))
    with pytest.raises(EarShotError, match="got language 'q'"):
        ainu_adaptation.run(strange, manifest, tmp_path / "b")
    with pytest.raises(EarShotError, match="for n_symbols=5"):
        ainu_adaptation.run(replace(sound, n_symbols=5), manifest, tmp_path / "c")
    with pytest.raises(EarShotError, match="no recordings 'stamps'"):
        ainu_adaptation.run(ainu_adaptation.Config.small_speech(), None, tmp_path / "d")
    with pytest.raises(EarShotError, match="each of its own name"):
        replace(tiny, routes=(S0, S0))
    with pytest.raises(EarShotError, match="replay=1"):
        replace(tiny, replay=1.0)
    with pytest.raises(EarShotError, match="room for all of them"):
        union_vocabulary(["abc"], "characters", 5)


def test_the_claim_s_arms_differ_as_they_should(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EARSHOT_SHARED", raising=False)
    without = ainu_adaptation.claim()
    assert [arm.name for arm in without.arms] == ["family"]
    monkeypatch.setattr(ainu_adaptation, "shared_data", lambda name: Path("there"))
    experiment = ainu_adaptation.claim()
    assert {each.claim for each in experiment.comparisons} == set(ainu_adaptation.PAPER.claims)
    for arm in experiment.arms:
        config = arm.config
        routes = {route.name: route for route in config.routes}
        assert routes["S0"] == Route("S0")
        assert routes["random"].from_scratch
        assert not routes["random"].continued
        assert replace(routes["S2"], name="S0", continued="") == routes["S0"]
        assert routes["S2"].continued == config.target
        known = config.base_languages
        assert config.target not in known
        assert routes["wrong"].continued not in (*known, config.target)
        told = {each.figure for each in experiment.comparisons if each.arm == arm.name}
        assert all(name.startswith(("accuracy_", "told_")) for name in told)
