"""Service reconvergence, at the resolution of single requests.

For each fault and client group: from the first bad request (slow or lost) that
starts after the fault, the start of the first good request that no bad one
follows for the validation time, minus the fault's instant (the recovery
instant of RFC 6412 with its sustained convergence validation time, applied to
requests). Censored where the run ends first. A group without a bad request
between this fault and the next event was not touched by it; nor by one that
starts so late before the next event, within the validation time, that it may
have been under way when that struck.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emulator.clients.paths import NEVER
from emulator.units import seconds

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from emulator.clients.config import Fault

    Ints = npt.NDArray[np.int64]
    Bools = npt.NDArray[np.bool_]

_WHOLE, _BROKEN, _RECOVERED = range(3)


class Reconvergence:
    """Follows every (fault, group) of one strategy through the run, chunk by chunk."""

    def __init__(self, faults: Sequence[Fault], group_count: int, validation: int) -> None:
        """``faults`` in time order; ``validation`` in ns."""
        self._faults = tuple(faults)
        self._validation = validation
        shape = (len(faults), group_count)
        self._state = np.full(shape, _WHOLE, dtype=np.int8)
        self._last_bad = np.full(shape, -NEVER, dtype=np.int64)
        self._good_since = np.full(shape, NEVER, dtype=np.int64)
        """First good request after the last bad one; NEVER while there is none."""
        self._bad_count = np.zeros(shape, dtype=np.int64)

    def observe(self, end: int, instant: Ints, group_starts: Ints, bad: Ints, bad_group: Ints) -> None:
        """Take in the requests that started in the chunk up to ``end``.

        ``instant`` lies in groups by ``group_starts``; ``bad`` are indices into it,
        ascending, and ``bad_group`` the group of each.
        """
        for number, fault in enumerate(self._faults):
            if fault.at >= end:
                break
            groups = self._state.shape[1]
            counted = (instant[bad] >= fault.at) & (instant[bad] < fault.until)
            self._bad_count[number] += np.bincount(bad_group[counted], minlength=groups)
            telling = counted & (instant[bad] < fault.until - self._validation)
            touched = np.bincount(bad_group[telling], minlength=groups) > 0
            active = np.flatnonzero(
                (self._state[number] == _BROKEN) | ((self._state[number] == _WHOLE) & touched)
            )
            bad_first = np.searchsorted(bad_group, np.arange(self._state.shape[1] + 1))
            for group in active.tolist():
                times = instant[group_starts[group] : group_starts[group + 1]]
                bad_times = instant[bad[bad_first[group] : bad_first[group + 1]]]
                self._follow(number, group, times, np.sort(bad_times[bad_times >= fault.at]), end)

    def _follow(self, number: int, group: int, times: Ints, bad_times: Ints, end: int) -> None:
        """Advance one (fault, group) over one chunk."""
        last_bad = int(self._last_bad[number, group])
        good_since = int(self._good_since[number, group])
        edges = [*self._run_ends(bad_times), None] if len(bad_times) else [None]
        if self._state[number, group] == _WHOLE:
            self._state[number, group] = _BROKEN
            last_bad, good_since = int(bad_times[0]), NEVER
        for edge in edges:
            first_bad = NEVER if edge is None else edge[0]
            if good_since == NEVER:
                good = times[(times > last_bad) & (times < first_bad)]
                good_since = int(good.min()) if len(good) else NEVER
            if good_since < NEVER and min(first_bad, end) > good_since + self._validation:
                self._state[number, group] = _RECOVERED
                break
            if edge is not None:
                last_bad, good_since = edge[1], NEVER
        self._last_bad[number, group], self._good_since[number, group] = last_bad, good_since

    def _run_ends(self, bad_times: Ints) -> list[tuple[int, int]]:
        """First and last instant of each run of bad requests; more than the validation time parts runs."""
        cut = np.flatnonzero(np.diff(bad_times) > self._validation)
        first = bad_times[np.concatenate(([0], cut + 1))]
        last = bad_times[np.concatenate((cut, [len(bad_times) - 1]))]
        return list(zip(first.tolist(), last.tolist(), strict=True))

    def rows(self) -> list[tuple[int, int, float, bool, int]]:
        """Return (event, group, seconds or NaN, censored, bad requests) of those touched, fault by fault."""
        found = []
        for number, fault in enumerate(self._faults):
            for group in np.flatnonzero(self._state[number] != _WHOLE).tolist():
                recovered = bool(self._state[number, group] == _RECOVERED)
                took = seconds(int(self._good_since[number, group]) - fault.at) if recovered else float("nan")
                count = int(self._bad_count[number, group])
                found.append((fault.event, group, took, not recovered, count))
        return found
