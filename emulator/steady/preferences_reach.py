"""How everybody reaches a site that announces alone: as collectors saw it, and by the graph elsewhere.

An AS path shows the route of every AS on it, not of the vantage point alone:
whoever passed the route on uses it. So a few hundred vantage points show the
next hops of the large transit ASes, and at which length.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from emulator.network.asgraph.graph import CUSTOMER, PROVIDER
from emulator.steady.preferences_sites import to_site

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy.typing as npt

    from emulator.network.asgraph.graph import AsGraph
    from emulator.steady.preferences_sites import Attached

    Ints = npt.NDArray[np.int64]
    Bools = npt.NDArray[np.bool_]

OWN: Final = CUSTOMER + 1
"""Value of `Reach.relation` at the site itself: better than a customer's route."""
FAR: Final = 10**6
_LENGTHS: Final = 4096
"""No path of interest is as long."""


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """Routes that paths show: by node (N,) the slot of the next hop, -1 unseen, and the path's length."""

    slot: Ints
    length: Ints

    def completed(self, other: Seen) -> Seen:
        """With what ``other`` has to say of nodes that are unseen here."""
        unseen = self.slot < 0
        return Seen(np.where(unseen, other.slot, self.slot), np.where(unseen, other.length, self.length))


@dataclass(frozen=True, slots=True, eq=False)
class Reach:
    """Routes of all nodes (N,) towards the site at ``node``, while it alone announces.

    ``relation`` is what the next hop is to the node, `OWN` at the site, 0 without a
    route; ``length`` that of the AS path as received, prepending included; ``seen`` the
    slot of the next hop where a path shows it, -1 elsewhere.
    """

    node: int
    relation: Ints
    length: Ints
    seen: Ints


def observe(attached: Attached, label: str, paths: Iterable[Sequence[int]]) -> Seen:
    """What ``paths``, seen while the site called ``label`` announced alone, show of its routes.

    Where they show several routes of one AS, the one on most paths counts, of equals
    the one that comes first.
    """
    graph, routes = attached.graph, dict[int, Counter[tuple[int, int]]]()
    for path in paths:
        short = to_site(path, attached.asn)
        if short is None:
            continue
        starts = [at for at, each in enumerate(short) if not at or each != short[at - 1]]
        for at, then in pairwise(starts):
            routes.setdefault(short[at], Counter())[short[then], len(short) - then] += 1
    slot, length = np.full(len(graph), -1, np.int64), np.full(len(graph), FAR, np.int64)
    for asn in sorted(routes):
        (hop, far), _ = routes[asn].most_common(1)[0]
        node = graph.node(asn)
        neighbor = attached.site[label] if hop == attached.asn else graph.node(hop)
        found = None if node is None or neighbor is None else graph.slot(node, neighbor)
        if node is not None and found is not None:
            slot[node], length[node] = found, far
    return Seen(slot, length)


def reach(graph: AsGraph, site: int, seen: Seen) -> Reach:
    """Routes towards the node ``site`` alone: as ``seen``, and by Gao-Rexford from there on.

    Routes that were seen stand and are passed on as the relation allows; all others
    prefer customers to peers to providers, then the shorter path, then the lower node.
    """
    count, relation = len(graph), graph.relation.astype(np.int64)
    is_fixed = seen.slot >= 0
    kind = np.zeros(count, np.int64)
    kind[is_fixed] = relation[seen.slot[is_fixed]]
    is_fixed[site], kind[site] = True, OWN
    length = np.where(is_fixed, seen.length, FAR)
    length[site] = 0
    owner, first = graph.slot_node(), graph.first[:-1][np.diff(graph.first) > 0]
    rows = owner[first]
    for _ in range(count):
        offered = is_offered(graph, kind)
        far = np.minimum(length[graph.neighbor] + 1, _LENGTHS - 1)
        rank = (relation * _LENGTHS + _LENGTHS - 1 - far) * (count + 1) + count - graph.neighbor
        best = np.full(count, -1, np.int64)
        if len(first):
            best[rows] = np.maximum.reduceat(np.where(offered, rank, -1), first)
        at = np.flatnonzero((rank == best[owner]) & offered)
        found, distance = np.zeros(count, np.int64), np.full(count, FAR, np.int64)
        found[owner[at]], distance[owner[at]] = relation[at], far[at]
        found, distance = np.where(is_fixed, kind, found), np.where(is_fixed, length, distance)
        if np.array_equal(found, kind) and np.array_equal(distance, length):
            break
        kind, length = found, distance
    return Reach(site, kind, length, seen.slot)


def is_offered(graph: AsGraph, kind: Ints) -> Bools:
    """(S,) over which slots a node is offered its neighbour's route, by the ``kind`` (N,) of route it has."""
    theirs = kind[graph.neighbor]
    offered: Bools = (theirs >= CUSTOMER) | ((theirs > 0) & (graph.relation == PROVIDER))
    return offered
