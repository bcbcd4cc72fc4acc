"""kill -9 at random moments of `index`, again and again over one growing and changing folder."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from forked import run, run_and_kill
from toy_embedder import TONES, ToyEmbedder, write_tones

N_FILES = 60
COMMIT_WINDOWS = 6  # small commits, so that many moments lie inside and between them
SLOWED_S = 0.02  # a commit takes at least this longer: kills meet it more often
WORDS = list(TONES)


def torment(folder: Path, n_kills: int, draw: np.random.Generator) -> dict[str, Any]:
    """Index, kill, look, change some files, and again; in the end compare with a fresh index."""
    sounds, journal = folder / "sounds", folder / "journal.jsonl"
    for number in range(N_FILES):
        _write(sounds, number, draw)
    whole_s = _time_of_one_run(sounds, folder / "timed")
    kills, runs, found = 0, 0, {"not opened": 0, "lost": 0, "doubled": 0, "cut short": 0}
    met = {"before the first commit": 0, "between commits": 0, "after the last": 0}
    while kills < n_kills:
        runs += 1
        journal.unlink(missing_ok=True)
        before = run(lambda: _contents(sounds)) if (sounds / ".earshot").is_dir() else {}
        ended = run_and_kill(lambda began: _index(sounds, journal, began), draw.uniform(0, whole_s))
        finished = _finished(journal)
        for fault, n in run(partial(_look, sounds, before, finished)).items():
            found[fault] += n
        if ended.killed:
            kills += 1
            moment = "between commits" if finished else "before the first commit"
            met["after the last" if finished and "" in finished else moment] += 1
        elif ended.status:
            raise RuntimeError(f"an index run failed by itself: status {ended.status}")
        if not ended.killed or runs % 3 == 0:
            for number in draw.choice(N_FILES, size=N_FILES // 3, replace=False):
                _write(sounds, int(number), draw)
    run(lambda: _index(sounds, journal, lambda: None))
    shutil.copytree(sounds, folder / "fresh", ignore=shutil.ignore_patterns(".earshot"))
    run(lambda: _index(folder / "fresh", journal, lambda: None))
    same = run(lambda: _contents(sounds)) == run(lambda: _contents(folder / "fresh"))
    return {
        "kills": kills,
        "runs": runs,
        "moments": met,
        "uninterrupted_s": round(whole_s, 2),
        "faults": found,
        "ends_as_a_fresh_index": same,
    }


def _write(sounds: Path, number: int, draw: np.random.Generator) -> None:
    words = tuple(str(word) for word in draw.choice(WORDS, size=int(draw.integers(1, 4))))
    write_tones(sounds, {f"{number % 4}/{number:03d}.wav": words})


def _time_of_one_run(sounds: Path, elsewhere: Path) -> float:
    """Seconds from the beginning of the work to its end, uninterrupted."""
    shutil.copytree(sounds, elsewhere)

    def timed() -> float:
        began: list[float] = []
        _index(elsewhere, elsewhere / "journal", lambda: began.append(time.monotonic()))
        return time.monotonic() - began[0]

    return run(timed)


def _index(sounds: Path, journal: Path, began: Callable[[], None]) -> None:
    """One run of `index`, writing down what each commit finished once it is finished."""
    from earshot.index import Store
    from earshot.jobs import indexing

    put, compact = Store.put, Store.compact

    def note(names: dict[str, str]) -> None:
        with journal.open("a") as file:
            file.write(json.dumps(names) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def slow_put(store: Store, files: Any, *, replace: bool) -> None:
        time.sleep(SLOWED_S)
        put(store, files, replace=replace)
        note({each.path: each.known.content_hash for each in files})

    def noted_compact(store: Store) -> None:
        note({"": "compact"})
        compact(store)

    with _patched(Store, put=slow_put, compact=noted_compact):
        indexing.COMMIT_WINDOWS = COMMIT_WINDOWS
        began()
        indexing.index(sounds, model=ToyEmbedder())


@contextmanager
def _patched(where: Any, **parts: Any) -> Iterator[None]:
    before = {name: getattr(where, name) for name in parts}
    for name, part in parts.items():
        setattr(where, name, part)
    yield
    for name, part in before.items():
        setattr(where, name, part)


def _finished(journal: Path) -> dict[str, str]:
    """Names and hashes of what was committed; a line cut short by the kill was not yet promised."""
    finished: dict[str, str] = {}
    for line in journal.read_text().splitlines() if journal.is_file() else []:
        try:
            finished |= json.loads(line)
        except ValueError:
            continue
    return finished


def _contents(sounds: Path) -> dict[str, tuple[str, list[int], list[list[float]]]]:
    """By file: its hash, the numbers of its windows, and their vectors."""
    from earshot.core.errors import EarShotError
    from earshot.index import Store

    try:
        store = Store.open(str(sounds / ".earshot"))
    except EarShotError as fault:
        if "holds no index" in str(fault):  # killed before its table was there
            return {}
        raise
    rows = store.all_rows()
    hashes = {name: known.content_hash for name, known in store.known().items()}
    held: dict[str, tuple[str, list[int], list[list[float]]]] = {}
    paths, numbers = rows.table["path"].to_pylist(), rows.table["window"].to_pylist()
    for path, window, vector in zip(paths, numbers, rows.vectors, strict=True):
        one = held.setdefault(path, (hashes[path], [], []))
        one[1].append(window)
        one[2].append(vector.round(5).tolist())
    return held


def _look(sounds: Path, before: dict[str, Any], finished: dict[str, str]) -> dict[str, int]:
    """What the kill broke: nothing, if all is well."""
    from earshot.core.errors import EarShotError

    found = {"not opened": 0, "lost": 0, "doubled": 0, "cut short": 0}
    try:
        held = _contents(sounds)
    except EarShotError:
        return found | {"not opened": 1}
    promised = {name: digest for name, digest in finished.items() if name}
    for name in before.keys() | promised.keys():
        digest = promised.get(name)
        if name not in held or (digest is not None and held[name][0] != digest):
            found["lost"] += 1
    for _, windows, _ in held.values():
        found["doubled"] += len(windows) - len(set(windows))
        found["cut short"] += sorted(set(windows)) != list(range(len(set(windows))))
    return found
