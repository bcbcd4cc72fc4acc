"""Hostile files through the jobs: they go on, list every failure, and leave whole answers."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest

from earshot.index import Store
from earshot.jobs import loading
from robustness.command import Ran, earshot
from robustness.hostile import hostile_files
from toy_embedder import TONES, ToyEmbedder, write_tones

MAX_CPU_S = 60.0  # of one job over all of them


@pytest.fixture(autouse=True)
def _toy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "load", lambda model, **_: ToyEmbedder())


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """A folder of every fourth hostile file of a small corpus, with good sounds among them."""
    folder = tmp_path_factory.mktemp("hostile") / "sounds"
    folder.mkdir()
    names = []
    for number, file in enumerate(hostile_files(seed=5, n_flips=12)):
        name = f"{number:04d} {file.name}.wav"  # whatever it is: a folder lists sounds by suffix
        if number % 4 == 0:
            (folder / name).write_bytes(file.content)
            names.append(name)
    write_tones(folder, {f"good/{word}.wav": (word,) for word in TONES})
    return folder, len(names) + len(TONES)


def failures(ran: Ran, folder: Path) -> set[str]:
    """Names of what failed: the rows and the lines on stderr must agree."""
    assert ran.status == 2
    rows = {os.path.relpath(row["path"], folder) for row in ran.failed}
    lines = [line for line in ran.err.splitlines() if line.startswith("failed: ")]
    assert len(lines) == len(rows) == len(ran.failed)
    for row in ran.failed:
        assert row["error"].startswith("got "), row
        assert "\n" not in row["error"]
    assert f"{len(rows)} failed" in ran.err
    return rows


@pytest.mark.timeout(280)
def test_index_tag_and_embed_go_on_and_agree(
    corpus: tuple[Path, int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, n_files = corpus
    assert n_files >= 300
    began = time.process_time()
    indexed = earshot("index", folder, "--json", capsys=capsys)
    took = time.process_time() - began
    bad = failures(indexed, folder)
    n_good = n_files - len(bad)
    assert min(n_good, len(bad)) > 50  # both kinds are there
    assert indexed.rows[0]["added"] == indexed.rows[0]["files"] == n_good
    assert took < MAX_CPU_S
    store = Store.open(str(folder / ".earshot"))
    rows = store.all_rows()
    assert set(store.known()).isdisjoint(bad)
    assert {f"good/{word}.wav" for word in TONES} <= set(store.known())
    assert np.isfinite(rows.vectors).all()

    tagged = earshot("tag", folder, "--labels", ",".join(TONES), "--json", capsys=capsys)
    assert failures(tagged, folder) == bad
    assert len(tagged.rows) == n_files
    right = {Path(row["path"]).stem: row["label"] for row in tagged.rows if "/good/" in row["path"]}
    assert right == {word: word for word in TONES}  # hostile neighbours change nothing

    out = tmp_path / "vectors.parquet"
    assert failures(earshot("embed", folder, "--out", out, "--json", capsys=capsys), folder) == bad
    assert out.stat().st_size > 0

    again = earshot("index", folder, "--json", capsys=capsys)
    assert failures(again, folder) == bad
    assert (again.rows[0]["unchanged"], again.rows[0]["added"]) == (n_good, 0)


def test_a_damaged_file_among_good_ones_changes_no_vector(tmp_path: Path) -> None:
    from earshot.jobs.embed import embed

    write_tones(tmp_path / "alone", {"a.wav": ("dog",), "b.wav": ("rain", "bell")})
    write_tones(tmp_path / "beside", {"a.wav": ("dog",), "b.wav": ("rain", "bell")})
    for number, file in zip(range(20), hostile_files(seed=8), strict=False):
        (tmp_path / "beside" / f"a {number}.wav").write_bytes(file.content)
    alone = {each.path.name: each.vector for each in embed(tmp_path / "alone", model=ToyEmbedder())}
    beside = embed(tmp_path / "beside", model=ToyEmbedder())
    found = {each.path.name: each.vector for each in beside}
    for name, vector in alone.items():
        np.testing.assert_array_equal(found[name], vector)
