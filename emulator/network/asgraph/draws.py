"""Drawing by weight in arrays, in whole numbers: the same draws on every machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Ints = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]

ONE: Final = 1 << 20
"""What a weight of 1 is stored as."""


def whole(weights: Floats) -> Ints:
    """``weights`` as integers, none zero: last digits of logarithms, which differ by machine, are gone."""
    return np.maximum(np.rint(weights * ONE), 1).astype(np.int64)


def from_shares(rng: np.random.Generator, shares: Sequence[float], count: int) -> Ints:
    """(count,) draws of 1, 2, ... with probabilities in the proportions of ``shares``."""
    return Wheel(whole(np.array(shares))).draw(rng, count) + 1


def sizes_by_rank(table: Sequence[tuple[float, float]], count: int, most: float) -> Floats:
    """(count,) sizes, largest first, spread as ``table`` says: (share that is as large, size), ascending.

    Between the entries, and beyond the first, sizes fall by a power of the rank; none is over ``most``.
    """
    share, size = np.log(np.array(table)).T
    at = np.log((np.arange(count) + 0.5) / count)
    slope = (size[1] - size[0]) / (share[1] - share[0])
    sizes = np.where(at < share[0], size[0] + slope * (at - share[0]), np.interp(at, share, size))
    bounded: Floats = np.minimum(np.exp(sizes), most)
    return bounded


class Wheel:
    """Items drawn with chances in proportion to whole weights, out of all or out of a group's first ones."""

    def __init__(self, weights: Ints, group: Ints | None = None) -> None:
        """Items are numbered as in ``weights`` (N,); ``group`` (N,) puts each in one of several groups."""
        self.weights = weights
        self._group = np.zeros(len(weights), np.int64) if group is None else group
        self._item = np.argsort(self._group, kind="stable")
        self._key = self._group[self._item] * len(weights) + self._item
        self._before = np.concatenate((np.zeros(1, np.int64), np.cumsum(weights[self._item])))

    def span(self, group: Ints, limit: Ints) -> tuple[Ints, Ints]:
        """The places, from, up to, of the items of ``group`` that are below ``limit``."""
        start = np.searchsorted(self._key, group * len(self.weights))
        return start, np.searchsorted(self._key, group * len(self.weights) + limit)

    def has(self, start: Ints, stop: Ints) -> npt.NDArray[np.bool_]:
        """Which spans hold anything."""
        return self._before[stop] > self._before[start]

    def draw(
        self, rng: np.random.Generator, count: int, start: Ints | int = 0, stop: Ints | None = None
    ) -> Ints:
        """(count,) items out of the places ``start`` up to ``stop``, all by default; spans hold something."""
        low = self._before[start]
        high = self._before[-1] if stop is None else self._before[stop]
        at = np.searchsorted(self._before, rng.integers(low, high, count), side="right") - 1
        return self._item[at]
