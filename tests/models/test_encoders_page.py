"""The page of encoders: its program runs, and it names what there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from earshot.recipes import keys, paper_of

PAGE = Path(__file__).parents[2] / "docs" / "encoders.md"


def test_the_program_on_the_page_runs(capsys: pytest.CaptureFixture[str]) -> None:
    [program] = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    exec(compile(program, str(PAGE), "exec"), {})
    [promised] = re.findall(r"^# (torch.*)$", program, re.MULTILINE)
    assert capsys.readouterr().out.splitlines() == [promised]


def test_every_representation_recipe_is_in_the_table() -> None:
    text = PAGE.read_text()
    wanted = {key for key in keys() if paper_of(key).family == "representation"} - {"coconut"}
    assert set(re.findall(r"\[`(\w+)`\]\(papers/\1\.md\)", text)) == wanted
