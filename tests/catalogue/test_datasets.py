"""Data sets that EarShot reads are read: three clips of each, as the download lays them out."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from earshot.catalogue import catalogue, origins_of, shared_origins
from earshot.core.errors import EarShotError
from earshot.data.open import LAYOUTS, PUBLISHED, open_clips
from tiny_sounds import table, tone

READ = [entry for entry in catalogue().of("datasets") if entry.config.startswith("layout=")]
VIDEOS = ("--PJHxphWEs", "Y0RWZT_miFs", "0123456789a")


def audiocaps(folder: Path) -> None:
    header = ["audiocap_id", "youtube_id", "start_time", "caption"]
    rows = [[i, video, 10 * i, f"caption {i}"] for i, video in enumerate(VIDEOS)]
    table(folder / "train.csv", header, rows)
    for video in VIDEOS:
        tone(folder / "audio" / f"{video}.wav")


def clotho(folder: Path) -> None:
    header = ["file_name", *(f"caption_{n}" for n in range(1, 6))]
    names = [f"{i}.wav" for i in range(3)]
    rows = [[name, *(f"{name} {n}" for n in range(5))] for name in names]
    table(folder / "clotho_captions_development.csv", header, rows)
    for name in names:
        tone(folder / "development" / name)


def audioset(folder: Path) -> None:
    rows = [f'{video}, 0.000, 10.000, "/m/09x0r"' for video in VIDEOS]
    (folder / "eval_segments.csv").write_text("\n".join(["# Segments", *rows]) + "\n", "utf-8")
    names = [["0", "/m/09x0r", "Speech"]]
    table(folder / "class_labels_indices.csv", ["index", "mid", "display_name"], names)
    for video in VIDEOS:
        tone(folder / "audio" / f"Y{video}.wav")


def esc50(folder: Path) -> None:
    header = ["filename", "fold", "target", "category", "esc10", "src_file", "take"]
    rows = [[f"1-{i}-A-0.wav", i + 1, 0, "dog", True, i, "A"] for i in range(3)]
    table(folder / "meta" / "esc50.csv", header, rows)
    for row in rows:
        tone(folder / "audio" / str(row[0]))


def urbansound8k(folder: Path) -> None:
    header = ["slice_file_name", "fsID", "start", "end", "salience", "fold", "classID", "class"]
    rows = [[f"{i}-3-0-0.wav", i, 0, 4, 1, 1, 3, "dog_bark"] for i in range(3)]
    table(folder / "metadata" / "UrbanSound8K.csv", header, rows)
    for row in rows:
        tone(folder / "audio" / "fold1" / str(row[0]))


def fsd50k(folder: Path) -> None:
    truth = folder / "FSD50K.ground_truth"
    rows = [[str(i), "Bark", "/m/1", "train"] for i in range(3)]
    table(truth / "dev.csv", ["fname", "labels", "mids", "split"], rows)
    for i in range(3):
        tone(folder / "FSD50K.dev_audio" / f"{i}.wav")


def gtzan(folder: Path) -> None:
    for i in range(3):
        tone(folder / "genres_original" / "blues" / f"blues.{i:05}.wav")


def vggsound(folder: Path) -> None:
    rows = [[video, 30, "waterfall burbling", "train"] for video in VIDEOS]
    table(folder / "vggsound.csv", None, rows)
    for video in VIDEOS:
        tone(folder / "video" / f"{video}_000030.wav")


def wavcaps(folder: Path) -> None:
    rows = [
        {"id": str(i), "title": "Owl", "description": "An owl.", "caption": f"An owl hoots {i}.",
         "audio": "wav", "duration": 0.2} for i in range(3)
    ]  # fmt: skip
    path = folder / "SoundBible" / "sb_final.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"num_captions_per_audio": 1, "data": rows}), "utf-8")
    for i in range(3):
        tone(path.parent / f"{i}.flac")


def manifest(folder: Path) -> None:  # Song Describer's columns
    header = ["caption_id", "track_id", "caption", "is_valid_subset", "path", "duration"]
    rows = [[i, i, f"a song {i}", True, f"{i}.wav", 0.2] for i in range(3)]
    table(folder / "manifest.csv", header, rows)
    for i in range(3):
        tone(folder / f"{i}.wav")


def folder(root: Path) -> None:  # the digits' names
    for i in range(3):
        tone(root / f"{i}_jackson_0.wav")


FIXTURES: dict[str, Callable[[Path], None]] = {
    made.__name__: made
    for made in (
        audiocaps, clotho, audioset, esc50, urbansound8k, fsd50k, gtzan, vggsound, wavcaps,
        manifest, folder,
    )
}  # fmt: skip


@pytest.mark.parametrize("entry", READ, ids=lambda entry: entry.name)
def test_three_clips_are_read(entry, tmp_path: Path) -> None:
    layout = entry.config.removeprefix("layout=")
    assert layout in LAYOUTS
    FIXTURES[layout](tmp_path)
    clips = open_clips(tmp_path, layout=layout)
    assert len(clips) == 3
    assert all(clip.read().duration_s > 0.1 for clip in clips)
    if entry.family == "audio-text pairs":
        assert all(clip.captions for clip in clips)
    if layout in PUBLISHED:
        assert open_clips(tmp_path).name == clips.name  # and recognised
        assert any(clip.labels or clip.captions for clip in clips)


def test_every_layout_is_of_a_data_set() -> None:
    assert set(PUBLISHED) <= {entry.config.removeprefix("layout=") for entry in READ}


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        ("audiocaps", "audiosetcaps_data", ("audioset",)),
        ("clotho", "wavcaps_data", ("freesound",)),
        ("esc50", "wavcaps_data", ("freesound",)),
        ("audiocaps", "vggsound", ("youtube",)),
        ("clotho_aqa", "clotho", ("clotho",)),
        ("covost2", "common_voice", ("common_voice",)),
        ("audiocaps", "clotho", ()),
        ("crema_d", "ravdess", ()),  # each recorded its own
    ],
)
def test_sets_that_may_share_recordings(one: str, other: str, both: tuple[str, ...]) -> None:
    assert shared_origins(one, other, catalogue()) == both
    assert shared_origins(other, one, catalogue()) == both


def test_origins_go_all_the_way() -> None:
    assert origins_of("musiccaps", catalogue()) == {"musiccaps", "audioset", "youtube"}
    with pytest.raises(EarShotError, match="Did you mean 'audiocaps'"):
        origins_of("audiocap", catalogue())
