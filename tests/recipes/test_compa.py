from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from earshot.audio import write_audio
from earshot.core.checkpoint import read_checkpoint
from earshot.core.config import from_dict, to_dict
from earshot.core.errors import EarShotError
from earshot.data import ClipSet, open_clips
from earshot.data.composition_loader import CompositionBatch, CompositionLoader, collate
from earshot.data.compositions import CompositionConfig
from earshot.jobs.loading import load
from earshot.jobs.starting import find_start
from earshot.objectives.infonce import InfoNCE
from earshot.recipes import compa
from earshot.synth.combinations import combination_clips
from earshot.training.fit import FitConfig, fit
from recipes.power_cut import check_it_ends_the_same
from recipes.tiny_compa import tiny_config


@pytest.mark.claim("compa/order")
@pytest.mark.claim("compa/kept")
def test_own_negatives_teach_order_and_those_of_others_do_not(tmp_path: Path) -> None:
    config = compa.tuned(tiny_config(), "hard_negatives", "hard_negatives")
    taught = compa.run(config, None, tmp_path / "taught").values
    control = replace(config, shuffle_negatives=True)
    other = compa.run(control, None, tmp_path / "control").values
    assert taught["twin_text"] > other["twin_text"] + 0.25
    assert taught["twin_group"] > other["twin_group"] + 0.2
    assert taught["zero_shot"] > 3 * taught["zero_shot_chance"]
    assert taught["zero_shot_less_3"] == pytest.approx(taught["zero_shot"] - 0.03)


