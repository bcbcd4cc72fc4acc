from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earshot.core.errors import EarShotError
from earshot.data.source_ids import read_corpus, youtube_id
from shared_data import shared_data
from tiny_sounds import table

ID = st.text("abcXYZ019_-Y", min_size=11, max_size=11)
START = st.integers(0, 999_999)


@pytest.mark.parametrize(
    ("clip", "video"),
    [
        ("Y--PJHxphWEs", "--PJHxphWEs"),  # AudioSetCaps' AudioSet
        ("YYabcdefghij", "Yabcdefghij"),
        ("Yabcdefghij", "Yabcdefghij"),  # 11 characters: the Y is the id's own
        ("---g-f_I2yQ_000001", "---g-f_I2yQ"),  # VGGSound
        ("Yabcdefghij_000030", "Yabcdefghij"),  # whose ids may begin with Y
        ("Yabcdefghij_30_10", "Yabcdefghij"),  # YouTube-8M
        ("Y-abc_D12345_130.000_140.000.wav", "-abc_D12345"),  # AudioSet with times
        ("rain on a roof", None),
        ("100032", None),
        ("abc", None),
    ],
)
def test_names_of_clips_of_youtube(clip: str, video: str | None) -> None:
    assert youtube_id(clip) == video


@given(ID, START, START)
@settings(deadline=None, derandomize=True, max_examples=200)
def test_every_way_to_write_an_id_gives_it_back(video: str, start: int, end: int) -> None:
    for name in (video, f"Y{video}", f"{video}_{start:06d}", f"{video}_{start}_{end}",
                 f"Y{video}_{start}.000_{end}.500", f"Y{video}.wav"):  # fmt: skip
        assert youtube_id(name) == video


def ids(path: Path, **columns: str) -> dict[tuple[str, str], list[str]]:
    return {key: list(clips) for key, clips in read_corpus(path, columns).clips_of.items()}


def test_audiocaps_and_audioset(tmp_path: Path) -> None:
    header = ["audiocap_id", "youtube_id", "start_time", "caption"]
    rows = [[n, "-abc_D12345", "130", f"caption {n}"] for n in range(5)]
    table(tmp_path / "test.csv", header, rows)
    assert ids(tmp_path / "test.csv") == {("youtube", "-abc_D12345"): ["-abc_D12345_130"]}
    assert read_corpus(tmp_path / "test.csv").n_clips == 1  # five captions of one clip
    segments = '# Segments csv\n# YTID, start\n-abc_D12345, 130.000, 140.000, "/m/1,/m/2"\n'
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "eval_segments.csv").write_text(segments, "utf-8")
    assert ids(tmp_path / "set") == {("youtube", "-abc_D12345"): ["-abc_D12345_130"]}


def test_tables_of_freesound(tmp_path: Path) -> None:
    table(
        tmp_path / "meta" / "esc50.csv", ["filename", "fold", "src_file"], [["1-7-A-0.wav", 1, 7]]
    )
    assert ids(tmp_path) == {("freesound", "7"): ["1-7-A-0"]}
    us8k = tmp_path / "us8k" / "metadata" / "UrbanSound8K.csv"
    table(us8k, ["slice_file_name", "fsID"], [["7-3-0-0.wav", 7], ["7-3-0-1.wav", 7]])
    assert ids(us8k) == {("freesound", "7"): ["7-3-0-0", "7-3-0-1"]}
    fsd = tmp_path / "fsd" / "FSD50K.ground_truth" / "dev.csv"
    table(fsd, ["fname", "labels", "mids", "split"], [["7", "Bark", "/m/1", "train"]])
    assert ids(tmp_path / "fsd") == {("freesound", "7"): ["7"]}
    clotho = tmp_path / "clotho" / "clotho_metadata_development.csv"
    rows = [["a.wav", "whale", "7"], ["b.wav", "sea", "Not found"]]
    table(clotho, ["file_name", "keywords", "sound_id"], rows)
    assert ids(tmp_path / "clotho") == {("freesound", "7"): ["a.wav"]}
    assert read_corpus(clotho).n_unknown == 1


def test_wavcaps_tells_sites_by_links(tmp_path: Path) -> None:
    rows = [
        {"id": "180913", "href": "/people/x/", "download_link": "https://freesound.org/people/ann/sounds/180913/download/180913.wav"},
        {"id": "07012345", "download_link": "https://sound-effects-media.bbcrewind.co.uk/zip/07012345.wav.zip"},
        {"id": "2219", "href": "https://soundbible.com/2219-Airplane-Landing.html"},
        {"id": "x", "url": "https://www.youtube.com/watch?v=-abc_D12345&t=3"},
        {"id": "lost", "caption": "no link"},
    ]  # fmt: skip
    path = tmp_path / "fsd_final.json"
    path.write_text(json.dumps({"num_captions_per_audio": 1, "data": rows}), "utf-8")
    corpus = read_corpus(path)
    assert corpus.sites == ("bbc_sound_effects", "freesound", "soundbible", "youtube")
    assert ("soundbible", "2219") in corpus.clips_of
    assert ("youtube", "-abc_D12345") in corpus.clips_of
    assert (corpus.n_clips, corpus.n_unknown) == (5, 1)


def test_a_column_of_ids_is_youtube_s_when_nearly_all_are(tmp_path: Path) -> None:
    rows = [[f"Y{i:011d}", "a caption"] for i in range(19)]
    table(tmp_path / "AudioSetCaps_caption.csv", ["id", "caption"], [*rows, ["odd", "x"]])
    corpus = read_corpus(tmp_path / "AudioSetCaps_caption.csv")
    assert len(corpus.clips_of) == 19
    assert corpus.n_unknown == 1
    table(
        tmp_path / "other.csv", ["id", "caption"], [*rows[:3], *[[f"{i}", "x"] for i in range(9)]]
    )
    with pytest.raises(EarShotError, match="freesound=source_id"):
        read_corpus(tmp_path / "other.csv")


def test_a_column_that_is_named(tmp_path: Path) -> None:
    table(tmp_path / "mine.csv", ["path", "source_id"], [["a.ogg", 7], ["b.ogg", ""]])
    assert ids(tmp_path / "mine.csv", freesound="source_id") == {("freesound", "7"): ["a.ogg"]}
    with pytest.raises(EarShotError, match="without a column 'sourceid'"):
        read_corpus(tmp_path / "mine.csv", {"freesound": "sourceid"})


def test_what_is_no_corpus_is_said(tmp_path: Path) -> None:
    with pytest.raises(EarShotError, match="which is not there"):
        read_corpus(tmp_path / "none.csv")
    with pytest.raises(EarShotError, match="without a table"):
        read_corpus(tmp_path)
    (tmp_path / "empty.csv").write_text("", "utf-8")
    with pytest.raises(EarShotError, match="0 clips in empty.csv"):
        read_corpus(tmp_path / "empty.csv")


def test_the_captions_at_hand() -> None:
    text = shared_data("text")
    test = read_corpus(text / "audiocaps_test.csv")
    assert (test.n_clips, test.n_unknown) == (975, 0)
    train = read_corpus(text / "audiocaps_train.csv")
    assert not test.clips_of.keys() & train.clips_of.keys()
