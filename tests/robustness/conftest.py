"""Disks to fill and folders to lock: only where this user may mount."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest


def mount(*words: str | Path) -> None:
    """Mount, or skip the test with the reason."""
    try:
        done = subprocess.run(
            ["mount", *map(str, words)], capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        pytest.skip("needs the mount command")
    if done.returncode:
        pytest.skip(f"needs leave to mount: {done.stderr.strip()}")


def unmount(folder: Path) -> None:
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


class SmallDisk:
    """A disk of its own, in memory, that a test can fill and free."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.filler = folder / "filler"

    def fill(self, but: int = 0) -> None:
        """Leave `but` bytes free."""
        with self.filler.open("ab", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4_096))
            except OSError:
                size = file.tell()
        with self.filler.open("r+b") as file:
            file.truncate(max(size - but, 0))

    def free(self) -> None:
        self.filler.unlink()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mount("-t", "tmpfs", "-o", "size=4m", "tmpfs", folder)
    yield SmallDisk(folder)
    unmount(folder)


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Callable[[Path], None]]:
    """Makes a folder one that nobody may write, root included."""
    locked: list[Path] = []

    def lock(folder: Path) -> None:
        mount("--bind", folder, folder)
        locked.append(folder)
        mount("-o", "remount,ro,bind", folder)

    yield lock
    for folder in locked:
        unmount(folder)
