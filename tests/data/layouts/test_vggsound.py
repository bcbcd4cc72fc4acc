from __future__ import annotations

from pathlib import Path

from earshot.data import open_clips
from earshot.data.open import recognise
from tiny_sounds import table, tone


def test_clips_labels_and_missing(tmp_path: Path) -> None:
    rows = [
        ["---g-f_I2yQ", 1, "people marching", "test"],
        ["--0PQM4-hqg", 30, "waterfall burbling", "train"],
        ["gone", 9, "female speech, woman speaking", "train"],
        ["late", "soon", "x", "train"],
    ]
    table(tmp_path / "vggsound.csv", None, rows)
    tone(tmp_path / "audio" / "---g-f_I2yQ_000001.wav")
    tone(tmp_path / "video" / "--0PQM4-hqg_000030.flac")
    assert recognise(tmp_path) == "vggsound"
    clips = open_clips(tmp_path, on_fault="skip")
    assert [clip.id for clip in clips] == ["---g-f_I2yQ_000001", "--0PQM4-hqg_000030"]
    assert "female speech, woman speaking" in clips.labels  # of a clip that is gone
    assert [clip.labels for clip in clips.split("train")] == [("waterfall burbling",)]
    found = [(fault.kind, fault.line) for fault in clips.faults]
    assert found == [("missing_audio", 3), ("bad_number", 4)]
