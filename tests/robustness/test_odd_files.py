"""Odd names, odd files and odd words through every job over files."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from earshot.index import Store
from earshot.jobs import loading
from robustness.command import Ran, earshot
from robustness.odd_files import make_odd_folder
from toy_embedder import TONES, ToyEmbedder, write_tones

pytestmark = pytest.mark.skipif(os.name == "nt", reason="names and files of POSIX systems")


@pytest.fixture(autouse=True)
def _toy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "load", lambda model, **_: ToyEmbedder())


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, set[str], set[str]]]:
    folder = tmp_path_factory.mktemp("odd") / "sounds"
    folder.mkdir()
    good, bad = make_odd_folder(folder)
    yield folder, good, bad
    shutil.rmtree(folder)


def named(row: dict[str, object], folder: Path) -> str:
    return str(row["path"]).removeprefix(f"{folder}/")


def check(ran: Ran, folder: Path, good: set[str], bad: set[str]) -> None:
    """All good ones answered, all bad ones listed: once as a row, once as a line of stderr."""
    assert ran.status == 2
    assert {named(row, folder) for row in ran.failed} == bad
    assert all(row["error"].startswith("got ") for row in ran.failed)
    lines = [line for line in ran.err.splitlines() if line.startswith("failed: ")]
    assert len(lines) == len(bad)
    assert not any(c in ran.err for c in "\x1b\x07\r")


@pytest.mark.timeout(120)
def test_every_job_answers_for_the_good_and_lists_the_bad(
    odd: tuple[Path, set[str], set[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, good, bad = odd
    tagged = earshot("tag", folder, "--labels", ",".join(TONES), "--json", capsys=capsys)
    check(tagged, folder, good, bad)
    assert {named(row, folder) for row in tagged.rows if "label" in row} == good

    out = tmp_path / "vectors.npz"
    check(earshot("embed", folder, "--out", out, "--json", capsys=capsys), folder, good, bad)
    with np.load(out) as stored:
        assert len(stored["vector"]) == len(good)

    indexed = earshot("index", folder, "--json", capsys=capsys)
    check(indexed, folder, good, bad)
    assert set(Store.open(str(folder / ".earshot")).known()) == good
    again = earshot("index", folder, "--json", capsys=capsys)
    assert (again.rows[0]["unchanged"], again.rows[0]["failed"]) == (len(good), len(bad))

    found = earshot("search", "dog", "--dir", folder, "-k", 50, "--json", capsys=capsys)
    assert {named(row, folder) for row in found.rows} == good
    shown = earshot("search", "dog", "--dir", folder, "-k", 50, capsys=capsys)
    assert len(shown.out.splitlines()) == len(good)  # a name with a line break is on one line
    assert "\x1b" not in shown.out


def test_a_link_to_itself_does_not_hide_the_sounds_beside_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_tones(tmp_path, {"a.wav": ("dog",)})
    (tmp_path / "loop").symlink_to("loop")
    ran = earshot("index", tmp_path, "--json", capsys=capsys)
    assert (ran.status, ran.rows[0]["added"]) == (0, 1)


TOO_LONG = "n" * 300 + ".wav"
TOO_DEEP = "/" + "a/" * 2_200 + "x.wav"
NOT_THERE = [TOO_LONG, TOO_DEEP, "~nobody/x.wav", "two\nlines.wav", "/dev/zero/x.wav", "\x07"]


@pytest.mark.parametrize("name", NOT_THERE, ids=["long", "deep", "tilde", "lines", "dev", "bell"])
def test_names_of_nothing_end_in_a_sentence(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for words in (["tag", name, "--labels", "dog"], ["embed", name, "--json"]):
        assert earshot(*words, capsys=capsys).status == 2
    for words in (
        ["index", name],
        ["similar", name, "--dir", tmp_path],
        ["search", "dog", "--dir", name],
        ["search", "dog", "--index", name],
        ["evaluate", "zero-shot", "--data", name],
        ["data", "check", name],
        ["run", "clap", "--data", name],
        ["tag", tmp_path, "--labels-file", name],
    ):
        assert earshot(*words, capsys=capsys).status == 1, words
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    assert earshot("tag", tmp_path, "--model", name, capsys=capsys).status == 1


def test_an_empty_folder_is_no_fault(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    for words in (
        ["tag", folder],
        ["embed", folder, "--out", tmp_path / "none.npz"],
        ["index", folder],
        ["search", "dog", "--dir", folder],
    ):
        assert earshot(*words, capsys=capsys).status == 0, words
    with np.load(tmp_path / "none.npz") as stored:
        assert stored["vector"].shape == (0, ToyEmbedder.dim)


WORDS = {
    "long": "dog " * 25_000,
    "no blanks": "x" * 100_000,
    "dogs": "\U0001f415" * 25_000,
    "surrogates": "\ud800\udfff",
    "control": "dog\x00\x01\x1b[2J\x7f",
    "right to left": "\u202e\u2066dog",
    "brackets": "(((((" * 100 + '"',
    "operators": "AND OR NOT NEAR dog^2 -cat +bell field:x",
    "quotes": "dog' OR '1'='1",
    "format": "{label} %s {0}",
    "combining": "a" + "\u0301" * 5_000,
}


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from earshot.jobs.indexing import index

    folder = tmp_path_factory.mktemp("words")
    write_tones(folder, {f"{word}.wav": (word,) for word in TONES})
    index(folder, model=ToyEmbedder())
    return folder


@pytest.mark.parametrize("words", WORDS.values(), ids=WORDS)
def test_odd_words_are_queries_and_labels_like_others(
    words: str, indexed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for option in ([], ["--no-words"], ["--every-window"]):
        ran = earshot("search", words, "--dir", indexed, "--json", *option, capsys=capsys)
        assert (ran.status, len(ran.rows)) == (0, 5)
    for filtered in (["--tag", words], ["--folder", words]):
        ran = earshot("search", "dog", "--dir", indexed, "--json", *filtered, capsys=capsys)
        assert ran.status in (0, 1)
        assert not ran.out
    sound = indexed / "dog.wav"
    ran = earshot("tag", sound, "--labels", f"{words},rain", "--json", capsys=capsys)
    assert [len(row["labels"]) for row in ran.rows] == [2]
    shown = earshot("tag", sound, "--labels", f"{words},rain", capsys=capsys)
    assert not any(c in shown.out for c in "\x00\x01\x1b\x7f")
    ran = earshot("tag", sound, "--labels", "dog", "--prompt", words, capsys=capsys)
    assert ran.status == (0 if "{label}" in words else 1)


@pytest.mark.parametrize("words", ["", " \t\n", "\x00\x01\x02", "\x7f" * 100])
def test_words_of_nothing_are_refused(
    words: str, indexed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert earshot("search", words, "--dir", indexed, capsys=capsys).status == 1
    labelled = earshot("tag", indexed, "--labels", words, capsys=capsys)
    assert (labelled.status, labelled.out) == (1, "")


FILTERS = [
    "path",
    "1",
    "null",
    "nothing > 1",
    "duration > 'long'",
    "sum(duration) > 1",
    "cast(path as int) > 1",
    "regexp_like(path, '(')",
    "duration >",
    "'",
    "\x00",
    "\ud800",
    "duration > 1; drop table sounds",
    "(select count(*) from sounds) > 0",
    "(" * 3_000 + "duration > 1" + ")" * 3_000,
    " OR ".join(["duration > 1"] * 100_000),
    "NOT " * 20_000 + "true",
]


@pytest.mark.parametrize("condition", FILTERS, ids=[each[:25] for each in FILTERS])
def test_filters_that_cannot_be_run_are_named(
    condition: str, indexed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ran = earshot("search", "dog", "--dir", indexed, "--where", condition, capsys=capsys)
    assert ran.status == 1
    assert "filter" in ran.err
