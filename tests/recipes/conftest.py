"""Procedural clips are made once a session: runs of one seed and one config hear the same."""

from __future__ import annotations

import sys
from collections import OrderedDict
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

import pytest

MAKERS = ("scene_clips", "combination_clips", "invented_clips", "tagging_scenes", "caption_scenes")
MOST = 6  # sets that are kept of each maker


def made_once(make: Callable[..., Any]) -> Callable[..., Any]:
    """`make` with its latest results kept, by what it was given."""
    kept: OrderedDict[str, Any] = OrderedDict()

    @wraps(make)
    def made(*given: Any, **named: Any) -> Any:
        key = repr((given, sorted(named.items())))  # configs are dataclasses of plain values
        if key not in kept:
            kept[key] = make(*given, **named)
        kept.move_to_end(key)
        if len(kept) > MOST:
            kept.popitem(last=False)
        return kept[key]

    return made


@pytest.fixture(scope="session", autouse=True)
def _clips_are_made_once() -> Iterator[None]:
    patch, of_maker = pytest.MonkeyPatch(), {}
    for module in [
        each for name, each in sys.modules.items() if name.startswith("earshot.recipes.")
    ]:
        for name in MAKERS:
            if callable(make := getattr(module, name, None)):
                patch.setattr(module, name, of_maker.setdefault(make, made_once(make)))
    yield
    patch.undo()
