"""Run a command of EarShot in this process, and hold it to what every command promises."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from earshot.cli.main import main


class Ran:
    """What a command left behind."""

    def __init__(self, status: int, out: str, err: str) -> None:
        self.status, self.out, self.err = status, out, err

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The JSON objects on stdout."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def failed(self) -> list[dict[str, Any]]:
        """The rows of what could not be used."""
        return [row for row in self.rows if "error" in row]


def earshot(*words: object, capsys: pytest.CaptureFixture[str]) -> Ran:
    """Run `earshot WORDS`; raises what would have been a traceback."""
    with pytest.MonkeyPatch.context() as patch:
        arguments = [os.fspath(w) if isinstance(w, Path) else str(w) for w in words]
        patch.setattr("sys.argv", ["earshot", *arguments])
        try:
            main()
        except SystemExit as end:
            status = 0 if end.code is None else int(end.code)
        else:
            status = 0
    shown = capsys.readouterr()
    ran = Ran(status, shown.out, shown.err)
    assert "Traceback" not in shown.out + shown.err
    if status == 1:  # a mistake of the caller: one sentence that says how to mend it
        (sentence,) = [line for line in shown.err.splitlines() if line.startswith("earshot: ")]
        assert sentence.startswith("earshot: got ")
        assert "; expected " in sentence
    return ran
