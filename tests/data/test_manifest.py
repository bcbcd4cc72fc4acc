from __future__ import annotations

import contextlib
import csv
import json
import os
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earshot.core.errors import EarShotError
from earshot.data import Columns, DataError, open_clips
from earshot.data.manifest import read_manifest
from earshot.data.tables import SUFFIXES
from tiny_sounds import table, tone

WORDS = st.text(  # any Unicode that UTF-8 can write
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=30
)


def write(path: Path, rows: list[dict[str, object]]) -> Path:
    """The same rows in the format of the suffix."""
    if path.suffix == ".jsonl":
        lines = (json.dumps(row, ensure_ascii=False) for row in rows)
        path.write_bytes("\n".join(lines).encode())
    elif path.suffix == ".json":
        path.write_bytes(json.dumps(rows, ensure_ascii=False).encode())
    elif path.suffix == ".parquet":
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    else:
        with path.open("w", encoding="utf-8", newline="") as file:
            delimiter = "\t" if path.suffix == ".tsv" else ","
            writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter)
            writer.writeheader()
            writer.writerows(rows)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sounds")
    for name in "abc":
        tone(folder / f"{name}.wav")
    return folder


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".json", ".parquet"])
@settings(deadline=None, derandomize=True, max_examples=25)
@given(captions=st.lists(WORDS, min_size=2, max_size=2), label=WORDS)
def test_any_text_survives_any_format(
    folder: Path, suffix: str, captions: list[str], label: str
) -> None:
    rows: list[dict[str, object]] = [
        {"path": f"{name}.wav", "caption": caption, "label": label, "split": "train"}
        for name, caption in zip("ab", captions, strict=True)
    ]
    clips = read_manifest(write(folder / f"any{suffix}", rows))
    assert not clips.faults
    assert [clip.captions for clip in clips] == [(caption,) for caption in captions]
    assert clips.labels == (label,)
    assert [clip.audio for clip in clips] == [folder / "a.wav", folder / "b.wav"]
    assert [clip.id for clip in clips] == ["a.wav", "b.wav"]


def test_usual_names_are_found(folder: Path) -> None:
    path = table(
        folder / "usual.csv",
        ["File_Name", "caption_1", "caption_2", "category", "source_id", "fold", "duration"],
        [["a.wav", "a dog", "it barks", "dog", "s1", 2, 0.2]],
    )
    (clip,) = open_clips(path)
    assert clip.captions == ("a dog", "it barks")
    assert (clip.labels, clip.group, clip.extra["fold"]) == (("dog",), "s1", "2")
    assert (clip.duration_s, clip.known_duration_s) == (None, 0.2)  # a length, not a cut


def test_columns_are_named_by_options(folder: Path) -> None:
    path = table(
        folder / "odd.csv",
        ["klang", "worte", "arten", "von", "lang", "caption"],
        [["a.wav", "ein Hund", "dog; animal", 0.05, 0.1, "not this"]],
    )
    columns = Columns(
        audio="klang",
        caption="worte",
        label="arten",
        label_separator=";",
        start="von",
        duration="lang",
    )
    (clip,) = open_clips(path, columns=columns)
    assert (clip.captions, clip.labels) == (("ein Hund",), ("dog", "animal"))
    assert (clip.start_s, clip.duration_s) == (0.05, 0.1)
    assert len(clip.read().waveform) == 800
    assert clip.extra == {"caption": "not this"}


def test_a_column_that_is_not_there_offers_the_nearest(folder: Path) -> None:
    path = table(folder / "near.csv", ["path", "captoin"], [["a.wav", "x"]])
    with pytest.raises(EarShotError, match="Did you mean 'captoin'"):
        open_clips(path, columns=Columns(caption="caption"))


def test_rows_of_one_sound_become_one_clip(folder: Path) -> None:
    rows = [["a.wav", "one", "dog"], ["b.wav", "x", "cat"], ["./a.wav", "two", "dog"]]
    clips = open_clips(table(folder / "twice.csv", ["path", "caption", "label"], rows))
    assert [clip.captions for clip in clips] == [("one", "two"), ("x",)]
    assert clips[0].labels == ("dog",)
    assert clips[0].lines == (2, 4)


def test_captions_may_be_a_list(folder: Path) -> None:
    path = write(folder / "list.jsonl", [{"audio": "a.wav", "captions": ["one", "two", "one"]}])
    assert open_clips(path)[0].captions == ("one", "two")


def test_all_faults_are_listed_with_line_field_and_mend(folder: Path) -> None:
    path = folder / "faults.csv"
    path.write_text(
        "path,caption,start,id\n"
        "gone.wav,x,0,1\n"  # line 2
        "a.wav,x,soon,2\n"
        'b.wav,"two\nlines",0,3\n'  # lines 4 and 5
        "c.wav,x\n"
        ",x,0,4\n"
        "c.wav,x,0,3\n",  # id 3 a second time
        "utf-8",
    )
    with pytest.raises(DataError) as caught:
        open_clips(path)
    found = [(fault.kind, fault.line, fault.field) for fault in caught.value.faults]
    assert sorted(found) == [
        ("bad_number", 3, "start"),
        ("bad_row", 6, None),
        ("double_id", 8, "id"),
        ("empty_audio", 7, "path"),
        ("missing_audio", 2, "path"),
    ]
    assert all(fault.mend for fault in caught.value.faults)
    assert "the first of 5 faults" in str(caught.value)
    assert "faults.csv, line" in str(caught.value)

    kept = open_clips(path, on_fault="skip")
    assert [clip.id for clip in kept] == ["3"]
    assert len(kept.faults) == 5


