from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from earshot.audio import Audio
from earshot.core.checkpoint import read_checkpoint
from earshot.core.config import from_dict, to_dict
from earshot.core.errors import EarShotError
from earshot.core.seed import generator
from earshot.data import Clip, ClipSet
from earshot.decoders.decoding import Candidate, DecodingConfig
from earshot.jobs.caption import caption, load_captioner
from earshot.models.start import Ears
from earshot.recipes import slam_aac as recipe
from earshot.training.caption_choices import WIDTHS, ByWidth, choice_figures
from earshot.training.fit import FitConfig
from earshot.training.writer_text import teach_writer
from recipes.power_cut import check_it_ends_the_same
from recipes.tiny_slam_aac import tiny_config
from recipes.toy_tokens import PAIRS, READER, TokenSounds, taught, writer_folder
from recipes.toy_tokens import caption as caption_of


@pytest.fixture(scope="module")
def scenes_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny run on scenes, with its encoder, writer and judge."""
    out = tmp_path_factory.mktemp("slam") / "run"
    recipe.run(tiny_config(), None, out)
    return out


def several_widths(sounds: TokenSounds) -> list[ByWidth]:
    """Searches that tell of a sound rightly twice in five times, whatever their width."""
    rng, found = generator(5, "several widths"), []
    for clip, pair in zip(sounds.clips, sounds.pairs, strict=True):
        said = [
            pair if rng.random() < 0.4 else PAIRS[int(rng.integers(len(PAIRS)))] for _ in range(8)
        ]
        texts = [Candidate(caption_of(each), -float(rng.random())) for each in said]
        beams = dict(zip(WIDTHS, texts[1:], strict=True))
        found.append(ByWidth(clip, texts[0], beams))
    return found


@pytest.mark.claim("slam_aac/refine")
def test_a_judge_chooses_better_than_one_width() -> None:
    """Of searches that err by chance; the control judges other sounds."""
    sounds = TokenSounds(150, seed=2)
    written = several_widths(sounds)
    found = choice_figures(written, sounds.judged(), READER)
    control = choice_figures(written, sounds.judged(shuffled=True), READER)
    assert found["refine_event_f1"] > found["beam_event_f1"] + 0.2
    assert found["refine_cider_d"] > found["beam_cider_d"]
    assert found["oracle_event_f1"] >= found["refine_event_f1"]
    assert abs(control["refine_event_f1"] - found["beam_event_f1"]) < 0.15


@pytest.mark.claim("slam_aac/lora")
def test_lora_learns_more_than_the_projector_alone(tmp_path: Path) -> None:
    folder, sounds = writer_folder(tmp_path), TokenSounds(200, seed=1)
    losses = {
        lora: taught(folder, sounds, lambda i, step: caption_of(sounds.pairs[i]), lora=lora)[1]
        for lora in (True, False)
    }
    assert losses[True] < losses[False]


@pytest.mark.parametrize("preset", ["paper", "small"])
def test_presets_survive_json(preset: str) -> None:
    config = getattr(recipe.Config, preset)()
    assert from_dict(recipe.Config, json.loads(json.dumps(to_dict(config)))) == config


def test_the_paper_s_model_has_the_sizes_of_its_parts() -> None:
    with torch.device("meta"):
        model = recipe.build(recipe.Config.paper())
    sizes = {name: value.numel() for name, value in model.named_parameters()}
    trained = {name for name, value in model.named_parameters() if value.requires_grad}

    def millions(part: str, kept: bool = True) -> float:
        return sum(n for name, n in sizes.items() if part in name and kept) / 1e6

    lora = sum(n for name, n in sizes.items() if "lora_" in name) / 1e6
    assert lora == pytest.approx(4.19, rel=0.01)
    assert millions("encoder_projector.") == pytest.approx(16.26, rel=0.01)
    assert millions("decoder.") - lora == pytest.approx(6_738, rel=0.01)  # Vicuna-7B
    assert millions("encoder.audio_encoder.") == pytest.approx(85.3, rel=0.01)  # its tokens' part
    assert {"lora_" in name or "encoder_projector." in name for name in trained} == {True}
    assert sum(sizes[name] for name in trained) / 1e6 == pytest.approx(20.45, rel=0.01)
    assert (model.sample_rate, model.window_s) == (16_000, 10.24)


def test_a_run_serves_captions_refined_by_its_judge(scenes_run: Path) -> None:
    report = json.loads((scenes_run / "report.json").read_text("utf-8"))
    for way in ("greedy", "beam", "sure", "refine", "oracle"):
        for figure in ("cider_d", "event_f1", "clap", "vocabulary"):
            assert np.isfinite(report["values"][f"{way}_{figure}"])
    captioner = load_captioner(scenes_run).eval()
    assert captioner.judges == ("clap",)
    sound = Audio(np.random.default_rng(0).normal(0, 0.1, 40_000).astype(np.float32), 16_000)
    path = scenes_run.parent / "noise.wav"
    from earshot.audio import write_audio

    write_audio(path, sound.waveform, sound.sample_rate)
    refined = caption(path, model=scenes_run, n_beams=4, rerank="clap", max_tokens=6)
    (answer,) = refined
    waveform, n = torch.from_numpy(sound.waveform)[None], torch.tensor([40_000])
    searched = {
        captioner.captions(waveform, n, DecodingConfig.by_beams(width, max_tokens=6))[0][0].text
        for width in (2, 3, 4)
    }
    texts = sorted(searched)
    (close,) = captioner.closeness(waveform, n, [texts], "clap")
    best = texts[int(close.argmax())] if any(texts) else ""
    assert answer.caption == best


def test_a_killed_run_ends_as_if_nothing_had_been(tmp_path: Path) -> None:
    check_it_ends_the_same(recipe, tiny_config(), tmp_path, update=9)  # six of the parts' before


def test_a_run_keeps_nothing_of_the_folders_it_was_made_from(scenes_run: Path) -> None:
    kept = from_dict(recipe.Config, read_checkpoint(scenes_run).config)
    assert not kept.model.writer.folder
    assert str(scenes_run) not in json.dumps(read_checkpoint(scenes_run).config)
    weights = read_checkpoint(scenes_run).weights()
    frozen = {name for name in weights if name.startswith("decoder.") and "lora_" not in name}
    assert frozen  # the writer goes along
    state = next((scenes_run / "checkpoints").rglob("model*.safetensors"))
    assert state.stat().st_size < sum(w.numel() * 4 for w in weights.values()) / 3  # trained alone


def pairs() -> ClipSet:
    """Four tones, each with what is said of it."""
    told = ("a low tone", "a high whistle", "a siren far away", "two bells")
    clips = []
    for i, text in enumerate(told):
        times = np.arange(16_000) / 16_000
        tone = 0.3 * np.sin(2 * np.pi * 300 * (2**i) * times).astype(np.float32)
        clips += [
            Clip(Audio(tone, 16_000), captions=(text,), split=split, id=f"{split}{i}")
            for split in ("train", "test")
        ]
    return ClipSet(clips, name="tones")


def test_it_learns_sounds_and_captions_by_heart(scenes_run: Path, tmp_path: Path) -> None:
    """Paired data, an encoder and a writer's folder that are handed in."""
    captioner = load_captioner(scenes_run)
    config = tiny_config(steps=80)
    shape = config.model
    told = [clip.captions[0] for clip in pairs().split("train")]
    fit = FitConfig(steps=60, learning_rate=2e-2, warmup_steps=5)
    how = {"batch_size": 8, "seed": 0, "most_tokens": 20}
    folder = teach_writer(shape.writer, told, shape.prompt, fit, tmp_path / "text", **how)
    writer = replace(
        shape.writer,
        folder=str(folder),
        lora=replace(shape.writer.lora, r=8, alpha=32.0, dropout=0.0),
    )
    config = replace(
        config,
        model=replace(shape, writer=writer, hidden=64),
        fit=replace(config.fit, learning_rate=1e-2, checkpoint_every=200),
        judge="",
        max_tokens=12,
    )
    ears = Ears("tiny", captioner.encoder, shape.encoder)  # type: ignore[attr-defined]
    report = recipe.run(config, pairs(), tmp_path / "run", ears=ears)
    assert report.values["loss"] < 0.3  # which of four it is: ln 4 nats a caption, unheard
    assert report.values["beam_cider_d"] > 5
    assert "refine_cider_d" not in report.values
    assert load_captioner(tmp_path / "run").judges == ()


