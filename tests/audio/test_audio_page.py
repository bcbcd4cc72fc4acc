"""The page on sound: its blocks run and print what stands below them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from earshot.audio.find import AUDIO_SUFFIXES
from earshot.audio.write import FORMATS

PAGE = Path(__file__).parents[2] / "docs" / "audio.md"


def test_the_blocks_of_the_page_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    text = PAGE.read_text("utf-8")
    source = "\n".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL))
    exec(compile(source, str(PAGE), "exec"), {})
    assert capsys.readouterr().out == "".join(re.findall(r"```text\n(.*?)```", text, re.DOTALL))


def test_what_is_written_is_found() -> None:
    assert {f".{suffix}" for suffix in FORMATS} <= AUDIO_SUFFIXES
