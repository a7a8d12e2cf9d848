"""JSON with one way to write each value, so that equal runs are equal bytes."""

from __future__ import annotations

import json
import math
from typing import Any, Final

SIGNIFICANT_DIGITS: Final = 12
"""Kept of a number with a fraction: enough for nanoseconds in a run of a quarter of an hour,
few enough to hide the last-bit differences between processors."""


def canonical(value: Any) -> Any:  # noqa: ANN401 - any JSON value in, any JSON value out
    """``value`` with plain Python numbers, floats rounded, NaN and infinities as None.

    Raises `TypeError` for what JSON cannot hold.
    """
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, dict):
        return {str(key): canonical(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [canonical(item) for item in value]
    if hasattr(value, "item") and not hasattr(value, "__len__"):  # a NumPy scalar
        value = value.item()
    if isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return float(f"{value:.{SIGNIFICANT_DIGITS}g}") if math.isfinite(value) else None
    message = f"{type(value).__name__} has no place in JSON"
    raise TypeError(message)


def pretty(value: Any) -> str:  # noqa: ANN401
    """``value`` for a file that people read: sorted keys, two spaces, a newline at the end."""
    return json.dumps(canonical(value), indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def compact(value: Any) -> str:  # noqa: ANN401
    """``value`` on one line, for JSON Lines."""
    try:
        return _COMPACT.encode(value)
    except (TypeError, ValueError):  # NumPy scalars or NaN: rare enough to pay for twice
        return _COMPACT.encode(canonical(value))


_COMPACT: Final = json.JSONEncoder(sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
