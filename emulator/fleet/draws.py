"""What the fleet's draws are made from: a hash of who draws and when, keys, and distributions as tables.

A draw has no state, so that nobody's numbers shift anybody else's: two prefixes
that do not otherwise meet may be run apart, or in another order, with the same
result. All products stay below 2^63: the hash gives the same numbers compiled,
as `emulator.fleet.chance` has it, and as it is.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING, Final

import numpy as np

from emulator.rng import derived_seed
from emulator.units import HOUR

if TYPE_CHECKING:
    import numpy.typing as npt

    from emulator.bgp.config import Delay

WORD: Final = (1 << 31) - 1
PHASES: Final = "mrai/phase"
"""The family of draws that says when MRAI timers that never rest expire, of compact and full speakers."""
_QUANTILES: Final = 4096
_LONGEST: Final = 3650 * 24 * HOUR
_FIRST: Final = 0x2C1B3C6D
_SECOND: Final = 0x297A2D39
_SCALE: Final = 1.0 / (1 << 31)


def key_of(seed: int, name: str) -> int:
    """The key of a family of draws, in 31 bits."""
    return derived_seed(seed, name) & WORD


def uniform(key: int, who: int, when: int) -> float:
    """A number in [0, 1), in steps of 2^-31, that depends on all three (integers below 2^62)."""
    state = key
    for word in (who & WORD, who >> 31, when & WORD, (when >> 31) & WORD):
        state = ((state ^ word) * _FIRST) & WORD
        state ^= state >> 15
        state = (state * _SECOND) & WORD
        state ^= state >> 16
    return state * _SCALE


def timer_run(base: int, low: float, high: float, first: float, second: float) -> tuple[int, int]:
    """Period and phase (ns) of an MRAI timer that never rests, from ``base`` and a chance for each."""
    period = int(base * (low + (high - low) * first) + 0.5)
    return period, int(period * second)


def quantiles(delay: Delay) -> npt.NDArray[np.int64]:
    """Quantiles of a delay (ns) for `from_table`, equally spaced; one value where it is constant.

    The outermost of a log-normal one are those of 1/8192 and 8191/8192: its tail is cut off there, and at
    ten years.
    """
    if delay.kind == "constant":
        return np.array([delay.low], np.int64)
    if delay.kind == "uniform":
        return np.array([delay.low, delay.high + 1], np.int64)
    normal = NormalDist()
    edge = 0.5 / _QUANTILES
    chances = [min(max(i / _QUANTILES, edge), 1 - edge) for i in range(_QUANTILES + 1)]
    values = [delay.low * math.exp(delay.sigma * normal.inv_cdf(chance)) for chance in chances]
    return np.array([round(min(value, _LONGEST)) for value in values], np.int64)
