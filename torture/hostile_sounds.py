"""Thousands of hostile sound files at the audio door: a waveform or a sentence, soon and small."""

from __future__ import annotations

import resource
import signal
import time
from pathlib import Path
from typing import Any

from robustness.hostile import hostile_files
from robustness.test_audio import outcome

LIMIT_S = 10  # for one file


def torment(folder: Path, n_files: int, seed: int) -> dict[str, Any]:
    """Every file probed, read and read in windows; counts, the slowest, and the memory taken."""
    before = _peak_mb()
    outcomes = {"sound": 0, "refused": 0, "broke": 0}
    slowest_s, slowest, broken = 0.0, "", []
    signal.signal(signal.SIGALRM, _too_slow)
    for number, (name, content) in enumerate(_corpus(n_files, seed)):
        path = folder / f"{number} {name}"
        path.write_bytes(content)
        began = time.process_time()
        signal.alarm(LIMIT_S * 6)  # of wall time, on a machine that does other things as well
        try:
            outcomes[outcome(path)] += 1
        except Exception as fault:
            outcomes["broke"] += 1
            broken.append(f"{name}: {type(fault).__name__}: {fault}"[:200])
        signal.alarm(0)
        took_s = time.process_time() - began
        if took_s > slowest_s:
            slowest_s, slowest = took_s, name
        path.unlink()
    return {
        "files": sum(outcomes.values()),
        "outcomes": outcomes,
        "slowest_cpu_s": round(slowest_s, 3),
        "slowest_file": slowest,
        "memory_growth_mb": round(_peak_mb() - before, 1),
        "broken": broken,
    }


def _corpus(n_files: int, seed: int) -> list[tuple[str, bytes]]:
    """At least `n_files` different files, of as many seeds as that takes."""
    found: dict[bytes, str] = {}
    while len(found) < n_files:
        for file in hostile_files(seed, n_flips=40):
            found.setdefault(file.content, f"{seed} {file.name}")
        seed += 1
    return [(name, content) for content, name in found.items()]


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _too_slow(*_: object) -> None:
    raise TimeoutError(f"more than {LIMIT_S} s")
