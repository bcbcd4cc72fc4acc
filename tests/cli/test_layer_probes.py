"""earshot evaluate probe with a head over all layers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from earshot.audio import write_audio
from earshot.cli.main import app
from earshot.core.errors import EarShotError
from earshot.recipes import clap
from earshot.synth.combinations import combination_clips
from recipes.tiny_clap import tiny_config


def earshot(*words: str) -> Result:
    return CliRunner().invoke(app, list(words), catch_exceptions=True)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("run")
    config = tiny_config(steps=2)
    clap.run(config, combination_clips(0, config.toy), folder / "clap")
    return str(folder / "clap")


@pytest.fixture
def tones(tmp_path: Path) -> str:
    draw, rows = np.random.default_rng(0), ["path,label"]
    for i in range(20):
        name, pitch = ("low", 300) if i % 2 else ("high", 2_000)
        wave = np.sin(2 * np.pi * pitch * draw.uniform(0.9, 1.1) * np.arange(8_000) / 8_000)
        write_audio(tmp_path / f"{i}.wav", (0.3 * wave).astype(np.float32), 8_000)
        rows.append(f"{i}.wav,{name}")
    path = tmp_path / "tones.csv"
    path.write_text("\n".join(rows) + "\n")
    return str(path)


def test_labels_of_ones_own_with_controls(model: str, tones: str, tmp_path: Path) -> None:
    words = ("--data", tones, "--layers", "--controls", "--model", model, "--json")
    result = earshot("evaluate", "probe", *words, "--out", str(tmp_path / "out"))
    assert result.exit_code == 0, result.output
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    own, untrained, shuffled, *less = rows
    assert own["task"] == "probe labels"
    assert own["metrics"]["accuracy"] > 0.8
    assert untrained["model"].endswith(", untrained")
    assert untrained["fingerprint"] != own["fingerprint"]
    assert shuffled["model"].endswith(", shuffled labels")
    assert shuffled["metrics"]["accuracy"] < own["metrics"]["accuracy"]
    assert len(less) == 2
    assert "shuffled labels" in (tmp_path / "out" / "results.md").read_text()


def test_what_is_to_be_read_out_is_named_once(tones: str) -> None:
    for words in ([], ["--data", tones, "--task", "phones"], ["--layers"]):
        fault = earshot("evaluate", "probe", *words).exception
        assert isinstance(fault, EarShotError)
        assert "--data" in str(fault)
        assert "--task" in str(fault)


def test_a_task_by_a_wrong_name(model: str) -> None:
    fault = earshot("evaluate", "probe", "--task", "digit", "--model", model).exception
    assert isinstance(fault, EarShotError)
    assert "digits" in str(fault)
