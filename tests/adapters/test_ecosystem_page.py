"""The page on other tools: its blocks and commands run, and print what stands below them."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

import earshot
from earshot.cli.main import app
from earshot.core.checkpoint import save_checkpoint
from earshot.encoders.strip_transformer import StripTransformerConfig
from earshot.jobs import loading
from earshot.models.towers import AudioTower
from earshot.recipes import clap
from toy_embedder import write_tones

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "ecosystem.md"
APART = ("# needs the network", "# after earshot export onnx")  # tests/adapters run these


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two sounds, and an untrained model in the place of the one that ships."""
    torch.manual_seed(0)
    base = clap.Config.small()
    audio = AudioTower(strips=StripTransformerConfig(n_mels=32, dim=16, depth=1, n_heads=2))
    config = replace(base, model=replace(base.model, audio=audio, fill="none"))
    save_checkpoint(tmp_path / "weights" / "earshot-small", "clap", config, clap.build(config))
    monkeypatch.setattr(loading, "_weights", lambda: tmp_path / "weights")
    write_tones(tmp_path / "sounds", {"dog.wav": ("dog",), "rain.wav": ("rain", "rain", "rain")})
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_blocks_run_in_order(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, object] = {}
    printed = ""
    blocks = re.findall(r"```(\w+)\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    for kind, body in blocks:
        if kind == "python" and not body.startswith(APART):
            exec(compile(body, str(PAGE), "exec"), names)
            printed = capsys.readouterr().out
        elif kind == "text":
            assert printed == body
        elif kind == "bash" and body.startswith("earshot export hf"):
            result = CliRunner().invoke(app, shlex.split(body)[1:])
            assert result.exit_code == 0, result.output
    assert (place / "hub" / "README.md").is_file()
    assert "encoder" in names
    assert "times_ms" in names


def test_the_page_names_what_is_there() -> None:
    text = PAGE.read_text("utf-8")
    for script in re.findall(r"^python (\S+)$", text, re.MULTILINE):
        assert (ROOT / script).is_file()
    for block in APART:
        assert f"```python\n{block}" in text


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_for_a_named_shell(shell: str, tmp_path: Path) -> None:
    assert f"_EARSHOT_COMPLETE=source_{shell} earshot" in PAGE.read_text("utf-8")
    script = complete({"_EARSHOT_COMPLETE": f"source_{shell}"})
    assert "_EARSHOT_COMPLETE=complete_" + shell in script
    words = {
        "bash": {"COMP_WORDS": "earshot sim", "COMP_CWORD": "1"},
        "zsh": {"_TYPER_COMPLETE_ARGS": "earshot sim"},
        "fish": {
            "_TYPER_COMPLETE_ARGS": "earshot sim",
            "_TYPER_COMPLETE_FISH_ACTION": "get-args",
        },
    }[shell]
    found = complete({"_EARSHOT_COMPLETE": f"complete_{shell}", **words})
    assert "similar" in found
    assert "tag" not in found.split()


def complete(variables: dict[str, str]) -> str:
    """What the installed command prints when a shell asks it."""
    code = "import sys; sys.argv = ['earshot']; from earshot.cli.main import main; main()"
    source = str(Path(earshot.__file__).parents[1])
    run = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": source, **variables},
        capture_output=True,
        text=True,
    )
    return run.stdout
