"""What the solver found, in the words of BGP: next hops, kinds, lengths, origins from ranks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from emulator.steady.repair import TooWideError, allowance, children, routed_to
from emulator.steady.routes import OWN, Origin, Routes
from emulator.steady.sweeps import DOWN, KIND, LENGTH, LENGTHS, NO_ROUTE, OWN_KIND, SLOTS, has_learned, having

if TYPE_CHECKING:
    import numpy.typing as npt

    from emulator.steady.sweeps import Sweep

    Ints = npt.NDArray[np.int64]
    Int32s = npt.NDArray[np.int32]

_FOLLOW: Final = 128
"""Share of the graph's slots (one in) after which all origins are found quicker than those that moved."""


def told(sweep: Sweep, origins: tuple[Origin, ...]) -> Routes:
    """The solution in the words of BGP."""
    best = sweep.best
    best[best == DOWN] = NO_ROUTE
    without, own = np.flatnonzero(best == NO_ROUTE), having(sweep, OWN_KIND)
    slot = best & SLOTS
    hop = sweep.rows.row.target.take(slot) if sweep.graph.slot_count else slot.copy()
    for none in (without, own):
        hop[none], slot[none] = none, -1
    next_hop, origin = hop.astype(np.int32), _ends(sweep.rows.inner, hop).astype(np.int32)
    next_hop[without] = origin[without] = -1
    return Routes(
        next_hop=next_hop,
        slot=slot.astype(np.int32),
        relation=(OWN - (best >> KIND)).astype(np.int8),
        length=((best >> LENGTH) & LENGTHS).astype(np.int32),
        origin=origin,
        origins=origins,
        rank=best,
    )


def told_again(sweep: Sweep, origins: tuple[Origin, ...], before: Routes) -> Routes:
    """The solution in the words of BGP, where it is another than before."""
    best = sweep.best
    best[best == DOWN] = NO_ROUTE
    changed = np.flatnonzero(best != before.rank)
    rank = best[changed]
    has_slot = has_learned(rank)
    slot = np.where(has_slot, rank & SLOTS, -1)
    hop = np.where(rank == NO_ROUTE, -1, changed)
    hop[has_slot] = sweep.rows.row.target[slot[has_slot]]
    names = ("next_hop", "slot", "relation", "length", "origin")
    arrays = {name: getattr(before, name).copy() for name in names}
    arrays["next_hop"][changed] = hop
    arrays["slot"][changed] = slot
    arrays["relation"][changed] = OWN - (rank >> KIND)
    arrays["length"][changed] = (rank >> LENGTH) & LENGTHS
    try:
        _follow(sweep, changed, before, arrays["next_hop"], arrays["origin"])
    except TooWideError:
        way = arrays["next_hop"].astype(np.int64)
        without = np.flatnonzero(way < 0)
        way[without] = without
        arrays["origin"] = _ends(sweep.rows.inner, way).astype(np.int32)
        arrays["origin"][without] = -1
    return Routes(**arrays, origins=origins, rank=best)


def _ends(inner: Ints, hop: Ints) -> Ints:
    """(N,) where the ways along ``hop`` (N,) end: ways of twice the length each time round, leaves last."""
    end = hop.copy()
    reached = end[inner]
    while True:
        further = end[reached]
        if np.array_equal(further, reached):
            return end.take(end)
        end[inner] = reached = further


def _follow(sweep: Sweep, changed: Ints, before: Routes, next_hop: Int32s, origin: Int32s) -> None:
    """Bring ``origin`` (N,), as in ``before``, up to date with ``next_hop`` (N,), where ``changed`` differ.

    Raises `TooWideError`.
    """
    gone = changed[before.relation[changed] == OWN]
    moving = np.concatenate((gone, routed_to(before, gone)))
    while len(moving):  # whoever is next to somebody with another origin has that one
        end = _end(next_hop, origin, moving)
        origin[moving] = end
        moving = moving[np.isin(end, gone)]
    front, left = changed, allowance(sweep, _FOLLOW)
    while len(front):
        end = _end(next_hop, origin, front)
        moved = origin[front] != end
        front, end = front[moved], end[moved]
        origin[front] = end
        front, left = children(sweep, sweep.best, front, sweep.rows.customers, left)


def _end(next_hop: Int32s, origin: Int32s, nodes: Ints) -> Int32s:
    """The origins of ``nodes``, by those of their next hops."""
    hop = next_hop[nodes]
    return np.where(hop < 0, -1, np.where(hop == nodes, hop, origin[hop]))
