"""A fleet put where it would settle: a prefix's fixed point installed in every RIB, without a message."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emulator.fleet.tables import (
    ADJ_IN,
    ADJ_OUT,
    BEST,
    CURRENT,
    ECHO,
    INCUMBENT,
    IS_BARRED,
    IS_MUTED,
    IS_OWN,
    IS_UP,
    LENGTH_PREFIX,
    LENGTH_SHIFT,
    LOG_NODE,
    LOG_SLOT,
    LOG_WORDS,
    LOGGED,
    LONG_AGO,
    LOOP_CHECK,
    NO_PATH,
    NODE,
    OWN,
    PARENT,
    REVERSE,
    ROUTE_STATE,
    SPREADS,
    STATE,
    SYSTEM,
)
from emulator.network.asgraph.graph import CUSTOMER

if TYPE_CHECKING:
    import numpy.typing as npt

    from emulator.fleet.fleet import Fleet
    from emulator.steady.routes import Routes

    Ints = npt.NDArray[np.int64]
    Bools = npt.NDArray[np.bool_]

_OWN_RELATION = 4


def install(fleet: Fleet, prefix: int, routes: Routes) -> None:
    """Give every speaker the route of ``routes`` for ``prefix``, and what its neighbours sent it of theirs.

    Nothing of the prefix may have been heard before. Every session is up, no
    timer runs, and nothing is on its way. The log begins with a route a node,
    at the instant `LONG_AGO`.
    """
    arrays, graph = fleet.arrays, fleet.graph
    nodes = np.flatnonzero(routes.relation > 0)
    arrays.reserve(log=len(nodes))
    base = fleet.logged
    entry = np.full(len(graph), NO_PATH, np.int64)
    entry[nodes] = base + np.arange(len(nodes))
    is_own = routes.relation == _OWN_RELATION
    records = np.empty((len(nodes), LOG_WORDS), np.int32)
    records[:, LOG_NODE] = nodes
    records[:, LOG_SLOT] = np.where(is_own[nodes], OWN, routes.slot[nodes])
    records[:, PARENT] = np.where(is_own[nodes], NO_PATH, entry[routes.next_hop[nodes]])
    records[:, LENGTH_PREFIX] = (routes.length[nodes] << LENGTH_SHIFT) + prefix
    arrays.record("log", LOG_WORDS)[base : base + len(nodes)] = records
    arrays.by_name["log_time"][base : base + len(nodes)] = LONG_AGO
    arrays.by_name["var"][LOGGED] += len(nodes)
    _install_best(fleet, prefix, routes, nodes, entry)
    _install_ribs(fleet, prefix, routes, entry)
    fleet.refresh()


def _install_best(fleet: Fleet, prefix: int, routes: Routes, nodes: Ints, entry: Ints) -> None:
    arrays = fleet.arrays
    is_own = routes.relation[nodes] == _OWN_RELATION
    table = arrays.routes[:, prefix]
    table[nodes, BEST] = np.where(is_own, OWN, routes.slot[nodes])
    table[nodes, CURRENT] = entry[nodes]
    spreads = is_own | (routes.relation[nodes] == CUSTOMER)
    table[nodes, ROUTE_STATE] = np.where(spreads, SPREADS, 0) + np.where(is_own, IS_OWN, 0)
    rank = (CUSTOMER - routes.relation[nodes]).astype(np.int64) << 52
    tie = 0 if arrays.by_name["var"][INCUMBENT] else routes.next_hop[nodes].astype(np.int64) + 1
    keys = rank + (routes.length[nodes].astype(np.int64) << 32) + tie
    arrays.by_name["keys"].reshape(-1, fleet.prefix_count)[nodes, prefix] = np.where(is_own, -1, keys)


def _install_ribs(fleet: Fleet, prefix: int, routes: Routes, entry: Ints) -> None:
    """What each node has sent over each of its slots, and what of it the other end could use."""
    arrays = fleet.arrays
    slots, nodes = arrays.slots, arrays.nodes
    node = slots[:, NODE].astype(np.int64)
    relation = routes.relation[node]
    exported = (relation >= CUSTOMER) | ((relation > 0) & (fleet.graph.relation == CUSTOMER))
    exported &= (slots[:, STATE] & IS_UP) != 0
    for slot in np.flatnonzero(slots[:, STATE] & (IS_MUTED | IS_BARRED)):
        exported[slot] &= fleet.is_open(int(slot), prefix, is_own=relation[slot] == _OWN_RELATION)
    if not arrays.by_name["var"][ECHO]:
        exported &= routes.slot[node] != np.arange(len(slots))
    sender = np.flatnonzero(exported)
    looped = _has_looped(routes, nodes[:, SYSTEM], node[sender], fleet.graph.neighbor[sender])
    if arrays.by_name["var"][LOOP_CHECK]:
        sender, looped = sender[~looped], looped[~looped]
    path = entry[node[sender]]
    arrays.ribs[sender, prefix, ADJ_OUT] = path
    arrays.ribs[slots[sender, REVERSE], prefix, ADJ_IN] = np.where(looped, NO_PATH, path)


def _has_looped(routes: Routes, system: Ints, sender: Ints, receiver: npt.NDArray[np.int32]) -> Bools:
    """For each message whether the receiver's AS is the sender's or in the sender's AS path."""
    own = system[receiver]
    looped: Bools = system[sender] == own
    going = np.flatnonzero(~looped)
    at = sender[going]
    while len(going):
        hop = routes.next_hop[at]
        goes_on = hop != at
        going, at = going[goes_on], hop[goes_on].astype(np.int64)
        hit = system[at] == own[going]
        looped[going[hit]] = True
        going, at = going[~hit], at[~hit]
    return looped
