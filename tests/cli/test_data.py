from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile
from typer.testing import CliRunner

from earshot.cli.main import app, main


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a", "b"):
        soundfile.write(tmp_path / f"{name}.wav", [0.1, 0.5, -0.5, 0.1] * 400, 8_000)
    (tmp_path / "clean.csv").write_text("path,text\na.wav,a click\nb.wav,a clack\n")
    (tmp_path / "faulty.csv").write_text("path,text\na.wav,[click]\nc.wav,a clack\n")
    return tmp_path


def run(*words: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["data", "check", *map(str, words)])
    return result.exit_code, result.stdout


def test_a_clean_set_exits_0(folder: Path) -> None:
    code, text = run(folder / "clean.csv")
    assert code == 0
    assert "clean: 2 clips" in text
    assert "8000 x 2" in text
    assert text.endswith("No faults.\n")


def test_faults_exit_2_and_name_their_lines(folder: Path) -> None:
    code, text = run(folder / "faulty.csv")
    assert code == 2
    assert "faulty.csv, line 2, field 'caption': brackets" in text
    assert "faulty.csv, line 3, field 'path': 'c.wav', which is not there" in text
    assert text.endswith("2 faults\n")


def test_json_lines(folder: Path) -> None:
    code, text = run(folder / "faulty.csv", "--json", "--no-audio")
    *faults, summary = map(json.loads, text.splitlines())
    assert code == 2
    assert {(fault["type"], fault["kind"], fault["line"]) for fault in faults} == {
        ("fault", "missing_audio", 3),
        ("fault", "caption_leak", 2),
    }
    assert (summary["type"], summary["n_clips"], summary["n_faults"]) == ("summary", 1, 2)


def test_columns_by_option(folder: Path) -> None:
    (folder / "odd.csv").write_text("clip,says\na.wav,{x}\n")
    code, text = run(folder / "odd.csv", "--column", "audio=clip", "--column", "caption=says")
    assert code == 2
    assert "brackets" in text


def test_many_faults_are_cut_short_unless_all_are_asked_for(folder: Path) -> None:
    rows = "".join(f"gone{n}.wav,x\n" for n in range(30))
    (folder / "many.csv").write_text(f"path,text\n{rows}")
    assert "... and 10 more" in run(folder / "many.csv")[1]
    assert "gone29.wav" in run(folder / "many.csv", "--all")[1]


def test_odd_names_stay_on_one_line(folder: Path) -> None:
    odd = folder / "odd" / os.fsdecode(b"caf\xe9\n")
    odd.mkdir(parents=True)
    (odd / "x.wav").write_bytes(b"no sound")
    code, text = run(folder / "odd")
    assert code == 2
    assert r"  caf\udce9\n/x.wav: " in text


def test_what_cannot_be_checked_is_one_sentence(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["earshot", "data", "check", str(folder / "gone.csv")])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_checking_needs_no_torch(folder: Path) -> None:
    script = (
        "import sys; from earshot.cli.main import app\n"
        f"app(['data', 'check', {str(folder / 'clean.csv')!r}], standalone_mode=False)\n"
        "sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", script],
        env={"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
