from __future__ import annotations

from pathlib import Path

import pytest

from earshot.data import DataError, open_clips
from earshot.data.open import recognise
from tiny_sounds import table, tone

HEADER = ["audiocap_id", "youtube_id", "start_time", "caption"]


@pytest.mark.parametrize(
    "name",
    [
        "audio/-abc_D.wav",
        "wavs/train/Y-abc_D.flac",
        "-abc_D_130.wav",
        "audio/-abc_D_130_140.wav",
        "audio/-abc_D_130000_140000.flac",
        "train/Y-abc_D_130.000_140.000.wav",
        "audio/91139.wav",
    ],
)
def test_usual_names_of_sounds_are_found(tmp_path: Path, name: str) -> None:
    tone(tmp_path / name)
    table(tmp_path / "train.csv", HEADER, [["91139", "-abc_D", "130", "A woman talks"]])
    (clip,) = open_clips(tmp_path)
    assert clip.audio == tmp_path / name
    assert (clip.captions, clip.split, clip.start_s) == (("A woman talks",), "train", 0.0)


def test_five_captions_are_one_clip_and_missing_ones_are_counted(tmp_path: Path) -> None:
    tone(tmp_path / "audio" / "yes.wav")
    rows = [[str(n), "yes", "10", f"caption {n}"] for n in range(5)]
    rows += [[str(n), "gone", "0", f"caption {n}"] for n in range(5, 10)]
    table(tmp_path / "dataset" / "test.csv", HEADER, rows)
    assert recognise(tmp_path) == "audiocaps"
    clips = open_clips(tmp_path)  # a missing sound is a warning: the others are opened
    assert len(clips) == 1
    assert clips[0].captions == tuple(f"caption {n}" for n in range(5))
    assert clips[0].lines == (2, 3, 4, 5, 6)
    assert [fault.line for fault in clips.faults] == [7, 8, 9, 10, 11]
    assert {fault.severity for fault in clips.faults} == {"warning"}


def test_no_sound_at_all_is_an_error(tmp_path: Path) -> None:
    table(
        tmp_path / "audiocaps_val.csv", HEADER, [["1", "gone", "0", "x"], ["2", "no", "ten", "x"]]
    )
    with pytest.raises(DataError) as caught:
        open_clips(tmp_path)
    assert [fault.kind for fault in caught.value.faults] == ["bad_number"]
    with pytest.raises(DataError, match="whose sound is not there"):
        open_clips(tmp_path, on_fault="skip")
