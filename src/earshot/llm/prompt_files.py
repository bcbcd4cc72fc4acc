"""The instructions given to models: files with a version in their name, never changed once used."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

from earshot.core.errors import unknown_name

_FIELD = re.compile(r"\{([a-z]+)\}")


def read_prompt(name: str) -> str:
    """The text of a prompt such as "rewrite_v1". Raises EarShotError for an unknown one."""
    folder = Path(str(resources.files("earshot.llm"))) / "prompts"
    known = {path.stem: path for path in folder.glob("*.txt")}
    if name not in known:
        raise unknown_name("prompt", name, known)
    return known[name].read_text("utf-8").strip()


def fill(template: str, **fields: str) -> str:
    """`template` with each {field} filled in; other braces stay, and so do braces in the values."""
    return _FIELD.sub(lambda match: fields.get(match[1], match[0]), template)
