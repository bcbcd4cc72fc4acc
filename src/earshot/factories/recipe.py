"""A factory by the name of its recipe and its settings, or by a file that says both."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import json
import pkgutil
import sys
import tomllib
import types
import typing
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from earshot.core.config import from_dict, override
from earshot.core.errors import EarShotError, unknown_name
from earshot.core.files import is_file
from earshot.factories.factory import BATCH_SIZE, GIVE_UP_AFTER, Factory
from earshot.factories.ledger import ROWS_PER_PART
from earshot.factories.meter import Prices
from earshot.llm.config import LlmConfig

CACHES = ("llm_cache", "cache")  # the field of Settings that names a folder of answers


@dataclass(frozen=True)
class Running:
    """How a job goes about it; no result depends on it."""

    batch_size: int = BATCH_SIZE
    rows_per_part: int = ROWS_PER_PART
    give_up_after: int = GIVE_UP_AFTER


@dataclass(frozen=True)
class FactoryJob:
    """A whole job, as a TOML or JSON file says it. `settings` are the recipe's own, by name."""

    recipe: str  # a module of factories, PACKAGE.MODULE or FILE.py of your own
    source: str | None = None
    out: str | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    prices: Prices | None = None  # of a million tokens
    running: Running = Running()


def read_job(path: Path) -> FactoryJob:
    """The job of a file; source, out and a recipe's own file are relative to it.

    Unknown keys are refused, by name.
    """
    if not is_file(path) or path.suffix.lower() not in (".toml", ".json"):
        raise EarShotError(
            got=f"{path}{'' if is_file(path) else ', which is not a file'}",
            expected="a .toml or .json file that names a recipe and its settings",
            mend="Name it, or write --recipe KEY.",
        )
    try:
        text = path.read_text("utf-8")
        held = tomllib.loads(text) if path.suffix.lower() == ".toml" else json.loads(text)
    except (OSError, ValueError, RecursionError) as fault:
        raise EarShotError(
            got=f"{path}: {fault}", expected=f"{path.suffix[1:].upper()}", mend="Correct it."
        ) from fault
    if not isinstance(held, dict):
        raise EarShotError(
            got=f"{path} with a {type(held).__name__}", expected="keys", mend="Name a recipe in it."
        )
    job = from_dict(FactoryJob, held, path.name)
    placed: dict[str, Any] = {
        name: str(path.parent / value)
        for name in ("source", "out", "recipe")
        if (value := getattr(job, name)) is not None
        and "://" not in value
        and (name != "recipe" or value.endswith(".py"))
    }
    return replace(job, **placed)


def recipes() -> list[str]:
    """Names of the room's recipes; their modules are not imported."""
    room = importlib.import_module("earshot.factories").__path__
    return sorted(
        info.name
        for info in pkgutil.iter_modules(room)
        if "\ndef factory(" in _text_of(Path(info.module_finder.path) / f"{info.name}.py")  # type: ignore[union-attr]
    )


def find_recipe(name: str) -> ModuleType:
    """The recipe's module: one of this room, PACKAGE.MODULE or a file; no other is imported."""
    if name.endswith(".py"):
        module = _of_file(Path(name))
    elif "." in name:
        try:
            module = importlib.import_module(name)
        except ImportError as fault:
            raise EarShotError(
                got=f"recipe {name!r} ({fault})",
                expected="a module that can be imported",
                mend="Correct its name, or put its folder into PYTHONPATH.",
            ) from fault
    elif name not in recipes():
        raise unknown_name("recipe", name, recipes())
    else:
        module = importlib.import_module(f"earshot.factories.{name}")
    if not callable(getattr(module, "factory", None)):
        raise EarShotError(
            got=f"{name} without a function `factory`",
            expected="factory(settings) -> Factory",
            mend="Write one; see docs/factory.md.",
        )
    return module


def settings_of(
    module: ModuleType,
    values: dict[str, Any],
    changes: typing.Sequence[str] = (),
    llm: LlmConfig | None = None,
    cache: Path | None = None,
) -> Any:
    """The recipe's settings from plain values, changed by FIELD=VALUE words, typed by its fields.

    `llm` and `cache` go to the fields of these kinds. Raises EarShotError for what it has not.
    """
    kind = _kind_of(module)
    settings = override(from_dict(kind, values, "settings"), changes)
    names = {each.name for each in fields(kind)}
    given: dict[str, Any] = {}
    if llm is not None:
        if "llm" not in names:
            raise EarShotError(
                got=f"--llm for {module.__name__}",
                expected="a recipe that asks a language model",
                mend="Leave it out.",
            )
        given["llm"] = llm
    asks = llm is not None or any(isinstance(getattr(settings, n), LlmConfig) for n in names)
    if cache is not None and asks:
        held = next((name for name in CACHES if name in names), None)
        if held is not None and not getattr(settings, held):
            given[held] = str(cache)
    return replace(settings, **given)


def build(name: str, values: dict[str, Any]) -> Factory:
    """The factory of a recipe and its settings as plain values; what workers elsewhere call."""
    module = find_recipe(name)
    made: Factory = module.factory(settings_of(module, values))
    return made


def _of_file(path: Path) -> ModuleType:
    """A module that is a file of its own; run once in a process."""
    path = path.resolve()
    held = sys.modules.get(name := f"earshot_recipe_{path.stem}")
    if held is not None and held.__file__ == str(path):
        return held
    spec = importlib.util.spec_from_file_location(name, path)
    if not is_file(path) or spec is None or spec.loader is None:
        raise EarShotError(
            got=f"recipe {path}, which is not there",
            expected="a Python file with a function `factory`",
            mend="Correct its path.",
        )
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _kind_of(module: ModuleType) -> Any:
    """The dataclass that the recipe's `factory` takes first."""
    name = next(iter(inspect.signature(module.factory).parameters))
    hint = typing.get_type_hints(module.factory)[name]
    options = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    return next(option for option in options if option is not type(None))


def _text_of(path: Path) -> str:
    return path.read_text("utf-8") if path.is_file() else ""
