"""earshot run, claim, papers and where, as a person calls them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from earshot.audio import write_audio
from earshot.cli.main import app
from earshot.core.errors import EarShotError
from earshot.recipes import clap
from earshot.synth.combinations import combination_clips
from earshot.training import evaluation
from recipes.tiny_clap import tiny_config
from training.toy_experiment import toy_experiment

TINY = (
    "model.audio.htsat=none", "model.audio.strips.n_mels=32", "model.audio.strips.dim=32",
    "model.audio.strips.depth=1", "model.text.words.transformer.dim=32", "model.fill=none",
    "fit.steps=2", "batch_size=8", "toy.n_train=24", "toy.n_test=8",
)  # fmt: skip
SMALL = [word for change in TINY for word in ("--set", change)]


def earshot(*words: str) -> Result:
    return CliRunner().invoke(app, list(words), catch_exceptions=True)


def fault_of(result: Result) -> EarShotError:
    assert isinstance(result.exception, EarShotError), result.output
    return result.exception


def test_run_trains_resumes_and_says_so_as_json(tmp_path: Path) -> None:
    out = str(tmp_path / "run")
    first = earshot("run", "clap", *SMALL, "--out", out, "--seed", "3", "--json")
    assert first.exit_code == 0, first.output
    row = json.loads(first.stdout.strip().splitlines()[-1])
    assert row["recipe"] == "clap"
    assert row["values"]["zero_shot_chance"] > 0
    begun = json.loads((tmp_path / "run" / "run.json").read_text())
    assert begun["config"]["seed"] == 3
    again = earshot("run", "clap", "--out", out, "--resume", "--json")  # config from the folder
    assert json.loads(again.stdout.strip().splitlines()[-1]) == row
    assert "--resume" in str(fault_of(earshot("run", "clap", *SMALL, "--out", out)))
    other = earshot("run", "clap", "--out", out, "--resume", "--set", "fit.steps=3")
    assert "another config" in str(fault_of(other))


def test_run_takes_a_manifest(tmp_path: Path) -> None:
    config = tiny_config()
    rows = []
    for clip in combination_clips(0, config.toy)[:20]:
        write_audio(tmp_path / f"{clip.id}.wav", clip.audio.waveform, clip.audio.sample_rate)
        rows.append({"audio": f"{clip.id}.wav", "captions": list(clip.captions)})
    manifest = tmp_path / "clips.jsonl"
    manifest.write_text("\n".join(map(json.dumps, rows)))
    out = tmp_path / "run"
    result = earshot("run", "clap", *SMALL, "--data", str(manifest), "--out", str(out))
    assert result.exit_code == 0, result.output
    assert "t2a_r1" in result.stdout
    assert (out / "model.safetensors").is_file()


@pytest.mark.parametrize(
    ("words", "mend"),
    [
        (("run", "clapp"), "Did you mean 'clap'"),
        (("run", "clap", "--preset", "smal"), "Did you mean 'small'"),
        (("run", "clap", "--set", "fit.step=5"), "Did you mean 'fit.steps'"),
        (("run", "clap", "--data", "nowhere.csv"), "Correct the path"),
        (("claim",), "earshot claim clap"),
        (("where", "infonc"), "Did you mean 'infonce'"),
        (("papers", "--family", "alinement"), "Did you mean 'alignment'"),
    ],
)
def test_faults_are_a_sentence_with_its_mend(words: tuple[str, ...], mend: str) -> None:
    assert mend in str(fault_of(earshot(*words)))


def test_papers_lists_every_recipe_without_torch() -> None:
    program = (
        "import sys\nfrom earshot.cli.papers import papers\npapers(None, True)\n"
        "assert 'torch' not in sys.modules and 'numpy' not in sys.modules"
    )
    source = Path(__file__).parents[2] / "src"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": str(source)},
        capture_output=True,
        text=True,
        check=True,
    )
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert "2211.06687" in next(row for row in rows if row["key"] == "clap")["arxiv"]


def test_where_finds_a_paper_and_a_part() -> None:
    rows = [json.loads(line) for line in earshot("where", "clap", "--json").stdout.splitlines()]
    found = {row["what"]: Path(row["path"]) for row in rows}
    assert set(found) == {"recipe", "docs", "results", "tests"}
    assert all(path.is_file() for path in found.values())
    for name in ("InfoNCE", "infonce"):
        shown = earshot("where", name).stdout
        assert "objectives/infonce.py" in shown
        assert "used by clap" in shown
    assert Path(evaluation.__file__).name in earshot("where", "evaluation").stdout


def test_claim_measures_keeps_and_writes_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clap, "claim", toy_experiment)
    places = ("--out", str(tmp_path / "results"), "--work", str(tmp_path / "work"))
    docs = ("--docs", str(tmp_path / "docs"))
    result = earshot("claim", "clap", *places, *docs, "--json")
    assert result.exit_code == 0, result.output
    rows = [json.loads(line) for line in result.stdout.splitlines() if line.startswith("{")]
    assert [row["verdict"] for row in rows] == ["holds", "fails", "holds"]
    written = json.loads((tmp_path / "results" / "clap.json").read_text())
    assert written["seeds"] == [0, 1, 2]
    assert "**holds**" in (tmp_path / "docs" / "results.md").read_text()
    assert (tmp_path / "docs" / "papers" / "clap.svg").read_text().startswith("<svg")
    again = earshot("claim", "clap", *places)
    assert again.stderr.count("kept from before") == 6
    assert "accuracy of method above control  +0.700" in again.stdout
