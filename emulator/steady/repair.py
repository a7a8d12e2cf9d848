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
from emulator.steady.sweeps import (
    CUSTOMER_KIND,
    KIND,
    LENGTH,
    LENGTHS,
    NO_KIND,
    NO_ROUTE,
    PEER_KIND,
    PROVIDER_KIND,
    SLOTS,
    announce,
    has_learned,
    having,
    offer,
    spans,
    spread,
    tell,
    told_to_leaves,
)

if TYPE_CHECKING:
    import numpy.typing as npt

    from emulator.steady.rows import Side
    from emulator.steady.sweeps import Sweep

    Ints = npt.NDArray[np.int64]
    Int32s = npt.NDArray[np.int32]


_SPENT_MIN: Final = 1000
_SPENT_PART: Final = 16
"""Share of the graph's slots from which on it is quicker to start anew (measured on 65,000 ASes)."""


class TooWideError(EmulatorError):
    """So much depends on the change that solving from scratch is quicker."""


def repair(sweep: Sweep, old: Ints, spoiled: Ints, fresh: Ints, slots: Ints) -> None:
    """Bring ``sweep.best`` to the fixed point from what was left of the one before.

    ``old`` (N,) are the ranks of before. ``spoiled`` nodes have lost their routes
    already, and nobody else; ``fresh`` nodes have come up without one; ``slots`` are
    all ends of the links that changed. Raises `TooWideError`.
    """
    lost = np.concatenate((spoiled, _fall(sweep, old, spoiled)))
    kind = sweep.graph.relation[slots]
    taken = announce(sweep)
    _climb_again(sweep, old, np.concatenate((lost, fresh)), taken, slots[kind == CUSTOMER_KIND])
    _cross_again(sweep, old, np.concatenate((lost, fresh)), slots[kind == PEER_KIND])
    longer = _longer(sweep, old, lost)
    if len(longer):
        lost = np.concatenate((lost, _fall(sweep, old, longer)))
        announce(sweep)
    _descend_again(sweep, old, np.concatenate((lost, fresh)), slots[kind == PROVIDER_KIND])
    ends = sweep.rows.row.target[slots]
    _serve_leaves_again(sweep, old, np.concatenate((lost, fresh, ends)))


def follow(sweep: Sweep, changed: Ints, next_hop: Int32s, origin: Int32s) -> None:
    """Bring ``origin`` (N,) up to date, from ``changed`` nodes on to all that have their routes from them.

    Raises `TooWideError`.
    """
    front, spent = changed, 0
    while len(front):
        hop = next_hop[front]
        end = np.where(hop < 0, -1, np.where(hop == front, front, origin[hop]))
        moved = origin[front] != end
        front, end = front[moved], end[moved]
        origin[front] = end
        front, spent = _children(sweep, sweep.best, front, sweep.rows.customers, spent)


def visit(sweep: Sweep, guests: Ints) -> None:
    """Let nodes choose that nobody learns from: ``guests`` have no customers, and no route yet.

    So do sites that do not announce what other sites of their AS announce. They look
    through whole paths, which are known when everybody else has chosen.
    """
    announce(sweep)
    _hear(sweep, guests, sweep.rows.across, PEER_KIND)
    _hear(sweep, guests, sweep.rows.up, PROVIDER_KIND)


def _climb_again(sweep: Sweep, old: Ints, deaf: Ints, taken: Ints, slots: Ints) -> None:
    """Customer routes; ``deaf`` nodes have to hear their neighbours again, ``taken`` have taken an own route."""
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
    if not len(deaf):
        return deaf
    kind = PEER_KIND if telling is sweep.rows.across else CUSTOMER_KIND
    tellers = having(sweep, CUSTOMER_KIND)
    if telling.count[tellers].sum() < listening.count[deaf].sum():
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
    """Provider routes of leaves that are ``touched`` themselves, or of which a provider tells something new."""
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


def _fall(sweep: Sweep, old: Ints, roots: Ints) -> Ints:
    """Take away all routes that were learned from ``roots``, however indirectly; return whose."""
    lost = [roots[:0]]
    front, spent = roots, 0
    while len(front):
        front, spent = _children(sweep, old, front, sweep.rows.down, spent)
        sweep.best[front] = NO_ROUTE
        lost.append(front)
    return np.concatenate(lost)


def _children(sweep: Sweep, rank: Ints, nodes: Ints, below: Side, spent: int) -> tuple[Ints, int]:
    """Who has its route from ``nodes``, which had the ranks ``rank``; and ``spent`` slots, with those looked at.

    Customers are looked for on the side ``below``. Raises `TooWideError` where as
    many slots have been looked at as a solution from scratch is worth.
    """
    row = sweep.rows.row
    told_all = rank[nodes] >> KIND <= CUSTOMER_KIND
    above, others = nodes[told_all], nodes[~told_all]
    spent += int(row.count[above].sum() + below.count[others].sum())
    if spent > _SPENT_MIN + sweep.graph.slot_count // _SPENT_PART:
        raise TooWideError(spent)
    found = []
    for side, senders in ((row, above), (below, others)):
        at = spans(side.first[senders], side.count[senders])
        target = side.target[at]
        best = sweep.best[target]
        found.append(target[(best & SLOTS == side.back[at]) & has_learned(best)])
    return np.concatenate(found), spent


def _longer(sweep: Sweep, old: Ints, lost: Ints) -> Ints:
    """Nodes that kept a route all the time and now have a longer one, of a better kind."""
    changed = np.flatnonzero(sweep.best != old)
    longer = changed[(_length(sweep.best[changed]) > _length(old[changed])) & (old[changed] < NO_ROUTE)]
    sweep.mark[lost] = True
    kept = ~sweep.mark[longer]
    sweep.mark[lost] = False
    return longer[kept]


def _hear(sweep: Sweep, nodes: Ints, side: Side, kind: int) -> Ints:
    """Let ``nodes`` hear again what neighbours on one of the graph's own sides have; see `_tell_over`."""
    return _tell_over(sweep, sweep.rows.row.back[spans(side.first[nodes], side.count[nodes])], kind)


def _tell_over(sweep: Sweep, slots: Ints, kind: int) -> Ints:
    """Offer over ``slots``, to neighbours that hear routes of one kind, what their nodes have learned."""
    row = sweep.rows.row
    sender = row.target[row.back[slots]]
    rank = sweep.best[sender]
    has_route = has_learned(rank) if kind == PROVIDER_KIND else rank >> KIND == CUSTOMER_KIND
    rank = (kind << KIND) + ((_length(rank[has_route]) + 1) << LENGTH)
    return offer(sweep, slots[has_route], row, rank)


def _length(rank: Ints) -> Ints:
    return (rank >> LENGTH) & LENGTHS
