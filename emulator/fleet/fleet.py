"""A fleet of speakers: set up, given its work, and asked what it did.

Instants are integer nanoseconds after t = 0. What is asked of it happens at
`now`, once it is told to `advance`; nothing here runs by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from emulator.bgp.config import MraiScope
from emulator.compiled import view
from emulator.errors import InputError
from emulator.fleet import tables as names
from emulator.fleet.draws import PHASES, key_of, quantiles
from emulator.fleet.log import FleetLog
from emulator.fleet.loop import REACHED, WANTS_ROOM, advance
from emulator.fleet.queue import enlarged, new_queue, push, room, size, take_back
from emulator.fleet.speakers import (
    ADVERTISE,
    DELIVER,
    KINDS,
    LEAKS,
    LEAKS_NO_MORE,
    MUTED,
    ORIGINATE,
    SESSION_DOWN,
    SESSION_UP,
    UNMUTED,
)
from emulator.fleet.tables import Arrays
from emulator.fleet.wheel import CODE_MAX
from emulator.units import SECOND

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import numpy.typing as npt

    from emulator.fleet.config import FleetConfig
    from emulator.network.asgraph.graph import AsGraph

    Ints = npt.NDArray[np.int64]

_BREATH: Final = 1 << 21
"""Entries of the queue between two looks at the world outside: about a second."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Messages sent since the start."""

    announcements: int
    withdrawals: int


