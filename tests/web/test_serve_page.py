"""The docs page on serving: its blocks run against a real server."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from earshot.web.library import Library
from web_calls import running

PAGE = Path(__file__).parents[2] / "docs" / "serve.md"


def test_the_blocks_of_the_page_run(
    libraries: list[Library], capsys: pytest.CaptureFixture[str]
) -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert len(blocks) == 2
    with running(libraries) as address:
        for block in blocks:
            if "openai" in block:
                pytest.importorskip("openai", reason="the openai client is not installed")
            here = block.replace("http://127.0.0.1:8008", address)
            here = here.replace("earshot-small", "toy")
            exec(compile(here, str(PAGE), "exec"), {})
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("pets/dog bark.wav 0.0 ")
    assert lines[3:] == ["dog", "6"]


def test_the_routes_of_the_page_are_those_of_the_server(libraries: list[Library]) -> None:
    from earshot.web.app import create_app

    text = PAGE.read_text("utf-8").replace("`.../picture`", "`/v1/sounds/{id}/picture`")
    for path in create_app(libraries).openapi()["paths"]:
        assert f"{path}`" in text, path
