from __future__ import annotations

import subprocess
import sys
from inspect import isfunction
from pathlib import Path

import pytest

import earshot


def test_jobs_are_functions_of_the_package_before_and_after_the_room_is_imported() -> None:
    assert isfunction(earshot.index)
    from earshot.index import Store

    assert Store.__module__ == "earshot.index.store"
    assert isfunction(earshot.index)
    for name in ("search", "similar", "tag", "embed", "evaluate", "load"):
        assert isfunction(getattr(earshot, name)), name
    with pytest.raises(AttributeError):
        earshot.nothing  # noqa: B018


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = (
        "import earshot, sys; print([m for m in ('torch', 'numpy', 'lancedb') if m in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(earshot.__file__).parents[1],
    )
    assert run.stdout == "[]\n"
