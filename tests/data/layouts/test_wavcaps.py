from __future__ import annotations

import json
from pathlib import Path

import pytest

from earshot.core.errors import EarShotError
from earshot.data import open_clips
from earshot.data.layouts.wavcaps import WebRecord, read_records
from earshot.data.open import recognise
from shared_data import shared_data
from tiny_sounds import tone

FILES = {
    "SoundBible/sb_final.json": [
        {"id": "12", "title": "Owl", "description": "An owl.", "author": "x", "href": "h",
         "caption": "An owl hoots.", "audio": "wav", "duration": 2.5, "download_link": "u"},
    ],
    "FreeSound/fsd_final.json": [
        {"id": "34", "tags": ["rain", "roof"], "author": "y", "description": "rain", "href": "h",
         "caption": "Rain falls.", "audio": "wav", "duration": 3.0, "download_link": "u"},
        {"id": "35", "caption": "Wind blows.", "tags": [], "duration": 3.0},
    ],
    "BBC_Sound_Effects/bbc_final.json": [
        {"id": "NHU05", "description": "Bees - close up", "caption": "Bees buzz.",
         "audio": "wav", "duration": 9, "download_link": "u"},
    ],
    "AudioSet_SL/as_final.json": [
        {"id": "Yb0RFKhbpFJA.wav", "caption": "A man speaks.", "audio": "wav", "duration": 10.0},
    ],
}  # fmt: skip


def wavcaps(folder: Path) -> Path:
    for name, rows in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps({"num_captions_per_audio": 1, "data": rows}))
    (folder / "Clotho").mkdir()
    five = {f"caption_{n}": f"Caption {n}." for n in range(1, 6)}
    human = [{"id": "34", "audio": "a.wav", "duration": 2.0, **five}]
    text = json.dumps({"num_captions_per_audio": 5, "data": human})
    (folder / "Clotho" / "val.json").write_text(text)
    for name in ("SoundBible/12.flac", "FreeSound/34.flac", "BBC_Sound_Effects/NHU05.flac",
                 "AudioSet_SL/Yb0RFKhbpFJA.flac", "Clotho/a.wav"):  # fmt: skip
        tone(folder / name)
    return folder


def test_all_layouts_with_the_sounds_that_are_there(tmp_path: Path) -> None:
    assert recognise(wavcaps(tmp_path)) == "wavcaps"
    clips = open_clips(tmp_path)
    told = {clip.id: clip.captions for clip in clips}
    assert told == {
        "AudioSet/Yb0RFKhbpFJA.wav": ("A man speaks.",),
        "BBC/NHU05": ("Bees buzz.",),
        "Clotho/34": tuple(f"Caption {n}." for n in range(1, 6)),
        "FreeSound/34": ("Rain falls.",),
        "SoundBible/12": ("An owl hoots.",),
    }
    (fault,) = clips.faults
    assert (fault.kind, fault.severity, fault.clip, fault.line) == (
        "missing_audio", "warning", "35", 2,
    )  # fmt: skip
    (owl,) = [clip for clip in clips if clip.id == "SoundBible/12"]
    assert (owl.extra["title"], owl.extra["source"]) == ("Owl", "SoundBible")
    assert owl.read().duration_s > 0


def test_blacklists_by_source(tmp_path: Path) -> None:
    folder = wavcaps(tmp_path / "set")
    path = tmp_path / "black.json"
    path.write_text(json.dumps({"AudioSet": ["Yb0RFKhbpFJA.wav"], "FreeSound": ["34"]}))
    kept = [clip.id for clip in open_clips(folder, blacklist=path)]
    assert kept == ["BBC/NHU05", "SoundBible/12"]  # Clotho's ids are Freesound's


def test_metadata_alone(tmp_path: Path) -> None:
    path = tmp_path / "fsd_final.json"
    path.write_text(json.dumps({"num_captions_per_audio": 1,
                                "data": FILES["FreeSound/fsd_final.json"]}))  # fmt: skip
    first, second = read_records(path)
    assert (first.source, first.tags, first.duration_s) == ("FreeSound", ("rain", "roof"), 3.0)
    assert second.captions == ("Wind blows.",)


@pytest.mark.parametrize(
    ("row", "source"),
    [
        ({"id": 1, "title": "x", "description": "y"}, "SoundBible"),
        ({"id": 1, "tags": "a, b"}, "FreeSound"),
        ({"id": 1, "description": "y"}, "BBC"),
        ({"id": "Yabc"}, "AudioSet"),
        ({"id": "abc"}, "web"),
    ],
)
def test_a_source_shows_in_its_fields(row: dict, source: str, tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(json.dumps([row]))
    (record,) = read_records(path)
    assert isinstance(record, WebRecord)
    assert record.source == source


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("{", "x.json"),
        ('{"num_captions_per_audio": 1}', "without a list"),
        ("[3]", "a int"),
        ('[{"title": "no id"}]', "field 'id'"),
        ('[{"id": "1", "duration": "long"}]', "'long'"),
        ('[{"id": "1", "duration": -1}]', "-1"),
    ],
)
def test_bad_files_are_refused(text: str, word: str, tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(EarShotError, match=word):
        list(read_records(path))


def test_the_released_records_of_soundbible() -> None:
    records = list(read_records(shared_data("text") / "soundbible_raw_and_caption.json"))
    assert len(records) == 985
    assert {record.source for record in records} == {"SoundBible"}
    assert all(record.captions and record.description for record in records)
