"""Embed sounds: one vector a sound, a window or a frame, to an .npz or a Parquet file."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from earshot.core.files import replacing
from earshot.engines import Engine, FileWindows, Task, embed_each, file_task, read_each
from earshot.engines.urls import find_sounds
from earshot.jobs.each_file import Answers, Failure, Pace
from earshot.jobs.loading import as_embedder
from earshot.jobs.vector_file import VectorFile

if TYPE_CHECKING:
    from earshot.models.embedder import Embedder


@dataclass(frozen=True, eq=False)
class Embedding:
    """A sound's unit vector [dim], that of one of its windows, or a layer's state in it."""

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
    layer: int | None = None,
    engine: Engine = embed_each,
) -> Embeddings:
    """A unit vector for each sound: the mean of its windows, or one a window with per_window.

    `layer` gives frames instead: that layer's state at every position, as it is, 0 the first layer
    and -1 the last. Folders are walked; `failures` lists what failed. The same sound gives the same
    vector always, whatever else is embedded beside it.
    """
    answers = Embeddings()
    for answer in embed_files(
        files, model=model, per_window=per_window, layer=layer, engine=engine
    ):
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
    layer: int | None = None,
    skip: Callable[[Path | str], bool] = lambda path: False,
    pace: Pace | None = None,
    engine: Engine = embed_each,
) -> Iterator[Embedding | Failure]:
    """As `embed`, as they are ready, in the order of the files; without those to skip."""
    embedder = as_embedder(model)
    if pace is not None:
        pace.start()
    paths = find_sounds([files] if isinstance(files, str | Path) else files)
    todo = (path for path in paths if not skip(path))
    if layer is None:
        answers = engine((file_task(path, embedder) for path in todo), embedder)
    else:
        from earshot.models.frame_reader import FrameReader

        rate, window_s, per_window = embedder.sample_rate, embedder.window_s, True
        tasks = (Task(path, FileWindows(path, rate, window_s, window_s)) for path in todo)
        answers = read_each(tasks, FrameReader(embedder, layer))
    for done in answers:
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


def save_embeddings(out: Path, embeddings: Sequence[Embedding], model: Embedder) -> None:
    """Write vectors with paths, times and the model's fingerprint: whole or not at all.

    .npz: arrays path, start_s, end_s, size, mtime_ns, vector, model, fingerprint, per_window;
    .parquet: the same columns, the last three as metadata. A file that is there is replaced.
    """
    paths = [embedding.path for embedding in embeddings]
    with TemporaryDirectory() as folder:
        made = VectorFile(Path(folder) / out.name, model, per_window=len(set(paths)) < len(paths))
        for embedding in embeddings:
            made.add(embedding)
        made.finish()
        with replacing(out) as part:
            shutil.copyfile(made.out, part)
