from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from earshot.audio import Audio, write_audio
from earshot.core.config import from_dict, to_dict
from earshot.core.errors import EarShotError
from earshot.data import BatchLoader, Clip, ClipSet, open_clips
from earshot.jobs.loading import load
from earshot.recipes import audiosetcaps
from earshot.synth.caption_scenes import CaptionScenesConfig
from earshot.training.caption_contrast import caption_contrast
from earshot.training.fit import FitConfig, fit
from recipes.power_cut import check_it_ends_the_same
from recipes.tiny_audiosetcaps import tiny_config


@pytest.mark.claim("audiosetcaps/gate")
@pytest.mark.claim("audiosetcaps/training")
@pytest.mark.claim("audiosetcaps/rich")
@pytest.mark.timeout(400)
def test_a_gate_takes_out_sounds_that_are_not_there(tmp_path: Path) -> None:
    """Six kinds, one or two at once, half of the captions wrong: what a gate leaves, and a model
    taught by it against one that another's captions taught."""
    scenes = CaptionScenesConfig(
        kinds=("rain", "siren", "dog bark", "piano", "typing", "church bell"), duration_s=1.0
    )
    toy = audiosetcaps.ToyConfig(
        n_train=200, n_clean=200, n_test=40, error_rate=0.5, gate_steps=150, scenes=scenes
    )
    small = audiosetcaps.Config.small()
    base = replace(small, toy=toy, finetune=None, seed=100, fit=replace(small.fit, steps=120))
    train, _, _ = audiosetcaps.toy_clips(toy, base.seed)
    got = {
        tries: audiosetcaps.written_clips(train, replace(base, tries=tries))[1] for tries in (0, 4)
    }
    assert got[4]["faithful"] > got[0]["faithful"] + 0.05
    assert got[4]["event_f1"] > got[0]["event_f1"] + 0.02
    assert got[4]["cosine"] > got[0]["cosine"] + 0.02
    taught = audiosetcaps.run(base, None, tmp_path / "gate4").values
    control = replace(base, shuffle_captions=True)
    shuffled = audiosetcaps.run(control, None, tmp_path / "shuffled").values
    assert taught["t2a_map10"] > shuffled["t2a_map10"] + 0.1


def test_it_learns_eight_clips(tmp_path: Path) -> None:
    config = tiny_config()
    _, clean, _ = audiosetcaps.toy_clips(replace(config.toy, n_clean=8), 0)
    told = ClipSet([replace(c, captions=(f"number {i} {c.captions[0]}",)) for i, c in
                    enumerate(clean)])  # fmt: skip
    torch.manual_seed(0)
    model = audiosetcaps.build(config)
    loss_of = caption_contrast(model, 0.0, 0.0)
    loader = BatchLoader(told, batch_size=8, sample_rate=16_000, workers=0)
    settings = FitConfig(steps=80, learning_rate=3e-3, warmup_steps=5)
    result = fit(model, loss_of, loader.batches, settings, tmp_path, after_step=model.clamp_scale)
    assert result.loss < 0.1  # from log 8 = 2.08


@pytest.mark.parametrize("preset", ["paper", "small"])
def test_presets_survive_json(preset: str) -> None:
    config = getattr(audiosetcaps.Config, preset)()
    assert from_dict(audiosetcaps.Config, json.loads(json.dumps(to_dict(config)))) == config


def test_the_paper_s_model_has_the_sizes_of_its_towers() -> None:
    config = audiosetcaps.Config.paper()
    with torch.device("meta"):
        model = audiosetcaps.build(config)
    sizes = [
        sum(value.numel() for value in part.parameters())
        for part in (model, model.audio_encoder, model.text_encoder, model.audio_projection)
    ]
    assert sizes[1] == pytest.approx(27.5e6, rel=0.02)  # HTSAT-tiny without its tagging head
    assert sizes[2] == 124_055_040  # RoBERTa-base without a pooler
    assert sizes[3] == 2 * (768 * 768 + 768)
    assert sizes[0] == pytest.approx(153.9e6, rel=0.01)
    assert (config.model.dim, config.mask, config.seed) == (768, 0.25, 20)


def test_a_run_that_was_cut_short_ends_the_same(tmp_path: Path) -> None:
    config = tiny_config(steps=8)
    config = replace(config, fit=replace(config.fit, checkpoint_every=4))
    check_it_ends_the_same(audiosetcaps, config, tmp_path, update=7)


