from __future__ import annotations

from pathlib import Path

import pytest

from earshot.data import DataError, open_clips
from earshot.data.open import recognise
from tiny_sounds import table, tone

HEADER = ["file_name", *(f"caption_{n}" for n in range(1, 6))]
SOUNDS = {
    "development": "clotho_audio_development",
    "validation": "validation",
    "evaluation": "clotho_audio_evaluation/evaluation",
}


def tiny(folder: Path) -> Path:
    for split, place in SOUNDS.items():
        name = f"03 {split}, whales.wav"
        tone(folder / place / name)
        rows = [[name, *(f"{split} caption {n}" for n in range(5))]]
        table(folder / f"clotho_captions_{split}.csv", HEADER, rows)
    header = ["file_name", "keywords", "sound_id", "sound_link"]
    row = ["03 development, whales.wav", "whale;sea", "4711", "https://freesound.org"]
    table(folder / "clotho_metadata_development.csv", header, [row])
    return folder


def test_captions_splits_and_keywords(tmp_path: Path) -> None:
    folder = tiny(tmp_path)
    assert recognise(folder) == "clotho"
    clips = open_clips(folder)
    assert clips.splits == ("development", "evaluation", "validation")
    (clip,) = clips.split("train")
    assert clip.captions == tuple(f"development caption {n}" for n in range(5))
    assert (clip.group, clip.extra["keywords"]) == ("4711", "whale;sea")
    assert [clip.audio.is_file() for clip in clips] == [True] * 3


def test_a_missing_sound_is_an_error(tmp_path: Path) -> None:
    folder = tiny(tmp_path)
    next((folder / "validation").iterdir()).unlink()
    with pytest.raises(DataError, match="clotho_captions_validation.csv, line 2"):
        open_clips(folder)
