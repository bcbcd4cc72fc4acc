"""Search among 1,000,000 windows of 512 numbers, on one thread; the peer is a plain faiss HNSW.

The vectors lie in clusters within 48 directions, as embeddings of sounds do. Each index is opened
and asked in a process of its own, so that its memory can be told; queries are new draws.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from figures import Figure
from material import clustered, made

DIM, K = 512, 10
ONE_THREAD = (
    "LANCE_CPU_THREADS",
    "LANCE_IO_THREADS",
    "TOKIO_WORKER_THREADS",
    "RAYON_NUM_THREADS",
    "OMP_NUM_THREADS",
)
SOURCES = [str(Path(__file__).parents[2] / "src"), str(Path(__file__).parents[1])]


def measure(tiny: bool, n_pairs: int) -> tuple[list[Figure], dict[str, Any]]:
    """Opening, p50, recall, memory and build time of ours and of the peer."""
    n = 2_000 if tiny else 1_000_000
    folder = made(f"vectors-{n}", lambda part: _draw(part, n))
    ours_s, peer_s = _build_store(folder, tiny), _build_hnsw(folder)
    rounds: dict[str, list[dict[str, float]]] = {"store": [], "hnsw": []}
    for _ in range(n_pairs):
        for way, held in rounds.items():
            held.append(_ask(folder, way))
    own = {key: [each[key] for each in rounds["store"]] for key in rounds["store"][0]}
    peer = {key: [each[key] for each in rounds["hnsw"]] for key in rounds["hnsw"][0]}

    def row(what: str, values: list[float], unit: str, **bounds: float) -> Figure:
        return Figure(what, statistics.median(values), unit, min(values), max(values), **bounds)

    bounds: dict[str, dict[str, float]] = {}
    if not tiny:
        bounds = {
            "open": {"at_most": 1.0},
            "p50": {"at_most": 20.0},
            "recall": {"at_least": 0.95},
            "memory": {"at_most": 1.5},
        }
    return [
        row("open", own["open_s"], "s", **bounds.get("open", {})),
        row("p50 of one search, one thread", own["p50_ms"], "ms", **bounds.get("p50", {})),
        row("p95 of one search, one thread", own["p95_ms"], "ms"),
        row("recall@10 against exact", own["recall"], "", **bounds.get("recall", {})),
        row("resident memory", own["resident_gb"], "GB", **bounds.get("memory", {})),
        Figure("build: rows written, indexed, compacted", ours_s, "s"),
        row("faiss HNSW32: open", peer["open_s"], "s"),
        row("faiss HNSW32: p50 of one search", peer["p50_ms"], "ms"),
        row("faiss HNSW32: recall@10", peer["recall"], ""),
        row("faiss HNSW32: resident memory", peer["resident_gb"], "GB"),
        Figure("faiss HNSW32: build, vectors alone", peer_s, "s"),
    ], {"rows": n}


def _draw(folder: Path, n: int) -> None:
    """Vectors, queries, and each query's true neighbours."""
    vectors, queries = clustered(n, DIM), clustered(200, DIM, seed=2)
    np.save(folder / "vectors.npy", vectors)
    np.save(folder / "queries.npy", queries)
    truth = np.empty((len(queries), K), np.int64)
    for start in range(0, len(queries), 20):
        scores = queries[start : start + 20] @ vectors.T
        near = np.argpartition(-scores, K, axis=1)[:, :K]
        truth[start : start + 20] = near
    np.save(folder / "truth.npy", truth)


