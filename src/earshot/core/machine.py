"""The machine that a figure was measured on."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path

WRITTEN = (":(top,exclude)results", ":(top,exclude)docs")


def describe_machine() -> dict[str, str | int]:
    """Processor, cores, system and library versions, for results files."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count() or 1,
        "system": platform.platform(),
        "python": platform.python_version(),
        "torch": metadata.version("torch"),
    }


def commit_of(folder: Path) -> str:
    """The git commit of `folder`, with "+" when files differ from it; "unknown" outside git.

    The top folders results and docs do not count: a measurement writes them itself.
    """
    try:
        run = ["git", "-C", str(folder)]
        head = subprocess.run(
            [*run, "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True
        )
        dirty = subprocess.run(
            [*run, "status", "--porcelain", "-uno", "--", ":/", *WRITTEN],
            capture_output=True,
            text=True,
        )
    except FileNotFoundError:
        return "unknown"
    if head.returncode:
        return "unknown"
    return head.stdout.strip() + ("+" if dirty.stdout.strip() else "")


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
