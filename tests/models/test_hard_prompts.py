from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F

from earshot.core.errors import EarShotError
from earshot.core.seed import generator
from earshot.models.hard_prompts import (
    HardPromptConfig,
    TextBank,
    alike_in_training,
    first_alias,
    prompt_text,
    with_errors,
)


def bank() -> TextBank:
    return TextBank(("dog", "rain", "bell"), torch.eye(3))


def test_the_closest_come_first_and_ties_by_place() -> None:
    queries = torch.tensor([[0.1, 0.9, 0.2], [0.5, 0.5, 0.1]])
    assert bank().closest(queries, 2).tolist() == [[1, 2], [0, 1]]
    assert bank().closest(queries, 9).shape == (2, 3)


def test_sentences() -> None:
    assert prompt_text(["dog", "rain"], []) == "There are dog, rain in the audio."
    assert prompt_text([], ["a dog"]) == "Similar captions: a dog."
    assert prompt_text(["dog"], ["a", "b"]).endswith("Similar captions: a; b.")
    assert prompt_text([], []) == ""


def test_one_alias_of_a_name() -> None:
    assert first_alias("Male speech, man speaking") == "male speech"
    assert first_alias("Sonar (echo)  sounder") == "sonar"


def test_mistakes_come_as_often_as_told() -> None:
    rng = generator(1, "mistakes")
    rows = [with_errors([3, 4], 10_000, 0.2, rng) for _ in range(4_000)]
    kept = sum(len({3, 4} & set(row)) for row in rows) / 8_000
    others = sum(len(set(row) - {3, 4}) for row in rows) / 8_000
    assert kept == pytest.approx(0.8, abs=0.02)
    assert others == pytest.approx(0.1, abs=0.02)
    assert with_errors([3, 3, 4], 10, 0.0, rng) == [3, 4]


def test_captions_alike_are_neither_the_text_nor_its_copies() -> None:
    angles = torch.tensor([0.0, 0.1, 0.6, 0.7, 1.2])  # cosines 1, .995, .83, .76, .36
    texts = TextBank(tuple("abcde"), torch.stack([angles.cos(), angles.sin()], 1))
    found = alike_in_training(texts, texts.embeddings[:1], 3, 0.75, 0.85)
    assert found.tolist() == [[2, 3, 4]]  # inside the range first, then the closest below


def test_a_bank_is_saved_and_loaded(tmp_path: Path) -> None:
    there = TextBank(("dog", "r\u00e4in"), F.normalize(torch.randn(2, 4)))
    there.save(tmp_path, "events")
    again = TextBank.load(tmp_path, "events")
    assert again.texts == there.texts
    assert torch.equal(again.embeddings, there.embeddings)
    (tmp_path / "events.json").write_text('["dog"]')
    with pytest.raises(EarShotError, match="Copy the run's folder again"):
        TextBank.load(tmp_path, "events")


@pytest.mark.parametrize(
    "wrong",
    [{"n_events": -1}, {"error_rate": 1.0}, {"similar_from": 0.9}, {"event_prompt": "sound"}],
)
def test_impossible_settings_are_sentences(wrong: dict[str, Any]) -> None:
    with pytest.raises(EarShotError):
        HardPromptConfig(**wrong)
