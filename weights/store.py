"""Work that is done once and kept: a killed run finds it again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import torch

from earshot.core.files import replacing

T = TypeVar("T")


def kept(path: Path, make: Callable[[], T]) -> T:
    """What `make` gives, from `path` where an earlier run left it; our own files alone."""
    if not path.is_file():
        made = make()
        with replacing(path) as part:
            torch.save(made, part)
        return made
    return torch.load(path, weights_only=False)
