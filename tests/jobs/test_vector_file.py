from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pyarrow.parquet as parquet
import pytest

from earshot.core.errors import EarShotError
from earshot.jobs import vector_file
from earshot.jobs.embed import Embedding
from earshot.jobs.vector_file import VectorFile
from toy_embedder import ToyEmbedder

ODD = os.fsdecode(b"caf\xe9.wav")
DIM = ToyEmbedder.dim


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / name for name in ("a.wav", "b.wav", ODD, "d.wav")]
    for path in paths:
        path.write_bytes(b"sound")
    return paths


def windows(path: Path, n: int = 2) -> list[Embedding]:
    rng = np.random.default_rng([*os.fsencode(path), path.stat().st_size])
    rows = rng.normal(size=(n, DIM)).astype(np.float32)
    return [Embedding(path, float(i), float(i + 1), row) for i, row in enumerate(rows)]


def run(out: Path, files: list[Path], *, finish: bool = True, model: str = "70" * 8) -> list[str]:
    """Do what is not there; the names that were done."""
    made = VectorFile(out, ToyEmbedder(model), per_window=True)
    done = []
    for path in files:
        if not made.has(path):
            for row in windows(path):
                made.add(row)
            done.append(path.name)
    if finish:
        made.finish()
    return done


def stored(out: Path) -> dict[str, np.ndarray]:
    """Every sound's vectors."""
    if out.suffix == ".npz":
        with np.load(out) as held:
            paths, vectors = held["path"].tolist(), held["vector"]
    else:
        table = parquet.read_table(out)
        paths, vectors = table["path"].to_pylist(), np.stack(table["vector"].to_pylist())
    return {name: vectors[[p == name for p in paths]] for name in paths}


def expected(files: list[Path]) -> dict[str, np.ndarray]:
    names = [os.fsencode(path).decode("utf-8", "backslashreplace") for path in files]
    return {
        name: np.stack([row.vector for row in windows(path)])
        for name, path in zip(names, files, strict=True)
    }


def same(found: dict[str, np.ndarray], wanted: dict[str, np.ndarray]) -> bool:
    return found.keys() == wanted.keys() and all(
        np.array_equal(found[name], wanted[name]) for name in wanted
    )


@pytest.fixture(params=["x.npz", "x.parquet"])
def out(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return tmp_path / request.param


def test_what_is_there_is_kept_and_what_is_missing_is_added(out: Path, files: list[Path]) -> None:
    assert run(out, files[:2]) == ["a.wav", "b.wav"]
    assert run(out, files) == [ODD, "d.wav"]
    assert same(stored(out), expected(files))
    before = out.read_bytes() if out.suffix == ".parquet" else None
    assert run(out, files) == []
    assert before in (None, out.read_bytes())
    assert not out.with_name(out.name + ".parts").exists()


def test_a_changed_sound_takes_the_place_of_the_old_one(out: Path, files: list[Path]) -> None:
    run(out, files)
    files[1].write_bytes(b"another sound")
    assert run(out, files) == ["b.wav"]
    assert same(stored(out), expected(files))


def test_a_kill_leaves_whole_sounds_that_are_not_done_again(
    out: Path, files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vector_file, "PART_ROWS", 3)  # a part is due in the middle of a sound
    assert run(out, files[:3], finish=False) == ["a.wav", "b.wav", ODD]
    assert not out.exists()
    assert run(out, files) == [ODD, "d.wav"]
    assert same(stored(out), expected(files))


def test_what_is_interrupted_keeps_all_but_the_last_sound(out: Path, files: list[Path]) -> None:
    made = VectorFile(out, ToyEmbedder(), per_window=True)
    for row in [*windows(files[0]), *windows(files[1])[:1]]:
        made.add(row)
    made.keep(without_last=True)
    assert run(out, files[:2]) == ["b.wav"]
    assert same(stored(out), expected(files[:2]))


def test_a_part_that_a_finished_file_holds_already_doubles_nothing(
    out: Path, files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vector_file.shutil, "rmtree", lambda *a, **k: None)  # killed before it
    run(out, files[:2])
    assert out.with_name(out.name + ".parts").exists()
    assert run(out, files) == [ODD, "d.wav"]
    assert same(stored(out), expected(files))


def test_vectors_of_another_model_are_not_mixed_in(out: Path, files: list[Path]) -> None:
    run(out, files[:1])
    before = out.read_bytes()
    with pytest.raises(EarShotError, match="Name another --out"):
        run(out, files, model="ab" * 8)
    with pytest.raises(EarShotError, match="per_window=false"):
        VectorFile(out, ToyEmbedder(), per_window=False)
    assert out.read_bytes() == before


def test_npz_is_what_numpy_reads(tmp_path: Path, files: list[Path]) -> None:
    run(tmp_path / "x.npz", files)
    with np.load(tmp_path / "x.npz", allow_pickle=False) as held:
        assert held["vector"].dtype == np.float32
        assert held["vector"].shape == (8, DIM)
        assert held["start_s"].tolist() == [0.0, 1.0] * 4
        assert held["size"].tolist() == [5] * 8
        assert str(held["per_window"]) == "true"
        assert held["path"][4].endswith("caf\\xe9.wav")
