from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from earshot.core.errors import EarShotError
from earshot.index import FileRows, IndexSettings, KnownFile, Store, exchange
from earshot.index.exchange import export_parquet, import_parquet, read_settings

DIM = 8
SETTINGS = IndexSettings("toy", "0123456789abcdef", DIM, 1.0, 1.0, root="..", precision="bf16")
ODD = os.fsdecode(b"caf\xe9.wav")


def rows(path: str, n: int = 3) -> FileRows:
    vectors = np.random.default_rng([*os.fsencode(path)]).normal(size=(n, DIM))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    starts = np.arange(n, dtype=np.float64)
    known = KnownFile(100, 1_000, f"hash of {path!r}", ("dog",), "A dog barks.")
    return FileRows(path, known, float(n), starts, starts + 1, vectors.astype(np.float32))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store.create(str(tmp_path / "here" / ".earshot"), SETTINGS)
    store.put([rows("dogs/a.wav"), rows(ODD), rows("b:c.wav", n=1)], replace=False)
    store.put([rows("dogs/a.wav", n=2)], replace=True)
    return store


def test_what_is_imported_is_what_was_exported(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange, "BATCH_ROWS", 2)  # files lie across batches
    out, there = tmp_path / "x.parquet", tmp_path / "there"
    assert export_parquet(store, out) == 6
    assert parquet.ParquetFile(out).metadata.num_rows == 6
    assert read_settings(out).root == str(tmp_path / "here")
    there.mkdir()
    copy = import_parquet(out, str(there / ".earshot"), root=there)
    assert copy.settings == SETTINGS
    assert copy.root == there
    assert copy.known() == store.known()
    before, after = store.all_rows(), copy.all_rows()
    assert after.table.equals(before.table)
    assert (after.vectors == before.vectors).all()
    assert len(copy.matching_words(["barks"], 10)) == 3
    moved = Store.open(import_parquet(out, str(tmp_path / "only-index")).place)
    assert moved.root == tmp_path / "here"


def test_a_place_that_holds_sounds_is_left_alone(store: Store, tmp_path: Path) -> None:
    export_parquet(store, tmp_path / "x.parquet")
    with pytest.raises(EarShotError, match="holds 3 sounds of this model already"):
        import_parquet(tmp_path / "x.parquet", store.place, root=tmp_path / "here")
    assert store.n_rows == 6


def changed(exported: Path, **columns: list) -> Path:
    """The exported file with other values in some columns."""
    table = parquet.read_table(exported)
    for name, values in columns.items():
        column = table.schema.get_field_index(name)
        array = pa.array(values, table.schema.field(name).type)
        table = table.set_column(column, table.schema.field(name), array)
    other = exported.with_name("changed.parquet")
    parquet.write_table(table, other)
    return other


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("path", "../../etc/passwd", "inside the folder"),
        ("path", "/etc/passwd", "inside the folder"),
        ("path", "else.wav", "the id"),
        ("vector", [0.0] * DIM, "vectors of length 1"),
        ("vector", [float("nan")] * DIM, "vectors of length 1"),
    ],
)
def test_rows_that_are_not_ours_are_refused_and_nothing_is_imported(
    store: Store, tmp_path: Path, name: str, value: object, sentence: str
) -> None:
    out = tmp_path / "x.parquet"
    export_parquet(store, out)
    values = parquet.read_table(out)[name].to_pylist()
    row = parquet.read_table(out)["path"].to_pylist().index("b:c.wav")
    values[row] = value
    place = str(tmp_path / "new")
    with pytest.raises(EarShotError, match=rf"row {row + 1}: .*{sentence}"):
        import_parquet(changed(out, **{name: values}), place)
    assert Store.open(place).n_rows == 0
    assert import_parquet(out, place).n_rows == 6


def test_files_that_are_no_index_are_named(store: Store, tmp_path: Path) -> None:
    out = tmp_path / "x.parquet"
    with pytest.raises(EarShotError, match="Correct the path"):
        read_settings(out)
    out.write_bytes(b"PAR1 and no more")
    with pytest.raises(EarShotError, match="earshot store export"):
        import_parquet(out, str(tmp_path / "new"))
    parquet.write_table(pa.table({"path": ["a"]}), out)
    with pytest.raises(EarShotError, match="without EarShot's settings"):
        import_parquet(out, str(tmp_path / "new"))
    parquet.write_table(
        pa.table({"path": ["a"]}).replace_schema_metadata(SETTINGS.to_metadata()), out
    )
    with pytest.raises(EarShotError, match="with columns path"):
        import_parquet(out, str(tmp_path / "new"))
    export_parquet(store, out)
    whole = out.read_bytes()
    out.write_bytes(whole[:40] + bytes(200) + whole[240:])
    with pytest.raises(EarShotError, match=r"damaged|length 1|the id|inside"):
        import_parquet(out, str(tmp_path / "new"))
