from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from earshot.core.machine import commit_of


def git(folder: Path, *words: str) -> str:
    who = ["-c", "user.name=a", "-c", "user.email=a@b.example", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", "-C", str(folder), *who, *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    for name in ("src", "results", "docs"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text("before")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-q", "-m", "first")
    return tmp_path


def test_a_clean_tree_is_its_commit(repository: Path) -> None:
    assert commit_of(repository / "src") == git(repository, "rev-parse", "--short=12", "HEAD")


@pytest.mark.parametrize("name", ["results", "docs"])
def test_what_a_measurement_writes_changes_nothing(repository: Path, name: str) -> None:
    (repository / name / "file").write_text("after")
    assert not commit_of(repository / "src").endswith("+")


def test_other_code_is_marked(repository: Path) -> None:
    (repository / "src" / "file").write_text("after")
    assert commit_of(repository).endswith("+")
    assert commit_of(repository / "docs").endswith("+")  # wherever in the repository one asks


def test_outside_git_nothing_is_known(tmp_path: Path) -> None:
    assert commit_of(tmp_path) == "unknown"
