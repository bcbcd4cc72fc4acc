from __future__ import annotations

from pathlib import Path

import pytest

from earshot.core.errors import EarShotError
from earshot.data.brain_events import read_events


def write(folder: Path, *rows: str) -> Path:
    path = folder / "sub-01_events.tsv"
    path.write_text("\n".join(rows) + "\n")
    return path


def test_rows_of_dictionaries_are_read_as_columns(tmp_path: Path) -> None:
    """As MEG-MASC writes them."""
    path = write(
        tmp_path,
        "onset\tduration\ttrial_type",
        "1.0\t0.1\t{'kind': 'sound', 'sound': 'audio/lw1_0.wav', 'start': 0.0}",
        "1.5\t0.2\t{'kind': 'word', 'word': 'tara', 'start': 0.5, 'sound': 'audio/lw1_0.wav', "
        "'sequence_id': 3.0}",
        "1.5\t0.1\t{'kind': 'phoneme', 'phoneme': 't'}",
    )
    [word] = read_events(path)
    assert (word.text, word.sound, word.start_s, word.onset_s, word.sentence) == (
        "tara", "audio/lw1_0.wav", 0.5, 1.5, "3.0",
    )  # fmt: skip


def test_a_word_s_place_is_the_time_since_its_sound_began(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "onset\tduration\ttrial_type\tstim_file\tvalue",
        "3.0\tn/a\tsound\ta.wav\t",
        "4.25\t0.5\tword\t\tcat",
        "10.0\tn/a\tsound\tb.wav\t",
        "11.0\tn/a\tword\tn/a\tdog",
    )
    assert [(w.text, w.sound, w.start_s, w.duration_s) for w in read_events(path)] == [
        ("cat", "a.wav", 1.25, 0.5),
        ("dog", "b.wav", 1.0, 0.0),
    ]


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("1.0\t0.1\tword\tn/a\tcat", "line 2: a word without a sound"),
        ("soon\t0.1\tword\ta.wav\tcat", "line 2: onset='soon'"),
        ("1.0\t0.1\t{'kind': open('x')}\ta.wav\tcat", "line 2: trial_type"),
    ],
)
def test_faults_name_their_line(tmp_path: Path, row: str, fault: str) -> None:
    path = write(tmp_path, "onset\tduration\ttrial_type\tstim_file\tword", row)
    with pytest.raises(EarShotError, match=fault):
        read_events(path)
