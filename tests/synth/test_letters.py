from __future__ import annotations

import pytest

from earshot.synth.formant_voice import INVENTORY
from earshot.synth.letters import phonemes_of


@pytest.mark.parametrize(
    ("text", "sounds"),
    [
        ("Ship", ["S", "i", "p"]),
        ("fée", ["f", "i"]),
        ("to-day", ["t", "o", " ", "d", "e", "i"]),
        ("bottle", ["b", "o", "t", "l"]),
        ("2", ["t", "w", "o"]),
        ("...", []),
    ],
)
def test_letters_become_sounds(text: str, sounds: list[str]) -> None:
    assert phonemes_of(text) == sounds


@pytest.mark.parametrize(
    "text", ["Привет мир", "こんにちは", "مرحبا", "你好", "quick xylophone 90"]
)
def test_every_script_is_sayable(text: str) -> None:
    sounds = phonemes_of(text)
    assert len(sounds) >= 4
    assert set(sounds) <= set(INVENTORY)
    assert sounds == phonemes_of(text)
