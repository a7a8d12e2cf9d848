"""What a client does with one address: SYNs, the transfer, and what to do when either fails.

An attempt sends SYNs until one and its answer get through, within its timeout;
each meets the path as it is at that instant. The connection then keeps its
address and lasts a few round trips and the transfer. When the path moves to
another POP meanwhile, the new POP knows nothing of the connection and resets
it: the client tries again at once. When the path goes dark the connection
stalls; it lives on if the same POP is back within the timeout, is reset if
another one is, and else is given up at the timeout.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final

import numpy as np

from emulator.clients.draws import draw
from emulator.clients.paths import DARK, NEVER
from emulator.units import MILLISECOND

if TYPE_CHECKING:
    import numpy.typing as npt

    from emulator.clients.config import Retry
    from emulator.clients.paths import Paths

    Ints = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]
    Bools = npt.NDArray[np.bool_]
    Words = npt.NDArray[np.uint64]

_SYN_SALT: Final = 64
_SYNS: Final = 16
"""Salts kept for each attempt's SYNs."""


@dataclass(frozen=True, slots=True)
class Attempts:
    """Attempts under way, one a row."""

    words: Words
    """The request's."""
    cell: Ints
    origin: Ints
    """Instant the request started."""
    number: Ints
    """0 for the first attempt."""
    start: Ints

    def __len__(self) -> int:
        """Return how many."""
        return len(self.words)

    def take(self, rows: Ints | Bools) -> Attempts:
        """Return some of them, in order."""
        return Attempts(*(getattr(self, column.name)[rows] for column in fields(self)))

    def retried(self, rows: Ints, start: Ints) -> Attempts:
        """Return the next attempt of ``rows``, at ``start``."""
        return Attempts(self.words[rows], self.cell[rows], self.origin[rows], self.number[rows] + 1, start)


def join(parts: list[Attempts]) -> Attempts:
    """All of ``parts``, one after the other; none of them is fine."""
    if len(parts) == 1:
        return parts[0]
    none = Attempts(np.zeros(0, dtype=np.uint64), *(np.zeros(0, dtype=np.int64) for _ in range(4)))
    every = [none, *parts]
    return Attempts(*(np.concatenate([getattr(p, column.name) for p in every]) for column in fields(none)))


@dataclass(frozen=True, slots=True)
class Outcome:
    """How attempts ended, one a row."""

    entry: Ints
    """Path entry that the request succeeded on; -1 where the attempt failed."""
    is_slow: Bools
    """Succeeded, but not on the first SYN of the first attempt, or after a stall."""
    is_reset: Bools
    failed_at: Ints
    """Instant the client noticed the failure; NEVER where the attempt succeeded."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """What packets and connections meet now."""

    pass_share: Floats
    """(entries,) chance that a SYN and its answer get through, a POP's capacity aside."""
    rtt_ms: npt.NDArray[np.float32]
    """(entries,) propagation and queueing both ways; NaN where dark."""
    round_trips: float
    """RTTs that a connection lasts beside its transfer."""
    longest: int
    """No connection lasts longer, ns."""


def run(  # noqa: PLR0917 - what an attempt meets
    attempts: Attempts,
    pair: Ints,
    access_ms: npt.NDArray[np.float32],
    transfer: Ints,
    paths: Paths,
    now: Conditions,
    retry: Retry,
) -> Outcome:
    """Play ``attempts`` on ``pair`` (attempts,) to their end.

    ``access_ms`` (attempts,) is the last mile's RTT, ``transfer`` (attempts,) the ns that
    the bytes take.
    """
    entry, connected, late = _connect(attempts, pair, paths, now.pass_share, retry)
    return finish(attempts, entry, connected, late, access_ms, transfer, paths, now, retry)


