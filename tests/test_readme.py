"""What the README shows is what happens."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import re
from pathlib import Path

import pytest

from earshot.synth import write_dataset

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")


def test_the_first_example_prints_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "earshot data make sounds --kind sounds --n 60" in README
    write_dataset(tmp_path / "sounds", kind="sounds", n=60, seed=0)
    code, said = re.search(r"```python\n(.*?)```\n\n```text\n(.*?)```", README, re.DOTALL).groups()
    monkeypatch.chdir(tmp_path)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "README.md", "exec"), {})
    # another processor may round a score the other way
    shown = [re.sub(r"^0\.\d\d", "0.00", line) for line in printed.getvalue().splitlines()]
    assert shown == [re.sub(r"^0\.\d\d", "0.00", line) for line in said.splitlines()]


def test_the_table_lists_every_recipe() -> None:
    path = ROOT / "scripts" / "write_papers_table.py"
    spec = importlib.util.spec_from_file_location("write_papers_table", path)
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    assert script.with_table(README) == README, "run: python scripts/write_papers_table.py"
    assert "[`clap`](src/earshot/recipes/clap.py)" in README


@pytest.mark.parametrize("page", sorted(ROOT.glob("*.md")) + sorted(ROOT.glob("docs/**/*.md")))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
        if not target.startswith(("http", "mailto:")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