def test_the_run_s_folder_is_a_model(tmp_path: Path) -> None:
    report = audiosetcaps.run(tiny_config(), None, tmp_path / "one")
    assert {
        "faithful",
        "cosine",
        "t2a_r1",
        "pretrain_loss",
        "finetune_loss",
    } <= report.values.keys()
    row = load(tmp_path / "one").embed_texts(["a dog barks"])
    assert np.linalg.norm(row) == pytest.approx(1.0, abs=1e-5)


def told_clips(folder: Path, rows: list[dict]) -> ClipSet:
    """A manifest of tones."""
    folder.mkdir(exist_ok=True)
    for i, row in enumerate(rows):
        wave = 0.3 * np.sin(np.arange(16_000) * (0.1 + 0.02 * i))
        write_audio(folder / f"{i}.wav", wave.astype(np.float32), 16_000)
        row["audio"] = f"{i}.wav"
    (folder / "clips.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return open_clips(folder / "clips.jsonl")


ROWS = [
    {"label": label, "caption": f"a {label} on a hill", "split": split}
    for split in ("train", "test")
    for label in ("dog", "rain", "siren")
    for _ in range(4)
]


def test_captions_by_rule_name_what_the_labels_name(tmp_path: Path) -> None:
    clips = told_clips(tmp_path, ROWS).split("train")
    made = audiosetcaps.captioned(clips, replace(tiny_config(), captions="offline"))
    for clip in made:
        assert len(clip.captions) > 1
        for caption in clip.captions:
            assert clip.labels[0] in caption.lower()
            assert "hill" not in caption
    labels = audiosetcaps.captioned(clips, replace(tiny_config(), captions="labels"))
    assert labels[0].captions == ("dog",)
    given = audiosetcaps.captioned(clips, tiny_config())
    assert given[0].captions == ("a dog on a hill",)


def test_own_clips_and_another_manifest_for_the_second_phase(tmp_path: Path) -> None:
    data = told_clips(tmp_path / "a", [dict(row) for row in ROWS])
    told_clips(tmp_path / "b", [dict(row) for row in ROWS])
    config = replace(tiny_config(), human=str(tmp_path / "b" / "clips.jsonl"), captions="offline")
    report = audiosetcaps.run(config, data, tmp_path / "run")
    assert np.isfinite(report.values["finetune_loss"])
    assert "t2a_r1" in report.values


def test_clips_without_a_label_cannot_be_captioned_from_labels() -> None:
    clips = ClipSet([Clip(audio=Audio(np.ones(100, np.float32), 16_000), captions=("x",), id="1")])
    with pytest.raises(EarShotError, match="captions=given"):
        audiosetcaps.captioned(clips, replace(tiny_config(), captions="labels"))


def test_the_claim_s_arms_differ_as_they_should() -> None:
    experiment = audiosetcaps.claim()
    arms = {arm.name: arm.config for arm in experiment.arms}
    base = arms["gate4"]
    tries = {name: arms[name].tries for name in ("ungated", "gate2", "gate4")}
    assert tries == {"ungated": 0, "gate2": 2, "gate4": 4}
    assert [arms[f"share{n}"].share for n in (5, 10, 25, 50)] == [0.05, 0.1, 0.25, 0.5]
    for config in arms.values():
        alike = replace(
            config, tries=4, share=1.0, captions="given", shuffle_captions=False, real=False
        )
        assert alike == base
    asked = {each.claim for each in experiment.comparisons}
    assert asked == set(audiosetcaps.PAPER.claims) - (set() if "real_rich" in arms else {"real"})


@pytest.mark.claim("audiosetcaps/scale")
@pytest.mark.claim("audiosetcaps/real")
def test_a_share_of_the_clips_is_what_is_trained_on(tmp_path: Path) -> None:
    audiosetcaps.run(replace(tiny_config(), share=0.5), None, tmp_path / "half")
    facts = json.loads((tmp_path / "half" / "run.json").read_text())
    audiosetcaps.run(tiny_config(), None, tmp_path / "whole")
    assert facts != json.loads((tmp_path / "whole" / "run.json").read_text())


@pytest.mark.parametrize(
    "fields",
    [{"share": 0.0}, {"mask": 1.0}, {"spread": -1.0}, {"tries": -1}, {"captions": "none"}],
)
def test_settings_that_cannot_be_are_refused(fields: dict) -> None:
    with pytest.raises(EarShotError, match=next(iter(fields))):
        replace(audiosetcaps.Config.small(), **fields)
