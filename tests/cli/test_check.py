from __future__ import annotations

import json
from pathlib import Path

import pytest
from transformers import ClapFeatureExtractor
from typer.testing import CliRunner

from earshot.cli.main import app
from published import clap_directory


@pytest.fixture(scope="module")
def untrained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clap")
    clap_directory(folder, fused=False)
    ClapFeatureExtractor(
        sampling_rate=8_000,
        hop_length=80,
        fft_window_size=256,
        max_length_s=2,
        frequency_min=50,
        frequency_max=4_000,
        truncation="rand_trunc",
    ).save_pretrained(folder)
    return folder


def test_an_untrained_model_fails_in_words_and_with_exit_1(untrained: Path) -> None:
    result = CliRunner().invoke(app, ["check", str(untrained), "--json"])
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.exit_code == 1
    assert {"model", "check", "ok", "value", "expected", "words"} == set(rows[0])
    assert "towers_aligned" in {row["check"] for row in rows if not row["ok"]}
    assert "fails" in result.stderr
    assert "not from one training" in result.stderr
    assert "transformers CLAP" in result.stderr  # the report on its keys


def test_the_table_marks_what_failed(untrained: Path) -> None:
    result = CliRunner().invoke(app, ["check", str(untrained), "--tokenizer", str(untrained)])
    assert result.exit_code == 1
    assert "FAIL  towers_aligned" in result.stdout
    assert "ok    repeatable" in result.stdout
