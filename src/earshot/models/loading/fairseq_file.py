"""Checkpoints of fairseq read without fairseq: its settings come as inert things, weights whole."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, BinaryIO

import torch

from earshot.core.errors import EarShotError
from earshot.models.loading.weights import read_torch

# What makes tensors and plain containers. Nothing else that a file names is ever looked up.
_REAL = {
    ("collections", "OrderedDict"),
    ("torch._utils", "_rebuild_tensor_v2"),
    ("torch._utils", "_rebuild_parameter"),
    ("torch", "Size"),
}
# Packages whose objects lie beside the weights: settings of runs, meters, enumerations.
_SETTINGS = ("argparse", "omegaconf", "fairseq", "typing", "enum", "tasks", "models", "EAT", "data")


class Inert:
    """Stands for an object of a class that is not looked up: it takes anything and does nothing."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        pass

    def __setitem__(self, key: Any, value: Any) -> None:
        pass

    def __hash__(self) -> int:
        return id(self)

    def append(self, value: Any) -> None:
        """Nothing."""

    def extend(self, values: Any) -> None:
        """Nothing."""


def read_fairseq(path: Path) -> Any:
    """What a file of tensors holds; where fairseq's settings lie beside them, those as `Inert`.

    No class or function that the file names is imported or called, but those that make tensors. A
    file that names anything else is refused, as `read_torch` does. Raises EarShotError.
    """
    try:
        return read_torch(path)
    except EarShotError as refused:
        if not isinstance(refused.__cause__, pickle.UnpicklingError):
            raise
        try:
            return torch.load(
                path,
                map_location="cpu",
                weights_only=False,
                pickle_module=SimpleNamespace(Unpickler=_Inert, load=_load, __name__="inert"),
            )
        except Exception:  # not of fairseq, or damaged: said as it was said before
            raise refused from refused.__cause__


class _Inert(pickle.Unpickler):
    """Makes tensors and plain containers; settings are inert; anything else is refused."""

    def find_class(self, module: str, name: str) -> Any:
        """What a name of the file stands for."""
        if (module, name) in _REAL:
            return super().find_class(module, name)
        if module.partition(".")[0] in _SETTINGS:
            return Inert
        raise pickle.UnpicklingError(f"{module}.{name} is no data")


def _load(file: BinaryIO, **options: Callable) -> Any:
    return _Inert(file, **options).load()  # type: ignore[arg-type]
