"""The protocol core's values as JSON and back: frozen dataclasses and enums of `emulator.bgp`, nothing else.

A dataclass is written with the fields that differ from their defaults, so what
was written before a field was added still reads. Lists are read as tuples: the
core's values hold no lists.
"""

from __future__ import annotations

import importlib
import json
import math
import re
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from emulator.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

_HOME: Final = "emulator.bgp."
_NAME: Final = re.compile(r"[a-z][a-z_]*\.[A-Z]\w*")
_PLAIN: Final = (int, str, bool, type(None))


def encode(value: Any) -> Any:  # noqa: ANN401 - any value of the core
    """``value`` as JSON. Raises `TypeError` for what the protocol core does not define."""
    kind = value.__class__
    if kind in _PLAIN:
        return value
    if kind in _CONTAINERS:
        return _CONTAINERS[kind](value)
    if isinstance(value, Enum):
        return {"enum": _name(kind), "is": value.name}
    if is_dataclass(value):
        written = {"of": _name(kind)}
        for name, default in _defaults(kind):
            item = getattr(value, name)
            if item is not default and item != default:
                written[name] = encode(item)
        return written
    message = f"{kind.__name__} has no place in a route history"
    raise TypeError(message)


_CONTAINERS: Final[dict[type, Callable[[Any], Any]]] = {
    tuple: lambda value: [encode(item) for item in value],
    frozenset: lambda value: {"set": sorted((encode(item) for item in value), key=json.dumps)},
    dict: lambda value: {"map": [[encode(key), encode(item)] for key, item in value.items()]},
    float: lambda value: value if math.isfinite(value) else {"float": str(value)},
}


def decode(written: Any) -> Any:  # noqa: ANN401
    """What `encode` wrote. Raises `InputError` for anything else."""
    if isinstance(written, list):
        return tuple(decode(item) for item in written)
    if not isinstance(written, dict):
        return written
    for mark, read in _READERS.items():
        if mark in written:
            return read(written)
    message = "route history: neither a value nor a container; run the scenario again"
    raise InputError(message)


def _dataclass(written: dict[str, Any]) -> Any:  # noqa: ANN401
    its = {name: decode(item) for name, item in written.items() if name != "of"}
    try:
        return _class(written["of"])(**its)
    except TypeError as error:
        message = f"route history: {error}; run the scenario again"
        raise InputError(message) from error


_READERS: Final[dict[str, Callable[[dict[str, Any]], Any]]] = {
    "of": _dataclass,
    "enum": lambda written: _class(written["enum"])[written["is"]],
    "set": lambda written: frozenset(decode(item) for item in written["set"]),
    "map": lambda written: {decode(key): decode(item) for key, item in written["map"]},
    "float": lambda written: float(written["float"]),
}


@cache
def _name(kind: type) -> str:
    if not kind.__module__.startswith(_HOME):
        message = f"{kind.__module__}.{kind.__name__} is not of the protocol core"
        raise TypeError(message)
    return f"{kind.__module__.removeprefix(_HOME)}.{kind.__name__}"


@cache
def _defaults(kind: type) -> tuple[tuple[str, Any], ...]:
    """The fields of a dataclass with their defaults, `MISSING` where there is none."""
    found = []
    for each in fields(kind):
        default = each.default
        if default is MISSING and each.default_factory is not MISSING:
            default = each.default_factory()
        found.append((each.name, default))
    return tuple(found)


def _class(name: str) -> Any:  # noqa: ANN401 - a class
    """The dataclass or enum of the core that is called ``name``: nothing else can be made from a file."""
    if isinstance(name, str) and _NAME.fullmatch(name):
        module, _, its_name = name.partition(".")
        try:
            kind = getattr(importlib.import_module(_HOME + module), its_name, None)
        except ImportError:
            kind = None
        if isinstance(kind, type) and (is_dataclass(kind) or issubclass(kind, Enum)):
            return kind
    message = f"route history: {name!r} is not a value of this version; run the scenario again"
    raise InputError(message)
