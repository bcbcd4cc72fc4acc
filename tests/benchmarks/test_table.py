"""Tables of arms and the pages that they are written into."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [name for name in ("blend", "probes") if (ROOT / "results" / f"{name}.json").is_file()]


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import table

    return table


@pytest.mark.parametrize("name", PAGES)
def test_the_page_is_current(table, name: str) -> None:
    result = json.loads((ROOT / "results" / f"{name}.json").read_text())
    page = (ROOT / "docs" / f"{name}.md").read_text()
    assert table.tables(result) in page, f"run: python benchmarks/{name}.py --page-only"


def test_tables_stand_between_the_marks(table, tmp_path: Path) -> None:
    result = json.loads((ROOT / "results" / "clap.json").read_text())
    page = tmp_path / "blend.md"
    marks = [f"<!-- written by make blend: {word} -->" for word in ("begin", "end")]
    page.write_text(f"before\n{marks[0]}\nstale words\n{marks[1]}\nafter\n")
    table.write_page(tmp_path, "blend", result)
    text = page.read_text()
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
    assert "stale words" not in text
    assert all(f"| {name}: " in text for name in result["arms"])
    assert (tmp_path / "images" / "blend.svg").read_text().startswith("<svg")
