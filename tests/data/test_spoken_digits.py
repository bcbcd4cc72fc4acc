from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from earshot.audio import write_audio
from earshot.core.errors import EarShotError
from earshot.data.spoken_digits import DIGITS, SENTENCES, digit_clips


@pytest.fixture
def recordings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "data" / "fsdd"
    (folder / "audio").mkdir(parents=True)
    lines = ["path,digit,transcript,speaker,duration"]
    for speaker in ("ann", "bob", "cat"):
        for digit in range(10):
            path = f"audio/{digit}_{speaker}.wav"
            write_audio(folder / path, np.full(800, 0.1, np.float32), 8_000)
            lines.append(f"{path},{digit},{DIGITS[digit]},{speaker},0.1")
    (folder / "manifest.csv").write_text("\n".join(lines) + "\n")
    monkeypatch.setenv("EARSHOT_SHARED", str(tmp_path))
    return folder


def test_one_speaker_is_heard_in_the_test_alone(recordings: Path) -> None:
    for seed, speaker in enumerate(("ann", "bob", "cat", "ann")):
        clips = digit_clips(seed)
        assert {clip.group for clip in clips.split("test")} == {speaker}
        assert len(clips.split("train")) == 20
        assert len(clips.split("test")) == 10


def test_clips_hold_their_sound_and_their_word(recordings: Path) -> None:
    clips = digit_clips(0)
    assert clips.labels == DIGITS
    assert all(clip.captions == clip.labels for clip in clips)
    assert all(clip.known_duration_s == pytest.approx(0.1) for clip in clips)  # in memory
    assert clips[0].read().sample_rate == 8_000


def test_every_sentence_holds_the_word(recordings: Path) -> None:
    for clip in digit_clips(0, templates=SENTENCES):
        assert len(clip.captions) == len(SENTENCES)
        assert all(clip.labels[0] in caption for caption in clip.captions)


def test_without_recordings_it_says_how_to_supply_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EARSHOT_SHARED", raising=False)
    with pytest.raises(EarShotError, match="EARSHOT_SHARED"):
        digit_clips(0)


def test_one_speaker_alone_is_refused(recordings: Path) -> None:
    table = recordings / "manifest.csv"
    lines = table.read_text().splitlines()
    table.write_text("\n".join([lines[0], *(line for line in lines if ",ann," in line)]) + "\n")
    with pytest.raises(EarShotError, match="two speakers at least"):
        digit_clips(0)
