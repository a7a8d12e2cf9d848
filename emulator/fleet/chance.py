"""Chance in the fleet: a hash of who draws and when, so that nobody's numbers shift anybody else's.

A draw has no state. Two prefixes that do not otherwise meet may thus be run
apart, or in another order, with the same result. All products stay below 2^63:
the compiled and the plain loops give the same numbers.
"""

# mypy: allow-untyped-defs
# ruff: noqa: ANN001, ANN201 - compiled for the arrays they are given: nothing would read annotations

from __future__ import annotations

from typing import Final

from emulator.compiled import compiled_for, inlined
from emulator.fleet.draws import WORD

_FIRST: Final = 0x2C1B3C6D
_SECOND: Final = 0x297A2D39
_SCALE: Final = 1.0 / (1 << 31)


@compiled_for()
def uniform(key, who, when):
    """A number in [0, 1), in steps of 2^-31, that depends on all three (integers below 2^62)."""
    state = key
    for word in (who & WORD, who >> 31, when & WORD, (when >> 31) & WORD):
        state = ((state ^ word) * _FIRST) & WORD
        state ^= state >> 15
        state = (state * _SECOND) & WORD
        state ^= state >> 16
    return state * _SCALE


@inlined
def from_table(table, chance):
    """The value of a distribution at ``chance`` in [0, 1), from its `quantiles`."""
    last = len(table) - 1
    if last == 0:
        return table[0]
    place = chance * last
    index = int(place)
    low = table[index]
    return low + int((table[index + 1] - low) * (place - index))
