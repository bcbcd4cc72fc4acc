"""earshot rewrite as a person calls it: by rule, and with a model behind an endpoint."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from earshot.cli.main import app
from earshot.core.errors import EarShotError
from earshot.data.columns import parse_columns
from earshot.data.rewritten import COLUMN
from earshot.jobs.rewriting import rewrite_manifest
from earshot.text.paraphrasing import RuleParaphraser
from earshot.text.rewriting import RuleRewriter
from llm.fake_server import FakeServer, caption_of, serving

CAPTIONS = ["a dog barks", "rain falls on a roof", "a dog barks", "a florp wobbles quietly"]


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    rows = [{"audio": f"{i}.wav", "caption": text, "n": i} for i, text in enumerate(CAPTIONS)]
    path = tmp_path / "data" / "clips.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def rewrite(*words: object) -> Result:
    return CliRunner().invoke(app, ["rewrite", *map(str, words)], catch_exceptions=True)


def rows_of(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def by_model(manifest: Path, out: Path, server: FakeServer, *more: object) -> Result:
    return rewrite(manifest, "--out", out, "--llm", server.url, "--llm-model", "toy", *more)


def test_by_rule_every_row_gets_its_rewrites(manifest: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    result = rewrite(manifest, "--out", out, "-n", 3)
    assert result.exit_code == 0, result.output
    assert "1 captions name no sound that is known, such as 'a florp wobbles quietly'" in (
        result.stderr
    )
    assert "6 rewrites of 3 captions, 4 rows" in result.stderr
    rows = rows_of(out)
    assert [row["n"] for row in rows] == [0, 1, 2, 3]
    assert rows[0]["audio"] == "data/0.wav"  # relative to where the new table is
    assert [len(row[COLUMN]) for row in rows] == [3, 3, 3, 0]
    assert rows[0][COLUMN] == rows[2][COLUMN] == list(RuleRewriter().rewrite("a dog barks", 3))
    again = rewrite(manifest, "--out", tmp_path / "again.jsonl", "-n", 3, "--seed", 1)
    assert again.exit_code == 0
    assert rows_of(tmp_path / "again.jsonl") != rows


def test_json_lines_say_what_became_of_each_caption(manifest: Path, tmp_path: Path) -> None:
    result = rewrite(manifest, "--out", tmp_path / "out.jsonl", "-n", 1, "--json")
    said = [json.loads(line) for line in result.stdout.splitlines()]
    assert [each["caption"] for each in said] == list(dict.fromkeys(CAPTIONS))
    assert [len(each["rewrites"]) for each in said] == [1, 1, 0]


def test_a_csv_holds_lists_as_released_tables_do(manifest: Path, tmp_path: Path) -> None:
    rewrite(manifest, "--out", tmp_path / "out.csv", "-n", 2)
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        first, *_, last = csv.DictReader(file)
    assert first[COLUMN] == repr(list(RuleRewriter().rewrite("a dog barks", 2)))
    assert last[COLUMN] == "[]"


def test_several_captions_a_row_are_told_by_caption(tmp_path: Path) -> None:
    source = tmp_path / "five.csv"
    source.write_text("file_name,caption_1,caption_2\na.wav,a dog barks,rain falls\n")
    rewrite(source, "--out", tmp_path / "out.jsonl", "-n", 1)
    (row,) = rows_of(tmp_path / "out.jsonl")
    assert list(row[COLUMN]) == ["a dog barks", "rain falls"]
    assert all(len(texts) == 1 for texts in row[COLUMN].values())


def test_a_model_is_asked_once_a_caption_and_answers_are_kept(
    manifest: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.jsonl"
    with serving(lambda body: f"Sure!\n\nLike {caption_of(body)}") as server:
        first = by_model(manifest, out, server, "-n", 1)
        assert first.exit_code == 0, first.output
        assert len(server.requests) == 3  # different captions
        assert "3 calls (0 retries), 0 answers from the cache" in first.stderr
        assert "21 tokens in and 9 out" in first.stderr
        assert rows_of(out)[1][COLUMN] == ["Like rain falls on a roof"]
        done = by_model(manifest, out, server, "-n", 1)  # the journal has it all
        assert "0 calls" in done.stderr
        (tmp_path / "out.jsonl.done").unlink()
        cached = by_model(manifest, out, server, "-n", 1)
        assert "0 calls (0 retries), 3 answers from the cache" in cached.stderr
        more = by_model(manifest, out, server, "-n", 2)  # a second draw of each
        assert "3 calls (0 retries), 3 answers from the cache" in more.stderr
        moved = tmp_path / "kept"
        by_model(manifest, tmp_path / "b.jsonl", server, "-n", 1, "--llm-cache", moved)
        assert len(list(moved.rglob("*.json"))) == 3


def test_faults_that_pass_are_tried_again(manifest: Path, tmp_path: Path) -> None:
    faults = [(503, {"retry-after": "0"}), (429, {"retry-after": "0"})]
    with serving(lambda body: faults.pop() if faults else "A low hum") as server:
        result = by_model(manifest, tmp_path / "out.jsonl", server, "-n", 1, "--concurrency", 1)
    assert result.exit_code == 0, result.output
    assert "3 calls (2 retries)" in result.stderr


def test_requests_run_together(manifest: Path, tmp_path: Path) -> None:
    rows = [{"audio": f"{i}.wav", "caption": f"dog {i}"} for i in range(12)]
    manifest.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with serving(lambda body: "Like " + caption_of(body), delay_s=0.05) as server:
        by_model(manifest, tmp_path / "out.jsonl", server, "-n", 1, "--concurrency", 3)
    assert server.most == 3
    told = [row[COLUMN] for row in rows_of(tmp_path / "out.jsonl")]
    assert told == [[f"Like dog {i}"] for i in range(12)]


def test_what_fails_is_listed_and_asked_for_again_alone(manifest: Path, tmp_path: Path) -> None:
    out, good = tmp_path / "out.jsonl", "A soft patter"
    with serving(lambda b: "Error" if "rain" in caption_of(b) else good) as server:
        result = by_model(manifest, out, server, "-n", 1)
        assert result.exit_code == 2, result.output
        assert "rain falls on a roof" in result.stderr
        assert "no rewrite in 1 answers, such as 'Error'" in result.stderr
    assert [row[COLUMN] for row in rows_of(out)] == [[good], [], [good], [good]]
    with serving(lambda body: good) as server:  # another port; the same model
        again = by_model(manifest, out, server, "-n", 1, "--llm-cache", tmp_path / "other")
    assert again.exit_code == 0, again.output
    assert [caption_of(body) for body in server.requests] == ["rain falls on a roof"]
    assert rows_of(out)[1][COLUMN] == [good]


def test_a_wrong_key_ends_it_and_keeps_what_was_done(manifest: Path, tmp_path: Path) -> None:
    turn: list[int] = []

    def reply(body: dict) -> object:
        turn.append(1)
        return "A low hum" if len(turn) == 1 else (401, {})

    with serving(reply) as server:
        result = by_model(manifest, tmp_path / "out.jsonl", server, "-n", 1, "--concurrency", 1)
    assert isinstance(result.exception, EarShotError)
    assert "EARSHOT_LLM_API_KEY" in str(result.exception)
    assert len(rows_of(tmp_path / "out.jsonl.done")) == 1


def test_a_line_that_a_kill_cut_is_done_again(manifest: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    rewrite(manifest, "--out", out)
    whole, journal = out.read_text(), tmp_path / "out.jsonl.done"
    lines = journal.read_text().splitlines(keepends=True)
    journal.write_text(lines[0] + lines[1][:20])
    out.unlink()
    result = rewrite(manifest, "--out", out, "--json")
    assert len(result.stdout.splitlines()) == 2  # the first was there
    assert out.read_text() == whole
    assert len(rows_of(journal)) == 3


def test_another_rewriter_s_lines_are_not_used(manifest: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    rewrite(manifest, "--out", out)
    before = out.read_text()
    rewrite(manifest, "--out", out, "--seed", 5)
    assert out.read_text() != before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["none.jsonl", "--out", "o.jsonl"], "not a file"),
        (["clips.jsonl", "--out", "o.txt"], "ends in .jsonl or .csv"),
        (["clips.jsonl", "--out", "clips.jsonl"], "another file"),
        (["clips.jsonl", "--out", "o.jsonl", "--llm", "http://localhost:1/v1"], "--llm-model"),
        (["clips.jsonl", "--out", "o.jsonl", "--llm-model", "toy"], "both, or neither"),
        (["clips.jsonl", "--out", "o.jsonl", "--llm", "here", "--llm-model", "toy"], "a URL"),
        (["clips.jsonl", "--out", "o.jsonl", "--column", "caption=x"], "one of audio"),
        (["labels.csv", "--out", "o.jsonl"], "a column of captions"),
    ],
)
def test_what_cannot_be_is_a_sentence(
    words: list[str], said: str, manifest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(manifest.parent)
    Path("labels.csv").write_text("path,label\na.wav,dog\n")
    result = rewrite(*words)
    assert isinstance(result.exception, EarShotError), result.output
    assert said in str(result.exception)
    assert not Path("o.jsonl").exists()


def test_a_broken_row_is_listed_and_the_others_are_done(manifest: Path, tmp_path: Path) -> None:
    with manifest.open("a") as file:
        file.write("{broken\n")
    result = rewrite(manifest, "--out", tmp_path / "out.jsonl")
    assert result.exit_code == 2
    assert "line 5" in result.stderr
    assert len(rows_of(tmp_path / "out.jsonl")) == 4


def test_any_rewriter_may_be_handed_in(manifest: Path, tmp_path: Path) -> None:
    class Shouting:
        identity = "shouting"

        def rewrite(self, caption: str, n: int) -> tuple[str, ...]:
            if "florp" in caption:
                raise EarShotError(got="a florp", expected="a sound", mend="Name another.")
            return (caption.upper(),)

    done = rewrite_manifest(
        manifest, tmp_path / "o.jsonl", Shouting(), columns=parse_columns(["caption=caption"])
    )
    assert (done.n_rows, done.n_captions, done.n_rewrites, done.unknown) == (4, 3, 2, [])
    assert [fault.path for fault in done.failures] == ["a florp wobbles quietly"]
    with pytest.raises(EarShotError, match="1 or more"):
        rewrite_manifest(manifest, tmp_path / "o.jsonl", Shouting(), n=0)


def test_paraphrases_by_rule_and_by_a_model(manifest: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    result = rewrite(manifest, "--out", out, "-n", 2, "--how", "paraphrase")
    assert result.exit_code == 0, result.output
    rows = rows_of(out)
    assert rows[0][COLUMN] == list(RuleParaphraser().rewrite("a dog barks", 2))
    assert rows[0][COLUMN][0].split()[1] in ("dog", "hound", "canine")
    with serving(lambda body: "A hound is barking") as server:
        asked = by_model(manifest, tmp_path / "llm.jsonl", server, "--how", "paraphrase", "-n", 1)
        assert asked.exit_code == 0, asked.output
        sent = json.dumps(server.requests)
    assert rows_of(tmp_path / "llm.jsonl")[0][COLUMN] == ["A hound is barking"]
    assert "in other words" in sent
    assert "imagine how the clip sounds" not in sent
