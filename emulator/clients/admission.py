"""What POPs with a capacity answer, bin by bin.

A POP of capacity c answers c requests a second, whatever brings them: first
SYNs, SYNs sent again, retries after a failure here or at another address. In a
bin of t seconds, at most one, each of them has the same chance to be answered,

    a = min(1, c t / n),

n being how many come and would get through otherwise (each counts with the
chance that its path carries it and its answer). A client that is refused comes
again with its next SYN or attempt and is counted again then, so a bin's chance
follows from the bins before it and there is no equation to solve; what comes
again within the bin gets what is left of it. An overload of d requests a second
that lasts settles where 1 - (1 - a)^k = c / d, k being the SYNs of a request: c
of d are answered, the others are lost. Until enough clients wait for that, for
a retry budget or, where d is little above c, some, more of them succeed, late:
never more than c in a second, but of requests from earlier ones.

First SYNs of cells whose path and answer hold for the chunk count with their
mean, as a fluid: nothing is refused below capacity because many happen to come
together. All others are counted one by one.

Approximations: a SYN that is refused costs the POP nothing. A connection counts
where and when its SYN is answered, not for as long as it lasts. Probes and health
checks do not count. Nobody waits at t = 0, where an overload may begin. After the
run's end the chances stay those of its last bin, as if the load went on.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from emulator.clients.attempts import Attempts, join, luck, syn_offsets
from emulator.clients.paths import DARK, NO_POP
from emulator.clients.tally import sums
from emulator.units import SECOND

if TYPE_CHECKING:
    import numpy.typing as npt

    from emulator.clients.arrivals import Arrivals
    from emulator.clients.config import Retry

    Ints = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]
    Bools = npt.NDArray[np.bool_]


def bin_edges(begin: int, end: int) -> Ints:
    """Edges of equal bins of at most a second from ``begin`` to ``end``, ns."""
    count = max(1, -(-(end - begin) // SECOND))
    return begin + np.arange(count + 1) * (end - begin) // count


def by_bin(instant: Ints, edges: Ints) -> list[Ints]:
    """Indices into ``instant`` that lie in each bin, in order."""
    number = np.searchsorted(edges, instant, side="right") - 1
    order = np.argsort(number, kind="stable")
    return np.split(order, np.searchsorted(number[order], np.arange(1, len(edges) - 1)))


@dataclass(frozen=True, slots=True)
class Knocks:
    """SYNs yet to leave, one a row."""

    attempts: Attempts
    syn: Ints
    """0 for the attempt's first."""
    pair: Ints
    """Where the attempt goes; -1 until its first SYN leaves, since the resolver is asked then."""
    instant: Ints

    def __len__(self) -> int:
        """Return how many."""
        return len(self.instant)

    def take(self, rows: Ints | Bools) -> Knocks:
        """Return some of them, in order."""
        return Knocks(self.attempts.take(rows), self.syn[rows], self.pair[rows], self.instant[rows])

    def is_last(self, retry: Retry) -> Bools:
        """Whether the attempt sends no further SYN."""
        return self.syn + 1 >= len(syn_offsets(retry))

    def following(self, retry: Retry) -> Knocks:
        """Return the next SYN of each, of which none is the last."""
        after = self.syn + 1
        instant = self.attempts.start + np.array(syn_offsets(retry), dtype=np.int64)[after]
        return replace(self, syn=after, instant=instant)


def first_syns(attempts: Attempts, pair: Ints | None = None) -> Knocks:
    """Return the first SYN of each attempt, on ``pair`` where that is known already."""
    nothing = np.zeros(len(attempts), dtype=np.int64)
    return Knocks(attempts, nothing, nothing - 1 if pair is None else pair, attempts.start)


