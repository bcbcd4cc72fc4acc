"""The jobs through the command line: output, exit statuses, sentences."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from earshot.cli.main import app, main
from earshot.core.errors import EarShotError
from earshot.jobs import loading
from toy_embedder import TONES, ToyEmbedder, write_tones

ODD = os.fsdecode(b"caf\xe9.wav")


@pytest.fixture(autouse=True)
def _toy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "load", lambda model, **_: ToyEmbedder())


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sounds")
    write_tones(folder, {f"{i:02d}.wav": (word,) for i, word in enumerate(TONES)})
    write_tones(folder, {ODD: ("dog", "bell")})
    return folder


def run(*args: object) -> Any:
    return CliRunner().invoke(app, [os.fspath(a) if isinstance(a, Path) else str(a) for a in args])


def rows(result: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_index_search_similar(sounds: Path) -> None:
    indexed = run("index", sounds, "--json")
    assert indexed.exit_code == 0, indexed.output
    [row] = rows(indexed)
    assert (row["added"], row["failed"], row["files"], row["windows"]) == (6, 0, 6, 7)
    assert "x real time" in indexed.stderr
    found = run("search", "bell", "--dir", sounds, "-k", "2", "--json")
    first, second = rows(found)
    assert {"rank", "path", "start_s", "end_s", "score"} <= first.keys()
    by_path = {each["path"]: each for each in (first, second)}
    assert by_path.keys() == {str(sounds / "03.wav"), str(sounds / ODD)}
    assert (by_path[str(sounds / ODD)]["start_s"], by_path[str(sounds / ODD)]["end_s"]) == (1, 2)
    alike = rows(run("similar", sounds / "03.wav", "--dir", sounds, "--json", "-k", "1"))
    assert [each["path"] for each in alike] == [str(sounds / ODD)]


def test_people_read_a_table_with_nothing_a_terminal_cannot_show(sounds: Path) -> None:
    run("index", sounds)
    shown = run("search", "dog", "--dir", sounds, "--explain")
    assert shown.exit_code == 0
    assert "caf\\udce9.wav" in shown.stdout
    assert "by sound" in shown.stdout


def test_tag(sounds: Path) -> None:
    result = run("tag", sounds, "--labels", "dog,cat,rain,bell,car", "--json")
    found = {Path(row["path"]).name: row for row in rows(result)}
    assert {found[f"{i:02d}.wav"]["label"] for i in range(5)} == set(TONES)
    row = found["00.wav"]
    best = row["labels"][0]
    assert (best["label"], best["score"]) == (row["label"], row["score"]) == ("dog", best["score"])
    scores = [each["score"] for each in row["labels"]]
    assert scores == sorted(scores, reverse=True)
    assert len(scores) == 5
    assert sum(scores) == pytest.approx(1)


def test_failures_are_rows_sentences_and_exit_2(sounds: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.wav"
    bad.write_text("no sound")
    result = run("tag", bad, sounds / "00.wav", tmp_path / "none.wav", "--labels", "dog", "--json")
    assert result.exit_code == 2
    first, second, third = rows(result)
    assert first["path"] == str(bad)
    assert first["error"]
    assert second["label"] == "dog"
    assert "error" in third
    assert f"failed: {bad}" in result.stderr
    assert "2 failed" in result.stderr
    assert "Traceback" not in result.output
    assert run("index", tmp_path).exit_code == 2
    assert run("embed", bad, "--out", tmp_path / "x.npz").exit_code == 2


def test_labels_from_a_file(sounds: Path, tmp_path: Path) -> None:
    names = tmp_path / "labels.txt"
    names.write_text("# sounds\ndog\n\nrain\n")
    [row] = rows(run("tag", sounds / "02.wav", "--labels-file", names, "--json"))
    assert row["label"] == "rain"
    assert len(row["labels"]) == 2


def test_embed(sounds: Path, tmp_path: Path) -> None:
    out = tmp_path / "vectors.npz"
    assert run("embed", sounds, "--out", out, "--per-window").exit_code == 0
    with np.load(out) as stored:
        assert stored["vector"].shape == (7, ToyEmbedder.dim)
    found = rows(run("embed", sounds / "00.wav", "--json"))
    assert np.linalg.norm(found[0]["embedding"]) == pytest.approx(1, abs=1e-6)


def test_evaluate(sounds: Path) -> None:
    manifest = sounds / "labels.csv"
    lines = [f"{i:02d}.wav,{word},a {word}" for i, word in enumerate(TONES)]
    manifest.write_text("path,label,caption\n" + "\n".join(lines) + "\n")
    [row] = rows(run("evaluate", "zero-shot", "--data", manifest, "--json"))
    assert (row["task"], row["n"], row["metrics"]["accuracy"]) == ("zero-shot", 5, 1)
    [row] = rows(run("evaluate", "retrieval", "--data", manifest, "--json"))
    assert row["metrics"]["text_to_audio/R@1"] == 1
    shown = run("evaluate", "zero-shot", "--data", manifest)
    assert "accuracy" in shown.stdout


def test_evaluate_leaves_out_what_cannot_be_used_and_says_so(tmp_path: Path) -> None:
    write_tones(tmp_path, {"a.wav": ("dog",), "b.wav": ("cat",)})
    (tmp_path / "bad.wav").write_text("no sound")
    rows_ = ["path,label", "a.wav,dog", "b.wav,cat", "bad.wav,dog", "none.wav,dog", ",cat"]
    (tmp_path / "labels.csv").write_text("\n".join(rows_))
    result = run("evaluate", "zero-shot", "--data", tmp_path / "labels.csv", "--json")
    assert result.exit_code == 2
    [row] = rows(result)
    assert (row["n"], row["metrics"]["accuracy"], len(row["failures"])) == (2, 1, 3)
    assert "labels.csv, line 5" in result.stderr
    found = run("index", tmp_path, "--data", tmp_path / "labels.csv", "--json")
    assert found.exit_code == 2
    assert rows(found)[0]["files"] == 2
    assert [
        each["path"]
        for each in rows(run("search", "x", "--dir", tmp_path, "--tag", "dog", "--json"))
    ] == [str(tmp_path / "a.wav")]


def test_tag_and_embed_take_up_where_they_were(tmp_path: Path) -> None:
    write_tones(tmp_path, {"a.wav": ("dog",), "b.wav": ("cat",)})
    tags, vectors = tmp_path / "tags.jsonl", tmp_path / "v.parquet"
    for name in ("", "c.wav"):
        if name:
            write_tones(tmp_path, {name: ("rain",)})
        tagged = run("tag", tmp_path, "--labels", "dog,cat,rain", "--out", tags, "--json")
        assert tagged.exit_code == 0, tagged.output
        embedded = run("embed", tmp_path, "--out", vectors, "--json")
        assert embedded.exit_code == 0, embedded.output
    assert [Path(row["path"]).name for row in rows(tagged)] == ["c.wav"]
    assert [Path(row["path"]).name for row in rows(embedded)] == ["c.wav"]
    held = [json.loads(line) for line in tags.read_text().splitlines()]
    assert [row["label"] for row in held] == ["dog", "cat", "rain"]
    assert "3 vectors" in embedded.stderr
    other = run("tag", tmp_path, "--labels", "dog,cat", "--out", tags)
    assert isinstance(other.exception, EarShotError)
    assert "other labels" in str(other.exception)


def test_tag_says_what_stands_out_and_what_examples_did(tmp_path: Path) -> None:
    write_tones(tmp_path, {f"{i:02d}.wav": ("dog",) for i in range(24)} | {"z.wav": ("bell",)})
    lines = [f"{i:02d}.wav,dog" for i in range(4)] + ["z.wav,bell", "none.wav,bell"]
    (tmp_path / "some.csv").write_text("path,label\n" + "\n".join(lines))
    run("index", tmp_path)
    result = run("tag", tmp_path, "--abstain", "--examples", tmp_path / "some.csv", "--json")
    assert result.exit_code == 2  # one example is not there
    failed, *found = rows(result)
    assert "none.wav" in failed["error"]
    assert {row["label"] for row in found[:-1]} == {None}
    assert found[-1]["label"] == "bell"
    assert {"label", "score", "cosine", "z", "false_alarm"} == found[0]["labels"][0].keys()
    assert "cross-validated accuracy" in result.stderr
    shown = run("tag", tmp_path / "00.wav", "--labels", "dog,bell", "--abstain")
    assert "nothing stands out" in shown.stdout


def test_an_index_is_carried_and_its_figures_are_shown(sounds: Path, tmp_path: Path) -> None:
    run("index", sounds)
    out, there = tmp_path / "x.parquet", tmp_path / "there"
    there.mkdir()
    assert run("store", "export", out, "--dir", sounds).exit_code == 0
    [row] = rows(run("store", "import", out, "--root", there, "--json"))
    assert (row["files"], row["windows"], row["fragments"]) == (6, 7, 1)
    here, moved = (
        [(Path(hit["path"]).name, hit["score"], hit["start_s"]) for hit in rows(result)]
        for result in (run("search", "bell", "--dir", each, "--json") for each in (sounds, there))
    )
    assert here == moved
    [stats] = rows(run("store", "stats", "--dir", there, "--json"))
    assert stats == row
    shown = run("store", "stats", "--dir", there)
    assert "6 files, 7 windows" in shown.stdout
    assert "exact search" in shown.stdout
    again = run("store", "import", out, "--root", there)
    assert "6 sounds of this model already" in str(again.exception)


def test_of_several_models_the_export_asks_which(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tones(tmp_path, {"a.wav": ("dog",)})
    run("index", tmp_path)
    other = ToyEmbedder("ab" * 8)
    other.name = "other"
    monkeypatch.setattr(loading, "load", lambda model, **_: other)
    run("index", tmp_path)
    assert len(rows(run("store", "stats", "--dir", tmp_path, "--json"))) == 2
    asked = run("store", "export", tmp_path / "x.parquet", "--dir", tmp_path)
    assert "indexes of 2 models" in str(asked.exception)
    for name in ("other", "70" * 8):
        said = run("store", "export", tmp_path / "x.parquet", "--dir", tmp_path, "--model", name)
        assert said.exit_code == 0, said.output
    wrong = run("store", "export", tmp_path / "x.parquet", "--dir", tmp_path, "--model", "othr")
    assert "other" in str(wrong.exception)
    assert ".parquet" in str(run("store", "export", "x.csv", "--dir", tmp_path).exception)


def test_liked_and_disliked_sounds_move_a_query(sounds: Path) -> None:
    run("index", sounds)
    plain = rows(run("search", "dog", "--dir", sounds, "--no-words", "--json"))
    options = ("--liked", sounds / "02.wav", "--disliked", sounds / "00.wav")
    moved = rows(run("search", "dog", "--dir", sounds, "--no-words", "--json", *options))
    scores, others = ({Path(h["path"]).name: h["score"] for h in found} for found in (plain, moved))
    assert others["02.wav"] > scores["02.wav"] + 0.3
    assert others["00.wav"] < scores["00.wav"]


def test_options_of_the_model_reach_its_loader(
    sounds: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, Any]] = []

    def load(model: str, **options: Any) -> ToyEmbedder:
        asked.append(options)
        return ToyEmbedder()

    monkeypatch.setattr(loading, "load", load)
    given = ("--device", "cuda:1", "--precision", "bf16", "--tokenizer", "roberta")
    run("index", sounds)
    for words in (
        ["tag", sounds, "--labels", "dog,cat"],
        ["embed", sounds, "--json"],
        ["index", sounds],
        ["search", "dog", "--dir", sounds],
        ["evaluate", "zero-shot", "--data", sounds],
    ):
        asked.clear()
        run(*words, *given)
        assert asked == [{"device": "cuda:1", "precision": "bf16", "tokenizer": "roberta"}], words
    asked.clear()
    run("search", "dog", "--dir", sounds)
    assert asked == [{"device": "cpu", "precision": "fp32"}]  # as the index was made


def test_doctor() -> None:
    found = {row["name"]: row for row in rows(run("doctor", "--json"))}
    assert found["torch"]["ok"]
    assert run("doctor").exit_code == 0


MISTAKES = [
    (["search", ""], "an empty query"),
    (["search", "dog", "--dir", "/"], "earshot index"),
    (["search", "dog", "--index", "/nowhere/at/all"], "not a folder"),
    (["index", "/nowhere/at/all"], "not a folder"),
    (["tag", "x.wav", "--labels", "dog,,cat"], "an empty label"),
    (["tag", "x.wav", "--labels", "dog", "--labels-file", "x.txt"], "one of them"),
    (["tag", "x.wav", "--labels-file", "/nowhere.txt"], "No such file"),
    (["tag", "x.wav", "--prompt", "a sound"], "{label}"),
    (["embed", "x.wav"], "--out vectors.npz"),
    (["embed", "x.wav", "--out", "x.csv"], ".npz or .parquet"),
    (["evaluate", "zeroshot", "--data", "x.csv"], "zero-shot"),
]


@pytest.mark.parametrize(("args", "sentence"), MISTAKES, ids=[" ".join(m[0]) for m in MISTAKES])
def test_every_mistake_is_one_sentence_and_exit_1(
    args: list[str],
    sentence: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["earshot", *args])
    with pytest.raises(SystemExit) as exit_status:
        main()
    assert exit_status.value.code == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("earshot: got ")
    assert sentence in shown.err
    assert shown.err.count("\n") == 1


def test_fast_is_a_precision_and_no_other_beside_it(
    sounds: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, Any]] = []

    def load(model: str, **options: Any) -> ToyEmbedder:
        asked.append(options)
        return ToyEmbedder()

    monkeypatch.setattr(loading, "load", load)
    for words in (("--fast",), ("--precision", "fast"), ("--fast", "--precision", "fast")):
        assert run("tag", sounds / "00.wav", *words).exit_code == 0
    assert asked == [{"device": "cpu", "precision": "fast"}] * 3
    result = run("tag", sounds / "00.wav", "--fast", "--precision", "bf16")
    assert isinstance(result.exception, EarShotError)
    assert "--fast with --precision bf16" in str(result.exception)


def test_urls_are_taken_up_again_as_files_are(sounds: Path, tmp_path: Path) -> None:
    url = f"file://{sounds}/00.wav"
    tags, vectors = tmp_path / "tags.jsonl", tmp_path / "vectors.npz"
    for _ in range(2):
        assert run("tag", url, "--out", tags).exit_code == 0
        assert run("embed", url, "--out", vectors).exit_code == 0
    (row,) = [json.loads(line) for line in tags.read_text().splitlines()]
    assert (row["path"], row["size"]) == (url, (sounds / "00.wav").stat().st_size)
    assert "1 files were there before" in run("embed", url, "--out", vectors).stderr
