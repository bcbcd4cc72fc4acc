"""Clips from folders, buckets and tables: as many as there are, and every fault by its place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from earshot.core.errors import EarShotError
from earshot.data.columns import Columns
from earshot.data.folders import read_folder
from earshot.factories.item import Item
from earshot.factories.ledger import STORED
from earshot.factories.reading import items_of
from earshot.factories.released_tables import Excerpt, excerpt_of

VGG, YT8M = "VGGSound_AudioSetCaps_caption.csv", "YouTube-8M_AudioSetCaps_caption.csv"


def touch(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")


@pytest.mark.parametrize(
    "names",
    [
        ("dog/a b.wav", "dog_bark/deep/c.flac", "d.ogg", ".hidden/e.wav", "notes.txt"),
        ("train/dog/a.wav", "test/cat/b.wav"),
        ("train/dog/a.wav", "others/cat/b.wav"),
    ],
)
def test_a_folder_gives_what_the_data_room_finds_in_it(
    tmp_path: Path, names: tuple[str, ...]
) -> None:
    touch(tmp_path, *names)
    wanted = [(clip.id, clip.audio, clip.labels) for clip in read_folder(tmp_path)]
    assert [(item.id, item.audio, item.labels) for item in items_of(tmp_path)] == wanted


def test_a_bucket_gives_its_sounds_and_which_version_of_them(tmp_path: Path) -> None:
    touch(tmp_path, "dog bark/a.wav", "b.flac", "notes.txt")
    found = list(items_of(f"file://{tmp_path}"))
    assert [(item.id, item.labels) for item in found] == [
        ("b.flac", ()),
        ("dog bark/a.wav", ("dog bark",)),
    ]
    assert found[1].audio == f"file://{tmp_path}/dog%20bark/a.wav"
    stat = (tmp_path / "b.flac").stat()
    assert found[0].provenance == {STORED: f"0-{stat.st_mtime_ns}"}


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".json", ".parquet", ".tsv"])
def test_rows_of_any_table_are_clips(tmp_path: Path, suffix: str) -> None:
    rows = [
        {"path": "a.wav", "label": "Dog;Rain", "title": "Dogs, at night", "start_s": "1.5",
         "duration_s": "2"},
        {"path": "s3://bucket/b.wav", "label": "", "title": "", "start_s": "", "duration_s": ""},
    ]  # fmt: skip
    table = tmp_path / f"clips{suffix}"
    if suffix in (".csv", ".tsv"):
        between = "\t" if suffix == ".tsv" else ","
        lines = [between.join(rows[0])]
        lines += [between.join(json.dumps(c) for c in row.values()) for row in rows]
        table.write_text("\n".join(lines) + "\n")
    elif suffix == ".jsonl":
        table.write_text("".join(json.dumps(row) + "\n" for row in rows))
    elif suffix == ".json":
        table.write_text(json.dumps(rows))
    else:
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pa.Table.from_pylist(rows), table)
    found = list(items_of(table, columns=Columns(label_separator=";")))
    assert found == [
        Item(
            "a.wav@1.5", tmp_path / "a.wav", 1.5, 2.0, ("Dog", "Rain"), {"title": "Dogs, at night"}
        ),
        Item("s3://bucket/b.wav", "s3://bucket/b.wav"),
    ]


def test_the_pipelines_own_table_and_a_manifest_in_a_folder(tmp_path: Path) -> None:
    (tmp_path / "metadata.csv").write_text('filename,label\nYabc.wav,"Speech, Dog"\n')
    wanted = [Item("Yabc.wav", tmp_path / "Yabc.wav", labels=("Speech, Dog",))]
    assert list(items_of(tmp_path / "metadata.csv")) == wanted
    assert list(items_of(tmp_path)) == wanted


def test_rows_that_cannot_be_used_fail_by_their_line(tmp_path: Path) -> None:
    table = tmp_path / "clips.csv"
    table.write_text("path,start_s\na.wav,0\n,0\nb.wav,soon\nc.wav\nd.wav,0\ne.wav,0,1\n")
    found = list(items_of(table))
    good = [item.id for item in found if item.rejected is None]
    bad = {item.id: item.rejected for item in found if item.rejected is not None}
    assert good == ["a.wav", "d.wav"]
    assert {id: no.reason for id, no in bad.items()} == {
        "clips.csv:3": "no_audio",
        "clips.csv:4": "bad_number",
        "clips.csv:5": "bad_row",
        "clips.csv:7": "bad_row",
    }
    assert all(no.failed and no.stage == "read" and "clips.csv" in no.detail for no in bad.values())


def test_tables_are_read_as_they_are_asked_for(tmp_path: Path) -> None:
    table = tmp_path / "clips.jsonl"
    table.write_text('{"path": "a.wav"}\nnot JSON\n')
    found = items_of(table)
    assert next(found).id == "a.wav"  # the fault below is not met yet
    rest = list(found)
    assert [item.rejected.reason for item in rest if item.rejected] == ["bad_row"]


def test_released_tables_name_videos(tmp_path: Path) -> None:
    table = tmp_path / "VGGSound_AudioSetCaps_caption.csv"
    table.write_text("id,caption\nYabcdefghij_000030,A dog barks.\nnonsense,Rain.\n")
    good, bad = items_of(table)
    assert (good.id, good.audio, good.start_s, good.duration_s) == (
        "Yabcdefghij_000030", None, 30.0, 10.0,
    )  # fmt: skip
    assert good.source == {"caption": "A dog barks.", "video": "Yabcdefghij"}
    assert bad.rejected is not None
    assert "line 3" not in bad.rejected.detail
    assert ":3" in bad.rejected.detail


@pytest.mark.parametrize(
    ("table", "id", "wanted"),
    [
        ("AudioSetCaps_caption.csv", "Y-0abcdefghi", Excerpt("-0abcdefghi", None, 10.0)),
        ("AudioSetCaps_caption.csv", "YYabcdefghij", Excerpt("Yabcdefghij", None, 10.0)),
        ("AudioSetCaps_caption.csv", "abcdefghijk", None),
        (VGG, "Y_bcdefghij_000012", Excerpt("Y_bcdefghij", 12.0, 10.0)),
        (YT8M, "Yab_efghijk_60_10", Excerpt("Yab_efghijk", 60.0, 10.0)),
        (YT8M, "Yabcdefghijk", None),
    ],
)  # fmt: skip
def test_only_audiosets_ids_have_a_prefix(table: str, id: str, wanted: Excerpt | None) -> None:
    assert excerpt_of(id, table) == wanted


@pytest.mark.parametrize("name", ["missing", "clips.docx"])
def test_sources_of_no_form_are_refused(tmp_path: Path, name: str) -> None:
    touch(tmp_path, "clips.docx")
    with pytest.raises(EarShotError, match="a folder of sounds, a URL, or a table"):
        items_of(tmp_path / name)


def test_an_unknown_form_offers_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(EarShotError, match="Did you mean 'folder'"):
        items_of(tmp_path, form="foldr")