class Calendar:
    """SYNs yet to leave, by the second they leave in."""

    def __init__(self) -> None:
        """Begin without any."""
        self._seconds: dict[int, list[Knocks]] = {}

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._seconds)

    def add(self, knocks: Knocks) -> None:
        """Put ``knocks`` in."""
        second = knocks.instant // SECOND
        order = np.argsort(second, kind="stable")
        numbers, first = np.unique(second[order], return_index=True)
        for number, rows in zip(numbers.tolist(), np.split(order, first[1:]), strict=False):
            self._seconds.setdefault(number, []).append(knocks.take(rows))

    def until(self, end: int) -> Knocks:
        """Those that leave before ``end`` (ns), which stay in."""
        seconds = sorted(number for number in self._seconds if number * SECOND < end)
        due = _joined([batch for number in seconds for batch in self._seconds[number]])
        return due if (due.instant < end).all() else due.take(due.instant < end)

    def take(self, end: int) -> Knocks:
        """Take out those that leave before ``end`` (ns)."""
        due = self.until(end)
        for number in [number for number in self._seconds if number * SECOND < end]:
            batches = self._seconds.pop(number)
            if (number + 1) * SECOND > end:
                late = [batch.take(batch.instant >= end) for batch in batches]
                if any(late):
                    self._seconds[number] = [batch for batch in late if len(batch)]
        return due


def _joined(parts: list[Knocks]) -> Knocks:
    """All of ``parts``, one after the other; none of them is fine."""
    if len(parts) == 1:
        return parts[0]
    none = np.zeros(0, dtype=np.int64)
    columns = ((part.syn, part.pair, part.instant) for part in parts)
    syn, pair, instant = (np.concatenate(column) for column in zip((none,) * 3, *columns, strict=True))
    return Knocks(join([part.attempts for part in parts]), syn, pair, instant)


class Gate:
    """What each POP still answers in the bin under way; the last place stands for all that has no POP."""

    def __init__(self, capacity: Floats, site: Ints) -> None:
        """``capacity`` (pops,) in requests a second, inf for none; ``site`` of each path entry."""
        self.capacity: Floats = np.append(capacity, np.inf)
        self.place: Ints = np.where((site == DARK) | (site == NO_POP), len(capacity), site)
        """(entries,) index of a capacity."""
        self.share: Floats = np.ones(len(self.capacity))
        """(places,) chance that a SYN is answered, as of the bin's begin."""
        self._left = self.capacity

    def load(self, entry: Ints, size: Floats) -> Floats:
        """Sum ``size`` by the place that each ``entry`` leads to, (places,)."""
        return sums(self.place[entry], size, len(self.capacity))

    def fits(self, load: Floats) -> bool:
        """Whether no place is over its capacity with ``load`` (places,) requests a second."""
        return bool((load <= self.capacity).all())

    def open(self, length: int, load: Floats) -> None:
        """Begin a bin of ``length`` ns with ``load`` (places,) requests."""
        self._left = self.capacity * (length / SECOND)
        self.share = self.admit(load)

    def admit(self, load: Floats) -> Floats:
        """Return the chance (places,) that each of ``load`` (places,) more requests is answered."""
        share = shares(self._left, load)
        self._left = np.maximum(self._left - share * load, 0.0)
        return share


def shares(room: Floats, load: Floats) -> Floats:
    """Return the part of ``load`` that there is ``room`` for, elementwise; 1 of nothing."""
    return np.divide(room, load, out=np.ones(len(load)), where=load > room)


class Crowd:
    """The requests of a chunk that only a POP's capacity can stop; looked at only in bins over it."""

    def __init__(self, gate: Gate, arrivals: Arrivals, entry: Ints, is_plain: Bools, edges: Ints) -> None:
        """``entry`` (cells,) is where those of the cells ``is_plain`` (cells,) go."""
        self._gate = gate
        self._arrivals = arrivals
        self._place: Ints = gate.place[entry]
        self._cells = np.flatnonzero(is_plain & np.isfinite(gate.capacity[self._place]))
        self._edges = edges
        self._bins: list[tuple[Ints, Ints]] | None = None

    def refused(self, number: int) -> tuple[Ints, Ints]:
        """Return the requests (indices) that bin ``number`` refuses at the gate's share, and their cells."""
        if not (self._gate.share[self._place[self._cells]] < 1).any():
            return self._cells[:0], self._cells[:0]
        if self._bins is None:
            rows = self._arrivals.of_cells(self._cells)
            cell = np.repeat(self._cells, self._arrivals.counts[self._cells])
            bins = by_bin(self._arrivals.instant[rows], self._edges)
            self._bins = [(rows[chosen], cell[chosen]) for chosen in bins]
        rows, cell = self._bins[number]
        share = self._gate.share[self._place[cell]]
        unsure = np.flatnonzero(share < 1)
        first = np.zeros(len(unsure), dtype=np.int64)
        gone = unsure[luck(self._arrivals.words[rows[unsure]], first, 0) >= share[unsure]]
        return rows[gone], cell[gone]
