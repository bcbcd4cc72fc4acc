"""The table of what each alignment method adds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def blend(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import blend

    return blend


def test_the_page_is_current(blend) -> None:
    result = json.loads((ROOT / "results" / "blend.json").read_text())
    assert (
        f"{blend.BEGIN}\n{blend.tables(result)}\n{blend.END}"
        in (ROOT / "docs" / "blend.md").read_text()
    ), "run: python benchmarks/blend.py --page-only"


def test_tables_stand_between_the_marks(blend, tmp_path: Path) -> None:
    result = json.loads((ROOT / "results" / "clap.json").read_text())
    page = tmp_path / "blend.md"
    page.write_text(f"before\n{blend.BEGIN}\nstale words\n{blend.END}\nafter\n")
    blend.write_page(tmp_path, result)
    text = page.read_text()
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
    assert "stale words" not in text
    assert all(f"| {name}: " in text for name in result["arms"])
    assert (tmp_path / "images" / "blend.svg").read_text().startswith("<svg")
