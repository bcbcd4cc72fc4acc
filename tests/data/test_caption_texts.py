from __future__ import annotations

from pathlib import Path

import pytest

from earshot.core.errors import EarShotError
from earshot.data.caption_texts import CaptionTexts, open_captions, tidy_caption
from shared_data import shared_data


def test_lines_and_columns_are_tidied_and_come_once(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("A dog  barks.\n\na dog barks\nRain falls . \n")
    assert open_captions(tmp_path / "a.txt").captions == ("a dog barks", "rain falls")
    (tmp_path / "b.csv").write_text("file_name,caption_1,caption_2\nx.wav,One.,Two\n")
    assert open_captions(tmp_path / "b.csv").captions == ("one", "two")
    (tmp_path / "c.jsonl").write_text('{"caption": ["Three", "four"], "path": "x.wav"}\n')
    assert open_captions(tmp_path / "c.jsonl").captions == ("three", "four")
    assert tidy_caption(" . ") == ""


def test_a_folder_s_training_tables(tmp_path: Path) -> None:
    for name in ("train", "val", "test"):
        (tmp_path / f"audiocaps_{name}.csv").write_text(f"youtube_id,caption\nx,{name} caption\n")
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    (tmp_path / "notes.md").write_text("caption")
    assert open_captions(tmp_path).captions == ("train caption",)
    (tmp_path / "audiocaps_train.csv").unlink()
    assert open_captions(tmp_path).captions == ("test caption", "val caption")


def test_a_part_is_held_out() -> None:
    texts = CaptionTexts("x", tuple(str(i) for i in range(100)))
    train, held_out = texts.parted(50, seed=1)
    assert (len(train), len(held_out)) == (90, 10)
    assert set(train) | set(held_out) == set(texts)
    assert texts.parted(50, seed=1) == (train, held_out) != texts.parted(50, seed=2)


def test_people_s_captions() -> None:
    folder = shared_data("text")
    assert len(open_captions(folder / "audiocaps_train.csv")) > 40_000
    assert len(open_captions(folder / "clotho_captions_train.csv")) > 18_000


def test_faults_are_sentences(tmp_path: Path) -> None:
    with pytest.raises(EarShotError, match="not there"):
        open_captions(tmp_path / "none.csv")
    with pytest.raises(EarShotError, match="without a caption"):
        open_captions(tmp_path)
    (tmp_path / "a.csv").write_text("path,label\nx.wav,dog\n")
    with pytest.raises(EarShotError, match="Rename the column"):
        open_captions(tmp_path / "a.csv")
