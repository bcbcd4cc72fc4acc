"""EarShot connects sound and language.

    import earshot
    earshot.tag(["door.wav"], labels=["a dog barking", "a door closing"])

Everything here is imported on first use, so that `import earshot` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_HOME = {
    "load": "earshot.jobs.loading",
    "embed": "earshot.jobs.embed",
    "index": "earshot.jobs.indexing",
    "search": "earshot.jobs.search",
    "similar": "earshot.jobs.search",
    "tag": "earshot.jobs.tag",
    "evaluate": "earshot.jobs.evaluate",
    "read_audio": "earshot.audio",
    "EarShotError": "earshot.core.errors",
}
__all__ = sorted([*_HOME, "__version__"])


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'earshot' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return __all__
