"""earshot evaluate caption: files in, figures, reasons and differences out."""

import json

import pytest
from typer.testing import CliRunner

import caption_fixtures as known
from earshot.cli.main import app

RUN = CliRunner()


@pytest.fixture
def files(tmp_path):
    candidates, references = known.BARKING
    good, bad, told = tmp_path / "good.csv", tmp_path / "bad.txt", tmp_path / "references.jsonl"
    rows = "".join(f'{i},"{text}"\n' for i, text in enumerate(candidates))
    good.write_text("id,caption\n" + rows)
    bad.write_text("\n".join(candidates[::-1]) + "\n")
    lines = [json.dumps({"id": str(i), "captions": each}) for i, each in enumerate(references)]
    told.write_text("\n".join(lines))
    return str(good), str(bad), str(told)


def run(*arguments: str):
    return RUN.invoke(app, ["evaluate", "caption", "--tokenizer", "python", *arguments])


def test_figures_of_two_files_and_their_difference(files, tmp_path) -> None:
    good, bad, told = files
    clips = tmp_path / "clips.jsonl"
    done = run(good, bad, "--references", told, "--json", "--clips", str(clips))
    assert done.exit_code == 0, done.output
    first, second, difference = (json.loads(line) for line in done.stdout.splitlines())
    figures = {name: first["metrics"][name] for name in known.BARKING_CORPUS}
    assert figures == pytest.approx(known.BARKING_CORPUS, abs=1e-6)
    assert first["n"] == 3
    assert first["references_per_clip"] == [2, 2]
    assert first["tokenizer"] == "earshot.ptb"
    low, high = first["intervals"]["cider_d"]
    assert low < first["metrics"]["cider_d"] < high
    assert second["metrics"]["event_f1"] < first["metrics"]["event_f1"]
    by_name = {each["figure"]: each for each in difference["differences"]}
    assert by_name["rouge_l"]["value"] < 0
    rows = [json.loads(line) for line in clips.read_text().splitlines()]
    assert len(rows) == 6
    assert rows[0]["cider_d"] == pytest.approx(known.BARKING_CLIPS["cider_d"][0], abs=1e-6)


def test_people_read_what_the_figures_hang_on(files) -> None:
    done = run(files[0], "--references", files[2])
    assert "references a clip: 2; words by earshot.ptb" in done.stdout
    assert "cider_d                      2.533" in done.stdout


def test_spider_is_not_there_without_spice(files, monkeypatch, tmp_path) -> None:
    monkeypatch.setattr("earshot.metrics.caption_files.PACKAGE", "no_such_package")
    done = run(files[0], "--references", files[2], "--metrics", "dcase2024", "--json")
    row = json.loads(done.stdout)
    assert not {"spider", "spice", "meteor", "fense"} & row["metrics"].keys()
    assert {"cider_d", "event_f1"} <= row["metrics"].keys()
    assert "spice-1.0.jar is missing" in row["unavailable"]["spice"]
    assert "echecker_clotho_audiocaps_base.ckpt" in row["unavailable"]["fluency_error_rate"]
    told = run(files[0], "--references", files[2], "--metrics", "dcase2024").stdout
    assert "spice                        unavailable: spice-1.0.jar is missing" in told


def test_known_sounds_are_scored_in_their_order(tmp_path) -> None:
    (tmp_path / "written.txt").write_text("a dog barks, then a church bell\nrain after wind\n")
    span = [{"onset_s": 0.0, "offset_s": 1.0}, {"onset_s": 2.0, "offset_s": 3.0}]
    gold = [["dog bark", "church bell"], ["rain", "wind"]]
    rows = [
        {
            "captions": ["x y"],
            "events": [{"kind": k, **s} for k, s in zip(kinds, span, strict=True)],
        }
        for kinds in gold
    ]
    told = tmp_path / "references.jsonl"
    told.write_text("\n".join(json.dumps(row) for row in rows))
    done = run(str(tmp_path / "written.txt"), "--references", str(told), "--json")
    row = json.loads(done.stdout)
    assert row["events"] == "of the clips"
    assert row["metrics"]["event_f1"] == 1
    assert row["metrics"]["order_accuracy"] == 0.5


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--metrics", "dcase23"], "Did you mean"),
        (["--metrics", "bleu,cidr_d"], "Did you mean"),
        (["--files", "nowhere"], "nowhere, which is no folder"),
        (["--sentence-encoder", "nowhere"], "nowhere, which is no folder"),
        (["--clips", "clips.csv"], "ends in .jsonl"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(files, more, words) -> None:
    done = run(files[0], "--references", files[2], *more)
    assert done.exit_code != 0
    assert words in str(done.exception) + done.output
