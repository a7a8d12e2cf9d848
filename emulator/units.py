"""Quantities: integer nanoseconds for time, exact parsing for everything with a unit.

Time inside the emulator is an integer number of nanoseconds. An *instant* is
measured from the moment the settled network is handed to the timeline (t = 0);
a *duration* is a difference of instants. A quantity that cannot be represented
exactly is an error, never rounded.
"""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Final, NewType

from emulator.errors import UnitError

if TYPE_CHECKING:
    from collections.abc import Mapping

Instant = NewType("Instant", int)
"""Nanoseconds since t = 0; negative while the network settles."""
Duration = NewType("Duration", int)
"""Nanoseconds between two instants."""

NANOSECOND: Final = Duration(1)
MICROSECOND: Final = Duration(1_000)
MILLISECOND: Final = Duration(1_000_000)
SECOND: Final = Duration(1_000_000_000)
MINUTE: Final = Duration(60 * SECOND)
HOUR: Final = Duration(60 * MINUTE)
DAY: Final = Duration(24 * HOUR)

LONG_AGO: Final = Instant(-(2**90))
"""Before everything, also before the settling of a network."""

_DURATION: Final = {
    "ns": NANOSECOND,
    "us": MICROSECOND,
    "ms": MILLISECOND,
    "s": SECOND,
    "min": MINUTE,
    "h": HOUR,
    "d": DAY,
}
_SCALE: Final = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_RATE: Final = {
    f"{scale}/{per}": Fraction(factor, seconds)
    for scale, factor in _SCALE.items()
    for per, seconds in (("s", 1), ("min", 60), ("h", 3600), ("d", 86400))
}
_SIZE: Final = {f"{scale}B": factor for scale, factor in [*_SCALE.items(), ("P", 10**15)]}
_BANDWIDTH: Final = {f"{scale}bps": factor for scale, factor in _SCALE.items()}
_QUANTITY: Final = re.compile(r"\s*([+-]?)([0-9]+(?:\.[0-9]+)?|\.[0-9]+)\s*(\S*)\s*")
_LONGEST_TEXT: Final = 64


def _parse(text: str, units: Mapping[str, int | Fraction], what: str, example: str) -> Fraction:
    """Split ``text`` in number and unit and multiply, exactly."""
    match = _QUANTITY.fullmatch(text) if len(text) <= _LONGEST_TEXT else None
    if match is None:
        message = f"expected {what} such as {example!r}, got {text[:_LONGEST_TEXT]!r}"
        raise UnitError(message)
    sign, number, unit = match.groups()
    if unit not in units:
        known = ", ".join(name for name in units if name)
        message = f"expected {what} such as {example!r}, got {text!r}; known units: {known}"
        raise UnitError(message)
    value = Fraction(number) * Fraction(units[unit])
    return -value if sign == "-" else value


def parse_duration(text: str, *, signed: bool = False) -> Duration:
    """Nanoseconds in ``text`` (``"10ms"``, ``"1.5s"``, ``"2h"``).

    ``signed`` also takes a leading ``+`` or ``-``, for differences such as
    ``+80ms``. Raises `UnitError` for a missing or unknown unit, a fraction of a
    nanosecond, or a negative duration where none is meant.
    """
    nanoseconds = _parse(text, _DURATION, "a duration", "35ms")
    if nanoseconds.denominator != 1:
        message = f"{text!r} is finer than 1 ns"
        raise UnitError(message)
    if nanoseconds < 0 and not signed:
        message = f"expected a duration such as '35ms', got the negative {text!r}"
        raise UnitError(message)
    return Duration(int(nanoseconds))


def parse_rate(text: str) -> float:
    """Events a second in ``text`` (``"36k/s"``, ``"90/min"``)."""
    return _at_least_zero(_parse(text, _RATE, "a rate", "36k/s"), text)


def parse_size(text: str) -> float:
    """Bytes in ``text`` (``"697kB"``; decimal prefixes)."""
    return _at_least_zero(_parse(text, _SIZE, "a size", "697kB"), text)


def parse_bandwidth(text: str) -> float:
    """Bits a second in ``text`` (``"100Gbps"``)."""
    return _at_least_zero(_parse(text, _BANDWIDTH, "a bandwidth", "100Gbps"), text)


def parse_share(text: str) -> float:
    """Return a share between 0 and 1 in ``text`` (``"5%"``, ``"0.05"``)."""
    value = _parse(text, {"%": Fraction(1, 100), "": Fraction(1)}, "a share", "5%")
    if not 0 <= value <= 1:
        message = f"expected a share between 0% and 100%, got {text!r}"
        raise UnitError(message)
    return float(value)


def _at_least_zero(value: Fraction, text: str) -> float:
    if value < 0:
        message = f"expected zero or more, got {text!r}"
        raise UnitError(message)
    return float(value)


def format_duration(duration: Duration) -> str:
    """Return the shortest exact text that `parse_duration` reads back as ``duration``."""
    sign = "-" if duration < 0 else ""
    for unit in ("d", "h", "min", "s", "ms", "us", "ns"):
        whole, rest = divmod(abs(duration), _DURATION[unit])
        if whole and not rest:
            return f"{sign}{whole}{unit}"
    return "0s"


def _format_scaled(value: float, scales: dict[str, int], unit: str) -> str:
    """Return the text with the largest scale that keeps at least 1, read back as the very same float."""
    exact = Fraction(value)
    for scale, factor in sorted(scales.items(), key=lambda item: -item[1]):
        if exact >= factor:
            for number in (f"{float(exact / factor):.12g}", _plain(exact / factor)):
                if "e" not in number and float(Fraction(number) * factor) == value:
                    return f"{number}{scale}{unit}"
    return f"{_plain(exact)}{unit}"


def _plain(value: Fraction) -> str:
    """``value`` in decimal digits, without an exponent."""
    return format(Decimal(repr(float(value))), "f")


def format_rate(rate: float) -> str:
    """Text that `parse_rate` reads back as ``rate``."""
    return _format_scaled(rate, _SCALE, "/s")


def format_size(size: float) -> str:
    """Text that `parse_size` reads back as ``size``."""
    return _format_scaled(size, {**_SCALE, "P": 10**15}, "B")


def format_bandwidth(bandwidth: float) -> str:
    """Text that `parse_bandwidth` reads back as ``bandwidth``."""
    return _format_scaled(bandwidth, _SCALE, "bps")


def format_share(share: float) -> str:
    """Text that `parse_share` reads back as ``share``: in percent where that is exact."""
    percent = f"{share * 100:.12g}%"
    return percent if "e" not in percent and parse_share(percent) == share else _plain(Fraction(share))


def seconds(duration: int) -> float:
    """``duration`` in seconds, for people and files; arithmetic stays in nanoseconds."""
    return duration / SECOND


def milliseconds(duration: int) -> float:
    """``duration`` in milliseconds, for people and files."""
    return duration / MILLISECOND
