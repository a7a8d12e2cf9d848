"""The fixed point after a change, from the one before it: only what depends on the change is chosen anew.

Routes that went over something that has changed are taken away, with all that
were learned from them. Who lost a route listens to the neighbours that still
have one; who got a better route, or a worse one instead of none, tells its own
neighbours; kind by kind and by length of the path, as when solving from
scratch. A better kind of route may be a longer one, which spoils those of the
customers that heard of it: before provider routes are looked at, these too are
taken away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from emulator.errors import EmulatorError
from emulator.network.asgraph.arrays import spans
from emulator.network.asgraph.graph import PROVIDER
from emulator.steady.sweeps import (
    CUSTOMER_KIND,
    KIND,
    LENGTH,
    LENGTHS,
    NO_KIND,
    NO_ROUTE,
    OWN_KIND,
    PEER_KIND,
    PROVIDER_KIND,
    SLOTS,
    announce,
    has_learned,
    having,
    offer,
    spread,
    tell,
    told_to_leaves,
)

if TYPE_CHECKING:
    import numpy.typing as npt

    from emulator.steady.routes import Routes
    from emulator.steady.rows import Side
    from emulator.steady.sweeps import Sweep

    Bools = npt.NDArray[np.bool_]
    Ints = npt.NDArray[np.int64]
    Int32s = npt.NDArray[np.int32]


_FALL: Final = 80
"""Share of the graph's slots (one in) after which all anew is quicker than what changed (measured)."""
_SLOTS_MIN: Final = 1000
_CAUGHT: Final = 10
"""Share of the nodes (one in) that an origin's catchment may be, likewise."""
_NODES_MIN: Final = 100


class TooWideError(EmulatorError):
    """So much depends on the change that solving from scratch is quicker."""


def repair(sweep: Sweep, before: Routes, spoiled: Ints, fresh: Ints, slots: Ints) -> None:
    """Bring ``sweep.best`` to the fixed point from what was left of the one before.

    ``spoiled`` nodes have lost their routes already, and nobody else; ``fresh`` nodes
    have come up without one; ``slots`` are all ends of the links that changed. Raises
    `TooWideError`.
    """
    old = before.rank
    was_origin = old[spoiled] >> KIND == OWN_KIND
    caught = _catchment(sweep, before, spoiled[was_origin])
    lost = np.concatenate((spoiled, caught, _fall(sweep, old, spoiled[~was_origin])))
    kind = sweep.graph.relation[slots]
    taken = announce(sweep)
    _climb_again(sweep, old, np.concatenate((lost, fresh)), taken, slots[kind == CUSTOMER_KIND])
    _cross_again(sweep, old, np.concatenate((lost, fresh)), slots[kind == PEER_KIND])
    longer = _longer(sweep, old, lost)
    if len(longer):
        lost = np.concatenate((lost, _fall(sweep, old, longer)))
        announce(sweep)
    _descend_again(sweep, old, np.concatenate((lost, fresh)), slots[kind == PROVIDER_KIND])
    _serve_leaves_again(sweep, old, np.concatenate((lost, fresh)))


def visit(sweep: Sweep, guests: Ints) -> None:
    """Let nodes choose that nobody learns from: ``guests`` have no customers, and no route yet.

    So do sites that do not announce what other sites of their AS announce. They look
    through whole paths, which are known when everybody else has chosen.
    """
    announce(sweep)
    _hear(sweep, guests, sweep.rows.across, PEER_KIND)
    _hear(sweep, guests, sweep.rows.up, PROVIDER_KIND)


def _climb_again(sweep: Sweep, old: Ints, deaf: Ints, taken: Ints, slots: Ints) -> None:
    """Customer routes; ``deaf`` nodes have to hear their neighbours again, ``taken`` heard an origin."""
    rows = sweep.rows
    kind = old[deaf] >> KIND
    heard = _told_or_heard(sweep, deaf[(kind <= CUSTOMER_KIND) | (kind == NO_KIND)], rows.customers, rows.up)
    offered = _tell_over(sweep, slots, CUSTOMER_KIND)
    pending = np.concatenate((taken, heard, offered))
    pending = pending[sweep.best[pending] >> KIND == CUSTOMER_KIND]
    spread(sweep, pending, rows.up, CUSTOMER_KIND)


