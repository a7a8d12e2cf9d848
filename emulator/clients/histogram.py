"""RTT histogram bins of `emulator.record.tables`, found without logarithms.

Vectorised logarithms differ in the last place between processors, and a run must
give the same bytes everywhere. The top 16 bits of a float32 locate it to within
0.8 %, finer than a bin, so one table gives the bin and another the one edge that
may lie inside.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np

from emulator.record.tables import RTT_BINS, RTT_FIRST_MS, RTT_RATIO

if TYPE_CHECKING:
    import numpy.typing as npt

    Ints = npt.NDArray[np.int64]
    Singles = npt.NDArray[np.float32]

_SHIFT: Final = 15
_CELLS: Final = 2 ** (31 - _SHIFT)


@cache
def _tables() -> tuple[npt.NDArray[np.int64], Singles]:
    """For each top-bits cell of positive floats: bin of its lower end, and the edge inside or +inf."""
    edges = np.array([RTT_FIRST_MS * RTT_RATIO**i for i in range(1, RTT_BINS)], dtype=np.float32)
    lower = (np.arange(_CELLS, dtype=np.int32) << _SHIFT).view(np.float32)
    with np.errstate(invalid="ignore"):
        low = np.searchsorted(edges, lower, side="right")
        inside = np.append(edges, np.float32(np.inf))[low]
    return low.astype(np.int64), inside


def rtt_bin(rtt_ms: Singles) -> Ints:
    """Bin 0 .. RTT_BINS - 1 of each RTT (> 0, ms); the last is open, NaN gives any."""
    low, inside = _tables()
    cell = rtt_ms.view(np.int32) >> _SHIFT
    found = np.take(low, cell, mode="clip")
    found += rtt_ms >= np.take(inside, cell, mode="clip")
    return found