def _build_store(folder: Path, tiny: bool) -> float:
    """Write the rows as indexing does, and compact; gives the seconds, now or when it was done."""
    from earshot.index import FileRows, IndexSettings, KnownFile, Store
    from earshot.jobs.indexing import COMMIT_WINDOWS

    place, noted = folder / "store", folder / "store_s.json"
    if noted.is_file():
        return float(json.loads(noted.read_text()))
    shutil.rmtree(place, ignore_errors=True)
    vectors = np.load(folder / "vectors.npy", mmap_mode="r")
    started = time.perf_counter()
    settings = IndexSettings("bench", "0" * 16, DIM, window_s=10.0, hop_s=10.0, root=str(folder))
    store = Store.create(str(place), settings)
    store.exact_rows = 1_000 if tiny else store.exact_rows
    begin, end = np.zeros(1), np.full(1, 10.0)
    for start in range(0, len(vectors), COMMIT_WINDOWS):
        rows = [
            FileRows(
                path=f"{i // 1_000:04d}/sound {i:07d}.wav",
                known=KnownFile(size=960_044, mtime_ns=i, content_hash=f"{i:032x}"),
                duration_s=10.0,
                start_s=begin,
                end_s=end,
                vectors=np.asarray(vectors[i : i + 1]),
            )
            for i in range(start, min(start + COMMIT_WINDOWS, len(vectors)))
        ]
        store.put(rows, replace=False)
    store.compact()
    seconds = time.perf_counter() - started
    noted.write_text(json.dumps(seconds))
    return seconds


def _build_hnsw(folder: Path) -> float:
    """faiss' HNSW with its usual 32 links; gives the seconds, now or when it was done."""
    import faiss

    noted = folder / "hnsw_s.json"
    if noted.is_file():
        return float(json.loads(noted.read_text()))
    vectors = np.load(folder / "vectors.npy", mmap_mode="r")
    started = time.perf_counter()
    index = faiss.IndexHNSWFlat(DIM, 32, faiss.METRIC_INNER_PRODUCT)
    for start in range(0, len(vectors), 50_000):
        index.add(np.ascontiguousarray(vectors[start : start + 50_000]))
    seconds = time.perf_counter() - started
    faiss.write_index(index, str(folder / "hnsw.faiss"))
    noted.write_text(json.dumps(seconds))
    return seconds


def _ask(folder: Path, way: str) -> dict[str, float]:
    """Open an index and put all queries to it, in a new process with one thread."""
    env = os.environ | dict.fromkeys(ONE_THREAD, "1")
    env["PYTHONPATH"] = os.pathsep.join(SOURCES)
    command = [sys.executable, __file__, way, str(folder)]
    found = subprocess.run(command, env=env, stdout=subprocess.PIPE, text=True, check=True)
    figures: dict[str, float] = json.loads(found.stdout.splitlines()[-1])
    return figures


def _asked(way: str, folder: Path) -> dict[str, float]:
    queries, truth = np.load(folder / "queries.npy"), np.load(folder / "truth.npy")
    if way == "store":
        import lancedb  # noqa: F401  its import is not the index's opening

        from earshot.index import Store
        from earshot.index.hybrid import find

        started = time.perf_counter()
        store = Store.open(str(folder / "store"))
        store.exact_rows = min(store.exact_rows, store.n_rows - 1)
        opened = time.perf_counter() - started

        def search(query: np.ndarray) -> list[int]:
            hits = find(store, query, k=K)
            return [int(hit.path.stem.split()[-1]) for hit in hits]
    else:
        import faiss

        started = time.perf_counter()
        index = faiss.read_index(str(folder / "hnsw.faiss"))
        index.hnsw.efSearch = 64
        opened = time.perf_counter() - started

        def search(query: np.ndarray) -> list[int]:
            return [int(i) for i in index.search(query[None], K)[1][0]]

    search(queries[0])
    times, shared = [], []
    for query, near in zip(queries, truth, strict=True):
        started = time.perf_counter()
        found = search(query)
        times.append(time.perf_counter() - started)
        shared.append(len(set(found) & set(near.tolist())) / K)
    return {
        "open_s": opened,
        "p50_ms": 1e3 * statistics.median(times),
        "p95_ms": 1e3 * float(np.quantile(times, 0.95)),
        "recall": statistics.mean(shared),
        "resident_gb": _peak_gb(),
    }


def _peak_gb() -> float:
    """The most memory this process has held; getrusage would count its parent's as well."""
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    return next(float(line.split()[1]) / 1e6 for line in lines if line.startswith("VmHWM:"))


if __name__ == "__main__":
    print(json.dumps(_asked(sys.argv[1], Path(sys.argv[2]))))
