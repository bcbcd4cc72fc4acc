from __future__ import annotations

from pathlib import Path

import pytest

from earshot.data import open_clips
from earshot.data.overlap import overlap_of, write_blacklist
from tiny_sounds import table, tone

HEADER = ["audiocap_id", "youtube_id", "start_time", "caption"]


def two_corpora(folder: Path) -> tuple[Path, Path]:
    """AudioCaps of three videos, and AudioSetCaps' table, which has two of them."""
    caps = folder / "audiocaps"
    videos = ("Yabcdefghij", "-abc_D12345", "0123456789a")
    table(caps / "test.csv", HEADER, [[i, video, 10 * i, "x"] for i, video in enumerate(videos)])
    for video in videos:
        tone(caps / "audio" / f"{video}.wav")
    rows = [[f"Y{video}", "a caption"] for video in (*videos[:2], "zzzzzzzzzzz")]
    return caps, table(folder / "AudioSetCaps_caption.csv", ["id", "caption"], rows)


def test_what_both_have_is_found_however_it_is_written(tmp_path: Path) -> None:
    found = overlap_of(*two_corpora(tmp_path))
    assert found.sites == ("youtube",)
    assert [each.source[1] for each in found.shared] == ["-abc_D12345", "Yabcdefghij"]
    assert found.clips_a == ("-abc_D12345_10", "Yabcdefghij_0")
    assert found.clips_b == ("Y-abc_D12345", "YYabcdefghij")
    back = overlap_of(*reversed(two_corpora(tmp_path)))
    assert back.clips_a == found.clips_b


def test_the_blacklist_is_what_open_clips_leaves_out(tmp_path: Path) -> None:
    caps, table_b = two_corpora(tmp_path)
    assert len(open_clips(caps)) == 3
    write_blacklist(overlap_of(caps, table_b), tmp_path / "leave_out.txt")
    kept = open_clips(caps, blacklist=tmp_path / "leave_out.txt")
    assert [clip.id for clip in kept] == ["0123456789a_20"]


@pytest.mark.parametrize(
    ("name", "header", "rows", "sounds"),
    [
        ("meta/esc50.csv",
         ["filename", "fold", "target", "category", "esc10", "src_file", "take"],
         [[f"1-{i}-A-0.wav", 1, 0, "dog", True, i, "A"] for i in (7, 8)],
         ["audio/1-7-A-0.wav", "audio/1-8-A-0.wav"]),
        ("metadata/UrbanSound8K.csv",
         ["slice_file_name", "fsID", "start", "end", "salience", "fold", "classID", "class"],
         [[f"{i}-3-0-0.wav", i, 0, 4, 1, 1, 3, "dog_bark"] for i in (7, 8)],
         ["audio/fold1/7-3-0-0.wav", "audio/fold1/8-3-0-0.wav"]),
        ("FSD50K.ground_truth/dev.csv",
         ["fname", "labels", "mids", "split"], [[i, "Bark", "/m/1", "train"] for i in (7, 8)],
         ["FSD50K.dev_audio/7.wav", "FSD50K.dev_audio/8.wav"]),
    ],
)  # fmt: skip
def test_sets_of_freesound_that_share_a_recording(
    name: str, header: list[str], rows: list, sounds: list[str], tmp_path: Path
) -> None:
    for sound in sounds:
        tone(tmp_path / "set" / sound)
    table(tmp_path / "set" / name, header, rows)
    other = table(tmp_path / "wavcaps.csv", ["id", "freesound_id"], [["x", 7], ["y", 9]])
    found = overlap_of(tmp_path / "set", other)
    assert [each.source for each in found.shared] == [("freesound", "7")]
    write_blacklist(found, tmp_path / "leave_out.txt")
    (kept,) = open_clips(tmp_path / "set", blacklist=tmp_path / "leave_out.txt")
    assert "8" in kept.id


def test_clotho_is_left_out_by_file_name(tmp_path: Path) -> None:
    header = ["file_name", *(f"caption_{n}" for n in range(1, 6))]
    names = ("a.wav", "b.wav")
    table(tmp_path / "clotho_captions_development.csv", header, [[n, *"abcde"] for n in names])
    rows = [[name, i] for i, name in enumerate(names, 7)]
    table(tmp_path / "clotho_metadata_development.csv", ["file_name", "sound_id"], rows)
    for name in names:
        tone(tmp_path / "development" / name)
    other = table(tmp_path / "x" / "fsd.csv", ["fname", "labels", "mids"], [["7", "x", "y"]])
    write_blacklist(overlap_of(tmp_path, other), tmp_path / "out.txt")
    (kept,) = open_clips(tmp_path, blacklist=tmp_path / "out.txt")
    assert kept.audio.name == "b.wav"
