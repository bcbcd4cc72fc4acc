from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from earshot.audio import write_audio
from earshot.core.errors import EarShotError
from earshot.data.spoken_digits import digit_clips, speakers


def folder_of(folder: Path, head: str = "path,digit,transcript,speaker") -> Path:
    lines = [head]
    for number, word in enumerate(("zero", "one")):
        for who in ("ann", "bob"):
            write_audio(folder / f"{number}_{who}.wav", np.full(800, 0.1, np.float32), 8_000)
            lines.append(f"{number}_{who}.wav,{number},{word},{who}")
    (folder / "manifest.csv").write_text("\n".join(lines) + "\n")
    return folder


def test_one_speaker_is_the_test(tmp_path: Path) -> None:
    clips = digit_clips(folder_of(tmp_path), "bob")
    assert clips.labels == ("one", "zero")
    assert {clip.extra["speaker"] for clip in clips.split("test")} == {"bob"}
    assert {clip.extra["speaker"] for clip in clips.split("train")} == {"ann"}
    assert all(clip.captions == clip.labels for clip in clips)
    assert all(clip.known_duration_s == pytest.approx(0.1) for clip in clips)  # in memory
    assert speakers(tmp_path) == ("ann", "bob")


def test_faults_are_sentences(tmp_path: Path) -> None:
    with pytest.raises(EarShotError, match="one of ann, bob"):
        digit_clips(folder_of(tmp_path), "carl")
    (tmp_path / "other").mkdir()
    other = folder_of(tmp_path / "other", "path,digit,transcript,voice")
    with pytest.raises(EarShotError, match="without a column speaker"):
        digit_clips(other, "bob")
