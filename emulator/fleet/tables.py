"""The arrays that the loops of the fleet work on: few, wide ones.

N nodes, S slots, P prefixes. What belongs to one thing stands together as a
record, for what a message needs should come with one look into memory; and a
compiled function takes each array as seven arguments. Record ``i`` of a table
with ``W`` words begins at ``i * W``; the names below are places in it. What
belongs to a (node, prefix) is record ``node * P + prefix``.

The *log* has one record for every change of a Loc-RIB, and is at the same time
how AS paths are stored: the path that a node advertises after entry ``i`` is
the node itself, in front of the path of entry ``PARENT`` of ``i``, which a
neighbour advertised to it. A path is therefore the number of an entry, paths
share their tails, and nothing is ever copied.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from emulator.compiled import view

if TYPE_CHECKING:
    import numpy.typing as npt

    from emulator.network.asgraph.graph import AsGraph

    Ints = npt.NDArray[np.int64]
    Int32s = npt.NDArray[np.int32]

PREFIXES_MAX: Final = 62
"""Prefixes of one fleet: sets of them are kept in the bits of an integer."""

NO_PATH: Final = -1
OWN: Final = -1
"""`BEST` or `SLOT` of a route that is originated here."""
NONE: Final = -2
"""`BEST` or `SLOT` where there is no route."""
LONG_AGO: Final = -(1 << 60)

# slots: int32, a session end each.
NEIGHBOR, NODE, REVERSE, RELATION, PREPEND, STATE, SLOT_WORDS = range(7)
# Bits of its STATE.
IS_UP, IS_MUTED, IS_WATCHED, IS_BARRED, IS_DARK, OWES_ALL = (1 << bit for bit in range(6))
# OWES_ALL: whatever there is has to be looked at for this peer, since it came up, say.

# nodes: int64; one record more than there are nodes, for the end of the last one's slots.
FIRST, CUSTOMER_END, SYSTEM, MRAI, DIRTY, IS_LEAKING, BUSY_UNTIL, QUEUED, IS_LATE, NODE_WORDS = range(10)
# QUEUED: messages that a router which takes time over them has not yet worked through, until BUSY_UNTIL.
# IS_LATE: a timer expired meanwhile.

OWING_BIT: Final = 62
"""Number of the bit of DIRTY, beside one a prefix, that says that some slot has OWES_ALL."""

# routes: int32, the Loc-RIB's entry for a (node, prefix); its rank is in ``keys``.
BEST, CURRENT, RIVAL, ROUTE_STATE, ROUTE_WORDS = range(5)
# Bits of its ROUTE_STATE.
IS_OWN, SPREADS = 1, 2

# ribs: int32, Adj-RIB-In and Adj-RIB-Out of a (slot, prefix), as numbers of log entries.
ADJ_IN, ADJ_OUT, RIB_WORDS = range(3)

# log: int32, beside ``log_time``. LENGTH_PREFIX is the path's length times 64 plus the prefix.
LOG_NODE, LOG_SLOT, PARENT, LENGTH_PREFIX, LOG_WORDS = range(5)
LENGTH_SHIFT: Final = 6

# sent: int64, messages over slots that are watched. PLACE is slot * P + prefix.
SENT_TIME, SENT_PLACE, SENT_PATH, SENT_WORDS = range(4)

# bars: int64, slots over which some prefixes that are originated here are not announced.
BAR_SLOT, BAR_PREFIXES, BAR_WORDS = range(3)

# var: int64, what changes, then what holds for the whole network.
(
    LOGGED,
    SENT,
    READY,
    DECIDED,
    ANNOUNCED,
    WITHDRAWN,
    TAKEN_BACK,
    NOW,
    PREFIX_COUNT,
    PER_PREFIX,
    RESTS,
    HELD_WITHDRAWALS,
    LOOP_CHECK,
    GHOST_FLUSHING,
    ECHO,
    INCUMBENT,
    BATCHES,
    JITTER_KEY,
    PHASE_KEY,
    PROCESSING_KEY,
    BIN_NS,
    VARIABLES,
) = range(22)

UNSEEN: Final = -1
"""`RIVAL`: nothing better than the best route has come."""
RESCAN: Final = -2
"""`RIVAL`: the best route itself has changed, all must be looked at."""


class Tables(NamedTuple):
    """Views for the loops; `Arrays` owns the memory."""

    slots: Int32s
    delay: Ints
    """(S,) ns, one way."""
    ribs: Int32s
    timers: Ints
    """MRAI: twice the instant until which announcements are held, plus one where a wake-up is due then."""
    nodes: Ints
    ready: Int32s
    """(N,) those with something to decide, in order."""
    keys: Ints
    routes: Int32s
    log: Int32s
    log_time: Ints
    sent: Ints
    bars: Ints
    rate: Ints
    """Announcements and withdrawals sent, by bin of time."""
    jitter: npt.NDArray[np.float64]
    processing: Ints
    var: Ints


def example() -> Tables:
    """Tables of nothing, for `emulator.compiled.compiled_for`."""
    wide, small = np.zeros(0, np.int64), np.zeros(0, np.int32)
    is_small = ("slots", "ribs", "ready", "routes", "log")
    made: dict[str, Any] = {name: small if name in is_small else wide for name in Tables._fields}
    return Tables(**{**made, "jitter": np.zeros(0, np.float64)})


class Arrays:
    """The memory of a fleet, by the names of `Tables`."""

    def __init__(self, graph: AsGraph, prefix_count: int, *, per_prefix: bool, bins: int) -> None:
        """Empty RIBs, every session up, every setting zero."""
        nodes, slots = len(graph), graph.slot_count
        self.prefix_count = prefix_count
        self.by_name: dict[str, npt.NDArray[Any]] = {
            "slots": _slots(graph),
            "delay": np.zeros(slots, np.int64),
            "ribs": np.full(slots * prefix_count * RIB_WORDS, NO_PATH, np.int32),
            "timers": np.full(slots * prefix_count if per_prefix else slots, 2 * LONG_AGO, np.int64),
            "nodes": _nodes(graph),
            "ready": np.zeros(nodes, np.int32),
            "keys": np.full(nodes * prefix_count, 1 << 62, np.int64),
            "routes": np.tile(np.array([NONE, NO_PATH, UNSEEN, 0], np.int32), nodes * prefix_count),
            "log": np.zeros(0, np.int32),
            "log_time": np.zeros(0, np.int64),
            "sent": np.zeros(0, np.int64),
            "bars": np.zeros(0, np.int64),
            "rate": np.zeros(2 * bins, np.int64),
            "jitter": np.ones(2, np.float64),
            "processing": np.zeros(1, np.int64),
            "var": np.zeros(VARIABLES, np.int64),
        }
        self.by_name["var"][PREFIX_COUNT] = prefix_count
        self.reserve(log=max(nodes * prefix_count, 1024), sent=1024)

    def reserve(self, *, log: int = 0, sent: int = 0) -> None:
        """Make room for so many entries more of the log, and of the messages watched."""
        var = self.by_name["var"]
        for name, words, used, wanted in (
            ("log", LOG_WORDS, int(var[LOGGED]), log),
            ("log_time", 1, int(var[LOGGED]), log),
            ("sent", SENT_WORDS, int(var[SENT]), sent),
        ):
            array = self.by_name[name]
            size = len(array) // words
            if used + wanted > size:
                grown = np.empty(max(used + wanted, size + size // 2) * words, array.dtype)
                grown[: used * words] = array[: used * words]
                self.by_name[name] = grown

    def record(self, name: str, words: int) -> npt.NDArray[Any]:
        """The table ``name`` by records, (records, ``words``); writing there writes the table."""
        return self.by_name[name].reshape(-1, words)

    @property
    def slots(self) -> npt.NDArray[np.int32]:
        """(S, `SLOT_WORDS`)."""
        return self.record("slots", SLOT_WORDS)

    @property
    def nodes(self) -> npt.NDArray[np.int64]:
        """(N + 1, `NODE_WORDS`)."""
        return self.record("nodes", NODE_WORDS)

    @property
    def routes(self) -> npt.NDArray[np.int32]:
        """(N, P, `ROUTE_WORDS`)."""
        return self.by_name["routes"].reshape(-1, self.prefix_count, ROUTE_WORDS)

    @property
    def ribs(self) -> npt.NDArray[np.int32]:
        """(S, P, `RIB_WORDS`)."""
        return self.by_name["ribs"].reshape(-1, self.prefix_count, RIB_WORDS)

    @property
    def log(self) -> npt.NDArray[np.int32]:
        """(entries so far, `LOG_WORDS`)."""
        return self.record("log", LOG_WORDS)[: int(self.by_name["var"][LOGGED])]

    @property
    def sent(self) -> npt.NDArray[np.int64]:
        """(messages so far, `SENT_WORDS`)."""
        return self.record("sent", SENT_WORDS)[: int(self.by_name["var"][SENT])]

    def tables(self) -> Tables:
        """The views, to be made anew after `reserve`."""
        return Tables(**{name: view(self.by_name[name]) for name in Tables._fields})


def _slots(graph: AsGraph) -> npt.NDArray[np.int32]:
    table = np.zeros((graph.slot_count, SLOT_WORDS), np.int32)
    table[:, NEIGHBOR] = graph.neighbor
    table[:, NODE] = graph.slot_node()
    table[:, REVERSE] = graph.reverse
    table[:, RELATION] = graph.relation
    table[:, STATE] = IS_UP
    return table.ravel()


def _nodes(graph: AsGraph) -> npt.NDArray[np.int64]:
    from emulator.network.asgraph.graph import CUSTOMER

    table = np.zeros((len(graph) + 1, NODE_WORDS), np.int64)
    table[:, FIRST] = graph.first
    table[:-1, CUSTOMER_END] = graph.first[:-1] + graph.degrees(CUSTOMER)
    table[:-1, SYSTEM] = np.searchsorted(graph.asn, graph.asn)
    table[:, BUSY_UNTIL] = LONG_AGO
    return table.ravel()
