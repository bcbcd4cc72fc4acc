"""Open a data set, whatever form it has on disk."""

from __future__ import annotations

import os
from pathlib import Path
from types import ModuleType
from typing import Literal

from earshot.core.errors import EarShotError, unknown_name
from earshot.core.files import is_file, is_there
from earshot.data.blacklist import without
from earshot.data.clip_set import ClipSet
from earshot.data.columns import Columns
from earshot.data.faults import DataError, errors_of
from earshot.data.folders import read_folder
from earshot.data.layouts import (
    audiocaps,
    audioset,
    clotho,
    esc50,
    fsd50k,
    gtzan,
    urbansound8k,
    vggsound,
    wavcaps,
)
from earshot.data.manifest import read_manifest
from earshot.data.saved_sets import is_saved_set, read_saved_set
from earshot.data.shards import read_shards
from earshot.data.tables import SUFFIXES

MANIFESTS = tuple(
    f"{stem}{suffix}" for stem in ("manifest", "metadata") for suffix in SUFFIXES
)  # names under which a folder's manifest is found

PUBLISHED: dict[str, ModuleType] = {
    "esc50": esc50,
    "urbansound8k": urbansound8k,
    "fsd50k": fsd50k,
    "audiocaps": audiocaps,
    "clotho": clotho,
    "audioset": audioset,
    "gtzan": gtzan,
    "vggsound": vggsound,
    "wavcaps": wavcaps,
}
LAYOUTS = ("auto", "manifest", "folder", "webdataset", "datasets", *PUBLISHED)


def open_clips(
    source: str | Path,
    *,
    layout: str = "auto",
    columns: Columns | None = None,
    split: str | None = None,
    blacklist: str | Path | None = None,
    on_fault: Literal["raise", "skip"] = "raise",
) -> ClipSet:
    """The clips of a manifest or a folder.

    `layout` "auto" recognises what lies there. `columns` names a manifest's columns where the
    usual names do not fit. `blacklist` is a file of ids or paths to leave out, one a
    line, or a JSON object of ids by source.

    Raises DataError, which lists all faults by file and line, when rows cannot be used; with
    on_fault="skip" their clips are left out and the faults stand in `ClipSet.faults`.
    """
    path = Path(os.path.expanduser(source))  # noqa: PTH111 - leaves "~nobody/x" as it is
    clips = read_layout(path, layout, columns)
    if blacklist is not None:
        clips = without(clips, Path(blacklist))
    if on_fault == "raise" and (faults := errors_of(clips.faults)):
        raise DataError(faults, path)
    if not len(clips):
        raise DataError(clips.faults, path) if clips.faults else no_clip(path)
    return clips if split is None else clips.split(split)


def read_layout(path: Path, layout: str, columns: Columns | None) -> ClipSet:
    """The clips at `path` in the layout named, with all faults; see open_clips."""
    if not is_there(path):
        raise EarShotError(
            got=f"{path}, which is not there",
            expected="a manifest or a folder of sounds",
            mend="Correct the path.",
        )
    if layout == "auto":
        layout = recognise(path)
    if layout == "manifest":
        return read_manifest(find_manifest(path), columns)
    if layout == "folder":
        return read_folder(path)
    if layout == "webdataset":
        return read_shards(path, columns)
    if layout == "datasets":
        return read_saved_set(path, columns)
    if layout not in PUBLISHED:
        raise unknown_name("layout", layout, LAYOUTS)
    published = PUBLISHED[layout]
    if not published.matches(path):
        raise EarShotError(
            got=f"{path}, which does not hold {layout} as it is downloaded",
            expected=str(published.__doc__).partition(" Source:")[0],
            mend="Name the folder that holds these, or open it with layout=auto.",
        )
    return published.read(path)


def recognise(path: Path) -> str:
    """The name of the layout at `path`."""
    if is_file(path):
        return "webdataset" if path.suffix == ".tar" else "manifest"
    for name, layout in PUBLISHED.items():
        if layout.matches(path):
            return name
    if any((path / name).is_file() for name in MANIFESTS):
        return "manifest"
    if is_saved_set(path):
        return "datasets"
    if any(path.glob("*.tar")) or any(path.glob("*/*.tar")):
        return "webdataset"
    return "folder"


def no_clip(path: Path) -> EarShotError:
    """The error for a set without clips and without faults."""
    return EarShotError(
        got=f"{path} with no clip",
        expected="at least one sound",
        mend="Check the path, or say what lies there: layout=...",
    )


def find_manifest(path: Path) -> Path:
    """The manifest itself, or the one in a folder. Raises EarShotError when there is none."""
    if path.is_file():
        return path
    found = [path / name for name in MANIFESTS if (path / name).is_file()]
    if not found:
        raise EarShotError(
            got=f"{path} without a manifest",
            expected=f"one of {', '.join(MANIFESTS)}",
            mend="Name the manifest itself.",
        )
    return found[0]
