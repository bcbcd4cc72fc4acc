"""The layout: imports point one way, files stay small."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "earshot"

# Each room may import itself and the rooms named here: the data flow, top to bottom.
MAY_IMPORT = {
    "core": "",
    "audio": "core",
    "text": "core",
    "data": "core audio text",
    "features": "core audio",
    "layers": "core",
    "encoders": "core features layers text",
    "objectives": "core",
    "metrics": "core text",
    "synth": "core audio text data",
    "decoders": "core text layers",
    "models": "core audio text features layers encoders objectives decoders",
    "index": "core",
    "llm": "core",
    "training": "synth core audio text data layers encoders objectives metrics decoders models",
    "engines": "core audio models",
    "factories": "core audio text data metrics models llm engines",
    "recipes": "core audio text data features layers encoders objectives metrics synth decoders "
    "models training factories",
    "catalogue": "core text recipes",
    "jobs": "core audio text data features metrics decoders models index llm training recipes "
    "synth engines factories",
    "web": "core audio index engines jobs models",
    "adapters": "core audio models jobs engines index text layers encoders features",
    "cli": "core audio text data metrics synth decoders index llm training recipes engines jobs "
    "models web adapters factories catalogue",
}
MAX_LINES = 400
LONGER = {}  # file -> why it is one concept in more than 400 lines


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def imports_of(path: Path) -> set[str]:
    """The rooms that a file imports from, wherever in the file."""
    rooms = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module]
            if node.module == "earshot":
                names = [f"earshot.{alias.name}" for alias in node.names]
        rooms |= {name.split(".")[1] for name in names if name.startswith("earshot.")}
    return rooms


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_one_way(path: Path) -> None:
    room = path.relative_to(PACKAGE).parts[0]
    if room.endswith(".py"):
        assert imports_of(path) <= {"cli"} if room == "__main__.py" else not imports_of(path)
        return
    allowed = {room, *MAY_IMPORT[room].split()}
    extra = imports_of(path) - allowed - {"__version__"}
    assert not extra, f"{path.relative_to(PACKAGE)} imports {sorted(extra)}; {room} may not"


def test_every_room_is_in_the_table() -> None:
    rooms = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert rooms == set(MAY_IMPORT)


def test_the_table_has_no_circle() -> None:
    seen: list[str] = []
    for room, others in MAY_IMPORT.items():
        assert set(others.split()) <= set(seen) | {room} or room in ("jobs", "cli"), room
        seen.append(room)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_files_stay_small(path: Path) -> None:
    name = str(path.relative_to(PACKAGE))
    lines = len(path.read_text("utf-8").splitlines())
    assert lines <= MAX_LINES or name in LONGER, (
        f"{name} has {lines} lines: find the second concept"
    )


def test_recipes_never_import_recipes() -> None:
    for path in (PACKAGE / "recipes").glob("[a-z]*.py"):
        assert "recipes" not in imports_of(path), path.name
