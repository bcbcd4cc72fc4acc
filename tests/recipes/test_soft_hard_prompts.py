from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from earshot.core.checkpoint import read_checkpoint
from earshot.core.config import from_dict, to_dict
from earshot.core.errors import EarShotError
from earshot.data.caption_texts import CaptionTexts
from earshot.decoders.decoding import DecodingConfig
from earshot.decoders.language_model import LanguageModelConfig, build_language_model
from earshot.jobs.caption import load_captioner
from earshot.models.gap_bridge import GapBridgeConfig
from earshot.models.hard_prompts import HardPromptConfig
from earshot.models.shipped import shipped_start
from earshot.recipes import soft_hard_prompts as recipe
from recipes.power_cut import check_it_ends_the_same
from recipes.tiny_soft_hard import tiny_config

PEOPLE = CaptionTexts(
    "people", ("a dog barks", "rain falls on a roof", "a bell rings twice", "people talk")
)


@pytest.mark.parametrize("preset", ["paper", "small", "small_recordings"])
def test_presets_survive_json(preset: str) -> None:
    config = getattr(recipe.Config, preset)()
    assert from_dict(recipe.Config, json.loads(json.dumps(to_dict(config)))) == config


def test_the_paper_s_model_has_the_sizes_of_its_parts() -> None:
    with torch.device("meta"):
        model = recipe.build(recipe.Config.paper())
    count = {
        name: sum(p.numel() for p in part.parameters()) for name, part in model.named_children()
    }
    assert count["decoder"] == 124_439_808  # GPT-2 base
    assert count["mapper"] == 22_049_280  # 1 024 to 10 x 768, and two blocks
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    assert trained == count["decoder"] + count["mapper"]  # CLAP is frozen
    assert (model.sample_rate, model.window_s) == (32_000, 10.0)


def test_it_learns_captions_by_heart(tmp_path: Path) -> None:
    config = tiny_config(steps=150)
    model = replace(
        config.model, bridge=GapBridgeConfig.none(), prompt=HardPromptConfig(2, error_rate=0.0)
    )
    fit = replace(config.fit, learning_rate=5e-3, checkpoint_every=200)
    report = recipe.run(replace(config, model=model, fit=fit), PEOPLE, tmp_path)
    assert report.values["loss"] < 0.1  # from ln 300 = 5.7
    written = load_captioner(tmp_path).eval()
    texts = torch.cat([shipped_start().model.embed_text([text]) for text in PEOPLE])
    found = written.captions_of(texts, DecodingConfig())  # type: ignore[operator]
    assert [each[0].text for each in found] == list(PEOPLE)


def test_a_killed_run_ends_as_if_nothing_had_been(tmp_path: Path) -> None:
    check_it_ends_the_same(recipe, tiny_config(), tmp_path, update=6)  # three of the CLAP's before


def test_a_run_is_whole_without_the_folders_it_was_made_from(tmp_path: Path) -> None:
    """A writer of transformers, offset by sounds, told by captions; the CLAP goes along."""
    config, folder = tiny_config(), tmp_path / "writer"
    sizes = replace(config.model.writer, vocab_size=300)
    build_language_model(sizes).save_pretrained(folder)  # type: ignore[operator]
    from earshot.text.caption_tokenizer import train_caption_tokenizer

    train_caption_tokenizer(PEOPLE, 290).save(folder)
    sounds = tmp_path / "sounds"
    write_sounds(sounds)
    model = replace(
        config.model,
        writer=LanguageModelConfig(folder=str(folder)),
        bridge=GapBridgeConfig(offset=True, sounds="projection"),
        prompt=HardPromptConfig(n_events=1, n_similar=2),
    )
    out = tmp_path / "run"
    recipe.run(replace(config, model=model, sounds=str(sounds)), PEOPLE, out)
    for file in folder.iterdir():
        file.unlink()
    kept = from_dict(recipe.Config, read_checkpoint(out).config)
    assert not kept.model.writer.folder
    captioner = load_captioner(out).eval()
    assert captioner.told is not None  # type: ignore[union-attr]
    waveform = torch.randn(2, 16_000) / 10
    found = captioner.captions(
        waveform, torch.tensor([16_000, 9_000]), DecodingConfig(max_tokens=5)
    )
    assert len(found) == 2


def write_sounds(folder: Path) -> None:
    import numpy as np

    from earshot.audio import write_audio

    folder.mkdir()
    for i in range(2):
        noise = np.random.default_rng(i).normal(0, 0.1, 8_000).astype(np.float32)
        write_audio(folder / f"{i}.wav", noise, 16_000)


def test_the_claim_s_settings_differ_as_they_should() -> None:
    config = recipe.Config.small()
    found = recipe.settings(config)
    bridges = {name: each.model.bridge for name, each in found.items()}
    assert (bridges["none"].noise, bridges["none"].replacement) == (0, 0)
    assert bridges["noise"] == replace(bridges["both"], replacement=0.0)
    assert bridges["replacement"] == replace(bridges["both"], noise=0.0)
    assert bridges["both"] == bridges["both_hard"] == config.model.bridge
    assert {n for n, each in found.items() if not each.model.prompt.is_none} == {"both_hard"}
    assert {n for n, each in found.items() if each.learn_from == "sounds"} == {"paired"}
    experiment = recipe.claim()
    assert {each.claim for each in experiment.comparisons} <= set(recipe.PAPER.claims)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"model": {"bridge": GapBridgeConfig(offset=True)}}, "an offset without sounds"),
        ({"events": "/nowhere/names.txt"}, "the name of a sound a line"),
        ({"sounds": "/nowhere"}, "not there"),
    ],
)
def test_faults_are_sentences(changes: dict[str, Any], match: str, tmp_path: Path) -> None:
    config = tiny_config()
    if "model" in changes:
        changes = {"model": replace(config.model, **changes["model"])}
    with pytest.raises(EarShotError, match=match):
        recipe.run(replace(config, **changes), PEOPLE, tmp_path)


def test_impossible_scenes_are_a_sentence() -> None:
    with pytest.raises(EarShotError, match="toy.n_heard=5 of toy.n_clips=5"):
        recipe.ToyConfig(n_clips=5, n_heard=5)
