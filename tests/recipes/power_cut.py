"""A recipe's run that is cut short: it goes on where it was, and ends as if nothing had been."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from torch.optim.optimizer import register_optimizer_step_pre_hook

from earshot.core.checkpoint import read_checkpoint


@contextmanager
def power_cut(update: int) -> Iterator[None]:
    """Stop whatever trains just before its update of that number, over all stages, from 1 on."""
    n_updates = 0

    def stop(*_: Any) -> None:
        nonlocal n_updates
        n_updates += 1
        if n_updates == update:
            raise KeyboardInterrupt

    hook = register_optimizer_step_pre_hook(stop)
    try:
        with pytest.raises(KeyboardInterrupt):
            yield
    finally:
        hook.remove()


def check_it_ends_the_same(
    recipe: ModuleType, config: Any, folder: Path, update: int | Sequence[int]
) -> None:
    """Run `folder/whole`, and `folder/cut` in several goes: figures and weights must be equal."""
    check_ends_the_same(
        lambda out, resume: recipe.run(config, None, out, resume=resume), folder, update
    )


def check_ends_the_same(
    run: Callable[[Path, bool], Any], folder: Path, update: int | Sequence[int]
) -> None:
    """The same for any run, given its folder and whether it goes on.

    Each go but the last is cut before the update of that number, counted from where the go began.
    """
    whole = run(folder / "whole", False)
    for go, number in enumerate([update] if isinstance(update, int) else update):
        with power_cut(number):
            run(folder / "cut", go > 0)
    assert run(folder / "cut", True).values == whole.values
    one, two = (read_checkpoint(folder / name).weights() for name in ("whole", "cut"))
    assert one.keys() == two.keys()
    assert all(torch.equal(one[name], two[name]) for name in one)
