"""Forwarding of one destination over an AS graph, set up and asked: `forward_tables` at work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from emulator.compiled import view
from emulator.fleet import forward_tables as names
from emulator.fleet.forward import WANTS_ROOM, forward, settle_instant
from emulator.fleet.tables import LONG_AGO

if TYPE_CHECKING:
    import numpy.typing as npt

    from emulator.network.asgraph.graph import AsGraph

    Ints = npt.NDArray[np.int64]
    Int32s = npt.NDArray[np.int32]
    Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Ground:
    """What the destinations of a run have in common.

    ``neighbor`` and ``link`` (S,) int32 by slot; ``delay`` (S,) int64 ns, one way,
    at the start; ``site`` (N,) int32 the outcome of what is delivered at a node;
    ``physical`` the table of that name in `forward_tables`, in order of time.
    """

    neighbor: Int32s
    link: Int32s
    delay: Ints
    site: Int32s
    link_count: int
    physical: Ints


def ground(graph: AsGraph, delays: Ints, site: Int32s, physical: Ints) -> Ground:
    """The ground of a run on ``graph``; ``delays`` (L,) ns."""
    # arrays of the graph may be read-only, which would be another type to compile for
    neighbor, link = np.array(graph.neighbor, np.int32), np.array(graph.link, np.int32)
    return Ground(neighbor, link, np.array(delays[link], np.int64), site, graph.link_count, physical)


@dataclass(frozen=True, eq=False)
class Routes:
    """The FIB entries of the K prefixes that cover a destination, longest first.

    ``first`` (N, K) int32 holds at the start, entries as `emulator.fleet.tables`
    has them: a slot, OWN or NONE. ``times`` (M,) int64 ns, ascending, and
    ``changes`` (M, 2) int32 are the changes after it: node * K + prefix, entry.
    """

    first: Int32s
    times: Ints
    changes: Int32s


@dataclass(frozen=True, eq=False)
class Touched:
    """The nodes (T,), ascending, whose outcome or delay changed in a window.

    ``before`` and ``after`` are outcomes, the delays are one-way in ns;
    ``since`` (T,) is the instant of a node's last change of outcome, or the
    window's start, ``lost`` (T,) ns how long it was without connectivity until
    then, ``back`` (T,) the instant from which it is delivered, if it is.
    """

    node: Int32s
    before: Int32s
    after: Int32s
    one_way_before: Ints
    one_way_after: Ints
    changes: Int32s
    since: Ints
    lost: Ints
    back: Ints


class Forwarding:
    """Packets to one destination, from every node, at one instant after the other."""

    def __init__(self, it: Ground, routes: Routes) -> None:
        """Everything works, and every node has its first routes; no window is open, no node followed."""
        count = len(it.site)
        self._count = count
        self._arrays: dict[str, npt.NDArray[Any]] = {
            "neighbor": it.neighbor,
            "link": it.link,
            "delay": it.delay.copy(),
            "lit": np.ones(it.link_count, np.int8),
            "fib": np.array(routes.first, np.int32).ravel(),
            "nodes": names.blank_nodes(it.site),
            "ledger": np.zeros(count * names.LEDGER_WORDS, np.int64),
            "lists": np.zeros(4 * count, np.int32),
            "physical": it.physical.ravel(),
            "routes": np.ascontiguousarray(routes.changes, np.int32).ravel(),
            "route_times": np.ascontiguousarray(routes.times, np.int64),
            "records": np.zeros(0, np.int64),
            "paths": np.zeros(0, np.int32),
            "var": np.zeros(names.FORWARD_VARIABLES, np.int64),
        }
        self._nodes = self._arrays["nodes"].reshape(-1, names.FOREST_WORDS)
        self._var = self._arrays["var"]
        self._var[names.PREFIXES] = routes.first.shape[1]
        self._var[names.WINDOW_NUMBER] = -1
        self._var[names.NOW] = LONG_AGO
        self._nodes[:, names.MARK] = names.IS_PENDING
        self._arrays["lists"][:count] = np.arange(count)
        self._var[names.PENDING_COUNT] = count
        self._tables = names.views(self._arrays)
        settle_instant(self._tables)

    def advance(self, until: int) -> None:
        """Let everything happen up to and including ``until`` (ns)."""
        while forward(self._tables, until) == WANTS_ROOM:
            self._enlarge()

    def _enlarge(self) -> None:
        for name, least in (("records", 1024 * names.RECORD_WORDS), ("paths", 4096 + self._count)):
            array = self._arrays[name]
            grown = np.zeros(max(2 * len(array), least), array.dtype)
            grown[: len(array)] = array
            self._arrays[name] = grown
        self._tables = self._tables._replace(
            records=view(self._arrays["records"]), paths=view(self._arrays["paths"])
        )

    # Outcomes ------------------------------------------------------------------------

    @property
    def outcomes(self) -> Int32s:
        """(N,) what becomes of a packet from each node now; a view."""
        return self._nodes[:, names.OUTCOME]

    @property
    def moves(self) -> int:
        """How often a node's outcome has changed since the start, over all nodes."""
        return int(self._var[names.MOVES])

    # Windows -------------------------------------------------------------------------

    def open_window(self, start: int) -> None:
        """What changes from now on is entered anew; nothing from ``start`` (ns) on may have happened yet."""
        self._var[names.WINDOW_NUMBER] += 1
        self._var[names.WINDOW_START] = start
        self._var[names.TOUCHED_COUNT] = 0

    def touched(self) -> Touched:
        """What has changed since the window was opened."""
        first = 3 * self._count
        node = np.sort(self._arrays["lists"][first : first + int(self._var[names.TOUCHED_COUNT])])
        mine = self._nodes[node]
        books = self._arrays["ledger"].reshape(-1, names.LEDGER_WORDS)[node]
        return Touched(
            node,
            mine[:, names.OUTCOME_BEFORE],
            mine[:, names.OUTCOME],
            books[:, names.ONE_WAY_BEFORE],
            books[:, names.ONE_WAY],
            mine[:, names.CHANGES],
            books[:, names.SINCE],
            books[:, names.LOST_FOR],
            books[:, names.BACK_AT],
        )

    # Paths ---------------------------------------------------------------------------

    def follow(self, nodes: Ints, now: int) -> None:
        """Record the paths from ``nodes``: those of now, and then every other one that they take."""
        self._nodes[nodes, names.MARK] |= names.IS_FOLLOWED
        self._arrays["lists"][self._count : self._count + len(nodes)] = nodes
        self._var[names.STALE_COUNT] = len(nodes)
        self._var[names.EMITTED] = 0
        self._var[names.IS_RECORDING] = 1
        self._var[names.NOW] = now

    @property
    def records(self) -> Ints:
        """(R, `RECORD_WORDS`) the paths recorded, in order of time."""
        table = self._arrays["records"].reshape(-1, names.RECORD_WORDS)
        return table[: int(self._var[names.RECORDED])]

    @property
    def path_slots(self) -> Int32s:
        """The slots of the paths recorded, one path after the other."""
        return self._arrays["paths"][: int(self._var[names.PATHS_END])]
