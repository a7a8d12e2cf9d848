"""The arrays in which packets for one destination find their way through an AS graph.

N nodes, S slots, L links, K prefixes that cover the destination, longest first.
Records and their words as in `emulator.fleet.tables`. The next hops of all nodes
make a *forest*, each node below the one it hands its packets to: what changes at
a node concerns the nodes below it and no others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from emulator.compiled import view

if TYPE_CHECKING:
    import numpy.typing as npt

    Ints = npt.NDArray[np.int64]
    Int32s = npt.NDArray[np.int32]
    Int8s = npt.NDArray[np.int8]

NO_ROUTE: Final = -1
"""Outcomes. 0 and above are POPs; from here to `LOOPED` a packet is lost: some node has no route for it."""
DROPPED: Final = -2
"""It was sent over something dark or to something dead, or into a router that drops everything."""
LOOPED: Final = -3
NOWHERE: Final = -4
"""It was delivered, at a node that has no POP."""

HERE: Final = -1
"""`HOP` of a node whose own prefix it is; the others are slots, or one of the next two."""
NO_HOP: Final = -2
DEAD_END: Final = -3

# The table of nodes is int32.
(
    HOP,
    OUTCOME,
    OUTCOME_WAS,
    SITE,
    MARK,
    CONDITION,
    CHILD,
    NEXT,
    PREVIOUS,
    WINDOW,
    CHANGES,
    OUTCOME_BEFORE,
    SEEN,
    FOREST_WORDS,
) = range(14)
# CHILD is the first of the nodes below, NEXT and PREVIOUS join those that have one parent; -1 for none.
# SITE is the outcome of what is delivered here. The WAS fields hold what was before the present instant,
# the BEFORE fields what was before the window in which the node changed first, whose number is WINDOW.
IS_PENDING, IS_REPRICED, IS_STALE, IS_ON_TRAIL, IS_FOLLOWED = (1 << bit for bit in range(5))
"""Bits of MARK: to be looked at; its hop costs something else; below a change; on a walk; paths recorded."""
IS_DEAD, IS_BLACKHOLE = 1, 2
"""Bits of CONDITION."""

# ledger: int64, ns
ONE_WAY, ONE_WAY_WAS, SINCE, LOST_FOR, BACK_AT, ONE_WAY_BEFORE, LEDGER_WORDS = range(7)
# Within the window: SINCE the last change of the outcome, LOST_FOR so long in sum until then,
# BACK_AT the instant from which it is delivered, should it be.

# physical: int64, a change of the data plane that no routing protocol made, and the nodes that it bears upon.
AT, WHAT, INDEX, VALUE, ONE_NODE, OTHER_NODE, PHYSICAL_WORDS = range(7)
LINK, ROUTER, BLACKHOLE, DELAY, LOSS = range(5)
"""WHAT: INDEX is a link, a node, a node, a slot, a slot; VALUE whether it is lit, is up, drops, or ns."""

# routes: int32, changes of FIBs: PLACE is node * K + the prefix's place among K, ENTRY what ``fib`` holds.
PLACE, ENTRY, ROUTE_CHANGE_WORDS = range(3)

# records: int64, the path of a followed node's packets from an instant on; its slots are next in ``paths``.
RECORD_AT, RECORD_NODE, RECORD_OUTCOME, RECORD_ONE_WAY, RECORD_LENGTH, RECORD_WORDS = range(6)

# The variables are int64.
(
    NOW,
    PREFIXES,
    NEXT_ROUTE,
    NEXT_PHYSICAL,
    PENDING_COUNT,
    STALE_COUNT,
    TOUCHED_COUNT,
    EMITTED,
    IS_RECORDING,
    RECORDED,
    PATHS_END,
    STAMP,
    WINDOW_NUMBER,
    WINDOW_START,
    MOVES,
    FORWARD_VARIABLES,
) = range(16)
# MOVES: changes of outcomes so far.


class Forest(NamedTuple):
    """Views for the loops."""

    neighbor: Int32s
    link: Int32s
    """(S,) of each slot."""
    delay: Ints
    """(S,) ns, as it is now."""
    lit: Int8s
    """(L,)"""
    fib: Int32s
    """(N * K,) the slot that packets are sent over, or OWN or NONE of `emulator.fleet.tables`."""
    nodes: Int32s
    ledger: Ints
    lists: Int32s
    """(4 N,) nodes that are pending, stale, on the trail of a walk, and touched in the window: N each."""
    physical: Ints
    routes: Int32s
    route_times: Ints
    records: Ints
    paths: Int32s
    var: Ints


def example() -> Forest:
    """Tables of nothing, for `emulator.compiled.compiled_for`."""
    wide, small = np.zeros(0, np.int64), np.zeros(0, np.int32)
    is_wide = ("delay", "ledger", "physical", "route_times", "records", "var")
    made: dict[str, Any] = {name: wide if name in is_wide else small for name in Forest._fields}
    return Forest(**{**made, "lit": np.zeros(0, np.int8)})


def blank_nodes(site: npt.NDArray[np.int32]) -> Int32s:
    """(N * `FOREST_WORDS`,) nodes without routes; ``site`` (N,) is the outcome of a delivery at each."""
    nodes = np.zeros((len(site), FOREST_WORDS), np.int32)
    nodes[:, HOP] = NO_HOP
    nodes[:, [OUTCOME, OUTCOME_WAS, OUTCOME_BEFORE]] = NO_ROUTE
    nodes[:, SITE] = site
    nodes[:, [CHILD, NEXT, PREVIOUS, WINDOW]] = -1
    return nodes.ravel()


def views(arrays: dict[str, npt.NDArray[Any]]) -> Forest:
    """``arrays``, by the names of `Forest`, as the loops take them."""
    return Forest(**{name: view(arrays[name]) for name in Forest._fields})
