from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from earshot.audio import write_audio
from earshot.core.errors import EarShotError
from earshot.data.shared import need_shared_data, shared_data, shared_folds


@pytest.fixture
def recordings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "data" / "tones"
    folder.mkdir(parents=True)
    rows = ["path,label,fold"]
    for fold in (1, 2):
        for label in ("dog", "cat"):
            write_audio(folder / f"{label}{fold}.wav", np.full(800, 0.1, np.float32), 8_000)
            rows.append(f"{label}{fold}.wav,{label},{fold}")
    (folder / "manifest.csv").write_text("\n".join(rows) + "\n")
    monkeypatch.setenv("EARSHOT_SHARED", str(tmp_path))
    return folder


def test_sets_are_found_where_the_variable_says(
    recordings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert shared_data("tones") == need_shared_data("tones") == recordings
    assert shared_data("others") is None
    monkeypatch.setenv("EARSHOT_SHARED", str(recordings.parent))
    assert shared_data("tones") == recordings
    monkeypatch.delenv("EARSHOT_SHARED")
    assert shared_data("tones") is None
    with pytest.raises(EarShotError, match="Set the environment variable EARSHOT_SHARED"):
        need_shared_data("tones")


def test_a_fold_becomes_the_test_split(recordings: Path) -> None:
    clips = shared_folds("tones", "2")
    assert [clip.audio.name for clip in clips.split("test")] == ["dog2.wav", "cat2.wav"]
    assert len(clips.split("train")) == 2
    with pytest.raises(EarShotError, match="fold '3' of tones"):
        shared_folds("tones", "3")
