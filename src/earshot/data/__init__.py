"""Manifests, data set layouts, clip sets and batches."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from earshot.data.batch import Batch, collate
    from earshot.data.clip import Clip, StoredAudio
    from earshot.data.clip_set import ClipSet, Fold
    from earshot.data.columns import Columns
    from earshot.data.faults import DataError, LoadFault
    from earshot.data.loader import BatchLoader
    from earshot.data.open import open_clips

_HOME = {  # imported on first use: checking a manifest needs no torch
    "Batch": "batch",
    "collate": "batch",
    "Clip": "clip",
    "StoredAudio": "clip",
    "ClipSet": "clip_set",
    "Fold": "clip_set",
    "Columns": "columns",
    "DataError": "faults",
    "LoadFault": "faults",
    "BatchLoader": "loader",
    "open_clips": "open",
}
__all__ = [
    "Batch",
    "BatchLoader",
    "Clip",
    "ClipSet",
    "Columns",
    "DataError",
    "Fold",
    "LoadFault",
    "StoredAudio",
    "collate",
    "open_clips",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'earshot.data' has no attribute {name!r}")
    return getattr(importlib.import_module(f"earshot.data.{_HOME[name]}"), name)
