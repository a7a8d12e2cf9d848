"""Random numbers by name and number instead of by order: hashed in arrays.

A draw is a hash of (who, what, which), so it is the same under every strategy
(common random numbers) and nobody else's draws move when somebody joins.
"""

from __future__ import annotations

from functools import cache
from statistics import NormalDist
from typing import TYPE_CHECKING, Final

import numpy as np

from emulator.rng import derived_seed

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

    Words = npt.NDArray[np.uint64]
    Floats = npt.NDArray[np.float64]

_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)
_MIX_1: Final = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2: Final = np.uint64(0x94D049BB133111EB)
_TO_UNIT: Final = 2.0**-53
_MASK: Final = 2**64 - 1

QUANTILE_BITS: Final = 12
"""Quantile tables have 2**12 entries, indexed by as many random bits."""


def mix(words: Words) -> Words:
    """Scramble 64-bit words: SplitMix64 (Steele, Lea and Flood, OOPSLA 2014)."""
    z = words + _GOLDEN
    z = (z ^ (z >> np.uint64(30))) * _MIX_1
    z = (z ^ (z >> np.uint64(27))) * _MIX_2
    return z ^ (z >> np.uint64(31))


def unit(words: Words) -> Floats:
    """Numbers in (0, 1) from scrambled words: never 0, never 1."""
    return ((words >> np.uint64(11)).astype(np.float64) + 0.5) * _TO_UNIT


def draw(words: Words, salt: int | npt.NDArray[np.int64]) -> Floats:
    """Draw ``salt`` (a small number, or one a word) of each word: in (0, 1), independent between salts."""
    return unit(mix(words ^ mix(np.atleast_1d(np.asarray(salt, dtype=np.uint64)))))


def name_keys(seed: int, names: Iterable[str]) -> Words:
    """One 64-bit key a name."""
    return np.array([derived_seed(seed, name) & _MASK for name in names], dtype=np.uint64)


@cache
def lognormal_quantiles(sigma: float) -> npt.NDArray[np.float32]:
    """Midpoint quantiles of a log-normal distribution with median 1, shape (2**12,)."""
    count = 2**QUANTILE_BITS
    normal = NormalDist()
    scores = np.array([normal.inv_cdf((i + 0.5) / count) for i in range(count)])
    table = np.exp(sigma * scores).astype(np.float32)
    table.setflags(write=False)
    return table