@pytest.mark.claim("compa/order_recordings")
def test_recordings_take_the_place_of_procedural_clips(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three stages on files of two folds, as in the claim: one fold is heard in the test alone."""
    folder = tmp_path / "esc10"
    folder.mkdir()
    rows = ["path,label,fold"]
    for number, clip in enumerate(combination_clips(0, tiny_config().toy)[:24]):
        write_audio(folder / f"{number}.wav", clip.audio.waveform, 16_000)
        rows.append(f"{number}.wav,{clip.labels[0]},{1 + number // 12}")
    (folder / "manifest.csv").write_text("\n".join(rows) + "\n")
    monkeypatch.setenv("EARSHOT_SHARED", str(tmp_path))
    config = replace(tiny_config(2, 2, 2), recordings="esc10", test_fold="2")
    train, test = (compa.own_clips(config).split(name) for name in ("train", "test"))
    assert (len(train), len(test)) == (12, 12)
    values = compa.run(config, None, tmp_path / "run").values
    assert {"first_loss", "second_loss", "third_loss", "twin_group", "t2a_r5"} <= values.keys()
    names = {arm.name for arm in compa.claim().arms}
    monkeypatch.delenv("EARSHOT_SHARED")
    without = {arm.name for arm in compa.claim().arms}
    assert names - without == {"vanilla_esc10", "hard_esc10", "modular_esc10"}
    with pytest.raises(EarShotError, match="EARSHOT_SHARED"):
        compa.run(config, None, tmp_path / "other")


def eight(config: compa.Config) -> CompositionBatch:
    """Eight composed clips that say different things, among them the first one's twin."""
    clips = combination_clips(0, config.toy).split("train")
    compositions = replace(config.compositions, n_events=(0.0, 1.0))
    loader = CompositionLoader(clips, compositions, batch_size=8, sample_rate=16_000)
    made = [loader.composition(number) for number in range(40)]
    return collate(list({each.caption: each for each in made}.values())[:8])


@pytest.mark.parametrize("objective", ["captions", "hard_negatives", "modular"])
def test_each_stage_learns_eight_clips(objective: compa.Objective, tmp_path: Path) -> None:
    config = tiny_config()
    batch = eight(config)
    torch.manual_seed(0)
    model = compa.build(config)
    loss_of = compa.loss_of(compa.Stage(objective), model, config)
    settings = FitConfig(steps=80, learning_rate=3e-3, warmup_steps=5)
    result = fit(
        model,
        loss_of,
        lambda first: iter([batch] * 80),
        settings,
        tmp_path,
        after_step=model.clamp_scale,
    )
    with torch.inference_mode():
        audio = model.eval().embed_audio(batch.waveform, batch.n_samples)
        mine = (audio * model.embed_text(batch.captions)).sum(1)  # [clips]
        for row, false in enumerate(batch.negatives):
            assert bool((model.embed_text(list(false)) @ audio[row] < mine[row]).all()) or (
                objective == "captions"  # which never saw them
            )
    best = least_modular_loss(batch) if objective == "modular" else 0.0
    assert best - 1e-4 < result.loss < best + 0.15


def least_modular_loss(batch: CompositionBatch) -> float:
    """A clip shares its probability among its true captions, a caption among its clips."""
    to_text = np.mean([np.log(1 + len(each)) for each in batch.positives])
    told = [*batch.captions, *(text for each in batch.positives for text in each)]
    return float(to_text + np.mean([np.log(told.count(text)) for text in told])) / 2


def test_a_stage_s_loss_takes_its_captions_alone() -> None:
    config = tiny_config()
    batch = eight(config)
    torch.manual_seed(0)
    model = compa.build(config).eval()

    def loss(objective: compa.Objective, batch: CompositionBatch = batch, **changes) -> Tensor:
        return compa.loss_of(compa.Stage(objective), model, replace(config, **changes))(batch)

    plain = InfoNCE()(
        model.embed_audio(batch.waveform, batch.n_samples),
        model.embed_text(batch.captions),
        model.scale,
    )
    assert loss("captions").item() == pytest.approx(plain.item(), abs=1e-6)
    assert loss("hard_negatives", n_negatives=0).item() == pytest.approx(plain.item(), abs=1e-6)
    harder = [loss("hard_negatives", n_negatives=n).item() for n in (0, 1, 3)]
    assert harder == sorted(harder)
    assert harder[0] < harder[2]
    bare = replace(batch, positives=[()] * 8, negatives=[()] * 8)
    assert loss("modular", bare).item() == pytest.approx(plain.item(), abs=1e-6)
    three = replace(batch, positives=[()] * 8, negatives=[each[:3] for each in batch.negatives])
    assert loss("modular", three).item() == pytest.approx(harder[2], abs=1e-6)
    assert loss("modular").item() != pytest.approx(harder[2], abs=1e-3)


def test_the_control_gives_every_clip_another_s_negatives() -> None:
    negatives = [("a", "b"), ("c",), ("own", "d")]
    assert compa.exchanged(negatives, ["x", "own", "z"]) == [("c",), ("d",), ("a", "b")]


@pytest.mark.parametrize("preset", ["paper", "small"])
def test_presets_survive_json(preset: str) -> None:
    config = getattr(compa.Config, preset)()
    assert from_dict(compa.Config, json.loads(json.dumps(to_dict(config)))) == config


def test_the_paper_s_model_is_htsat_tiny_and_the_encoder_of_flan_t5_large() -> None:
    config = compa.Config.paper()
    with torch.device("meta"):
        model = compa.build(config)
    assert all(value.is_meta for value in model.parameters())

    def count(part: torch.nn.Module) -> int:
        return sum(value.numel() for value in part.parameters())

    assert count(model.text_encoder) == pytest.approx(341.2e6, rel=0.01)  # Flan-T5-large's encoder
    assert count(model) == pytest.approx(371.5e6, rel=0.01)
    assert [layer.in_features for layer in model.text_projection.modules() if is_linear(layer)] == [
        1_024,
        512,
    ]
    batches = [config.first.batch_size, config.second.batch_size, config.third.batch_size]
    assert batches == [8 * 24, 8 * 6, 8 * 4]


def is_linear(layer: torch.nn.Module) -> bool:
    return isinstance(layer, torch.nn.Linear)


@pytest.mark.slow
def test_the_paper_s_model_takes_a_step_of_the_last_stage(tmp_path: Path) -> None:
    config = compa.Config.paper()
    model = compa.build(config)
    model.tokenizer = lambda texts: (  # the published one needs its files
        torch.arange(3, 13).repeat(len(texts), 1) + torch.arange(len(texts))[:, None],
        torch.zeros(len(texts), 10, dtype=torch.bool),
    )
    noise = torch.randn(2, 12 * 48_000, generator=torch.Generator().manual_seed(0)) * 0.1
    batch = CompositionBatch(
        waveform=noise,
        n_samples=torch.tensor([12 * 48_000, 7 * 48_000]),  # one fused, one repeated and padded
        captions=["dog before cat", "rain and car"],
        positives=[("dog", "cat"), ("car and rain",)],
        negatives=[("cat before dog",), ("car before rain",)],
        labels=[("dog", "cat"), ("rain", "car")],
    )
    assert config.third is not None
    before = [value.detach().clone() for value in model.parameters()]
    settings = replace(config.third.fit, steps=1, warmup_steps=0, precision="bf16")
    loss_of = compa.loss_of(config.third, model, config)
    result = fit(model, loss_of, lambda first: iter([batch]), settings, tmp_path)
    assert np.isfinite(result.loss)
    moved = sum(not torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))
    assert moved > 0.9 * len(before)


