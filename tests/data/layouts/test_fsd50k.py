from __future__ import annotations

import json
from pathlib import Path

import pytest

from earshot.core.errors import EarShotError
from earshot.data import open_clips
from earshot.data.open import recognise
from tiny_sounds import table, tone

LABELS = ["Dog", "Bark", "Acoustic_guitar", "Tap"]  # an order of its own


def tiny(folder: Path) -> Path:
    truth = folder / "FSD50K.ground_truth"
    table(truth / "vocabulary.csv", None, [[n, name, f"/m/{n}"] for n, name in enumerate(LABELS)])
    dev = [["11", "Bark,Dog", "/m/1,/m/0", "train"], ["12", "Acoustic_guitar", "/m/2", "val"]]
    table(truth / "dev.csv", ["fname", "labels", "mids", "split"], dev)
    table(truth / "eval.csv", ["fname", "labels", "mids"], [["13", "Bark", "/m/1"]])
    for name in ("dev_audio/11", "dev_audio/12", "eval_audio/13"):
        tone(folder / f"FSD50K.{name}.wav")
    return folder


def test_labels_splits_and_vocabulary(tmp_path: Path) -> None:
    folder = tiny(tmp_path)
    assert recognise(folder) == "fsd50k"
    clips = open_clips(folder)
    assert clips.labels == ("Dog", "Bark", "Acoustic guitar", "Tap")
    assert [clip.labels for clip in clips] == [("Bark", "Dog"), ("Acoustic guitar",), ("Bark",)]
    assert [clip.id for clip in clips.split("test")] == ["13"]
    assert clips.splits == ("test", "train", "val")
    assert clips[0].extra["mids"] == ["/m/1", "/m/0"]
    assert clips[0].group is None


def test_uploaders_are_groups_where_known(tmp_path: Path) -> None:
    folder = tiny(tmp_path)
    about = folder / "FSD50K.metadata" / "dev_clips_info_FSD50K.json"
    about.parent.mkdir()
    about.write_text(json.dumps({"11": {"title": "My dog", "uploader": "anna"}}), "utf-8")
    clips = open_clips(folder)
    assert (clips[0].group, clips[0].extra["title"]) == ("anna", "My dog")
    about.write_text("{", "utf-8")
    with pytest.raises(EarShotError, match="not JSON"):
        open_clips(folder)
