from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(*words: str, cache: Path) -> subprocess.CompletedProcess[str]:
    env = os.environ | {"EARSHOT_BENCH": str(cache), "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, str(ROOT / "benchmarks" / "run.py"), *words]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=280)


def test_a_section_runs_and_is_kept(tmp_path: Path) -> None:
    pytest.importorskip("faiss", reason="faiss is not installed: pip install 'earshot[bench]'")
    out = tmp_path / "bench.json"
    done = run("search", "--tiny", "--out", str(out), cache=tmp_path / "cache")
    assert done.returncode == 0, done.stderr
    section = json.loads(out.read_text("utf-8"))["search"]
    assert {"machine", "commit", "minutes", "figures", "facts"} <= section.keys()
    recall = [row["value"] for row in section["figures"] if row["what"].startswith("recall")]
    assert recall[0] > 0.9


def test_unknown_sections_are_refused(tmp_path: Path) -> None:
    done = run("serach", cache=tmp_path)
    assert done.returncode == 2
    assert "invalid choice" in done.stderr


def test_pages_say_what_was_missed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import page
    from figures import Figure, ratio

    seconds = {"peer": [4.0, 6.0, 4.4], "ours": [2.0, 2.0, 2.0]}
    figures = [
        ratio("speed", seconds, "peer", "ours", at_least=4.0),
        Figure("p50", 3.0, "ms", at_most=20),
    ]
    assert [figures[0].value, figures[0].low, figures[0].high] == [2.2, 2.0, 3.0]
    machine = {"cores": 2, "processor": "a CPU", "torch": "2"}
    held = {
        "about": "About.",
        "machine": machine,
        "commit": "abc",
        "date": "2026-01-01",
        "minutes": 1,
        "load": 0.1,
        "figures": [figure.to_row() for figure in figures],
        "facts": {
            "clips_per_second": {"exact": 20.0, "fast": 40.0},
            "gflop_per_clip": 12.0,
            "decode_core_ms_per_clip": 10.0,
        },
    }
    (tmp_path / "docs").mkdir()
    page_text = (ROOT / "docs" / "engines.md").read_text("utf-8")
    (tmp_path / "docs" / "engines.md").write_text(page_text, "utf-8")
    for _ in range(2):  # again, over what it wrote itself
        page.write_pages(tmp_path, {"embed": held})
    speed = (tmp_path / "docs" / "speed.md").read_text("utf-8")
    assert "| speed | 2.2 x [2 to 3] | at least 4: **missed** |" in speed
    assert "| p50 | 3 ms | at most 20 |" in speed
    # 10 million / (40 clips/s over 2 cores) / 3600 / 0.85
    engines = (tmp_path / "docs" / "engines.md").read_text("utf-8")
    assert "| 10 million | 327 | 163 |" in engines
    assert engines.count("| 1 billion |") == 1
