"""What numpy does not have, or does slowly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Ints = npt.NDArray[np.int64]


def spans(first: Ints, count: Ints) -> Ints:
    """Every integer from ``first[i]`` on, ``count[i]`` of them, for each i in turn."""
    end = np.cumsum(count)
    if not len(end):
        return end
    numbers: Ints = np.arange(end[-1]) + np.repeat(first - end + count, count)
    return numbers


def distinct(values: Ints) -> Ints:
    """The different ``values``, ascending: as ``np.unique``, which hashes first and takes longer."""
    ordered = np.sort(values, axis=None)
    is_first = np.ones(len(ordered), np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=is_first[1:])
    return ordered[is_first]


def is_in(values: Ints, ordered: Ints) -> npt.NDArray[np.bool_]:
    """Which of ``values`` are in the ascending ``ordered``."""
    if not len(ordered):
        return np.zeros(len(values), np.bool_)
    at = np.minimum(np.searchsorted(ordered, values), len(ordered) - 1)
    found: npt.NDArray[np.bool_] = ordered[at] == values
    return found
