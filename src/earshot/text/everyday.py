"""The everyday sounds that are tried where nobody names any."""

from __future__ import annotations

from functools import cache
from importlib import resources


@cache
def everyday_sounds() -> tuple[str, ...]:
    """Some two hundred names such as "dog barking", "rain" and "piano", in a fixed order."""
    text = resources.files("earshot.text").joinpath("everyday_sounds.txt").read_text("utf-8")
    return tuple(line for line in text.splitlines() if line and not line.startswith("#"))
