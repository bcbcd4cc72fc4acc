"""Programs in Java that published metrics come from: found, run, and never waited for forever."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence

from earshot.metrics.caption_parts import UnavailableError

# Numbers with a point and texts in UTF-8, whatever the machine's language.
_FLAGS = ("-Duser.language=en", "-Duser.country=US", "-Dfile.encoding=UTF-8")


def java() -> str | None:
    """The program, where there is one."""
    return shutil.which("java")


def command(memory: str, *arguments: str) -> list[str]:
    """The command line of a Java program that may take `memory` ("2G")."""
    return [java() or "java", f"-Xmx{memory}", *_FLAGS, *arguments]


def run_java(line: Sequence[str], text: str, *, timeout_s: float) -> str:
    """What the program prints for `text`. Raises UnavailableError when it fails or hangs."""
    try:
        done = subprocess.run(
            line, input=text.encode(), capture_output=True, timeout=timeout_s, check=False
        )
    except subprocess.TimeoutExpired as fault:
        raise UnavailableError(f"its Java program gave no answer in {timeout_s:.0f} s") from fault
    except OSError as fault:
        raise UnavailableError(f"Java cannot be started: {fault.strerror}") from fault
    if done.returncode:
        raise UnavailableError(f"its Java program failed: {last_line(done.stderr)}")
    return done.stdout.decode("utf-8", "replace")


def last_line(errors: bytes) -> str:
    """The line that says most of what went wrong."""
    lines = [line.strip() for line in errors.decode("utf-8", "replace").splitlines()]
    told = [line for line in lines if line and not line.startswith(("at ", "..."))]
    faults = [line for line in told if "Exception" in line or "Error" in line]
    return (faults or told or ["without a word"])[-1][:200]
