"""EarShot connects sound and language.

    import earshot
    earshot.tag(["door.wav"], labels=["a dog barking", "a door closing"])

Everything here is imported on first use, so that `import earshot` costs nothing.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any

__version__ = "0.1.0"

_HOME = {
    "load": "earshot.jobs.loading",
    "embed": "earshot.jobs.embed",
    "index": "earshot.jobs.indexing",
    "search": "earshot.jobs.search",
    "similar": "earshot.jobs.search",
    "tag": "earshot.jobs.tag",
    "caption": "earshot.jobs.caption",
    "evaluate": "earshot.jobs.evaluate",
    "Encoder": "earshot.adapters.encoder",
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


class _Package(ModuleType):
    """The package, on which `earshot.index` stays the function when the room is imported.

    Importing the room `earshot.index` sets an attribute of that name here; `from earshot.index
    import Store` does not need it, and people who write `earshot.index("sounds")` do not want it.
    """

    @property
    def index(self) -> Any:
        return __getattr__("index")

    @index.setter
    def index(self, room: ModuleType) -> None:
        """Let the import system have its way, without an effect."""


sys.modules[__name__].__class__ = _Package
