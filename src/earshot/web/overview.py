"""The whole of a library at a glance: what one can filter by, and the map of its sounds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from earshot.index.where import has_tag, in_folder
from earshot.web.library import first_windows

if TYPE_CHECKING:
    from earshot.index.store import Store

MAX_COUNTED = 200_000  # sounds; of more, a sample is counted
MAX_POINTS = 1_000  # dots of the map: t-SNE of more keeps people waiting
MAX_ENTRIES = 24  # of each group of filters
LENGTHS = (
    ("under 1 s", "duration_s < 1", 0.0, 1.0),
    ("1 to 5 s", "duration_s >= 1 AND duration_s < 5", 1.0, 5.0),
    ("5 to 30 s", "duration_s >= 5 AND duration_s < 30", 5.0, 30.0),
    ("30 s to 5 min", "duration_s >= 30 AND duration_s < 300", 30.0, 300.0),
    ("over 5 min", "duration_s >= 300", 300.0, float("inf")),
)


def facets(store: Store) -> list[dict[str, Any]]:
    """Groups of filters: tags, folders and lengths, with how many sounds each lets through."""
    rows, each_is = first_windows(store, MAX_COUNTED)
    tags = Counter(tag for tags in rows.table["tags"].to_pylist() for tag in set(tags or ()))
    folders: Counter[str] = Counter()
    for folder, count in Counter(rows.table["folder"].to_pylist()).items():
        path = PurePosixPath(folder)
        for above in (path, *path.parents):
            if str(above) != ".":
                folders[str(above)] += count
    durations = rows.table["duration_s"].to_numpy()
    lengths = [
        (name, where, int(((durations >= low) & (durations < high)).sum()))
        for name, where, low, high in LENGTHS
    ]

    def entry(name: str, count: int, where: str) -> dict[str, Any]:
        return {"name": name, "count": round(count * each_is), "where": where}

    return [
        {"title": "Tags", "entries": [entry(t, n, has_tag(t)) for t, n in _most(tags)]},
        {"title": "Folders", "entries": [entry(f, n, in_folder(f)) for f, n in _most(folders)]},
        {"title": "Length", "entries": [entry(*_reorder(each)) for each in lengths if each[2]]},
    ]


def gather(store: Store) -> tuple[np.ndarray, list[dict[str, Any]]]:
    """Mean vectors [sounds, dim] of up to MAX_POINTS sounds, and what is known of each.

    Of more sounds those whose ids come first are taken: ids are hashes, so that is a fair draw.
    """
    rows = store.all_rows() if store.is_exact else store.background()
    ids = np.asarray(rows.table["file_id"].to_pylist(), dtype=str)
    distinct, first, group = np.unique(ids, return_index=True, return_inverse=True)
    n_shown = min(len(distinct), MAX_POINTS)
    is_shown = group < n_shown
    means = np.zeros((n_shown, rows.vectors.shape[1]), np.float32)
    np.add.at(means, group[is_shown], rows.vectors[is_shown])
    means /= np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12)
    return means, rows.table.take(first[:n_shown]).to_pylist()


def points(means: np.ndarray, about: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The map of what `gather` found: dots in the unit square, near ones sounding alike."""
    from earshot.jobs.report import flatten

    if not len(means):
        return []
    return [
        {
            "id": row["file_id"],
            "path": row["path"],
            "x": round(float(x), 4),
            "y": round(float(y), 4),
            "group": (row["tags"] or [row["folder"].partition("/")[0]])[0],
            "caption": row["caption"] or "",
            "tags": row["tags"] or [],
            "duration_s": row["duration_s"],
        }
        for row, (x, y) in zip(about, flatten(means), strict=True)
    ]


def _most(counts: Counter[str]) -> list[tuple[str, int]]:
    """The most frequent, equal ones by name."""
    return sorted(counts.items(), key=lambda each: (-each[1], each[0]))[:MAX_ENTRIES]


def _reorder(length: tuple[str, str, int]) -> tuple[str, int, str]:
    name, where, count = length
    return name, count, where
