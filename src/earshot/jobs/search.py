"""Search an index by words or by a sound."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from earshot.core.errors import EarShotError
from earshot.core.urls import name_below
from earshot.engines.urls import fetch
from earshot.index import Store, find_index
from earshot.index.hybrid import Found, find
from earshot.index.place import named_root
from earshot.index.where import both, has_tag, in_folder
from earshot.index.words import query_words
from earshot.jobs.file_facts import facts_of
from earshot.jobs.loading import as_embedder

if TYPE_CHECKING:
    from earshot.models.embedder import Embedder

LIKED_WEIGHT, DISLIKED_WEIGHT = 0.75, 0.15  # beside 1 for the words


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
    liked: Sequence[str | Path] = (),
    disliked: Sequence[str | Path] = (),
    options: Mapping[str, Any] | None = None,
) -> Found:
    """The `k` sounds that fit `words` best, each at its best window; iterate to get the hits.

    Looks into the index of `folder` (the working folder and those above it when left out) or into
    `index`, with the model that made it unless `model` names another of its models. A hit's `score`
    is the cosine of sound and words, -1 to 1. Words found in names, folders, tags and captions
    lift a hit, unless use_words=False. `where` is an SQL condition, such as "duration_s > 3".
    `liked` and `disliked` are sounds, indexed or not, that move the query towards them and away;
    the cosine is then that of the moved query. `options` go to `load` (device, precision,
    tokenizer).
    """
    query = clean_query(words)
    _check_k(k)
    store, embedder = open_index(folder, index, model, options)
    vector = embedder.embed_texts([query])[0]
    if liked or disliked:
        vector = moved_query(
            vector,
            [_vector_of(named_root(sound), store, embedder) for sound in liked],
            [_vector_of(named_root(sound), store, embedder) for sound in disliked],
        )
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
    options: Mapping[str, Any] | None = None,
) -> Found:
    """The `k` sounds most like the file `sound`, which is itself left out; see `search`.

    The file need not be in the index. Where it is, its vectors are taken from there.
    """
    path = named_root(sound)
    _check_k(k)
    embedder = None if model is None else as_embedder(model, **(options or {}))
    store = open_store(folder, index, embedder)
    vector = _vector_of(path, store, embedder, options)
    name = _name_in(store, path)
    return find(store, vector, k=k, where=where, every_window=every_window, without=name)


def moved_query(
    vector: np.ndarray, liked: Sequence[np.ndarray], disliked: Sequence[np.ndarray]
) -> np.ndarray:
    """The query [dim] moved towards the mean of liked sounds and away from that of disliked ones.

    Source: Rocchio, Relevance feedback in information retrieval, 1971, with the usual weights.
    """
    moved = np.asarray(vector, np.float64)
    if liked:
        moved = moved + LIKED_WEIGHT * np.mean(liked, axis=0)
    if disliked:
        moved = moved - DISLIKED_WEIGHT * np.mean(disliked, axis=0)
    return (moved / max(float(np.linalg.norm(moved)), 1e-12)).astype(np.float32)


def _vector_of(
    path: Path | str,
    store: Store,
    embedder: Embedder | None,
    options: Mapping[str, Any] | None = None,
) -> np.ndarray:
    """A sound as one unit vector: from the index where it is there unchanged, else embedded."""
    name = _name_in(store, path)
    there = facts_of(path)
    known = store.rows_of(name) if name is not None and there[0] >= 0 else None
    if known is not None and there == (known.known.size, known.known.mtime_ns):
        mean = known.vectors.mean(axis=0)
        return mean / max(float(np.linalg.norm(mean)), 1e-12)
    if embedder is None:
        embedder = _own_model(store, options)
    return embedder.embed_audio(fetch(path) if isinstance(path, str) else path).mean


def open_store(
    folder: str | Path | None, index: str | Path | None, model: str | Path | Embedder | None
) -> Store:
    """The index to look into; when `model` is an embedder, its table."""
    place = find_index(named_root(folder) if folder is not None else None, index)
    if model is None:
        return Store.open(place)
    embedder = as_embedder(model)
    return Store.open(place, fingerprint=embedder.fingerprint, model=embedder.name)


def open_index(
    folder: str | Path | None,
    index: str | Path | None,
    model: str | Path | Embedder | None,
    options: Mapping[str, Any] | None = None,
) -> tuple[Store, Embedder]:
    """The index to look into, and the model that made it, in the precision that it ran in."""
    if model is not None:
        embedder = as_embedder(model, **(options or {}))
        return open_store(folder, index, embedder), embedder
    store = open_store(folder, index, None)
    return store, _own_model(store, options)


def _own_model(store: Store, options: Mapping[str, Any] | None) -> Embedder:
    """The model that made the index."""
    as_made = {"precision": store.settings.precision, **(options or {})}
    embedder = as_embedder(store.settings.model, **as_made)
    require_same(store, embedder)
    return embedder


def require_same(store: Store, embedder: Embedder) -> None:
    """Refuse a model that is called like the index's but is not the one that made it."""
    if embedder.fingerprint != store.settings.fingerprint:
        raise EarShotError(
            got=f"{embedder.name} ({embedder.fingerprint}), which changed since the index was made",
            expected=f"the model of fingerprint {store.settings.fingerprint}",
            mend=f"Index again: earshot index {store.root}; or load it as it was loaded then.",
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


def _name_in(store: Store, path: Path | str) -> str | None:
    """What the index calls a file, if it lies under the index's root."""
    if isinstance(path, str) or isinstance(store.root, str):
        both_urls = isinstance(path, str) and isinstance(store.root, str)
        return name_below(str(store.root), str(path)) if both_urls else None
    real, root = os.path.realpath(path), os.path.realpath(store.root)
    for candidate, above in ((str(path.absolute()), str(store.root.absolute())), (real, root)):
        if candidate.startswith(above.rstrip(os.sep) + os.sep):
            return Path(os.path.relpath(candidate, above)).as_posix()
    return None