def test_the_run_s_folder_is_a_model_and_a_model_can_be_gone_on_from(tmp_path: Path) -> None:
    config = tiny_config(3, 2, 2)
    report = compa.run(config, None, tmp_path / "base")
    checkpoint = read_checkpoint(tmp_path / "base")
    assert checkpoint.recipe == "compa"
    assert checkpoint.extra["figures"] == report.values
    embedder = load(tmp_path / "base")
    assert embedder.embed_texts(["dog bark before rain"]).shape == (1, 32)
    more = replace(config, second=None)
    went_on = compa.run(more, None, tmp_path / "more", start=find_start(tmp_path / "base"))
    assert "second_loss" not in went_on.values
    one, two = (read_checkpoint(tmp_path / name).weights() for name in ("base", "more"))
    change = max(float((one[name] - two[name]).abs().max()) for name in one)
    assert 0 < change < 0.1  # from where it was, and not from random weights


def test_a_run_that_was_cut_short_ends_the_same(tmp_path: Path) -> None:
    config = tiny_config(4, 4, 6)
    assert config.third is not None
    third = replace(config.third, fit=replace(config.third.fit, checkpoint_every=2))
    config = replace(config, third=third)
    check_it_ends_the_same(compa, config, tmp_path, update=12)


def test_a_manifest_of_labelled_sounds_is_enough(tmp_path: Path) -> None:
    rows = []
    for clip in combination_clips(0, replace(tiny_config().toy, n_train=24, n_test=12)):
        write_audio(tmp_path / f"{clip.id}.wav", clip.audio.waveform, 16_000)
        rows.append({"path": f"{clip.id}.wav", "label": clip.labels[0], "split": clip.split})
    rows.append({"path": "gone.wav", "label": "rain", "split": "test"})
    (tmp_path / "gone.wav").write_text("no sound")
    manifest = tmp_path / "manifest.jsonl"
    manifest.write_text("".join(json.dumps(row) + "\n" for row in rows))
    report = compa.run(tiny_config(2, 1, 1), open_clips(manifest), tmp_path / "run")
    assert np.isfinite(list(report.values.values())).all()
    assert any("gone.wav" in note for note in report.notes)


def test_faults_say_what_to_do(tmp_path: Path) -> None:
    config = tiny_config(1, 1, 1)
    long = replace(config, compositions=CompositionConfig(clip_s=3.0))
    with pytest.raises(EarShotError, match="Set compositions.clip_s=1"):
        compa.run(long, None, tmp_path / "a")
    clips = combination_clips(0, config.toy)
    silent = ClipSet([replace(clip, labels=()) for clip in clips])
    with pytest.raises(EarShotError, match="column of labels"):
        compa.run(config, silent, tmp_path / "b")
    one_kind = clips.select(lambda clip: clip.labels == clips[0].labels)
    with pytest.raises(EarShotError, match="add clips with other labels"):
        compa.run(config, one_kind, tmp_path / "c")
    with pytest.raises(EarShotError, match="a published text tower"):
        compa.run(replace(config, text_weights="google/flan-t5-large"), None, tmp_path / "d")


def test_the_claim_s_arms_differ_as_they_should(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EARSHOT_SHARED", "")
    experiment = compa.claim()
    arms = {arm.name: arm.config for arm in experiment.arms}
    assert set(arms) == {"vanilla", "hard", "modular", "shuffled"}
    assert replace(arms["shuffled"], shuffle_negatives=False) == arms["hard"]
    assert arms["vanilla"] == compa.tuned(arms["modular"], "captions", "captions")
    for one in arms.values():  # equal steps of equal clips
        assert compa.tuned(one, "captions", "captions").third == arms["vanilla"].third
        assert one.first == arms["vanilla"].first
    assert {each.claim for each in experiment.comparisons} == {"order", "kept"}
