from __future__ import annotations

from pathlib import Path

import pytest

from earshot.core.errors import EarShotError
from earshot.data.twin_table import read_twin_table

ORDER = (
    "pair_caption,reversed_pair_caption,pair_file,reversed_pair_file,triplet_caption,triplet_file"
)
ATTRIBUTE = (
    "pair_caption,reversed_pair_caption,pair_file,reversed_pair_file,pair_file.1,"
    "reversed_pair_file.1"
)


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    folder = tmp_path / "sounds"
    folder.mkdir()
    for name in ("a.wav", "b.wav", "c.wav"):
        (folder / name).write_bytes(b"")
    return folder


def table(sounds: Path, header: str, *rows: str) -> Path:
    path = sounds.parent / "CompA_order.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def test_pairs_and_triples_of_the_order_table(sounds: Path) -> None:
    path = table(
        sounds,
        ORDER,
        '"A dog, then a cat","A cat, then a dog",a.wav,clips/b.wav,,',
        "dog then cat,cat then dog,a.wav,b.wav,a dog amidst a cat,c.wav",
    )
    pair, triple = read_twin_table(path, sounds).rows
    assert pair.captions == ("A dog, then a cat", "A cat, then a dog")
    assert [file.name for file in pair.files] == ["a.wav", "b.wav"]
    assert (triple.line, len(triple.captions)) == (3, 3)
    assert triple.files[2] == sounds / "c.wav"


def test_the_repeated_columns_of_the_attribute_table_are_ignored(sounds: Path) -> None:
    row = "a loud dog and a soft cat,a soft dog and a loud cat,a.wav,b.wav,no.wav,none.wav"
    found = read_twin_table(table(sounds, ATTRIBUTE, row), sounds)
    assert [file.name for file in found.rows[0].files] == ["a.wav", "b.wav"]
    assert not found.faults


def test_sounds_may_lie_beside_the_table(sounds: Path) -> None:
    path = table(sounds, ORDER, "dog then cat,cat then dog,a.wav,b.wav,,")
    with pytest.raises(EarShotError, match="field 'pair_file'.*pass the folder"):
        read_twin_table(path)
    assert len(read_twin_table(path.rename(sounds / "order.csv")).rows) == 1


def test_rows_that_cannot_be_used_are_listed_by_line_and_field(sounds: Path) -> None:
    path = table(
        sounds,
        ORDER,
        "dog then cat,cat then dog,a.wav,b.wav,,",
        "dog then cat,,a.wav,b.wav,,",
        "dog then cat,cat then dog,a.wav,lost.wav,,",
        "dog then cat,Dog  then cat,a.wav,b.wav,,",
        "dog then cat,cat then dog,a.wav,b.wav,dog amidst cat,",
        "dog then cat,cat then dog",
    )
    found = read_twin_table(path, sounds)
    assert [row.line for row in found.rows] == [2]
    told = {(fault.line, fault.field, fault.kind) for fault in found.faults}
    assert told == {
        (3, "reversed_pair_caption", "empty_cell"),
        (4, "reversed_pair_file", "missing_audio"),
        (5, "reversed_pair_caption", "same_caption"),
        (6, "triplet_file", "empty_cell"),
        (7, None, "bad_row"),
    }
    assert all(fault.mend and fault.file == path.name for fault in found.faults)


def test_other_tables_and_folders_are_refused(sounds: Path) -> None:
    with pytest.raises(EarShotError, match="reversed_pair_file among them"):
        read_twin_table(table(sounds, "path,caption", "a.wav,dog"), sounds)
    path = table(sounds, ORDER, "dog then cat,cat then dog,a.wav,b.wav,,")
    with pytest.raises(EarShotError, match="not a folder"):
        read_twin_table(path, sounds / "a.wav")
    with pytest.raises(EarShotError, match="none can be used"):
        read_twin_table(table(sounds, ORDER), sounds)