def finish(  # noqa: PLR0917 - what a connection meets
    attempts: Attempts,
    entry: Ints,
    connected: Ints,
    late: Bools,
    access_ms: npt.NDArray[np.float32],
    transfer: Ints,
    paths: Paths,
    now: Conditions,
    retry: Retry,
) -> Outcome:
    """Play ``attempts`` from their connection on to their end.

    Each has ``connected`` at that instant on path ``entry`` (-1: it has not, and is
    given up at its timeout), ``late`` where not by its first SYN; the rest as in `run`.
    """
    failed_at = np.where(entry >= 0, NEVER, attempts.start + retry.timeout)
    is_reset = np.zeros(len(attempts), dtype=bool)
    is_slow = (entry >= 0) & (late | (attempts.number > 0))
    hit = np.flatnonzero((entry >= 0) & (paths.moved[entry] < connected + now.longest))
    if len(hit):
        trips = now.round_trips * (now.rtt_ms[entry[hit]] + access_ms[hit]) * MILLISECOND
        done = connected[hit] + trips.astype(np.int64) + transfer[hit]
        hit = hit[paths.moved[entry[hit]] < done]
        _interrupt(
            hit, paths, retry.timeout, entry=entry, is_slow=is_slow, is_reset=is_reset, failed_at=failed_at
        )
    return Outcome(entry, is_slow, is_reset, failed_at)


def syn_offsets(retry: Retry) -> list[int]:
    """When an attempt's SYNs leave, ns after its start."""
    return [offset for offset in retry.syn if offset < retry.timeout]


def is_hopeless(entry: Ints, start: Ints, paths: Paths, retry: Retry) -> Bools:
    """Whether attempts begun at ``start`` that meet ``entry`` now stay in the dark beyond their last SYN."""
    hopeless: Bools = (paths.site[entry] == DARK) & (paths.moved[entry] > start + syn_offsets(retry)[-1])
    return hopeless


def give_up(attempts: Attempts, retry: Retry) -> tuple[Attempts, Outcome]:
    """Return ``attempts`` of which no SYN was answered, and their outcome."""
    none = np.zeros(len(attempts), dtype=bool)
    failed_at = attempts.start + retry.timeout
    return attempts, Outcome(np.full(len(attempts), -1), none, none.copy(), failed_at)


def luck(words: Words, number: Ints, syn: Ints | int) -> Floats:
    """Return what SYN ``syn`` of attempt ``number`` draws, in (0, 1): it passes below its chance."""
    return draw(words, _SYN_SALT + _SYNS * number + syn)


def _connect(
    attempts: Attempts, pair: Ints, paths: Paths, pass_share: Floats, retry: Retry
) -> tuple[Ints, Ints, Bools]:
    """Entry (-1 for none), instant and lateness of each attempt's first SYN that gets through."""
    count = len(attempts)
    syns = syn_offsets(retry)
    entry = np.full(count, -1, dtype=np.int64)
    connected = np.zeros(count, dtype=np.int64)
    late = np.zeros(count, dtype=bool)
    waiting = np.arange(count)
    for number, offset in enumerate(syns):
        instant = attempts.start[waiting] + offset
        now = paths.at(pair[waiting], instant)
        chance = pass_share[now]
        passed = chance >= 1
        unsure = np.flatnonzero((chance > 0) & ~passed)
        if len(unsure):
            rows = waiting[unsure]
            passed[unsure] = luck(attempts.words[rows], attempts.number[rows], number) < chance[unsure]
        through = waiting[passed]
        entry[through], connected[through], late[through] = now[passed], instant[passed], number > 0
        hopeless = is_hopeless(now, attempts.start[waiting], paths, retry)
        waiting = waiting[~passed & ~hopeless]
        if not len(waiting):
            break
    return entry, connected, late


def _interrupt(
    hit: Ints,
    paths: Paths,
    timeout: int,
    *,
    entry: Ints,
    is_slow: Bools,
    is_reset: Bools,
    failed_at: Ints,
) -> None:
    """Settle the connections ``hit``, whose path left its POP during the transfer, in the columns given."""
    before = entry[hit]
    broken = paths.moved[before]
    after = paths.moved_to[before]
    is_dark = paths.site[after] == DARK
    # a dark path is followed to where it next delivers, if it does in time
    restored = np.where(is_dark, paths.moved[after], broken)
    at_last = np.where(is_dark, paths.moved_to[after], after)
    in_time = restored <= broken + timeout
    lives_on = in_time & (paths.site[at_last] == paths.site[before])
    reset = in_time & ~lives_on
    is_slow[hit] |= lives_on
    gone = hit[~lives_on]
    entry[gone] = -1
    is_slow[gone] = False
    is_reset[hit[reset]] = True
    failed_at[gone] = np.where(in_time, restored, broken + timeout)[~lives_on]
