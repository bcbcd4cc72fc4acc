from __future__ import annotations

import re

import numpy as np
import pytest

from earshot.core.errors import EarShotError
from earshot.synth.web_noise import WebNoiseConfig, noisy_records, out_of_order

CAPTIONS = [f"A dog number{i} barks while rain falls" for i in range(400)]


def test_records_hold_the_truth_or_say_nothing() -> None:
    records = noisy_records(CAPTIONS, 3)
    for caption, record in zip(CAPTIONS, records, strict=True):
        told = set(caption.lower().split()) - {"a"}
        plain = set(re.findall(r"\w+", re.sub("<.*?>", " ", record.description.lower())))
        assert record.inaudible != (told <= plain)
        assert len(record.description) > len(caption) or record.inaudible
    share = np.mean([record.inaudible for record in records])
    assert share == pytest.approx(0.2, abs=0.06)


def test_a_record_depends_on_its_number_alone() -> None:
    assert noisy_records(CAPTIONS[:5], 3) == noisy_records(CAPTIONS, 3)[:5]
    assert noisy_records(CAPTIONS[:5], 3) != noisy_records(CAPTIONS[:5], 4)


def test_none_or_all_are_inaudible_as_asked() -> None:
    for share in (0.0, 1.0):
        records = noisy_records(CAPTIONS[:40], 0, WebNoiseConfig(inaudible=share))
        assert {record.inaudible for record in records} == {bool(share)}


def test_words_out_of_order_are_the_same_words() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        moved = out_of_order("a dog barks while rain falls", rng)
        assert sorted(moved.split()) == sorted(["a", "dog", "barks", "while", "rain", "falls"])
        assert moved != "a dog barks while rain falls"
    assert out_of_order("dog barks", rng) == "dog barks"


@pytest.mark.parametrize("wrong", [{"inaudible": 1.5}, {"reordered": -0.1}, {"most_around": 0}])
def test_impossible_settings_are_refused(wrong: dict) -> None:
    with pytest.raises(EarShotError, match="shares from 0 to 1"):
        WebNoiseConfig(**wrong)
