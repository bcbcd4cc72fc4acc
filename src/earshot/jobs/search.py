"""Search an index by words or by a sound."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from earshot.core.errors import EarShotError
from earshot.core.files import is_file
from earshot.index import Store, find_index
from earshot.index.hybrid import Found, find
from earshot.index.where import both, has_tag, in_folder
from earshot.index.words import query_words
from earshot.jobs.loading import as_embedder

if TYPE_CHECKING:
    from earshot.models.embedder import Embedder


def search(
    words: str,
    folder: str | Path | None = None,
    *,
    index: str | Path | None = None,
    model: str | Path | Embedder | None = None,
    k: int = 10,
    where: str | None = None,
    tag: str | None = None,
    subfolder: str | None = None,
    use_words: bool = True,
    every_window: bool = False,
) -> Found:
    """The `k` sounds that fit `words` best, each at its best window; iterate to get the hits.

    Looks into the index of `folder` (the working folder and those above it when left out) or into
    `index`, with the model that made it unless `model` names another of its models. A hit's `score`
    is the cosine of sound and words, -1 to 1. Words found in names, folders, tags and captions
    lift a hit, unless use_words=False. `where` is an SQL condition, such as "duration_s > 3".
    """
    query = clean_query(words)
    _check_k(k)
    store, embedder = open_index(folder, index, model)
    vector = embedder.embed_texts([query])[0]
    return find(
        store,
        vector,
        words=query_words(query) if use_words else (),
        k=k,
        where=both(
            where, has_tag(tag) if tag else None, in_folder(subfolder) if subfolder else None
        ),
        every_window=every_window,
    )


def similar(
    sound: str | Path,
    folder: str | Path | None = None,
    *,
    index: str | Path | None = None,
    model: str | Path | Embedder | None = None,
    k: int = 10,
    where: str | None = None,
    every_window: bool = False,
) -> Found:
    """The `k` sounds most like the file `sound`, which is itself left out; see `search`.

    The file need not be in the index. Where it is, its vectors are taken from there.
    """
    path = Path(sound)
    _check_k(k)
    store = open_store(folder, index, model)
    name = _name_in(store, path)
    known = store.rows_of(name) if name is not None and is_file(path) else None
    if known is not None and _is_same(path, known.known.size, known.known.mtime_ns):
        mean = known.vectors.mean(axis=0)
        vector = mean / max(float(np.linalg.norm(mean)), 1e-12)
    else:
        embedder = as_embedder(store.settings.model if model is None else model)
        require_same(store, embedder)
        vector = embedder.embed_audio(path).mean
    return find(store, vector, k=k, where=where, every_window=every_window, without=name)


def open_store(
    folder: str | Path | None, index: str | Path | None, model: str | Path | Embedder | None
) -> Store:
    """The index to look into; when `model` is an embedder, its table."""
    place = find_index(Path(folder) if folder is not None else None, index)
    if model is None:
        return Store.open(place)
    embedder = as_embedder(model)
    return Store.open(place, fingerprint=embedder.fingerprint, model=embedder.name)


def open_index(
    folder: str | Path | None, index: str | Path | None, model: str | Path | Embedder | None
) -> tuple[Store, Embedder]:
    """The index to look into, and the model that made it."""
    if model is not None:
        embedder = as_embedder(model)
        return open_store(folder, index, embedder), embedder
    store = open_store(folder, index, None)
    embedder = as_embedder(store.settings.model)
    require_same(store, embedder)
    return store, embedder


def require_same(store: Store, embedder: Embedder) -> None:
    """Refuse a model that is called like the index's but is not the one that made it."""
    if embedder.fingerprint != store.settings.fingerprint:
        raise EarShotError(
            got=f"{embedder.name} ({embedder.fingerprint}), which changed since the index was made",
            expected=f"the model of fingerprint {store.settings.fingerprint}",
            mend=f"Index again: earshot index {store.root}",
        )


def clean_query(words: str) -> str:
    """`words` without control characters; an empty query is refused."""
    from earshot.text.clean import clean

    query = " ".join(clean(words).split())
    if not query:
        raise EarShotError(
            got="an empty query",
            expected="words for a sound",
            mend='Write what it sounds like: earshot search "a dog barking".',
        )
    return query


def _check_k(k: int) -> None:
    if k < 1:
        raise EarShotError(got=f"k={k}", expected="1 or more", mend="Ask for at least one hit.")


def _name_in(store: Store, path: Path) -> str | None:
    """What the index calls a file, if it lies under the index's root."""
    real, root = os.path.realpath(path), os.path.realpath(store.root)
    for candidate, above in ((str(path.absolute()), str(store.root.absolute())), (real, root)):
        if candidate.startswith(above.rstrip(os.sep) + os.sep):
            return Path(os.path.relpath(candidate, above)).as_posix()
    return None


def _is_same(path: Path, size: int, mtime_ns: int) -> bool:
    facts = path.stat()
    return (facts.st_size, facts.st_mtime_ns) == (size, mtime_ns)
