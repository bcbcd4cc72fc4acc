"""Starting up costs nothing that the command does not need."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import earshot

HEAVY = ("torch", "numpy", "transformers", "lancedb", "pyarrow", "rich", "soundfile")
CHECK = """
import sys
from earshot.cli.main import main
sys.argv = ["earshot", *sys.argv[1:]]
try:
    main()
except SystemExit as status:
    print([m for m in {heavy!r} if m in sys.modules], file=sys.stderr)
    sys.exit(status.code)
"""


@pytest.mark.parametrize(
    "args", [["--help"], ["search", "--help"], ["doctor"], ["no-such-command"]], ids=" ".join
)
def test_nothing_heavy_is_imported(args: list[str]) -> None:
    run = subprocess.run(
        [sys.executable, "-c", CHECK.format(heavy=HEAVY), *args],
        capture_output=True,
        text=True,
        cwd=Path(earshot.__file__).parents[1],
    )
    assert run.returncode == (2 if args == ["no-such-command"] else 0), run.stderr
    assert run.stderr.splitlines()[-1] == "[]"
