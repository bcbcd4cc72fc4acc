"""What an index holds, and carrying it to another machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from earshot.core.errors import EarShotError, unknown_name
from earshot.index import Store, find_index, place_index
from earshot.index.exchange import export_parquet, import_parquet, read_settings
from earshot.index.place import named_root


def index_stats(
    folder: str | Path | None = None, *, index: str | Path | None = None
) -> list[dict[str, Any]]:
    """A row of figures for each model of the index: files, windows, fragments, megabytes, ...

    Looks into the index of `folder` (the working folder and those above it when left out) or into
    `index`. `fragments` are what commits left behind: one or two after an indexing run.
    """
    place = find_index(named_root(folder) if folder is not None else None, index)
    held = Store.open_all(place)
    if not held:
        raise EarShotError(
            got=f"{place}, which holds no index",
            expected="a folder that `earshot index` wrote",
            mend="Run: earshot index DIR",
        )
    return [_figures(store) for store in held]


def export_index(
    out: str | Path,
    folder: str | Path | None = None,
    *,
    index: str | Path | None = None,
    model: str | None = None,
) -> dict[str, Any]:
    """Write an index to one Parquet file, settings included; what was written, in figures.

    `model` names one of several models by name or fingerprint; it need not be installed.
    """
    target = Path(out)
    if target.suffix != ".parquet":
        raise EarShotError(
            got=f"{out}",
            expected="a name that ends in .parquet",
            mend="Write: earshot store export index.parquet",
        )
    place = find_index(named_root(folder) if folder is not None else None, index)
    store = _chosen(place, model)
    n_rows = export_parquet(store, target)
    return {
        "out": str(target),
        "model": store.settings.model,
        "fingerprint": store.settings.fingerprint,
        "files": store.n_files,
        "windows": n_rows,
    }


def import_index(
    source: str | Path, *, root: str | Path | None = None, index: str | Path | None = None
) -> dict[str, Any]:
    """Make an index of an exported file, searchable at once; the figures of `index_stats`.

    root: the folder of the sounds on this machine; as on the other one if left out. The index lies
    in ROOT/.earshot, or where `index` says. The sounds need not be there.
    """
    path = Path(source)
    known = read_settings(path)
    home = named_root(root) if root is not None else None
    if isinstance(home, Path) and not home.is_dir():
        raise EarShotError(
            got=f"--root {root}, which is not a folder",
            expected="the folder of the sounds on this machine",
            mend="Correct the path; or leave it out and say where the index goes: --index PATH.",
        )
    was_at = named_root(known.root)
    if index is None and home is None and isinstance(was_at, Path) and not was_at.is_dir():
        raise EarShotError(
            got=f"{source}, whose sounds lay in {known.root}, which is not on this machine",
            expected="to be told where the sounds are, or where the index goes",
            mend="Add --root DIR, or --index PATH to search without the sounds.",
        )
    home = home or was_at
    place = place_index(home, index)
    store = import_parquet(path, place, root=home)
    return _figures(store)


def _figures(store: Store) -> dict[str, Any]:
    about = {"index": store.place, "root": str(store.root), "precision": store.settings.precision}
    return about | store.stats()


def _chosen(place: str, model: str | None) -> Store:
    """The index of the model named, by name or fingerprint; the only one where none is named."""
    if model is None:
        return Store.open(place)
    held = Store.open_all(place)
    named = [s for s in held if model in (s.settings.fingerprint, s.settings.model)]
    if len(named) == 1:
        return named[0]
    if named:
        made = ", ".join(s.settings.fingerprint for s in named)
        raise EarShotError(
            got=f"{model}, of which {place} holds several indexes",
            expected="one of them",
            mend=f"Name it by its fingerprint: {made}.",
        )
    raise unknown_name("model", model, [s.settings.model for s in held])
