"""Health checks: when a dead address leaves a group's answers, and when it comes back.

Each (address, client group) pair is checked from the group's region every
``interval`` h, from a phase that a hash of both names fixes. A check that starts
at c fails if the path then delivers nothing or loses the packet or its answer;
that is known at c + timeout u. After k failures in a row the address is down;
after so many successes in a row, known as soon as they start, up again. A path
that dies at a random moment is therefore out after [(k - 1) h, k h] + u, mean
(k - 1/2) h + u. Checks see forwarding faults and degraded links, not congestion:
that shows in the ranking's samples.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emulator.clients.draws import draw, mix, name_keys, unit
from emulator.clients.paths import NEVER

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from emulator.clients.config import HealthChecks
    from emulator.clients.paths import Paths

    Ints = npt.NDArray[np.int64]
    Bools = npt.NDArray[np.bool_]
    Words = npt.NDArray[np.uint64]

_LOSS = 1


class Health:
    """Up or down for every (group, address) at every instant."""

    def __init__(self, flips: Ints, ups: Bools, first: Ints, shape: tuple[int, int]) -> None:
        """``flips[first[i]:first[i + 1]]`` are the instants at which pair i changes to ``ups``.

        Pairs are numbered ``group * addresses + address``; each starts with a row at -NEVER.
        """
        self.shape = shape
        self._ups = ups
        size = len(first) - 1
        self._pair: Ints = np.repeat(np.arange(size), np.diff(first))
        finite = flips[(flips > -NEVER) & (flips < NEVER)]
        self._low = int(finite.min(initial=0))
        self._span = int(finite.max(initial=0)) - self._low + 3
        self._keys: Ints = self._pair * self._span + np.maximum(flips - self._low + 1, 0)
        self._times: Ints = np.sort(finite)

    def at(self, group: Ints, address: Ints, instant: Ints | int) -> Bools:
        """Whether ``address`` is in the answers for ``group`` at ``instant``; arrays broadcast."""
        pair = group * self.shape[1] + address
        within = np.clip(np.asarray(instant) - self._low + 1, 0, self._span - 1)
        ups: Bools = self._ups[np.searchsorted(self._keys, pair * self._span + within, side="right") - 1]
        return ups

    def all_at(self, instant: int) -> Bools:
        """Every pair at ``instant``, shape (groups, addresses)."""
        groups, addresses = self.shape
        return self.at(np.arange(groups)[:, None], np.arange(addresses), instant)

    def changes_within(self, begin: int, end: int) -> bool:
        """Whether anything changes in (begin, end)."""
        after, before = np.searchsorted(self._times, (begin, end), side="right")
        return bool(before > after)


def watch(
    paths: Paths,
    checks: HealthChecks,
    groups: Sequence[str],
    addresses: Sequence[tuple[str, int]],
    *,
    seed: int,
    end: int,
) -> Health:
    """Run the checks of ``addresses`` (name, destination) for ``groups`` (names) until ``end`` ns.

    They have been running before t = 0, so an address that is dead from the
    start is out from the start.
    """
    shape = (len(groups), len(addresses))
    words = mix(
        name_keys(seed, (f"health/{name}" for name in groups))[:, None]
        ^ name_keys(seed, (name for name, _ in addresses))
    ).reshape(-1)
    destination = np.array([destination for _, destination in addresses], dtype=np.int64)
    pair = (destination * paths.group_count + np.arange(len(groups))[:, None]).reshape(-1)
    before = checks.failures + checks.successes + 1
    number = np.arange(-before, end // checks.interval + 1)
    phase = (unit(words) * checks.interval).astype(np.int64)
    # pairs whose path never changes nor loses packets need no simulation
    entry = paths.all_at(0)[pair]
    quiet = (paths.until[entry] == NEVER) & (paths.pass_share[entry] == 1)
    rows = np.flatnonzero(~quiet)
    start = phase[rows, None] + number * checks.interval
    seen = paths.pass_share[paths.at(pair[rows, None], start)]
    noise = draw(words[rows, None] + number.astype(np.uint64), _LOSS)
    good = noise < seen
    known = np.where(good, start, start + checks.timeout)
    return _collect(good, known, rows, shape, checks)


def _collect(good: Bools, known: Ints, rows: Ints, shape: tuple[int, int], checks: HealthChecks) -> Health:
    """Apply the thresholds check by check and gather the flips pair by pair."""
    up = np.ones(len(rows), dtype=bool)
    failed, succeeded = np.zeros(len(rows), dtype=np.int64), np.zeros(len(rows), dtype=np.int64)
    states = np.ones((good.shape[1] + 1, len(rows)), dtype=bool)
    for column in range(good.shape[1]):
        ok = good[:, column]
        failed = np.where(ok, 0, failed + 1)
        succeeded = np.where(ok, succeeded + 1, 0)
        up = np.where(up, failed < checks.failures, succeeded >= checks.successes)
        states[column + 1] = up
    size = shape[0] * shape[1]
    row, column_of = np.nonzero((states[1:] != states[:-1]).T)
    pair = np.concatenate((np.arange(size), rows[row]))
    instant = np.concatenate((np.full(size, -NEVER), known[row, column_of]))
    after = np.concatenate((np.ones(size, dtype=bool), states[column_of + 1, row]))
    order = np.lexsort((instant, pair))
    first = np.concatenate(([0], np.cumsum(np.bincount(pair, minlength=size))))
    return Health(instant[order], after[order], first, shape)
