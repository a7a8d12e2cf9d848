"""The sweeps of the solver: routes climb to providers, cross to peers, descend to customers.

A node's best route is one number, its *rank*: the kind of neighbour that it came
from, the length of its AS path, the slot that it came over, from the most to the
least significant bits. Own, customer, peer and provider routes follow in that
order, and a row's slots ascend by neighbour, so that the decision process is
``min`` of integers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from emulator.network.asgraph.arrays import distinct, spans
from emulator.steady.rows import rows_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

    from emulator.network.asgraph.graph import AsGraph
    from emulator.steady.routes import Origin
    from emulator.steady.rows import Rows, Side

    Ints = npt.NDArray[np.int64]
    Int8s = npt.NDArray[np.int8]
    Bools = npt.NDArray[np.bool_]

LENGTH: Final = 32
"""The bit from which on a rank holds the AS path's length."""
KIND: Final = 60
"""The bit from which on a rank holds the kind of route."""
LENGTHS: Final = (1 << (KIND - LENGTH)) - 1
SLOTS: Final = (1 << LENGTH) - 1
OWN_KIND, CUSTOMER_KIND, PEER_KIND, PROVIDER_KIND, NO_KIND = range(5)
NO_ROUTE: Final = NO_KIND << KIND
DOWN: Final = -1
"""The rank of a node that is down: better than any offer, so that it takes none."""
_FEW: Final = 256


@dataclass(frozen=True, slots=True, eq=False)
class Sweep:
    """What a solution is made from, and in: ``best`` (N,) int64 is every node's rank so far.

    ``link_up`` (L,) and ``prepend`` (S,) as for `solve`; ``own_slot``
    (A,) are the slots over which origins announce; ``mark`` (N,) is scratch, False
    between calls.
    """

    graph: AsGraph
    rows: Rows
    best: Ints
    link_up: Bools | None
    prepend: Int8s | None
    own_slot: Ints
    mark: Bools

    def distinct(self, nodes: Ints) -> Ints:
        """``nodes`` once each, ascending."""
        if len(nodes) < _FEW:
            return distinct(nodes)
        self.mark[nodes] = True
        found = np.flatnonzero(self.mark)
        self.mark[found] = False
        return found


def begin(
    graph: AsGraph, origins: Iterable[Origin], best: Ints, link_up: Bools | None, prepend: Int8s | None
) -> Sweep:
    """Set out from the ranks ``best``, which are changed; ``origins`` are those that are up."""
    rows = rows_of(graph)
    listed = tuple(origins)
    nodes = np.array([origin.node for origin in listed], np.int64)
    best[nodes] = OWN_KIND << KIND
    slots = spans(rows.row.first[nodes], rows.row.count[nodes])
    if any(origin.only_to is not None for origin in listed):
        is_open = np.concatenate([open_slots(graph, origin) for origin in listed])
        slots = slots[is_open]
    mark = np.zeros(len(graph), np.bool_)
    return Sweep(graph, rows, best, link_up, prepend, slots, mark)


def open_slots(graph: AsGraph, origin: Origin) -> Bools:
    """Over which of its node's slots an origin announces."""
    row = graph.neighbor[graph.first[origin.node] : graph.first[origin.node + 1]]
    if origin.only_to is None:
        return np.ones(len(row), np.bool_)
    return np.isin(graph.asn[row], np.array(sorted(origin.only_to), np.int64))


def tell(sweep: Sweep, senders: Ints, side: Side, kind: int) -> Ints:
    """Let ``senders`` offer their routes on one side; return who took one, with repetitions."""
    count = side.count[senders]
    at = spans(side.first[senders], count)
    if not len(at):
        return at
    length = (sweep.best[senders] >> LENGTH) & LENGTHS
    rank = np.repeat((kind << KIND) + ((length + 1) << LENGTH), count)
    return offer(sweep, at, side, rank)


def offer(sweep: Sweep, at: Ints, side: Side, rank: Ints) -> Ints:
    """Offer routes of ``rank``, less slot and prepending, at the places ``at`` of ``side``; see `tell`."""
    if sweep.prepend is not None:
        rank = rank + (sweep.prepend[side.slot[at]].astype(np.int64) << LENGTH)
    target = side.target[at]
    rank = rank + side.back[at]
    taken = rank < sweep.best[target]
    if sweep.link_up is not None:
        taken &= sweep.link_up[side.link[at]]
    target, rank = target[taken], rank[taken]
    if sweep.rows.shares_asn is not None:
        fit = ~_loops(sweep, target, rank & SLOTS)
        target, rank = target[fit], rank[fit]
    np.minimum.at(sweep.best, target, rank)
    return target


