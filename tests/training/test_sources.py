from __future__ import annotations

from pathlib import Path

import pytest

from earshot.training import sources
from earshot.training.sources import source_digest, sources_of


def names(module: str) -> set[str]:
    return {path.relative_to(sources.PACKAGE).as_posix() for path in sources_of(module)}


def test_a_recipe_depends_on_its_parts_and_not_on_commands() -> None:
    found = names("earshot.recipes.clap")
    assert {"recipes/clap.py", "objectives/infonce.py", "core/errors.py"} <= found
    assert not any(name.startswith("cli/") for name in found)


def test_a_change_below_changes_the_digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in {
        "recipes/one.py": "from earshot.layers.a import A\n",
        "recipes/two.py": "import math\n",
        "layers/a.py": "def f():\n    from earshot.core import seed\n",
        "core/seed.py": "x = 1\n",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(sources, "PACKAGE", tmp_path)
    before = source_digest("earshot.recipes.one"), source_digest("earshot.recipes.two")
    (tmp_path / "core" / "seed.py").write_text("x = 2\n")
    after = source_digest("earshot.recipes.one"), source_digest("earshot.recipes.two")
    assert before[0] != after[0]
    assert before[1] == after[1]
