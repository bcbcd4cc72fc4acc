"""The page on training: its Python block runs, its commands and settings exist."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from earshot.training.fit import FitConfig

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "training.md").read_text("utf-8")


def test_the_block_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert len(blocks) == 1
    monkeypatch.chdir(tmp_path)
    exec(compile(blocks[0], "training.md", "exec"), {})
    steps, loss = re.search(r"(\d+) steps, loss ([\d.]+)", capsys.readouterr().out).groups()
    assert steps == "200"
    assert float(loss) < 0.1
    assert (tmp_path / "runs" / "sums" / "checkpoints" / "step-00000200").is_dir()


def test_every_setting_is_documented() -> None:
    table = PAGE[PAGE.index("| `fit.` |") : PAGE.index("## Claims")]
    named = set(re.findall(r"`(\w+)`", table))
    assert {field.name for field in dataclasses.fields(FitConfig)} <= named