def test_line_separators_inside_json_are_text(folder: Path) -> None:
    caption = "a dog\u2028barks\u0085twice"
    path = write(folder / "separators.jsonl", [{"audio": "a.wav", "caption": caption}])
    assert open_clips(path)[0].captions == (caption,)


def test_bad_json_lines_are_named(folder: Path) -> None:
    path = folder / "bad.jsonl"
    path.write_text('{"audio": "a.wav"}\n{audio: b.wav}\n\n[1, 2]\n', "utf-8")
    clips = open_clips(path, on_fault="skip")
    assert [(fault.line, fault.kind) for fault in clips.faults] == [(2, "bad_row"), (4, "bad_row")]
    assert len(clips) == 1


def test_rows_that_disagree_on_the_split_are_a_fault(folder: Path) -> None:
    rows = [["a.wav", "train"], ["a.wav", "test"]]
    with pytest.raises(DataError, match=r"'test'.*'train'"):
        open_clips(table(folder / "both.csv", ["path", "split"], rows))


@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        ("empty.csv", b"", "header line"),
        ("no_audio.csv", b"caption,label\nx,y\n", "Columns(audio="),
        ("double.csv", b"path,path\na.wav,b.wav\n", "two columns named 'path'"),
        ("broken.json", b'[{"audio": "a.wav"},\n oops]', "line 2"),
        ("single.json", b'"a.wav"', "JSON array"),
        ("broken.parquet", b"PAR1 and no more", "Parquet"),
        ("sounds.xlsx", b"PK", ".jsonl"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, name: str, content: bytes, word: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(EarShotError) as caught:
        open_clips(tmp_path / name)
    assert word in str(caught.value)


def test_text_that_is_not_utf8_is_a_fault_but_a_path_is_not(tmp_path: Path) -> None:
    odd = os.fsdecode(b"caf\xe9.wav")
    tone(tmp_path / "plain.wav").rename(tmp_path / odd)
    tone(tmp_path / "b.wav")
    (tmp_path / "m.csv").write_bytes(b"path,caption\ncaf\xe9.wav,fine\nb.wav,caf\xe9\n")
    clips = open_clips(tmp_path / "m.csv", on_fault="skip")
    assert [clip.audio.name for clip in clips] == [odd]
    assert [(fault.kind, fault.line) for fault in clips.faults] == [("not_utf8", 3)]


def test_long_captions_and_odd_paths_are_read(tmp_path: Path) -> None:
    long = "a dog barks " * 12_000  # beyond the csv module's own bound
    name = 'a "b",\nc.wav'
    tone(tmp_path / "x.wav").rename(tmp_path / name)
    (clip,) = open_clips(table(tmp_path / "m.csv", ["path", "caption"], [[name, long]]))
    assert clip.captions == (long,)


def test_sound_inside_a_parquet_table(tmp_path: Path) -> None:
    data = tone(tmp_path / "a.wav", seconds=0.3).read_bytes()
    rows = [{"audio": {"bytes": data, "path": "a.wav"}, "text": "a tone"}]
    path = write(tmp_path / "inside.parquet", rows)
    (tmp_path / "a.wav").unlink()
    (clip,) = open_clips(path)
    assert clip.captions == ("a tone",)
    assert len(clip.read().waveform) == 2_400
    assert clip.measure_s() == pytest.approx(0.3)


def test_a_folder_with_a_manifest_is_opened_by_it(tmp_path: Path) -> None:
    tone(tmp_path / "in" / "a.wav")
    tone(tmp_path / "in" / "b.wav")
    table(tmp_path / "metadata.csv", ["file_name"], [["in/b.wav"]])
    clips = open_clips(tmp_path)
    assert [clip.id for clip in clips] == ["in/b.wav"]
    assert clips.name == tmp_path.name


def test_wavcaps_json(tmp_path: Path) -> None:
    tone(tmp_path / "1.wav")
    row = {"id": "1", "caption": "A tone.", "audio": "1.wav", "duration": 0.2}
    (tmp_path / "set.json").write_text(json.dumps({"num_captions_per_audio": 1, "data": [row]}))
    (clip,) = open_clips(tmp_path / "set.json")
    assert (clip.id, clip.captions) == ("1", ("A tone.",))


@pytest.mark.parametrize("suffix", SUFFIXES)
@settings(deadline=None, derandomize=True, max_examples=60)
@given(
    start=st.sampled_from([b"", b"path,caption\n", b'{"audio": ', b"[[", b'{"path": "a.wav", ']),
    content=st.binary(max_size=60),
)
def test_any_bytes_give_clips_or_one_sentence(
    folder: Path, suffix: str, start: bytes, content: bytes
) -> None:
    path = folder / f"fuzz{suffix}"
    path.write_bytes(start + content)
    with contextlib.suppress(EarShotError):  # anything else is a bug of ours
        assert all(clip.audio.is_file() for clip in open_clips(path, on_fault="skip"))
