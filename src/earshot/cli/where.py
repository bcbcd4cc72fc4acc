"""earshot where: the files of a paper, or the papers that use a part."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Annotated, TypeGuard

import typer

from earshot.cli import console


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command()(where)


def where(
    name: Annotated[str, typer.Argument(metavar="KEY|PART", help="clap, or InfoNCE, or htsat.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a file.")] = False,
) -> None:
    """Show the files of a paper, or the file of a part and the papers that use it."""
    from earshot.core.errors import unknown_name
    from earshot.recipes import keys

    parts = _parts()
    if name in keys():
        rows = _paper_files(name)
    elif name.lower() in parts:
        rows = []
        for path in parts[name.lower()]:
            users = [key for key in keys() if path in _used_by(key)]
            rows += [{"what": "part", "path": str(path)}]
            rows += [{"what": f"used by {key}", "path": str(_recipe(key))} for key in users]
    else:
        raise unknown_name("paper or part", name, [*keys(), *parts])
    for row in rows:
        if as_json:
            console.json_line(row)
        else:
            print(f"{row['what']:<16} {row['path']}")


def _paper_files(key: str) -> list[dict[str, str]]:
    """Recipe, and in a source checkout docs, results and tests."""
    root = _package().parents[1]
    files = {
        "recipe": _recipe(key),
        "docs": root / "docs" / "papers" / f"{key}.md",
        "results": root / "results" / f"{key}.json",
        "tests": root / "tests" / "recipes" / f"test_{key}.py",
    }
    return [{"what": what, "path": str(path)} for what, path in files.items() if path.is_file()]


def _parts() -> dict[str, list[Path]]:
    """Files below recipes by their name, and by the public classes in them, in lower case."""
    found: dict[str, list[Path]] = {}
    for path in sorted(_package().glob("*/[a-z]*.py")):
        if path.parent.name in ("recipes", "cli", "core"):
            continue
        classes = [each for each in ast.parse(path.read_text("utf-8")).body if _is_public(each)]
        for name in dict.fromkeys([path.stem, *(each.name.lower() for each in classes)]):
            found.setdefault(name, []).append(path)
    return found


def _is_public(node: ast.stmt) -> TypeGuard[ast.ClassDef]:
    return isinstance(node, ast.ClassDef) and not node.name.startswith("_")


def _used_by(key: str) -> set[Path]:
    from earshot.training.sources import sources_of

    return set(sources_of(f"earshot.recipes.{key}"))


def _recipe(key: str) -> Path:
    return _package() / "recipes" / f"{key}.py"


def _package() -> Path:
    from earshot.training.sources import PACKAGE

    return PACKAGE
