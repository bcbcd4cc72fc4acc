"""What docs/rewriting.md shows runs, with a model's place taken by a server of the test."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from earshot.cli.main import app
from earshot.jobs import loading
from earshot.text.prompt_bank import shipped_bank, shipped_banks
from earshot.text.rewriting import RuleRewriter
from llm.fake_server import serving
from toy_embedder import ToyEmbedder, write_tones

pytest.importorskip("openai", reason="needs pip install 'earshot[llm]'")

PAGE = (Path(__file__).parents[2] / "docs" / "rewriting.md").read_text("utf-8")
BLOCKS = re.findall(r"```(bash|python|json|text)\n(.*?)```", PAGE, flags=re.DOTALL)
URL = "http://localhost:8000/v1"


@pytest.fixture
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working folder with what the page speaks of."""
    names = {"yard.wav": ("dog", "dog")} | {f"{i:02d}.wav": ("dog", "rain")[:1] for i in range(6)}
    names |= {f"{i:02d}.wav": ("rain",) for i in range(6, 12)}
    write_tones(tmp_path, names)
    rows = [(name, words[0]) for name, words in names.items()]
    lines = [f"{name},{word},a {word} outside" for name, word in rows]
    (tmp_path / "sounds.csv").write_text("\n".join(["path,label,caption", *lines]))
    (tmp_path / "captions.csv").write_text("\n".join(["path,label,caption", *lines]))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(loading, "load", lambda model, **_: ToyEmbedder())


def reply(body: dict) -> str:
    form = body.get("response_format")
    if form is None:
        return "A low hum"
    (key,) = form["json_schema"]["schema"]["required"]
    return json.dumps({key: ["a dry whine", "a steady squeal"]})


@pytest.mark.usefixtures("_folder")
def test_every_block_runs_in_the_order_of_the_page() -> None:
    assert {language for language, _ in BLOCKS} == {"bash", "python", "json", "text"}
    names: dict[str, object] = {}
    with serving(reply) as server:
        for language, block in BLOCKS:
            if language == "json":
                Path("machines.jsonl").write_text(block)
            elif language == "python":
                exec(compile(block.replace(URL, server.url), "docs/rewriting.md", "exec"), names)
            elif language == "bash":
                for line in block.replace(URL, server.url).strip().splitlines():
                    program, *words = shlex.split(line)
                    assert program == "earshot"
                    result = CliRunner().invoke(app, words)
                    assert result.exit_code == 0, f"{line}\n{result.output}\n{result.exception}"
    assert Path("by_model.jsonl").is_file()
    assert Path("by_model_bank.jsonl").is_file()


def test_the_rewrites_shown_are_the_rules_() -> None:
    shown = next(block for language, block in BLOCKS if language == "text").splitlines()
    assert len(shown) == 2
    told = RuleRewriter().rewrite("A dog barks, then rain falls on a roof", 40)
    assert set(shown) <= set(told)


def test_the_banks_of_the_table_are_those_that_ship() -> None:
    table = PAGE[PAGE.index("| bank |") : PAGE.index("All were written")]
    assert set(re.findall(r"^\| `(\w+)`", table, re.MULTILINE)) == set(shipped_banks())
    for name, n in (("esc50", 50), ("audioset", 632), ("kinds", 131), ("instruments", 10)):
        assert len(shipped_bank(name)) == n
