from __future__ import annotations

import json
from pathlib import Path

import pytest

from earshot.core.errors import EarShotError
from earshot.data import open_clips
from earshot.data.open import recognise
from tiny_sounds import table, tone

SEGMENTS = """# Segments csv created Sun Mar  5 10:54:31 2017
# num_ytids=3, num_segs=3, num_unique_labels=3, num_positive_labels=4
# YTID, start_seconds, end_seconds, positive_labels
--PJHxphWEs, 30.000, 40.000, "/m/09x0r,/t/dd00088"
gone, 0.000, 10.000, "/m/09x0r"
-0RWZT-miFs, 420.000, 430.000, "/m/03v3yw"
short
"""
NAMES = [["0", "/m/09x0r", "Speech"], ["1", "/m/03v3yw", "Keys jangling"]]
NAMES += [["2", "/t/dd00088", "Gush"]]


def tiny(folder: Path) -> Path:
    (folder / "balanced_train_segments.csv").write_text(SEGMENTS, "utf-8")
    tone(folder / "audio" / "Y--PJHxphWEs.wav")
    tone(folder / "audio" / "-0RWZT-miFs_420000_430000.flac")
    return folder


def test_labels_are_in_the_published_order(tmp_path: Path) -> None:
    folder = tiny(tmp_path)
    table(folder / "class_labels_indices.csv", ["index", "mid", "display_name"], NAMES)
    assert recognise(folder) == "audioset"
    clips = open_clips(folder, on_fault="skip")
    assert clips.labels == ("Speech", "Keys jangling", "Gush")
    assert [clip.labels for clip in clips] == [("Speech", "Gush"), ("Keys jangling",)]
    assert [clip.split for clip in clips] == ["balanced_train"] * 2
    found = [(fault.kind, fault.line, fault.severity) for fault in clips.faults]
    assert found == [("missing_audio", 5, "warning"), ("bad_row", 7, "error")]


def test_names_from_the_ontology_and_unknown_ones(tmp_path: Path) -> None:
    folder = tiny(tmp_path)
    ontology = [{"id": mid, "name": name} for _, mid, name in NAMES[:2]]
    (folder / "ontology.json").write_text(json.dumps(ontology), "utf-8")
    clips = open_clips(folder, on_fault="skip")
    assert clips.labels == ("Keys jangling", "Speech")
    assert any("/t/dd00088" in str(fault) for fault in clips.faults)


def test_names_are_needed(tmp_path: Path) -> None:
    with pytest.raises(EarShotError, match=r"class_labels_indices\.csv or ontology\.json"):
        open_clips(tiny(tmp_path))
