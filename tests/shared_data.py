"""Where the real recordings for development lie; tests that need them skip where they do not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]


def shared_data(name: str) -> Path:
    """The folder `name` of the shared recordings, or a skip that says how to supply it."""
    roots = [parent / "shared" for parent in REPOSITORY.parents[:3]]
    if given := os.environ.get("EARSHOT_SHARED"):
        roots = [Path(given)]
    for root in roots:
        for folder in (root / "data" / name, root / name):
            if folder.is_dir():
                return folder
    pytest.skip(f"needs the recordings {name!r}: set EARSHOT_SHARED to the folder that has them")
