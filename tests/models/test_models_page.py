"""The page of models: its Python blocks run, on a toy directory in place of the published one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from earshot.audio import write_audio
from published import clap_directory, clip

PAGE = Path(__file__).parents[2] / "docs" / "models.md"


def test_the_blocks_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert len(blocks) == 2
    clap_directory(tmp_path / "clap-htsat-unfused", fused=False)
    write_audio(tmp_path / "storm.wav", clip(48_000 * 12), 48_000)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), names)
    assert "(2, 24) [0.0, 10.0]" in capsys.readouterr().out
    assert names["cosines"].shape == (2,)
    assert names["audio"].embed.weight.grad is not None