def _loops(sweep: Sweep, target: Ints, slot: Ints) -> Bools:
    """Where the AS of ``target`` is in the path of what it is offered over ``slot`` (RFC 4271 9.1.2).

    The senders' routes are final. Only ASes with several nodes can see such a path.
    """
    graph, row = sweep.graph, sweep.rows.row
    found = np.zeros(len(target), np.bool_)
    left = np.flatnonzero(sweep.rows.shares_asn[target]) if sweep.rows.shares_asn is not None else slot[:0]
    asn, hop = graph.asn[target[left]], row.target[slot[left]]
    while len(left):
        is_loop = graph.asn[hop] == asn
        found[left[is_loop]] = True
        rank = sweep.best[hop]
        goes_on = ~is_loop & (rank >> KIND != OWN_KIND)
        left, asn = left[goes_on], asn[goes_on]
        hop = row.target[rank[goes_on] & SLOTS]
    return found


def spread(sweep: Sweep, pending: Ints, side: Side, kind: int) -> None:
    """Let routes travel on one side from node to node, the shortest first, until none is left to tell.

    By length, a route is final before it is told: what is offered later is longer.
    """
    turns, later = _by_length(sweep, pending), pending[:0]
    while turns or len(later):
        length = (sweep.best[later] >> LENGTH) & LENGTHS
        shortest = min(int(length.min(initial=LENGTHS)), turns[-1][0] if turns else LENGTHS)
        is_next = length == shortest
        tellers = later[is_next]
        if turns and turns[-1][0] == shortest:
            tellers = np.concatenate((turns.pop()[1], tellers))
        taken = tell(sweep, tellers, side, kind)
        later = sweep.distinct(np.concatenate((later[~is_next], taken)))


def _by_length(sweep: Sweep, nodes: Ints) -> list[tuple[int, Ints]]:
    """``nodes`` by the length of their routes, the longest first.

    Sorted once: to look at all that still wait before each length is quadratic where paths are long.
    """
    ordered = np.sort((sweep.best[nodes] & (LENGTHS << LENGTH)) | nodes)
    node, length = ordered & SLOTS, ordered >> LENGTH
    start = np.flatnonzero(np.diff(length, prepend=-1, append=-1))
    bounds = zip(
        length[start[:-1]].tolist(), *(each.tolist() for each in (start[:-1], start[1:])), strict=True
    )
    return [(far, node[low:high]) for far, low, high in bounds][::-1]


def announce(sweep: Sweep) -> Ints:
    """Let all origins offer their routes to all kinds of neighbours; return who took one, as `tell`."""
    # what a neighbour is to the origin is the kind of route that it hears: a provider (1) a customer's
    kind = sweep.graph.relation[sweep.own_slot].astype(np.int64)
    rank = (kind << KIND) + (1 << LENGTH)
    return offer(sweep, sweep.own_slot, sweep.rows.row, rank)


def climb(sweep: Sweep) -> None:
    """Customer routes: upward, from what the origins' providers heard."""
    spread(sweep, having(sweep, CUSTOMER_KIND), sweep.rows.up, CUSTOMER_KIND)


def cross(sweep: Sweep) -> None:
    """Peer routes: one step sideways from all who have customer routes."""
    tell(sweep, having(sweep, CUSTOMER_KIND), sweep.rows.across, PEER_KIND)


def descend(sweep: Sweep) -> None:
    """Provider routes: downward from all who have any route; an origin's own have been told before."""
    pending = np.flatnonzero(has_learned(sweep.best))
    spread(sweep, pending[sweep.rows.down.count[pending] > 0], sweep.rows.down, PROVIDER_KIND)


def having(sweep: Sweep, kind: int) -> Ints:
    """Nodes whose best route is of one kind."""
    return np.flatnonzero(sweep.best >> KIND == kind)


def has_learned(rank: Ints) -> Bools:
    """Which ranks are of routes from a neighbour."""
    return (rank >= CUSTOMER_KIND << KIND) & (rank < NO_ROUTE)


def told_to_leaves(best: Ints) -> Ints:
    """What nodes of rank ``best`` tell leaves, less slot and prepending; origins do not, they announce."""
    length = best & (LENGTHS << LENGTH)
    return np.where(has_learned(best), length + ((PROVIDER_KIND << KIND) + (1 << LENGTH)), NO_ROUTE)


def serve_leaves(sweep: Sweep) -> None:
    """Provider routes of all leaves: the best of what their providers have."""
    leaves = sweep.rows.leaves
    offers = told_to_leaves(sweep.best[sweep.rows.inner])[leaves.provider]
    offers += leaves.slot
    if sweep.prepend is not None:
        offers += sweep.prepend[leaves.sender].astype(np.int64) << LENGTH
    if sweep.link_up is not None:
        offers[~sweep.link_up[leaves.link]] = NO_ROUTE
    best = sweep.best[leaves.node]
    for low, high in zip(leaves.start, leaves.start[1:], strict=False):
        np.minimum(best[: high - low], offers[low:high], out=best[: high - low])
    sweep.best[leaves.node] = best
