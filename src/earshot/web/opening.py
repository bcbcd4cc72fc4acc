"""Open indexes and their models for serving."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from earshot.core.errors import EarShotError
from earshot.index import Store, find_index
from earshot.index.place import Root, is_remote, last_part, named_root
from earshot.jobs.loading import as_embedder
from earshot.jobs.search import require_same
from earshot.web.library import Library

if TYPE_CHECKING:
    from earshot.models.embedder import Embedder


def open_libraries(
    folder: str | Path | None = None,
    *,
    indexes: Sequence[str] = (),
    models: Sequence[str | Embedder] = (),
) -> list[Library]:
    """Every index with every model that made one there, or with `models` alone.

    Looks into the index of `folder`, or into `indexes`. A model is loaded once, however many
    indexes it made. Raises EarShotError when there is no index, or none by a model asked for.
    """
    places = [find_index(None, each) for each in indexes] or [
        find_index(None if folder is None else named_root(folder))
    ]
    loaded: dict[tuple[str, str], Embedder] = {}

    def embedder_of(model: str | Embedder, precision: str = "fp32") -> Embedder:
        key = (model if isinstance(model, str) else model.fingerprint, precision)
        if key not in loaded:
            loaded[key] = as_embedder(model, precision=precision)
        return loaded[key]

    found: list[tuple[Store, Embedder]] = []
    for place in dict.fromkeys(places):
        if models:
            embedders = [embedder_of(model) for model in models]
            found += [
                (Store.open(place, fingerprint=each.fingerprint, model=each.name), each)
                for each in embedders
            ]
            continue
        stores = Store.open_all(place)
        if not stores:
            raise EarShotError(
                got=f"{place}, which holds no index",
                expected="a folder that `earshot index` wrote",
                mend="Run: earshot index DIR",
            )
        for store in stores:
            embedder = embedder_of(store.settings.model, store.settings.precision)
            require_same(store, embedder)
            found.append((store, embedder))
    return _named(found)


def _named(found: Sequence[tuple[Store, Embedder]]) -> list[Library]:
    """Libraries under short names: the model's, with the folder's where there are several."""
    roots = list(dict.fromkeys(_real(store.root) for store, _ in found))
    names: Counter[str] = Counter()
    libraries = []
    for store, embedder in found:
        name = _short(embedder.name)
        if len(roots) > 1:
            name = f"{name}@{last_part(store.root) or 'index'}"
        names[name] += 1
        if names[name] > 1:
            name = f"{name}-{names[name]}"
        place = roots.index(_real(store.root))
        libraries.append(Library(store, embedder, name=name, place=place))
    return libraries


def _real(root: Root) -> str:
    return root if isinstance(root, str) else os.path.realpath(root)


def _short(name: str) -> str:
    """A model's name: a path's last part, anything else as it is."""
    return Path(name).name if not is_remote(name) and Path(name).is_absolute() else name