class Fleet:
    """N speakers and the S/2 sessions between them, all Established, nothing announced."""

    def __init__(
        self,
        graph: AsGraph,
        delays: Ints,
        config: FleetConfig,
        *,
        prefix_count: int,
        seed: int,
        prepend: npt.NDArray[np.int8] | None = None,
        watched: npt.NDArray[np.bool_] | None = None,
        stream: str = "",
        start: int = 0,
        bin_ns: int = SECOND,
        bins: int = 1,
    ) -> None:
        """Build it; the clock stands at ``start``.

        ``delays`` (L,) one-way, ns. ``prepend`` (S,) how often more a node puts its
        AS in front over a slot. ``watched`` (S,) the senders' slots whose messages
        are noted. Messages are counted by ``bins`` of ``bin_ns`` from t = 0.
        ``stream`` names what is drawn, beside ``seed``.
        """
        if prefix_count > names.PREFIXES_MAX:
            message = f"a fleet has at most {names.PREFIXES_MAX} prefixes, not {prefix_count}"
            raise InputError(message)
        if graph.slot_count * prefix_count * KINDS > CODE_MAX:
            message = f"{prefix_count} prefixes over {graph.link_count:,} links are too much for one fleet"
            raise InputError(message)
        self.graph = graph
        self.prefix_count = prefix_count
        self.arrays = Arrays(graph, prefix_count, per_prefix=config.mrai_scope is MraiScope.PREFIX, bins=bins)
        self._set_up(delays, config, seed, stream)
        if prepend is not None:
            self.arrays.slots[:, names.PREPEND] = prepend
        if watched is not None:
            self.arrays.slots[:, names.STATE] |= np.where(watched, names.IS_WATCHED, 0)
        self._var = self.arrays.by_name["var"]
        self._var[names.NOW] = start
        self._var[names.BIN_NS] = bin_ns
        self._queue = new_queue(start)
        degree = int(np.diff(graph.first).max(initial=0))
        self._reserve = 2 * (degree + 2) * prefix_count + 8
        self.arrays.reserve(sent=self._reserve)
        self._tables: Any = self.arrays.tables()

    def _set_up(self, delays: Ints, config: FleetConfig, seed: int, stream: str) -> None:
        of, slots, nodes = self.arrays.by_name, self.arrays.slots, self.arrays.nodes
        of["delay"] = np.ascontiguousarray(delays[self.graph.link], np.int64)
        nodes[:-1, names.MRAI] = config.mrai
        of["jitter"] = np.array(config.mrai_jitter, np.float64)
        of["processing"] = quantiles(config.processing)
        if config.is_permit_all:
            slots[:, names.RELATION] = 0
            nodes[:-1, names.CUSTOMER_END] = self.graph.first[1:]
        var = of["var"]
        var[names.PER_PREFIX] = config.mrai_scope is MraiScope.PREFIX
        var[names.RESTS] = config.mrai_scope is not MraiScope.FULL_TABLE
        var[names.HELD_WITHDRAWALS] = config.withdrawals_wait
        var[names.LOOP_CHECK] = config.sender_side_loop_detection
        var[names.GHOST_FLUSHING] = config.ghost_flushing
        var[names.ECHO] = config.echo
        var[names.INCUMBENT] = config.keeps_incumbent
        var[names.BATCHES] = config.processing.is_zero
        var[names.JITTER_KEY] = key_of(seed, f"fleet/mrai{stream}")
        var[names.PHASE_KEY] = key_of(seed, PHASES)
        var[names.PROCESSING_KEY] = key_of(seed, f"fleet/processing{stream}")

    # Time -----------------------------------------------------------------------

    @property
    def now(self) -> int:
        """The instant of what happened last, or of what is asked next."""
        return int(self._var[names.NOW])

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is on its way, queued or waiting for a timer."""
        return size(self._queue) == int(self._var[names.TAKEN_BACK]) and not int(self._var[names.READY])

    def advance(self, until: int, breath: Callable[[int], None] = lambda _now: None) -> None:
        """Let everything up to and including ``until`` happen, and set the clock to it.

        ``breath`` is called about once a second with the instant reached; what it raises ends the run.
        """
        while True:
            status = advance(self._tables, self._queue, until, _BREATH, self._reserve)
            if status == REACHED:
                break
            if status == WANTS_ROOM:
                self._queue = enlarged(self._queue, self._reserve)
                self.arrays.reserve(log=self.prefix_count, sent=self._reserve)
                self._tables = self.arrays.tables()
            else:
                breath(self.now)
        if until > self.now:
            self._var[names.NOW] = until

    def set_clock(self, now: int) -> None:
        """Have what is asked next happen at ``now``; nothing may be due before."""
        self._var[names.NOW] = now

    def rest(self, now: int) -> None:
        """Set the clock to ``now``, after so long a rest that no timer runs; the fleet must be quiet.

        What is in the log is from long ago then.
        """
        arrays = self.arrays.by_name
        arrays["timers"][:] = 2 * names.LONG_AGO
        arrays["log_time"][: self.logged] = names.LONG_AGO
        arrays["nodes"].reshape(-1, names.NODE_WORDS)[:, names.BUSY_UNTIL] = names.LONG_AGO
        for counter in (names.SENT, names.ANNOUNCED, names.WITHDRAWN, names.TAKEN_BACK):
            self._var[counter] = 0
        self._var[names.NOW] = now
        self._queue = new_queue(now)

    def _push(self, code: int, value: int = 0, *, at: int | None = None) -> None:
        if not room(self._queue):
            self._queue = enlarged(self._queue, 1)
        push(self._queue, self.now if at is None else at, code, value)

    # What is announced ------------------------------------------------------------

    def announce(self, node: int, prefix: int, only_to: frozenset[int] | None = None) -> None:
        """The node announces a prefix, to all neighbours or to those in the ASes ``only_to``."""
        self.limit(node, prefix, only_to)
        self._push((node * self.prefix_count + prefix) * KINDS + ORIGINATE, 1)
        if self.arrays.routes[node, prefix, names.ROUTE_STATE] & names.IS_OWN:
            for slot in self.graph.slots(node):  # it may be for others than before
                self._advertise_again(slot)

    def limit(self, node: int, prefix: int, only_to: frozenset[int] | None) -> None:
        """Have the node announce the prefix, where it is its own, only to neighbours in ``only_to``."""
        for slot in self.graph.slots(node):
            asn = int(self.graph.asn[self.graph.neighbor[slot]])
            self._bar(slot, prefix, is_barred=only_to is not None and asn not in only_to)

    def _bar(self, slot: int, prefix: int, *, is_barred: bool) -> None:
        """Keep an own route from a peer, or let it pass."""
        state = self.arrays.slots[slot]
        bars = self.arrays.record("bars", names.BAR_WORDS)
        if not state[names.STATE] & names.IS_BARRED:
            if not is_barred:
                return
            state[names.STATE] |= names.IS_BARRED
            bars = np.vstack((bars, [[slot, 0]])).astype(np.int64)
            self.arrays.by_name["bars"] = bars.ravel()
            self.refresh()
        mine = bars[:, names.BAR_SLOT] == slot
        bit = np.int64(1 << prefix)
        bars[mine, names.BAR_PREFIXES] &= ~bit
        bars[mine, names.BAR_PREFIXES] |= bit if is_barred else np.int64(0)

    def is_open(self, slot: int, prefix: int, *, is_own: bool) -> bool:
        """Whether the node's operator lets the prefix go over the slot, relationships aside."""
        state = int(self.arrays.slots[slot, names.STATE])
        if state & names.IS_MUTED:
            return False
        if is_own and state & names.IS_BARRED:
            bars = self.arrays.record("bars", names.BAR_WORDS)
            barred = bars[bars[:, names.BAR_SLOT] == slot, names.BAR_PREFIXES]
            return not int(barred[0]) >> prefix & 1
        return True

    def refresh(self) -> None:
        """Look at the arrays anew, which something outside has written or made larger."""
        self._tables = self.arrays.tables()

    def withdraw(self, node: int, prefix: int) -> None:
        """The node announces the prefix no more."""
        self._push((node * self.prefix_count + prefix) * KINDS + ORIGINATE, 0)

    def mute(self, node: int, asn: int, *, is_muted: bool) -> None:
        """The node sends nothing to its neighbours in an AS, or everything again."""
        for slot in self.graph.slots(node):
            if self.graph.asn[self.graph.neighbor[slot]] == asn:
                self._advertise_again(slot, MUTED if is_muted else UNMUTED)

    def leak(self, node: int, *, is_on: bool) -> None:
        """The node exports everything to everybody (RFC 7908), or honours relationships again."""
        for slot in self.graph.slots(node):
            self._advertise_again(slot, LEAKS if is_on else LEAKS_NO_MORE)

    def _advertise_again(self, slot: int, first: int = 0) -> None:
        """Have the node tell a peer what is new to it, once it has done what ``first`` says."""
        self._push(slot * self.prefix_count * KINDS + ADVERTISE, first)

    # Sessions ---------------------------------------------------------------------

    def lose_messages(self, slots: Iterable[int]) -> None:
        """What is on its way to these session ends does not arrive."""
        self._take_back(slots, DELIVER)

    def stop_opening(self, slots: Iterable[int]) -> None:
        """These session ends will not be Established after all."""
        self._take_back(slots, SESSION_UP)

    def _take_back(self, slots: Iterable[int], kind: int) -> None:
        is_meant = np.zeros(self.graph.slot_count, np.uint8)
        is_meant[list(slots)] = 1
        self._var[names.TAKEN_BACK] += take_back(self._queue, view(is_meant), KINDS, kind, self.prefix_count)

    def set_dark(self, slots: Iterable[int], *, is_dark: bool) -> None:
        """What is sent over these session ends gets lost, or arrives again."""
        for slot in slots:
            state = self.arrays.slots[slot]
            state[names.STATE] &= ~names.IS_DARK
            state[names.STATE] |= names.IS_DARK if is_dark else 0

    def keep_sessions(self, slots: Iterable[int]) -> None:
        """These session ends do not notice what they would have noticed later."""
        self._take_back(slots, SESSION_DOWN)

    def session_down(self, slot: int, at: int) -> None:
        """This end of a session loses it at the instant ``at``."""
        self._push(slot * self.prefix_count * KINDS + SESSION_DOWN, at=at)

    def session_up(self, slot: int, at: int) -> None:
        """This end of a session is Established at the instant ``at``."""
        self._push(slot * self.prefix_count * KINDS + SESSION_UP, at=at)

    # What came of it ----------------------------------------------------------------

    @property
    def counts(self) -> Counts:
        """Messages so far."""
        return Counts(int(self._var[names.ANNOUNCED]), int(self._var[names.WITHDRAWN]))

    @property
    def logged(self) -> int:
        """Changes of Loc-RIBs so far."""
        return int(self._var[names.LOGGED])

    def log(self) -> FleetLog:
        """What it has done so far, in arrays of its own."""
        of = self.arrays.by_name
        return FleetLog(
            self.graph,
            self.arrays.slots[:, names.PREPEND].astype(np.int8),
            self.prefix_count,
            of["log_time"][: self.logged].copy(),
            self.arrays.log.copy(),
            self.arrays.sent.copy(),
            of["rate"].reshape(-1, 2).copy(),
            self.arrays.routes[:, :, names.CURRENT].copy(),
        )


def link_slots(graph: AsGraph, links: Sequence[int]) -> dict[int, tuple[int, int]]:
    """For each of ``links`` the slots of its two ends, that of the first end first."""
    found = {}
    for link in links:
        low, high = graph.link_ends[link]
        slot = graph.slot(int(low), int(high))
        if slot is not None:  # as it is, for every link has its slots
            found[link] = (slot, int(graph.reverse[slot]))
    return found
