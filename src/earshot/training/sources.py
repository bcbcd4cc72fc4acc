"""Which code a result depends on: a digest of a module and of everything of ours it imports."""

from __future__ import annotations

import ast
import hashlib
from pathlib import Path

import earshot.core

PACKAGE = Path(earshot.core.__file__).parents[1]


def source_digest(module: str) -> str:
    """16 hex digits of the sources of `module` ("earshot.recipes.clap") and what it imports."""
    digest = hashlib.sha256()
    for path in sources_of(module):
        digest.update(path.relative_to(PACKAGE).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def sources_of(module: str) -> list[Path]:
    """The files of `module` and of every module of ours that it imports, anywhere in them."""
    found: set[Path] = set()
    waiting = [module]
    while waiting:
        path = _file_of(waiting.pop())
        if path is None or path in found:
            continue
        found.add(path)
        waiting += imports_of(path)
    return sorted(found)


def imports_of(path: Path) -> list[str]:
    """Modules of ours that a file names in an import, and what might be one: `from a import b`."""
    names = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return [name for name in names if name.split(".")[0] == "earshot"]


def _file_of(module: str) -> Path | None:
    stem = PACKAGE.joinpath(*module.split(".")[1:])
    for path in (stem.with_suffix(".py"), stem / "__init__.py"):
        if path.is_file() and stem != PACKAGE:
            return path
    return None
