"""Configs are nested frozen dataclasses: to and from plain dicts, changed by FIELD=VALUE words."""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from earshot.core.errors import EarShotError, unknown_name

T = TypeVar("T")


def to_dict(config: Any) -> dict[str, Any]:
    """The config as plain JSON values."""
    return json.loads(json.dumps(dataclasses.asdict(config)))


def from_dict(kind: type[T], values: Mapping[str, Any], where: str = "config") -> T:
    """A `kind` from plain values; unknown fields and wrong types are refused, by name."""
    hints = typing.get_type_hints(kind)
    fields = {field.name for field in dataclasses.fields(kind) if field.init}  # type: ignore[arg-type]
    given: dict[str, Any] = {}
    for name, value in values.items():
        if name not in fields:
            raise unknown_name("field", f"{where}.{name}", (f"{where}.{known}" for known in fields))
        given[name] = _value(hints[name], value, f"{where}.{name}")
    try:
        return kind(**given)
    except TypeError as fault:
        raise EarShotError(
            got=f"{where} with fields {sorted(values)}",
            expected=f"the fields of {kind.__name__}: {', '.join(sorted(fields))}",
            mend=f"Give the missing ones ({fault}).",
        ) from fault


def override(config: T, changes: Sequence[str]) -> T:
    """`config` with changes such as "fit.steps=50": typed by the dataclass, applied together."""
    values = to_dict(config)
    for change in changes:
        path, equals, text = change.partition("=")
        if not equals:
            raise EarShotError(
                got=f"{change!r}", expected="FIELD=VALUE", mend="Write it as --set fit.steps=50."
            )
        _set(type(config), values, path.strip().split("."), text)
    return from_dict(type(config), values)


def _set(kind: Any, values: dict[str, Any], path: list[str], text: str, above: str = "") -> None:
    """Set one field of `values`; `above` is the dotted path that led here."""
    hints = typing.get_type_hints(kind)
    name, rest = path[0], path[1:]
    where = above + name
    if name not in hints:
        raise unknown_name("field", where, (above + known for known in hints))
    inner = _dataclass_in(hints[name])
    if rest:
        if inner is None:
            raise EarShotError(
                got=".".join([where, *rest]),
                expected=f"{where} to have fields",
                mend=f"Set {where} itself.",
            )
        if values.get(name) is None:
            values[name] = to_dict(inner())
        _set(inner, values[name], rest, text, f"{where}.")
    else:
        values[name] = _parse(hints[name], text, where)


def _dataclass_in(hint: Any) -> Any:
    """The dataclass that a hint is or allows, or None."""
    for option in _options(hint):
        if dataclasses.is_dataclass(option):
            return option
    return None


def _options(hint: Any) -> tuple[Any, ...]:
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return typing.get_args(hint)
    return (hint,)


def _parse(hint: Any, text: str, where: str) -> Any:
    """A command-line word as a plain value of the hinted type."""
    options = _options(hint)
    if type(None) in options and text.lower() in ("none", "null", ""):
        return None
    if str in options or any(typing.get_origin(option) is typing.Literal for option in options):
        return _value(hint, text, where)
    if bool in options and text.lower() in ("true", "false"):
        return text.lower() == "true"
    sequence = next((o for o in options if typing.get_origin(o) in (tuple, list)), None)
    try:
        if sequence is not None and not text.lstrip().startswith("["):
            inner = (*typing.get_args(sequence), Any)[0]
            parts = [part.strip() for part in text.split(",") if part.strip()]
            return _value(hint, [_parse(inner, part, where) for part in parts], where)
        return _value(hint, json.loads(text), where)
    except json.JSONDecodeError:
        return _value(hint, text, where)


def _value(hint: Any, value: Any, where: str) -> Any:
    """`value` as the hinted type, or an error that names the field."""
    for option in _options(hint):
        origin = typing.get_origin(option)
        if option is type(None) and value is None:
            return None
        if dataclasses.is_dataclass(option) and isinstance(value, Mapping):
            return from_dict(option, value, where)  # type: ignore[arg-type]
        if origin is typing.Literal:
            if value in typing.get_args(option):
                return value
        elif origin in (tuple, list) and isinstance(value, list | tuple):
            inner = typing.get_args(option)
            if origin is tuple and len(inner) == len(value) and inner[-1] is not Ellipsis:
                return tuple(
                    _value(each, item, where) for each, item in zip(inner, value, strict=True)
                )
            items = [_value(inner[0], item, where) for item in value] if inner else list(value)
            return tuple(items) if origin is tuple else items
        elif origin is dict and isinstance(value, Mapping):
            return dict(value)
        elif option is Any:
            return value
        elif option is float and isinstance(value, int | float) and not isinstance(value, bool):
            with suppress(OverflowError):  # 1 and four hundred zeros: no float
                return float(value)
        elif option in (int, str, bool) and type(value) is option:
            return value
    wanted = ", ".join(_name(option) for option in _options(hint))
    raise EarShotError(
        got=f"{where}={value!r}", expected=wanted, mend=f"Give {where} a value of that kind."
    )


def _name(option: Any) -> str:
    if typing.get_origin(option) is typing.Literal:
        return "one of " + ", ".join(map(repr, typing.get_args(option)))
    return getattr(option, "__name__", str(option))
