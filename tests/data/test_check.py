from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from earshot.core.errors import EarShotError
from earshot.data.check import CheckReport, check_clips
from tiny_sounds import table, tone

HEADER = ["path", "caption", "label", "split", "group", "start", "duration"]


def report_on(folder: Path, rows: list[list[object]], **how: object) -> CheckReport:
    return check_clips(table(folder / "m.csv", HEADER, rows), **how)  # type: ignore[arg-type]


def found(report: CheckReport) -> set[tuple[str, int | None]]:
    return {(fault.kind, fault.line) for fault in report.faults}


def test_a_clean_set_and_its_figures(tmp_path: Path) -> None:
    tone(tmp_path / "a.wav", seconds=1.5)
    tone(tmp_path / "b.wav", seconds=0.5, rate=16_000)
    rows: list[list[object]] = [
        ["a.wav", "a low tone", "tone", "train", "1", "", ""],
        ["a.wav", "a sine", "tone", "train", "1", "", ""],
        ["b.wav", "another", "sine", "test", "2", "", ""],
    ]
    report = report_on(tmp_path, rows)
    assert not report.faults
    facts = report.summary()
    assert (facts["n_clips"], facts["n_faults"], facts["n_groups"]) == (2, 0, 2)
    assert facts["hours"] == pytest.approx(2 / 3_600, abs=1e-4)
    assert (facts["shortest_s"], facts["longest_s"]) == (0.5, 1.5)
    assert facts["sample_rates"] == {"8000": 1, "16000": 1}
    assert facts["captions_per_clip"] == {"1": 1, "2": 1}
    assert facts["splits"] == {"train": 1, "test": 1}
    assert facts["labels"] == {"tone": 1, "sine": 1}


def test_every_fault_of_sounds_by_line(tmp_path: Path) -> None:
    tone(tmp_path / "good.wav")
    (tmp_path / "text.wav").write_text("not a sound at all")
    (tmp_path / "empty.wav").touch()
    soundfile.write(tmp_path / "zeros.wav", np.zeros(8_000), 8_000)
    soundfile.write(tmp_path / "blip.wav", np.full(80, 0.5), 8_000)
    soundfile.write(tmp_path / "nan.wav", np.full(8_000, np.nan, np.float32), 8_000, "FLOAT")
    whole = tone(tmp_path / "cut.flac", seconds=2.0).read_bytes()
    (tmp_path / "cut.flac").write_bytes(whole[: len(whole) // 2])
    names = ["good", "text", "empty", "zeros", "blip", "nan", "gone"]
    rows: list[list[object]] = [[f"{name}.wav", "fine", "", "", "", "", ""] for name in names]
    rows += [["cut.flac", "fine", "", "", "", "", ""], ["good.wav", "fine", "", "", "", 9, 1]]
    report = report_on(tmp_path, rows)
    assert found(report) == {
        ("bad_audio", 3),
        ("bad_audio", 4),
        ("silent_audio", 5),
        ("short_audio", 6),
        ("bad_audio", 7),
        ("missing_audio", 8),
        ("damaged_audio", 9),
        ("bad_audio", 10),  # starts after its end
    }
    assert all(fault.mend for fault in report.faults)
    unheard = report_on(tmp_path, rows, audio=False)
    assert found(unheard) == {("missing_audio", 8)}
    assert unheard.summary()["sample_rates"] == {}


def test_every_fault_of_text_by_line(tmp_path: Path) -> None:
    for name in "abcd":
        tone(tmp_path / f"{name}.wav")
    rows: list[list[object]] = [
        ["a.wav", "fine", "", "train", "g", "", ""],
        ["a.wav", "Dog [0.97]", "", "train", "g", "", ""],
        ["b.wav", "", "", "test", "h", "", ""],
        ["c.wav", "x" * 100_000, "", "test", "g", "", ""],
        ["d.wav", "a\x00b", "", "test", "h", "", ""],
    ]
    report = report_on(tmp_path, rows, audio=False)
    assert found(report) == {
        ("caption_leak", 3),
        ("empty_caption", 4),
        ("long_caption", 5),
        ("group_in_two_splits", 5),
        ("control_character", 6),
    }


def test_labels_in_one_cell_are_pointed_out_once(tmp_path: Path) -> None:
    for name in "abc":
        tone(tmp_path / f"{name}.wav")
    labels = {"a": "Inside, small room", "b": "dog;cat", "c": "cat; bird"}
    rows: list[list[object]] = [
        [f"{n}.wav", "x", label, "", "", "", ""] for n, label in labels.items()
    ]
    (fault,) = report_on(tmp_path, rows).faults
    assert (fault.kind, fault.line) == ("joined_labels", 3)
    assert "label_separator=';'" in fault.mend


def test_long_recordings_are_pointed_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("earshot.data.sound_facts.LONGEST_S", 70.0)
    tone(tmp_path / "long.wav", seconds=71.0)
    tone(tmp_path / "fine.wav", seconds=62.0)
    report = report_on(tmp_path, [[f"{n}.wav", "x", "", "", "", "", ""] for n in ("long", "fine")])
    assert found(report) == {("long_audio", 2)}
    assert report.summary()["longest_s"] == 71.0


def test_folders_are_checked_too(tmp_path: Path) -> None:
    tone(tmp_path / "dog" / "a.wav")
    (tmp_path / "dog" / "b.wav").write_bytes(b"RIFF")
    (fault,) = check_clips(tmp_path).faults
    assert (fault.kind, fault.file) == ("bad_audio", "dog/b.wav")
    (tmp_path / "nothing").mkdir()
    with pytest.raises(EarShotError, match="no clip"):
        check_clips(tmp_path / "nothing")
    with pytest.raises(EarShotError, match="not there"):
        check_clips(tmp_path / "gone")
