"""A run folder of panns names the sounds that it was taught, through the command line too."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner, Result

from earshot.audio import write_audio
from earshot.cli.main import app
from earshot.jobs.each_file import Failure
from earshot.jobs.head_tags import head_tags, own_labels
from earshot.jobs.loading import load
from earshot.recipes import panns
from recipes.tiny_panns import KINDS, tiny_config


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("taught") / "run"
    panns.run(replace(tiny_config(steps=3), tasks=None), None, out)
    return out


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sounds")
    rng = np.random.default_rng(0)
    write_audio(folder / "short.wav", rng.normal(0, 0.1, 3_000), 8_000)
    write_audio(folder / "long.wav", rng.normal(0, 0.1, 40_000), 8_000)
    (folder / "wrong.wav").write_text("no sound")
    return folder


def tag(*words: object) -> Result:
    return CliRunner().invoke(app, ["tag", *map(str, words)])


def test_probabilities_are_the_head_s_mean_over_windows(run_folder: Path, sounds: Path) -> None:
    embedder, labels = load(run_folder), own_labels(run_folder)
    assert set(labels) == set(KINDS)
    long, short, wrong = head_tags([sounds], embedder, labels)
    assert isinstance(wrong, Failure) or isinstance(short, Failure)
    answers = {Path(each.path).name: each for each in head_tags([sounds], embedder, labels)}
    assert isinstance(answers["wrong.wav"], Failure)
    found = dict(answers["long.wav"].labels)
    wave = torch.from_numpy(embedder_waveform(sounds / "long.wav", embedder.sample_rate))
    model = embedder.model
    windows = [
        model.audio_encoder.logits(*model.frames(part[None], torch.tensor([len(part)])))
        .sigmoid()[0]
        .detach()
        for part in wave.split(round(embedder.window_s * embedder.sample_rate))
    ]
    mean = torch.stack(windows).mean(0)
    assert [found[label] for label in labels] == pytest.approx(mean.tolist(), abs=1e-5)
    scores = [score for _, score in answers["long.wav"].labels]
    assert scores == sorted(scores, reverse=True)
    assert answers["short.wav"].duration_s == pytest.approx(0.375)


def embedder_waveform(path: Path, rate: int) -> np.ndarray:
    from earshot.audio import read_audio

    return read_audio(path, sample_rate=rate).waveform


def test_the_command_line_says_them(run_folder: Path, sounds: Path, tmp_path: Path) -> None:
    out = tmp_path / "tags.jsonl"
    done = tag(sounds, "--model", run_folder, "--out", out, "--json")
    assert done.exit_code == 2, done.output  # one file is no sound
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    told = [row for row in rows if "labels" in row]
    assert {Path(row["path"]).name for row in told} == {"short.wav", "long.wav"}
    assert {each["label"] for each in told[0]["labels"]} == set(KINDS)
    again = tag(sounds / "short.wav", "--model", run_folder, "--out", out)
    assert again.exit_code == 0
    assert len(out.read_text().splitlines()) == len(rows)


def test_other_labels_are_refused_in_a_sentence(run_folder: Path, sounds: Path) -> None:
    done = tag(sounds / "short.wav", "--model", run_folder, "--labels", "dog,cat")
    assert done.exit_code == 1
    assert "names the labels that it was taught" in done.output + str(done.exception)


def test_a_model_of_words_has_no_head(tmp_path: Path) -> None:
    assert own_labels(tmp_path) == ()
    assert own_labels("nobody/nothing") == ()
