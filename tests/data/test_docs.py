from __future__ import annotations

import re
from pathlib import Path

import pytest

from tiny_sounds import tone

PAGE = Path(__file__).parents[2] / "docs" / "data.md"


def test_the_page_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    blocks = re.findall(r"```(\w+)\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    for name in ("dog/1.wav", "rain/1.wav", "rain/2.wav"):
        tone(tmp_path / name)
    (manifest,) = (body for kind, body in blocks if kind == "text")
    (tmp_path / "sounds.csv").write_text(manifest, "utf-8")
    monkeypatch.chdir(tmp_path)
    code = "".join(body for kind, body in blocks if kind == "python")
    exec(compile(code, "data.md", "exec"), {})
    printed = capsys.readouterr().out.splitlines()
    promised = re.findall(r"^print\(.*\)\s+# (.*)$", code, re.MULTILINE)
    assert printed[: len(promised)] == promised
    assert printed[-1].startswith("(2, 6400) [6400, 6400]")
