"""What the fleet's draws are made from: keys, and distributions as tables. Drawing is `chance`'s."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING, Final

import numpy as np

from emulator.rng import derived_seed

if TYPE_CHECKING:
    import numpy.typing as npt

    from emulator.bgp.config import Delay

WORD: Final = (1 << 31) - 1
_QUANTILES: Final = 4096


def key_of(seed: int, name: str) -> int:
    """The key of a family of draws, in 31 bits."""
    return derived_seed(seed, name) & WORD


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
