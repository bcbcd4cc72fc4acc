"""Where no lock keeps writers apart, as on object storage: file:// addresses take that way."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from earshot.core.errors import EarShotError
from earshot.index import FileRows, IndexSettings, KnownFile, Store, contention, doubles
from earshot.index import rows as columns

SETTINGS = IndexSettings("toy", "0123456789abcdef", 8, 1.0, 1.0, root="/sounds")


def rows(path: str, digest: str = "", n: int = 2) -> FileRows:
    vectors = np.eye(8, dtype=np.float32)[:n]
    starts = np.arange(n, dtype=np.float64)
    return FileRows(path, KnownFile(1, 1, digest or path), float(n), starts, starts + 1, vectors)


@pytest.fixture
def place(tmp_path: Path) -> str:
    return f"file://{tmp_path}/index"


WRITER = """
import sys
from two_writers import rows, SETTINGS
from earshot.index import Store

place, who = sys.argv[1:]
store = Store.create(place, SETTINGS)
print("ready", flush=True)
sys.stdin.readline()
for i in range(6):
    store.put([rows(f"{who}{i}.wav"), rows(f"both{i}.wav")], replace=False)
store.compact()
"""


def test_two_processes_lose_nothing_and_double_nothing(place: str, tmp_path: Path) -> None:
    (tmp_path / "two_writers.py").write_bytes(Path(__file__).read_bytes())
    paths = os.pathsep.join([str(tmp_path), *sys.path])
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, place, who],
            env=os.environ | {"PYTHONPATH": paths},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for who in "ab"
    ]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n", writer.communicate()[1]
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    for writer in writers:
        said = writer.communicate()[1]
        assert writer.returncode == 0, said
    store = Store.open(place)
    names = {f"{who}{i}.wav" for who in ("a", "b", "both") for i in range(6)}
    assert set(store.known()) == names
    table = store.all_rows().table
    held = sorted(zip(table["path"].to_pylist(), table["window"].to_pylist(), strict=True))
    assert held == sorted((name, window) for name in names for window in (0, 1))


def test_of_two_copies_the_newest_bytes_stay(place: str) -> None:
    store = Store.create(place, SETTINGS)
    for file in (rows("a.wav", "old", n=3), rows("b.wav"), rows("a.wav", "new"), rows("b.wav")):
        new = columns.to_arrow([file], store._table.schema, "0123456789abcdef")
        store._table.add(new)  # as a writer that did not see the others' commits
    assert store.n_rows == 9
    store.compact()
    assert store.known()["a.wav"].content_hash == "new"
    table = store.all_rows().table
    held = list(zip(table["path"].to_pylist(), table["window"].to_pylist(), strict=True))
    assert held == [("a.wav", 0), ("a.wav", 1), ("b.wav", 0), ("b.wav", 1)]


def test_doubles_are_found_again_where_another_writer_moved_them(
    place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, other = Store.create(place, SETTINGS), Store.open(place)
    for file in (rows("a.wav"), rows("a.wav"), rows("b.wav")):
        new = columns.to_arrow([file], store._table.schema, SETTINGS.fingerprint)
        store._table.add(new)  # as a writer that did not see the others' commits
    find, n_looks = doubles.double_rows, 0

    def double_rows(table: Any) -> list[int]:
        nonlocal n_looks
        n_looks += 1
        ids = find(table)
        if n_looks == 1:  # between the look and the deletion
            other._table.checkout_latest()
            other._table.optimize()
        return ids

    monkeypatch.setattr(doubles, "double_rows", double_rows)
    store.compact()
    assert n_looks == 3
    assert store.n_rows == 4
    assert store.known().keys() == {"a.wav", "b.wav"}


def test_a_commit_that_came_second_is_tried_again(
    place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contention.time, "sleep", lambda seconds: None)
    store, n_tries = Store.create(place, SETTINGS), 0

    def preempted() -> None:
        nonlocal n_tries
        n_tries += 1
        if n_tries < 4:
            raise RuntimeError("Retryable commit conflict for version 2")

    store._write(preempted)
    assert n_tries == 4

    def always() -> None:
        raise RuntimeError("Retryable commit conflict for version 2")

    store._write(always, may_fail=True)
    with pytest.raises(EarShotError, match="conflict"):
        store._write(always)


def test_readers_of_an_older_version_go_on_while_another_compacts(place: str) -> None:
    store = Store.create(place, SETTINGS)
    store.put([rows("a.wav")], replace=False)
    reader = Store.open(place)
    for i in range(4):
        store.put([rows(f"{i}.wav")], replace=False)
    store.compact()
    assert reader.n_files == 1
    reader.refresh()
    assert reader.n_files == 5


def test_memory_is_a_place_as_well() -> None:
    store = Store.create("memory://", SETTINGS)
    store.put([rows("a.wav")], replace=False)
    store.compact()
    assert len(store.all_rows().vectors) == 2
    assert store.root == Path("/sounds")


def test_a_place_that_cannot_be_listed_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    Store.create(place, SETTINGS)
    from lancedb.db import LanceDBConnection

    def fails(self: object, **more: object) -> None:
        raise ValueError("Invalid input, Failed to connect to namespace: NoSuchBucket")

    monkeypatch.setattr(LanceDBConnection, "list_tables", fails)
    with pytest.raises(EarShotError, match=r"the index at file://.*NoSuchBucket"):
        Store.open(place)
