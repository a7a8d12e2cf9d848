"""Every request of the clients, one by one: when it starts and from which cell.

A request is a 64-bit word of its group's random stream. Its bits give the
instant (upper 32), the last-mile quantile (lowest 12) and whether it is a
download (16 more); further draws, such as whether a SYN is lost, are hashes of
the word. So a request brings all its luck along and meets every strategy with it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from emulator.clients.draws import QUANTILE_BITS, lognormal_quantiles
from emulator.clients.paths import NEVER
from emulator.rng import array_stream
from emulator.units import SECOND

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from emulator.clients.config import Demand
    from emulator.clients.resolvers import Cells

    Ints = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]
    Words = npt.NDArray[np.uint64]

_QUANTILE_MASK: Final = np.uint64(2**QUANTILE_BITS - 1)
_DOWNLOAD_BITS: Final = 16
_HALF: Final = np.uint64(32)


def ranges(starts: Ints, counts: Ints) -> Ints:
    """Return starts[i], ..., starts[i] + counts[i] - 1 of all i, one after the other."""
    total = int(counts.sum())
    if not total:
        return np.zeros(0, dtype=np.int64)
    before = np.cumsum(counts) - counts
    return np.repeat(starts - before, counts) + np.arange(total)


@dataclass(frozen=True, slots=True)
class Arrivals:
    """The requests that start in [begin, end), in cell order. Columns by request unless noted."""

    begin: int
    end: int
    words: Words
    instant: Ints
    """ns after t = 0."""
    second: Ints
    """Whole second of the start, counted from the chunk's first."""
    first_second: int
    last_mile_ms: npt.NDArray[np.float32]
    counts: Ints
    """(cells,) requests of each cell."""
    starts: Ints
    """(cells,) where each cell's requests begin."""
    group_starts: Ints
    """(groups + 1,) where each group's requests begin."""

    def __len__(self) -> int:
        """Return the number of requests."""
        return len(self.words)

    def of_cells(self, cells: Ints) -> Ints:
        """Return the indices of the requests of ``cells``, cell after cell."""
        return ranges(self.starts[cells], self.counts[cells])

    def first_since(self, cells: Ints, since: Ints) -> Ints:
        """Return the first instant at or after ``since`` in each of ``cells``; NEVER where none."""
        first = np.full(len(cells), NEVER, dtype=np.int64)
        counts = self.counts[cells]
        filled = np.flatnonzero(counts)
        if len(filled):
            counts = counts[filled]
            instant = self.instant[ranges(self.starts[cells[filled]], counts)]
            late = np.where(instant >= np.repeat(since[filled], counts), instant, NEVER)
            first[filled] = np.minimum.reduceat(late, np.cumsum(counts) - counts)
        return first


def is_download(words: Words, share: float) -> npt.NDArray[np.bool_]:
    """Whether each request fetches a file, as a ``share`` of them do."""
    bits = (words >> np.uint64(QUANTILE_BITS)) & np.uint64(2**_DOWNLOAD_BITS - 1)
    return bits < round(share * 2**_DOWNLOAD_BITS)


def last_mile_ms(words: Words, median_ms: npt.NDArray[np.float32], sigma: float) -> npt.NDArray[np.float32]:
    """Access RTT of each request, log-normal around its group's median."""
    quantile = (words & _QUANTILE_MASK).view(np.int64)
    factor = np.take(lognormal_quantiles(sigma), quantile, mode="clip")
    factor *= median_ms
    return factor


class Source:
    """Generates the requests chunk by chunk; each group draws from a stream of its own."""

    def __init__(
        self,
        cells: Cells,
        groups: Sequence[str],
        *,
        demand: Demand,
        group_last_mile_ms: Floats,
        sigma: float,
        seed: int,
    ) -> None:
        """``group_last_mile_ms`` (groups,) is the median access RTT."""
        self._cells = cells
        self._demand = demand
        self._median = group_last_mile_ms.astype(np.float32)
        self._sigma = sigma
        self._streams = [array_stream(seed, f"requests/{name}") for name in groups]

    def rate_at(self, instant: int) -> float:
        """Return the requests a second over all groups."""
        demand = self._demand
        turn = 2 * math.pi * ((instant - demand.peak) % demand.day) / demand.day
        return demand.rate * (1 + demand.diurnal * math.cos(turn))

    def chunk(self, begin: int, end: int) -> Arrivals:
        """Return the requests of [begin, end): a Poisson number in each cell, uniform instants."""
        cells = self._cells
        expected = cells.weight * (self.rate_at((begin + end) // 2) * (end - begin) / SECOND)
        counts = np.empty(len(expected), dtype=np.int64)
        drawn = []
        for group, source in enumerate(self._streams):
            low, high = cells.first[group], cells.first[group + 1]
            counts[low:high] = source.poisson(expected[low:high])
            drawn.append(source.bit_generator.random_raw(int(counts[low:high].sum())))
        return self._lay_out(begin, end, counts, np.concatenate(drawn))

    def nothing(self, begin: int, end: int) -> Arrivals:
        """Return a chunk without requests, for the time after the run in which retries still go on."""
        return self._lay_out(begin, end, np.zeros(len(self._cells.weight), np.int64), np.zeros(0, np.uint64))

    def _lay_out(self, begin: int, end: int, counts: Ints, words: Words) -> Arrivals:
        """Columns from the words."""
        cumulative = np.concatenate(([0], np.cumsum(counts)))
        group_starts = cumulative[self._cells.first]
        # (32 bits x length) must fit 64: the length is taken in units of 16 ns, at most 2^32 of them (68 s)
        instant = ((words >> _HALF) * np.uint64((end - begin) >> 4) >> np.uint64(28)).view(np.int64)
        instant += begin
        first_second = begin // SECOND
        second = instant // SECOND
        second -= first_second
        median = np.repeat(self._median, np.diff(group_starts))
        last_mile = last_mile_ms(words, median, self._sigma)
        return Arrivals(
            begin, end, words, instant, second, first_second, last_mile, counts, cumulative[:-1], group_starts
        )
