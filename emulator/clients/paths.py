"""A forwarding history laid out in arrays, so that millions of requests can be looked up in it.

A *pair* is (address destination, client group), numbered
``destination * groups + group``. An *entry* is one stretch of one pair's
timeline; everything a request needs to know of its path is a column by entry.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from emulator.errors import InputError
from emulator.forwarding.history import Fate
from emulator.units import MILLISECOND

if TYPE_CHECKING:
    import numpy.typing as npt

    from emulator.forwarding.history import ForwardingHistory, PathState

    Ints = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]

NEVER: Final = 2**62
"""An instant later than any other."""
DARK: Final = -1
"""Site of a path that delivers nothing."""
NO_POP: Final = 1 << 30
"""Site of a path that delivers, but not to a POP."""


class Paths:
    """The columns; read-only once made.

    By entry (E,): ``state`` index, ``pair``, ``start`` and ``until`` (ns),
    ``site`` (POP index, `DARK` or `NO_POP`), ``rtt_ms`` (propagation both ways,
    NaN where dark), ``pass_share`` (chance that a packet and its answer get
    through), ``moved`` (instant the site next changes) and ``moved_to`` (the
    entry it changes to, -1 for never).
    """

    def __init__(self, history: ForwardingHistory, group_count: int) -> None:
        """Lay ``history`` out for groups 0 .. ``group_count`` - 1.

        Raises `InputError` where pairs times nanoseconds overflow 63 bits.
        """
        self.group_count = group_count
        self.pair_count = len(history.destinations) * group_count
        timelines = [history.timelines[divmod(pair, group_count)] for pair in range(self.pair_count)]
        lengths = np.array([len(line.starts) for line in timelines], dtype=np.int64)
        self.first: Ints = np.concatenate(([0], np.cumsum(lengths)))
        self.state = np.concatenate([line.states for line in timelines]).astype(np.int64)
        self.start: Ints = np.maximum(np.concatenate([line.starts for line in timelines]).astype(np.int64), 0)
        self.pair: Ints = np.repeat(np.arange(self.pair_count), lengths)
        # instants are cut off at the last change: nothing differs afterwards
        self._span = int(self.start.max()) + 2
        if self._span * self.pair_count >= NEVER:
            message = f"{self.pair_count} (address, group) pairs over so long a run do not fit in 63 bits"
            raise InputError(message)
        self._keys: Ints = self.pair * self._span + self.start
        self.until: Ints = np.append(self.start[1:], NEVER)
        self.until[self.first[1:] - 1] = NEVER
        self._fill(history.states)
        self._fill_moves()

    def _fill(self, states: tuple[PathState, ...]) -> None:
        """Columns that follow from the state alone."""
        delivered = np.array([state.fate is Fate.DELIVERED for state in states])
        pop = np.array([state.pop if state.pop >= 0 else NO_POP for state in states])
        rtt = np.array([2 * state.one_way / MILLISECOND for state in states])
        loss = np.array([state.loss for state in states])
        self.site: Ints = np.where(delivered, pop, DARK)[self.state]
        self.rtt_ms: Floats = np.where(delivered, rtt, np.nan)[self.state]
        self.pass_share: Floats = np.where(delivered, (1 - loss) ** 2, 0.0)[self.state]

    def _fill_moves(self) -> None:
        """For each entry the next one of its pair at another site."""
        count = len(self.state)
        changes = np.flatnonzero((self.site[1:] != self.site[:-1]) & (self.pair[1:] == self.pair[:-1])) + 1
        following = np.searchsorted(changes, np.arange(count), side="right")
        found = np.append(changes, -1)[following]
        same = (found >= 0) & (self.pair[found] == self.pair)
        self.moved_to: Ints = np.where(same, found, -1)
        self.moved: Ints = np.where(same, self.start[found], NEVER)

    def at(self, pairs: Ints, instants: Ints | int) -> Ints:
        """Entries that hold for ``pairs`` at ``instants`` (ns), elementwise.

        Instants before 0 see the first entry, those after the run the last.
        """
        within = np.clip(instants, 0, self._span - 1)
        entries: Ints = np.searchsorted(self._keys, pairs * self._span + within, side="right") - 1
        return entries

    def all_at(self, instant: int) -> Ints:
        """Entry of every pair at ``instant``, shape (pairs,)."""
        return self.at(np.arange(self.pair_count), instant)
