"""Two writers, readers beside a writer, folders that are read-only, files that will not rest."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from earshot.core.errors import EarShotError
from earshot.core.lock import one_writer
from earshot.index import Store
from earshot.index.connection import writing
from earshot.jobs import indexing, loading
from earshot.jobs.content import content_hash
from earshot.jobs.search import search
from earshot.synth import write_dataset
from earshot.synth.dataset import LOCK as SET_LOCK
from earshot.training.fit import LOCK as RUN_LOCK
from earshot.training.fit import FitConfig
from robustness.command import earshot
from toy_embedder import TONES, ToyEmbedder, write_tones
from training.toy_fit import toy_fit, toy_model


@pytest.fixture
def sounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(loading, "load", lambda model, **_: ToyEmbedder())
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    write_tones(tmp_path / "sounds", {f"{word}.wav": (word,) for word in TONES})
    return tmp_path / "sounds"


def names(folder: Path) -> list[str]:
    return sorted(Store.open(str(folder / ".earshot")).all_rows().table["path"].to_pylist())


def test_a_second_indexer_is_refused_and_readers_are_not(
    sounds: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    earshot("index", sounds, capsys=capsys)
    before = names(sounds)
    with writing(str(sounds / ".earshot")):
        refused = earshot("index", sounds, capsys=capsys)
        assert refused.status == 1
        assert "another process is writing" in refused.err
        found = earshot("search", "dog", "--dir", sounds, "-k", 1, "--json", capsys=capsys)
        assert [Path(row["path"]).stem for row in found.rows] == ["dog"]
    assert names(sounds) == before
    assert earshot("index", sounds, capsys=capsys).status == 0


RACE = """
import sys
from pathlib import Path
from earshot.core.errors import EarShotError
from earshot.jobs.indexing import index
from toy_embedder import ToyEmbedder
sys.stdin.readline()
try:
    index(Path(sys.argv[1]), model=ToyEmbedder())
except EarShotError as fault:
    sys.exit("another process is writing" not in str(fault))
"""


def test_indexers_that_start_at_once_lose_and_double_nothing(sounds: Path) -> None:
    both = [
        subprocess.Popen(
            [sys.executable, "-c", RACE, str(sounds)],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
            stdin=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for process in both:
        process.communicate("go\n")
    assert [process.returncode for process in both] == [0, 0]
    assert names(sounds) == sorted(f"{word}.wav" for word in TONES)


def test_a_second_maker_of_a_data_set_is_refused(tmp_path: Path) -> None:
    write_dataset(tmp_path, kind="sounds", n=1)
    with (
        one_writer(tmp_path, SET_LOCK),
        pytest.raises(EarShotError, match="another process is writing"),
    ):
        write_dataset(tmp_path, kind="sounds", n=2)
    write_dataset(tmp_path, kind="sounds", n=2)


def test_a_second_trainer_is_refused(tmp_path: Path) -> None:
    config = FitConfig(steps=2, warmup_steps=1)
    with (
        one_writer(tmp_path, RUN_LOCK),
        pytest.raises(EarShotError, match="another process is writing"),
    ):
        toy_fit(toy_model(), tmp_path, config)
    assert toy_fit(toy_model(), tmp_path, config).steps == 2


def test_a_read_only_folder_is_indexed_in_the_cache(
    sounds: Path,
    tmp_path: Path,
    read_only: Callable[[Path], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    read_only(sounds)
    with pytest.raises(OSError, match="Read-only"):
        (sounds / "x").touch()
    made = earshot("index", sounds, "--json", capsys=capsys)
    assert (made.status, made.rows[0]["added"]) == (0, 5)
    assert Path(made.rows[0]["index"]).is_relative_to(tmp_path / "cache")
    found = earshot("search", "rain", "--dir", sounds, "-k", 1, "--json", capsys=capsys)
    assert [row["path"] for row in found.rows] == [str(sounds / "rain.wav")]
    for words in (
        ["index", sounds, "--index", sounds / "here"],
        ["embed", sounds, "--out", sounds / "vectors.npz"],
        ["data", "make", "sounds", "-n", "1", "--out", sounds / "set"],
    ):
        refused = earshot(*words, capsys=capsys)
        assert refused.status != 0, words
        assert "Read-only" in refused.err or "Usage" in refused.err, words


def test_an_index_that_became_read_only_is_still_searched(
    sounds: Path, read_only: Callable[[Path], None], capsys: pytest.CaptureFixture[str]
) -> None:
    earshot("index", sounds, capsys=capsys)
    read_only(sounds)
    found = earshot("search", "car", "--dir", sounds, "-k", 1, "--json", capsys=capsys)
    assert [Path(row["path"]).stem for row in found.rows] == ["car"]


@pytest.mark.parametrize("place", [".earshot", "as a file"])
def test_a_file_in_the_place_of_an_index(
    place: str, sounds: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (sounds / place).write_text("a note")
    ran = earshot("index", sounds, "--index", sounds / place, capsys=capsys)
    assert ran.status == 1
    assert (sounds / place).read_text() == "a note"


def test_files_that_change_or_vanish_while_they_are_read(
    sounds: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def meddling(path: Path) -> str:
        digest = content_hash(path)
        if path.stem == "dog":  # after its bytes were hashed, before they are decoded
            write_tones(sounds, {"dog.wav": ("car", "bell")})
        if path.stem == "cat":
            path.unlink()
        return digest

    monkeypatch.setattr(indexing, "hash_of", meddling)
    ran = earshot("index", sounds, "--json", capsys=capsys)
    assert ran.status == 2
    assert {Path(row["path"]).stem: row["error"][:30] for row in ran.failed} == {
        "dog": "got a file that changed while ",
        "cat": "got '" + str(sounds / "cat.wav")[:25],
    }
    monkeypatch.undo()
    monkeypatch.setattr(loading, "load", lambda model, **_: ToyEmbedder())
    again = earshot("index", sounds, "--json", capsys=capsys)
    assert (again.status, again.rows[0]["added"]) == (0, 1)
    assert names(sounds) == ["bell.wav", "car.wav", "dog.wav", "dog.wav", "rain.wav"]
    vectors = Store.open(str(sounds / ".earshot")).rows_of("dog.wav").vectors
    np.testing.assert_allclose(vectors, ToyEmbedder().embed_audio(sounds / "dog.wav").windows)
    assert search("dog", sounds, model=ToyEmbedder(), k=1)[0].words == ("dog",)