def _cross_again(sweep: Sweep, old: Ints, deaf: Ints, slots: Ints) -> None:
    """Peer routes: from those whose customer routes are new or of another length."""
    across = sweep.rows.across
    kind = old[deaf] >> KIND
    could = (kind <= PEER_KIND) | (kind == NO_KIND)
    _told_or_heard(sweep, deaf[could & (sweep.best[deaf] >> KIND >= PEER_KIND)], across, across)
    changed = np.flatnonzero(sweep.best != old)
    rank, before = sweep.best[changed], old[changed]
    is_new = (before >> KIND != CUSTOMER_KIND) | (_length(before) != _length(rank))
    tell(sweep, changed[(rank >> KIND == CUSTOMER_KIND) & is_new], across, PEER_KIND)
    _tell_over(sweep, slots, PEER_KIND)


def _told_or_heard(sweep: Sweep, deaf: Ints, listening: Side, telling: Side) -> Ints:
    """Bring ``deaf`` nodes what neighbours of customer routes have, from the end that has fewer neighbours.

    ``listening`` and ``telling`` are the two ends of the same sessions. Returns
    nodes that may have got a route, among others.
    """
    kind = PEER_KIND if telling is sweep.rows.across else CUSTOMER_KIND
    slot_count = listening.count[deaf].sum()
    if slot_count > _SLOTS_MIN:
        tellers = having(sweep, CUSTOMER_KIND)
        if telling.count[tellers].sum() < slot_count:
            return tell(sweep, tellers, telling, kind)
    return _hear(sweep, deaf, listening, kind)


def _descend_again(sweep: Sweep, old: Ints, deaf: Ints, slots: Ints) -> None:
    """Provider routes of inner nodes."""
    above = deaf[(sweep.best[deaf] >> KIND > PEER_KIND) & (sweep.rows.leaves.place[deaf] < 0)]
    heard = _hear(sweep, above, sweep.rows.up, PROVIDER_KIND)
    offered = _tell_over(sweep, slots, PROVIDER_KIND)
    changed = np.flatnonzero(sweep.best != old)
    changed = changed[_length(sweep.best[changed]) != _length(old[changed])]
    pending = np.concatenate((changed, heard, offered))
    pending = pending[has_learned(sweep.best[pending]) & (sweep.rows.down.count[pending] > 0)]
    spread(sweep, pending, sweep.rows.down, PROVIDER_KIND)


def _serve_leaves_again(sweep: Sweep, old: Ints, touched: Ints) -> None:
    """Provider routes of leaves that are ``touched`` themselves, or to which providers tell something new."""
    leaves, row, best = sweep.rows.leaves, sweep.rows.row, sweep.best
    place = leaves.place[np.concatenate((touched, _audience(sweep, old)))]
    which = sweep.distinct(place[place >= 0])
    if not len(which):
        return
    node = leaves.node[which]
    best[node[best[node] >> KIND == PROVIDER_KIND]] = NO_ROUTE
    announce(sweep)
    rank = best[node]
    for low, high in zip(leaves.start, leaves.start[1:], strict=False):
        height = int(np.searchsorted(which, high - low))
        at = low + which[:height]
        slot = leaves.slot[at]
        offers = told_to_leaves(best[row.target[slot]]) + slot
        if sweep.prepend is not None:
            offers += sweep.prepend[leaves.sender[at]].astype(np.int64) << LENGTH
        if sweep.link_up is not None:
            offers[~sweep.link_up[leaves.link[at]]] = NO_ROUTE
        np.minimum(rank[:height], offers, out=rank[:height])
    best[node] = rank


def _audience(sweep: Sweep, old: Ints) -> Ints:
    """Customers of those who have something new to tell."""
    customers = sweep.rows.customers
    changed = np.flatnonzero(sweep.best != old)
    changed = changed[customers.count[changed] > 0]
    changed = changed[told_to_leaves(old[changed]) != told_to_leaves(sweep.best[changed])]
    return customers.target[spans(customers.first[changed], customers.count[changed])]


def routed_to(before: Routes, origins: Ints) -> Ints:
    """All nodes that had a route from one of ``origins``, less these."""
    # one is what is asked for most, and ten times as fast to compare with
    is_caught = before.origin == origins[0] if len(origins) == 1 else np.isin(before.origin, origins)
    return np.flatnonzero(is_caught & (before.slot >= 0))


