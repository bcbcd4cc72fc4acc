from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from earshot.cli.main import app
from earshot.core.errors import EarShotError
from earshot.jobs import loading
from earshot.jobs.prompts import (
    TEMPLATES,
    find_prompts,
    label_vectors,
    name_of_prompts,
    prompts_of,
)
from earshot.text.prompt_bank import BankEntry, PromptBank, shipped_bank
from toy_embedder import ToyEmbedder, write_tones


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    """Labels told by other words than their own."""
    path = tmp_path / "mine.jsonl"
    entries = [BankEntry("wolf", ("dog", "a dog far off")), BankEntry("water", ("rain",))]
    PromptBank(tuple(entries)).write(path)
    return path


def test_words_of_the_command_line_are_found(bank: Path) -> None:
    assert find_prompts("plain") == TEMPLATES
    assert prompts_of("dog", find_prompts("esc50")) == shipped_bank("esc50").prompts_of("dog")
    descriptive = find_prompts("descriptive", 3)
    assert len(prompts_of("dog", descriptive)) == 3
    assert prompts_of("florp_x", descriptive)[0] == "florp x"  # plain ones stand in
    assert descriptive.missing(["dog", "florp"]) == ["florp"]
    assert prompts_of("wolf", find_prompts(bank)) == ("dog", "a dog far off")
    assert name_of_prompts(find_prompts(str(bank))) == ["mine"]
    assert name_of_prompts(descriptive) == ["descriptive, 3 each"]
    assert name_of_prompts(TEMPLATES) == list(TEMPLATES)


def test_typos_and_labels_without_prompts_are_refused(bank: Path) -> None:
    with pytest.raises(EarShotError, match="Did you mean 'descriptive'"):
        find_prompts("descriptve")
    with pytest.raises(EarShotError, match="cow.*Add a line for it"):
        prompts_of("cow", find_prompts(bank))


def test_a_label_is_the_mean_of_its_prompts(bank: Path) -> None:
    rows = label_vectors(["wolf", "water"], ToyEmbedder(), find_prompts(bank))
    read = ToyEmbedder().embed_texts(["dog", "rain"])
    np.testing.assert_allclose(rows, read, atol=1e-6)


def tag(*words: object) -> Result:
    return CliRunner().invoke(app, ["tag", *map(str, words)], catch_exceptions=True)


def test_tag_takes_a_bank(bank: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "load", lambda model, **_: ToyEmbedder())
    write_tones(tmp_path, {"a.wav": ("dog",), "b.wav": ("rain",)})
    sounds = [tmp_path / "a.wav", tmp_path / "b.wav"]
    named = tag(*sounds, "--labels", "wolf,water", "--prompts", bank, "--json")
    assert named.exit_code == 0, named.output
    first = [json.loads(line)["labels"][0]["label"] for line in named.stdout.splitlines()]
    assert first == ["wolf", "water"]
    plain = tag(*sounds, "--labels", "wolf,water", "--json")  # the toy knows neither word
    scores = [each["score"] for each in json.loads(plain.stdout.splitlines()[0])["labels"]]
    assert scores[0] == pytest.approx(scores[1])
    for words, said in (
        (["--prompt", "a {label}"], "one of them"),
        (["--labels", "wolf,cow"], "Add a line for it"),
    ):
        result = tag(*sounds, "--prompts", bank, *words)
        assert isinstance(result.exception, EarShotError), result.output
        assert said in str(result.exception)
