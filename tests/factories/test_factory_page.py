"""What docs/factory.md shows runs, and its table is what its own sums give."""

from __future__ import annotations

import csv
import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from earshot.cli.main import app
from toy_embedder import write_tones

PAGE = (Path(__file__).parents[2] / "docs" / "factory.md").read_text("utf-8")
BLOCKS = re.findall(r"```(bash|python|toml)\n(.*?)```", PAGE, flags=re.DOTALL)


@pytest.fixture
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working folder with sounds of two labels."""
    write_tones(tmp_path, {"dog.wav": ("dog",), "rain.wav": ("rain",), "c.wav": ("dog",)})
    for name, place in (("dog.wav", "dog"), ("rain.wav", "rain"), ("c.wav", ".")):
        (tmp_path / "clips" / place).mkdir(parents=True, exist_ok=True)
        (tmp_path / name).rename(tmp_path / "clips" / place / name)
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("_folder")
def test_every_block_runs_in_the_order_of_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    printed: list[str] = []
    for language, block in BLOCKS:
        if language == "toml":
            Path("job.toml").write_text(block)
            assert CliRunner().invoke(app, ["factory", "run", "job.toml"]).exit_code == 0
        elif "def factory" in block:
            Path("yard.py").write_text(block)
        elif language == "python":
            exec(compile(block, "docs/factory.md", "exec"), {})
            printed.append(capsys.readouterr().out)
        else:
            for line in block.strip().splitlines():
                words = shlex.split(line.partition("  #")[0])
                result = CliRunner().invoke(app, words[1:], catch_exceptions=False)
                assert result.exit_code == 0, (line, result.output)
    with Path("captions.csv").open(encoding="utf-8") as file:
        captions = {row["id"]: row["caption"] for row in csv.DictReader(file)}
    assert captions == {"dog/dog.wav": "Dog in the rain.", "rain/rain.wav": "Rain in the rain."}
    rows, table = printed
    assert "'caption': 'Dog in the rain.'" in rows
    assert table in PAGE