def _catchment(sweep: Sweep, before: Routes, origins: Ints) -> Ints:
    """Take away all routes to ``origins``; return whose.

    Not those of leaves, which lose theirs where `_serve_leaves_again` sees a need,
    but for what an origin told them itself. Raises `TooWideError`.
    """
    if not len(origins):
        return origins
    caught = routed_to(before, origins)
    if len(caught) > _NODES_MIN + len(sweep.graph) // _CAUGHT:
        raise TooWideError(len(caught))
    sweep.mark[origins] = True
    is_direct = sweep.mark[before.next_hop[caught]]
    sweep.mark[origins] = False
    is_seen = (sweep.rows.leaves.place[caught] >= 0) & (before.relation[caught] == PROVIDER) & ~is_direct
    lost: Ints = caught[~is_seen]
    sweep.best[lost[has_learned(sweep.best[lost])]] = NO_ROUTE
    return lost


def _fall(sweep: Sweep, old: Ints, roots: Ints) -> Ints:
    """Take away all routes that were learned from ``roots``, however indirectly; return whose."""
    lost = [roots[:0]]
    front, left = roots, allowance(sweep, _FALL)
    while len(front):
        front, left = children(sweep, old, front, sweep.rows.down, left)
        sweep.best[front] = NO_ROUTE
        lost.append(front)
    return np.concatenate(lost)


def allowance(sweep: Sweep, one_in: int) -> int:
    """A share of the graph's slots, one in so many, and a few."""
    return _SLOTS_MIN + sweep.graph.slot_count // one_in


def children(sweep: Sweep, rank: Ints, nodes: Ints, below: Side, left: int) -> tuple[Ints, int]:
    """Who has its route from ``nodes``, which had the ranks ``rank``; and how many slots are left.

    Customers are looked for on the side ``below``. Raises `TooWideError` where more
    than ``left`` slots would have to be looked at.
    """
    row = sweep.rows.row
    told_all = rank[nodes] >> KIND <= CUSTOMER_KIND
    above, others = nodes[told_all], nodes[~told_all]
    left -= int(row.count[above].sum() + below.count[others].sum())
    if left < 0:
        raise TooWideError(-left)
    found = []
    for side, senders in ((row, above), (below, others)):
        at = spans(side.first[senders], side.count[senders])
        target = side.target[at]
        best = sweep.best[target]
        found.append(target[(best & SLOTS == side.back[at]) & has_learned(best)])
    return np.concatenate(found), left


def _longer(sweep: Sweep, old: Ints, lost: Ints) -> Ints:
    """Nodes that kept a route all the time and now have a longer one, of a better kind."""
    changed = np.flatnonzero(sweep.best != old)
    longer = changed[(_length(sweep.best[changed]) > _length(old[changed])) & (old[changed] < NO_ROUTE)]
    sweep.mark[lost] = True
    kept = ~sweep.mark[longer]
    sweep.mark[lost] = False
    return longer[kept]


def _hear(sweep: Sweep, nodes: Ints, side: Side, kind: int) -> Ints:
    """Let ``nodes`` hear again what neighbours on one of the graph's own sides have learned."""
    at = spans(side.first[nodes], side.count[nodes])
    rank = sweep.best[side.target[at]]
    told = _is_told(rank, kind)
    return offer(sweep, side.back[at[told]], sweep.rows.row, _longer_by_one(rank[told], kind))


def _tell_over(sweep: Sweep, slots: Ints, kind: int) -> Ints:
    """Offer over ``slots``, to neighbours that hear routes of one kind, what their nodes have learned."""
    row = sweep.rows.row
    rank = sweep.best[row.target[row.back[slots]]]
    told = _is_told(rank, kind)
    return offer(sweep, slots[told], row, _longer_by_one(rank[told], kind))


def _is_told(rank: Ints, kind: int) -> Bools:
    """Which learned routes are exported, to be routes of a kind."""
    return has_learned(rank) if kind == PROVIDER_KIND else rank >> KIND == CUSTOMER_KIND


def _longer_by_one(rank: Ints, kind: int) -> Ints:
    """What a neighbour gets of these routes, less slot and prepending."""
    return (kind << KIND) + ((_length(rank) + 1) << LENGTH)


def _length(rank: Ints) -> Ints:
    return (rank >> LENGTH) & LENGTHS
