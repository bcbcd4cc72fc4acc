"""The page on front ends: its blocks run and print what their comments say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "features.md"


def test_the_blocks_of_the_page_run(capsys: pytest.CaptureFixture[str]) -> None:
    source = "\n".join(re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL))
    exec(compile(source, str(PAGE), "exec"), {})
    promised = re.findall(r"print\(.*\)  # (.*)", source)
    assert len(promised) == 3
    assert capsys.readouterr().out.splitlines() == promised
