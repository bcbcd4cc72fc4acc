"""What of the catalogue EarShot has, found by looking where it would lie."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

from earshot.catalogue.entry import Entry
from earshot.recipes import FOLDER, keys

PACKAGE = FOLDER.parent
_COMMAND = re.compile(r"earshot ([a-z]+)(?: ([a-z][a-z0-9_-]*))?")
_RECIPE = re.compile(r"earshot run (\w+)")


def commands_of(entry: Entry) -> tuple[str, ...]:
    """The commands that its config names, in order: "tag", "evaluate zste", "run clap"."""
    return tuple(" ".join(filter(None, found)) for found in _COMMAND.findall(entry.config))


def recipe_of(entry: Entry) -> str | None:
    """The recipe that an entry is run by, whether it stands or is planned; None for others."""
    found = _RECIPE.search(entry.config)
    return found[1] if found else None


def presets_of(entry: Entry) -> tuple[str, ...]:
    """The presets of its recipe that its config names."""
    return tuple(re.findall(r"--preset (\w+)", entry.config))


def stands(entry: Entry) -> bool:
    """Whether EarShot has the way to it that its config names: one of them is enough.

    A recipe is looked for in recipes/, a command in cli/, a module in the package, a layout in
    data/layouts or among the general ones.
    """
    from_module = re.search(r"earshot\.([\w.]+)", entry.config)
    if commands := commands_of(entry):
        return any(_has_command(command) for command in commands)
    if from_module:
        return _has_module(from_module[1])
    return entry.config.startswith("layout=")


def status_of(entry: Entry) -> str:
    """What EarShot has of it: recipe, here, planned, in transformers or not here."""
    if stands(entry):
        return "recipe" if recipe_of(entry) == entry.name else "here"
    if commands_of(entry) or entry.config == "planned":
        return "planned"
    return "in transformers" if entry.config.startswith("transformers.") else "not here"


def _has_command(command: str) -> bool:
    name, _, rest = command.partition(" ")
    if name == "run":
        return rest in keys()
    files = sorted((PACKAGE / "cli").glob(f"{name}*.py"))
    if not any(file.stem == name for file in files):
        return False
    return not rest or any(rest.replace("-", "_") in _functions(file) for file in files)


@cache
def _functions(file: Path) -> frozenset[str]:
    """The functions at the top of a file: in cli/ each sub-command is one."""
    tree = ast.parse(file.read_text("utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


def _has_module(dotted: str) -> bool:
    """Whether the package has a module of that name, or one that holds its last part."""
    path = PACKAGE.joinpath(*dotted.split("."))
    places = (path.with_suffix(".py"), path / "__init__.py", path.parent.with_suffix(".py"))
    return any(place.is_file() for place in places)
