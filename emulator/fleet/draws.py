"""Chance in the fleet: a hash of who draws and when, so that nobody's numbers shift anybody else's.

A draw has no state. Two prefixes that do not otherwise meet may thus be run
apart, or in another order, with the same result. All products stay below 2^63:
the compiled and the plain loops give the same numbers.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING, Final

import numpy as np

from emulator.compiled import compiled
from emulator.rng import derived_seed

if TYPE_CHECKING:
    import numpy.typing as npt

    from emulator.bgp.config import Delay

_WORD: Final = (1 << 31) - 1
_FIRST: Final = 0x2C1B3C6D
_SECOND: Final = 0x297A2D39
_SCALE: Final = 1.0 / (1 << 31)
_QUANTILES: Final = 4096


def key_of(seed: int, name: str) -> int:
    """The key of a family of draws, in 31 bits."""
    return derived_seed(seed, name) & _WORD


@compiled
def uniform(key, who, when):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """A number in [0, 1), in steps of 2^-31, that depends on all three (integers below 2^62)."""
    state = key
    for word in (who & _WORD, who >> 31, when & _WORD, (when >> 31) & _WORD):
        state = ((state ^ word) * _FIRST) & _WORD
        state ^= state >> 15
        state = (state * _SECOND) & _WORD
        state ^= state >> 16
    return state * _SCALE


@compiled
def from_table(table, chance):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """The value of a distribution at ``chance`` in [0, 1), from its `quantiles`."""
    last = len(table) - 1
    if last == 0:
        return table[0]
    place = chance * last
    index = int(place)
    low = table[index]
    return low + int((table[index + 1] - low) * (place - index))


def quantiles(delay: Delay) -> npt.NDArray[np.int64]:
    """Quantiles of a delay (ns) for `from_table`, equally spaced; one value where it is constant.

    The outermost of a log-normal one are those of 1/8192 and 8191/8192: its tail is cut off there.
    """
    if delay.kind == "constant":
        return np.array([delay.low], np.int64)
    if delay.kind == "uniform":
        return np.array([delay.low, delay.high + 1], np.int64)
    normal = NormalDist()
    edge = 0.5 / _QUANTILES
    chances = [min(max(i / _QUANTILES, edge), 1 - edge) for i in range(_QUANTILES + 1)]
    values = [delay.low * math.exp(delay.sigma * normal.inv_cdf(chance)) for chance in chances]
    return np.array([round(value) for value in values], np.int64)
