"""Embed sounds: one vector a sound or a window, to an .npz or a Parquet file."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from earshot.core.errors import EarShotError
from earshot.core.files import replacing
from earshot.engines import Engine, embed_each, file_task
from earshot.engines.urls import find_sounds
from earshot.jobs.each_file import Answers, Failure, Pace
from earshot.jobs.loading import as_embedder

if TYPE_CHECKING:
    from earshot.models.embedder import Embedder

SUFFIXES = (".npz", ".parquet")


@dataclass(frozen=True, eq=False)
class Embedding:
    """A sound's unit vector [dim], or that of one of its windows."""

    path: Path | str
    start_s: float
    end_s: float
    vector: np.ndarray  # [dim] float32


class Embeddings(Answers[Embedding]):
    """One `Embedding` a sound or window; together they are the rows of `embeddings`."""

    @property
    def embeddings(self) -> np.ndarray:
        """All vectors [n, dim] float32, in the order of the answers."""
        return np.stack([each.vector for each in self])


def embed(
    files: str | Path | Iterable[str | Path],
    *,
    model: str | Path | Embedder = "earshot-small",
    per_window: bool = False,
    engine: Engine = embed_each,
) -> Embeddings:
    """A unit vector for each sound: the mean of its windows, or one a window with per_window.

    Folders are walked; `failures` lists what failed. The same sound gives the same vector always,
    whatever else is embedded beside it.
    """
    answers = Embeddings()
    for answer in embed_files(files, model=model, per_window=per_window, engine=engine):
        if isinstance(answer, Failure):
            answers.failures.append(answer)
        else:
            answers.append(answer)
    return answers


def embed_files(
    files: str | Path | Iterable[str | Path],
    *,
    model: str | Path | Embedder = "earshot-small",
    per_window: bool = False,
    pace: Pace | None = None,
    engine: Engine = embed_each,
) -> Iterator[Embedding | Failure]:
    """As `embed`, as they are ready, in the order of the files."""
    embedder = as_embedder(model)
    if pace is not None:
        pace.start()
    paths = find_sounds([files] if isinstance(files, str | Path) else files)
    for done in engine((file_task(path, embedder) for path in paths), embedder):
        clip = done.embedding
        if clip is None:
            yield Failure(done.key, done.error)
            continue
        if pace is not None:
            pace.add(float(clip.end_s[-1]))
        if per_window:
            for row, start, end in zip(clip.windows, clip.start_s, clip.end_s, strict=True):
                yield Embedding(done.key, float(start), float(end), row)
        else:
            yield Embedding(done.key, float(clip.start_s[0]), float(clip.end_s[-1]), clip.mean)


def check_out(out: Path) -> None:
    """Refuse a file to write that is neither .npz nor .parquet, before any work is done."""
    if out.suffix not in SUFFIXES:
        raise EarShotError(
            got=f"--out {out}",
            expected=f"a name that ends in {' or '.join(SUFFIXES)}",
            mend="Write --out vectors.npz, or vectors.parquet.",
        )


def save_embeddings(out: Path, embeddings: Sequence[Embedding], model: Embedder) -> None:
    """Write vectors with paths, times and the model's fingerprint: whole or not at all.

    .npz: arrays path, start_s, end_s, vector, model, fingerprint; .parquet: the same columns, the
    last two as metadata. Bytes of a path that are not UTF-8 become \\xNN.
    """
    check_out(out)
    paths = [os.fsencode(e.path).decode("utf-8", "backslashreplace") for e in embeddings]
    starts = np.array([e.start_s for e in embeddings], dtype=np.float64)
    ends = np.array([e.end_s for e in embeddings], dtype=np.float64)
    vectors = np.array([e.vector for e in embeddings], np.float32).reshape(-1, model.dim)
    about = {"model": model.name, "fingerprint": model.fingerprint}
    with replacing(out) as part:
        if out.suffix == ".npz":
            columns = {"path": np.array(paths, dtype=str), "start_s": starts, "end_s": ends}
            with part.open("wb") as file:
                np.savez(file, vector=vectors, **columns, **about)
            return
        import pyarrow as pa
        import pyarrow.parquet as parquet

        rows = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), model.dim)
        table = pa.table({"path": paths, "start_s": starts, "end_s": ends, "vector": rows})
        parquet.write_table(table.replace_schema_metadata(about), part)
