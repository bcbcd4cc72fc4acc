"""The page on alignment: its blocks run as one program, and every setting is told."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from earshot.training.harmonizer import HarmonyConfig

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "alignment.md").read_text("utf-8")


def test_the_blocks_run_as_one_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert len(blocks) >= 5
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for number, block in enumerate(blocks):
        exec(compile(block, f"alignment.md, block {number + 1}", "exec"), names)
    told = capsys.readouterr().out
    taught = re.findall(r"^(\w+): ([\d.]+) named, ([\d.]+) found$", told, re.MULTILINE)
    ways = {"plain", "JointNCE", "candidates", "groups", "graded", "rewritten", "harmonised"}
    assert ways <= {name for name, *_ in taught}
    kept = re.search(r"kept ([\d.]+) of the samples", told)
    assert kept is not None
    assert 0 < float(kept.group(1)) <= 1


def test_every_setting_is_documented() -> None:
    table = PAGE[PAGE.index("| `harmony.` |") :]
    named = set(re.findall(r"`(\w+)`", table))
    assert {field.name for field in dataclasses.fields(HarmonyConfig)} <= named


def test_the_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([\w/.]+)\)", PAGE):
        assert (DOCS / target).is_file(), target
