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

if TYPE_CHECKING:
    import numpy.typing as npt

    from emulator.network.asgraph.graph import AsGraph
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
OWN_KIND, CUSTOMER_KIND, PEER_KIND, PROVIDER_KIND = range(4)
NO_ROUTE: Final = 4 << KIND
DOWN: Final = -1
"""The rank of a node that is down: better than any offer, so that it takes none."""
_FEW: Final = 256


@dataclass(frozen=True, slots=True, eq=False)
class Sweep:
    """What a solution is made from, and in: ``best`` (N,) int64 is every node's rank so far.

    ``link_up`` (L,) and ``prepend`` (S,) as for `solve`; ``mark`` (N,) is scratch,
    False between calls.
    """

    graph: AsGraph
    rows: Rows
    best: Ints
    link_up: Bools | None
    prepend: Int8s | None
    mark: Bools

    def distinct(self, nodes: Ints) -> Ints:
        """``nodes`` once each, ascending."""
        if len(nodes) < _FEW:
            return np.unique(nodes)
        self.mark[nodes] = True
        found = np.flatnonzero(self.mark)
        self.mark[found] = False
        return found


def spans(first: Ints, count: Ints) -> Ints:
    """Every integer from ``first[i]`` on, ``count[i]`` of them, for each i in turn."""
    end = np.cumsum(count)
    if not len(end):
        return end
    return np.arange(end[-1]) + np.repeat(first - end + count, count)


def tell(sweep: Sweep, senders: Ints, side: Side, kind: int) -> Ints:
    """Let ``senders`` offer their routes on one side; return who took one, with repetitions."""
    count = side.count[senders]
    at = spans(side.first[senders], count)
    if not len(at):
        return at
    length = (sweep.best[senders] >> LENGTH) & LENGTHS
    rank = np.repeat((kind << KIND) + ((length + 1) << LENGTH), count)
    return offer(sweep, np.repeat(senders, count), at, side, rank)


def offer(sweep: Sweep, senders: Ints, at: Ints, side: Side, rank: Ints) -> Ints:
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
        fit = ~loops(sweep, senders[taken], target)
        target, rank = target[fit], rank[fit]
    np.minimum.at(sweep.best, target, rank)
    return target


def loops(sweep: Sweep, senders: Ints, target: Ints) -> Bools:
    """Where the AS path of a sender's route, which is final, has the AS of its target (RFC 4271 9.1.2)."""
    graph = sweep.graph
    found = np.zeros(len(target), np.bool_)
    if sweep.rows.shares_asn is None:
        return found
    left = np.flatnonzero(sweep.rows.shares_asn[target])
    asn, hop = graph.asn[target[left]], senders[left]
    while len(left):
        is_loop = graph.asn[hop] == asn
        found[left[is_loop]] = True
        rank = sweep.best[hop]
        goes_on = ~is_loop & (rank >> KIND != OWN_KIND)
        left, asn = left[goes_on], asn[goes_on]
        hop = graph.neighbor[rank[goes_on] & SLOTS].astype(np.int64)
    return found


def spread(sweep: Sweep, pending: Ints, side: Side, kind: int) -> None:
    """Let routes travel on one side from node to node, the shortest first, until none is left to tell.

    By length, a route is final before it is told: what is offered later is longer.
    """
    pending = sweep.distinct(pending)
    while len(pending):
        length = (sweep.best[pending] >> LENGTH) & LENGTHS
        is_next = length == length.min()
        taken = tell(sweep, pending[is_next], side, kind)
        pending = sweep.distinct(np.concatenate((pending[~is_next], taken)))


def climb(sweep: Sweep) -> None:
    """Customer routes: upward, from what the origins' providers heard."""
    spread(sweep, having(sweep, CUSTOMER_KIND), sweep.rows.up, CUSTOMER_KIND)


def cross(sweep: Sweep) -> None:
    """Peer routes: one step sideways from all who have customer routes."""
    tell(sweep, having(sweep, CUSTOMER_KIND), sweep.rows.across, PEER_KIND)


def descend(sweep: Sweep) -> None:
    """Provider routes: downward from all who have any route; an origin's own have been told before."""
    pending = np.flatnonzero((sweep.best >> KIND != OWN_KIND) & (sweep.best < NO_ROUTE) & (sweep.best >= 0))
    spread(sweep, pending[sweep.rows.down.count[pending] > 0], sweep.rows.down, PROVIDER_KIND)


def having(sweep: Sweep, kind: int) -> Ints:
    """Nodes whose best route is of one kind."""
    return np.flatnonzero(sweep.best >> KIND == kind)


def serve_leaves(sweep: Sweep) -> None:
    """Provider routes of the leaves: the best of what their providers have."""
    leaves = sweep.rows.leaves
    if not len(leaves.node):
        return
    above = sweep.best[sweep.rows.inner]
    has_route = (above >> KIND != OWN_KIND) & (above < NO_ROUTE) & (above >= 0)
    told = np.where(
        has_route, (PROVIDER_KIND << KIND) + (above & (LENGTHS << LENGTH)) + (1 << LENGTH), NO_ROUTE
    )
    offers = told[leaves.provider] + leaves.slot
    if sweep.prepend is not None:
        offers += sweep.prepend[leaves.sender].astype(np.int64) << LENGTH
    if sweep.link_up is not None:
        offers[~sweep.link_up[leaves.link]] = NO_ROUTE
    best = np.minimum(sweep.best[leaves.node], NO_ROUTE)
    for low, high in zip(leaves.start, leaves.start[1:], strict=False):
        column = best[: high - low]
        np.minimum(column, offers[low:high], out=column)
    best[best > NO_ROUTE] = NO_ROUTE
    sweep.best[leaves.node] = best