def test_paraphrases_and_few_captions_are_what_is_learnt() -> None:
    clips = ClipSet([replace(c, captions=(*c.captions, "rain falls")) for c in pairs()])
    config = replace(tiny_config(), n_captions=1, n_clips=3, paraphrases=2)
    train, test = recipe.split_clips(config, clips)
    assert len(train) == 3
    assert len(test) == 4
    for clip, own in zip(train, clips.split("train"), strict=False):
        assert clip.captions[0] == own.captions[0]
        assert 1 < len(clip.captions) <= 3
        assert "rain falls" not in clip.captions
    stored = ClipSet(
        [
            replace(
                c, extra={"rewritten_captions": json.dumps([f"again {i}"])}, captions=(f"c{i}",)
            )
            for i, c in enumerate(clips)
        ]
    )
    train, _ = recipe.split_clips(replace(config, paraphrases=0), stored)
    assert [clip.captions for clip in train][:2] == [("c0", "again 0"), ("c2", "again 2")]


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"widths": ()}, "one width or more"),
        ({"paraphrases": -1}, "paraphrases=-1"),
    ],
)
def test_impossible_settings_are_sentences(changes: dict[str, Any], match: str) -> None:
    with pytest.raises(EarShotError, match=match):
        replace(tiny_config(), **changes)


def test_paired_sounds_without_encoder_or_writer_are_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(EarShotError, match="no encoder"):
        recipe.run(tiny_config(), pairs(), tmp_path)
    assert not list(tmp_path.iterdir())  # nothing was begun
