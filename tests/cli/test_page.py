from __future__ import annotations

import importlib.util
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "scripts" / "write_cli_page.py"


def test_the_page_says_what_the_commands_say() -> None:
    spec = importlib.util.spec_from_file_location("write_cli_page", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    written = script.PAGE.read_text("utf-8")
    assert written == script.page(), "run: python scripts/write_cli_page.py"
    assert "## earshot search\n" in written
