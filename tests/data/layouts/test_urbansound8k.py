from __future__ import annotations

from pathlib import Path

from earshot.data import open_clips
from earshot.data.open import recognise
from tiny_sounds import table, tone

HEADER = ["slice_file_name", "fsID", "start", "end", "salience", "fold", "classID", "class"]


def test_clips_labels_folds_and_missing(tmp_path: Path) -> None:
    rows = []
    for n in range(20):
        name = f"{1000 + n}-3-0-{n}.wav"
        if n != 7:
            tone(tmp_path / "audio" / f"fold{n % 10 + 1}" / name)
        rows.append([name, 1000 + n, 0.0, 4.0, 1, n % 10 + 1, 3, ["dog_bark", "siren"][n % 2]])
    table(tmp_path / "metadata" / "UrbanSound8K.csv", HEADER, rows)
    assert recognise(tmp_path) == "urbansound8k"
    clips = open_clips(tmp_path, on_fault="skip")
    assert (len(clips), clips.labels) == (19, ("dog bark", "siren"))
    assert [fold.name for fold in clips.folds()] == [str(n) for n in range(1, 11)]
    assert (clips[0].group, clips[0].extra["classID"]) == ("1000", "3")
    assert clips[0].duration_s is None  # start and end are those in the source recording
    (fault,) = clips.faults
    assert (fault.line, fault.severity) == (9, "error")
    assert "audio/fold8/1007-3-0-7.wav" in str(fault)
