"""One paper a file: its docstring maps equations to parts, its code wires them."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path
from typing import Any

from earshot.core.errors import unknown_name
from earshot.core.paper import Paper

FOLDER = Path(__file__).parent


def keys() -> list[str]:
    """The keys of all recipes, sorted: their file names."""
    return sorted(path.stem for path in FOLDER.glob("[a-z]*.py"))


def find_recipe(key: str) -> Any:
    """The recipe's module, this one alone imported; for a typo the nearest key is offered."""
    if key not in keys():
        raise unknown_name("recipe", key, keys(), mend="`earshot papers` lists them.")
    return importlib.import_module(f"earshot.recipes.{key}")


def paper_of(key: str) -> Paper:
    """What a recipe says about its paper, read from its source: nothing is imported.

    So that a list of all papers costs no import of torch. PAPER's arguments are literals.
    """
    if key not in keys():
        raise unknown_name("recipe", key, keys(), mend="`earshot papers` lists them.")
    tree = ast.parse((FOLDER / f"{key}.py").read_text("utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            names = [target.id for target in node.targets if isinstance(target, ast.Name)]
            if names == ["PAPER"]:
                return Paper(**{k.arg: ast.literal_eval(k.value) for k in node.value.keywords})
    raise AssertionError(f"recipes/{key}.py assigns no PAPER")
