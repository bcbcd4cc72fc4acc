"""What docs/jobs.md shows runs, and its table of fields is that of the rows."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from earshot.cli.main import app
from earshot.jobs import loading
from toy_embedder import ToyEmbedder, write_tones

PAGE = (Path(__file__).parents[2] / "docs" / "jobs.md").read_text("utf-8")
BLOCKS = re.findall(r"```(bash|python)\n(.*?)```", PAGE, flags=re.DOTALL)


@pytest.fixture
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working folder with what the page speaks of."""
    names = {"door.wav": ("bell",), "yard.wav": ("dog", "dog"), "field/a.flac": ("rain",) * 4}
    write_tones(tmp_path / "sounds", names)
    write_tones(tmp_path / "recordings", names)
    for folder in ("sounds", "recordings"):
        write_tones(tmp_path / folder, {f"field/{i:02d}.wav": ("rain", "car") for i in range(20)})
    (tmp_path / "elsewhere").mkdir()
    labels = ["path,label", "recordings/door.wav,a knock", "recordings/yard.wav,a dog"]
    (tmp_path / "labels.csv").write_text("\n".join(labels))
    lines = [f"{name},{words[0]},a {words[0]},test" for name, words in names.items()]
    (tmp_path / "sounds/manifest.csv").write_text("\n".join(["path,label,caption,split", *lines]))
    rows = [
        {"path": f"sounds/{name}", "caption": f"a {words[0]}", "split": "test"}
        for name, words in names.items()
    ]
    (tmp_path / "captions.jsonl").write_text("\n".join(map(json.dumps, rows)))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(loading, "load", lambda model, **_: ToyEmbedder())


@pytest.mark.usefixtures("_folder")
def test_every_block_runs_in_the_order_of_the_page() -> None:
    assert len(BLOCKS) >= 6
    for language, block in BLOCKS:
        if language == "python":
            exec(compile(block, "docs/jobs.md", "exec"), {})
            continue
        for line in block.strip().splitlines():
            program, *words = shlex.split(line)
            assert program == "earshot"
            result = CliRunner().invoke(app, words)
            assert result.exit_code == 0, f"{line}\n{result.output}\n{result.exception}"


@pytest.mark.usefixtures("_folder")
def test_the_fields_of_every_row_are_on_the_page() -> None:
    commands = {
        "index": ["index", "sounds"],
        "search": ["search", "dog", "--dir", "sounds"],
        "similar": ["similar", "sounds/door.wav", "--dir", "sounds"],
        "tag": ["tag", "sounds", "--labels", "dog,cat"],
        "embed": ["embed", "sounds"],
        "evaluate": ["evaluate", "zero-shot", "--data", "sounds/manifest.csv"],
        "store stats": ["store", "stats", "--dir", "sounds"],
        "doctor": ["doctor"],
    }
    table = {
        name: set(re.findall(r"\w+", line.split("|")[2]))
        for line in PAGE.splitlines()
        if line.startswith("| `")
        for name in re.findall(r"`([\w ]+)`", line.split("|")[1])
    }
    for name, words in commands.items():
        result = CliRunner().invoke(app, [*words, "--json"])
        assert result.exit_code == 0, result.output
        fields = json.loads(result.stdout.splitlines()[0]).keys()
        assert fields <= table[name], f"{name}: {sorted(fields - table[name])} not on the page"
