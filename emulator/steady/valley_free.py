"""The fixed point of Gao-Rexford routing on an AS graph, by array sweeps.

Every node prefers its own route, then those of customers, of peers, of
providers (Gao and Rexford, IEEE/ACM ToN 2001); then the shorter AS path (RFC
4271 9.1.2.2 a); then the neighbour with the lowest node, which is the lowest
AS number. Its own and its customers' routes go to everybody, the others to
customers only.

So customer routes do not depend on the others, peer routes depend on them
alone, and provider routes on both: three sweeps, each by the length of the
path. There is one stable state, whether or not somebody is, however indirectly,
their own provider: kinds of routes only get worse and lengths only grow as a
route travels, so the route of least kind and length that is offered to anybody
undecided cannot be bettered by any that is still to come. The loop check of
RFC 4271 9.1.2 refuses nothing that would be chosen, but for ASes that have
several nodes: these look through the path of what they are offered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emulator.errors import InputError
from emulator.steady.outcome import told, told_again
from emulator.steady.repair import TooWideError, repair, visit
from emulator.steady.routes import OWN, Origin, Routes
from emulator.steady.rows import rows_of
from emulator.steady.sweeps import (
    DOWN,
    NO_ROUTE,
    SLOTS,
    announce,
    begin,
    climb,
    cross,
    descend,
    has_learned,
    open_slots,
    serve_leaves,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from emulator.network.asgraph.graph import AsGraph

    Ints = npt.NDArray[np.int64]
    Int8s = npt.NDArray[np.int8]
    Bools = npt.NDArray[np.bool_]

__all__ = ["OWN", "Origin", "Routes", "solve", "solve_again"]


def solve(
    graph: AsGraph,
    origins: Sequence[Origin],
    *,
    link_up: Bools | None = None,
    node_up: Bools | None = None,
    prepend: Int8s | None = None,
) -> Routes:
    """Every node's best route for a prefix that ``origins`` announce, each from another node.

    ``link_up`` (L,) and ``node_up`` (N,) are what works, None: all; ``prepend`` (S,)
    how many extra times a node puts its AS in front of what it exports over a slot,
    None: never. Raises `InputError` where these do not fit the graph.
    """
    announced = checked(graph, origins, link_up, node_up, prepend)
    best = np.full(len(graph), NO_ROUTE, np.int64)
    if node_up is not None:
        best[~node_up] = DOWN
    active = [origin for origin in announced if best[origin.node] != DOWN]
    sweep = begin(graph, active, best, link_up, prepend)
    announce(sweep)
    climb(sweep)
    cross(sweep)
    descend(sweep)
    serve_leaves(sweep)
    return told(sweep, announced)


def solve_again(
    graph: AsGraph,
    routes: Routes,
    origins: Sequence[Origin],
    *,
    link_up: Bools | None = None,
    node_up: Bools | None = None,
    prepend: Int8s | None = None,
    changed_links: Sequence[int] | Ints = (),
    changed_nodes: Sequence[int] | Ints = (),
) -> Routes:
    """What `solve` gives for these arguments, from ``routes``, which it gave for others.

    ``changed_links`` has at least the links that are now up and were down, or the
    other way round, or over which prepending is now another; ``changed_nodes`` at
    least the nodes that are now up and were down, or the other way round. Origins,
    and to whom they announce, are compared here. Costs what depends on the change.

    An AS with several nodes that sell transit, and do not announce the prefix all
    the while, makes this solve from scratch. Raises `InputError` as `solve` does.
    """
    announced = checked(graph, origins, link_up, node_up, prepend)
    if len(routes.rank) != len(graph):
        message = f"routes of {len(routes.rank)} nodes do not belong to a graph of {len(graph)}"
        raise InputError(message)
    best = routes.rank.copy()
    if node_up is not None:
        best[~node_up] = DOWN
    active = [origin for origin in announced if best[origin.node] != DOWN]
    guests = np.zeros(0, np.int64)
    rows = rows_of(graph)
    if rows.shares_asn is not None:
        guests = np.setdiff1d(np.flatnonzero(rows.shares_asn), [origin.node for origin in active])
        if rows.customers.count[guests].any():
            return solve(graph, origins, link_up=link_up, node_up=node_up, prepend=prepend)
    links, nodes = (np.asarray(each, np.int64) for each in (changed_links, changed_nodes))
    changes = _spoil(graph, routes, best, active, links=links, nodes=nodes)
    visiting = guests[best[guests] != DOWN]
    best[guests] = DOWN  # their paths are looked through last, when no way leads anywhere that it did before
    sweep = begin(graph, active, best, link_up, prepend)
    try:
        repair(sweep, routes, *changes)
    except TooWideError:
        return solve(graph, origins, link_up=link_up, node_up=node_up, prepend=prepend)
    if len(visiting):
        best[visiting] = NO_ROUTE
        visit(sweep, visiting)
    return told_again(sweep, announced, routes)


def _spoil(
    graph: AsGraph, routes: Routes, best: Ints, active: list[Origin], *, links: Ints, nodes: Ints
) -> tuple[Ints, Ints, Ints]:
    """Take away from ``best`` what cannot stay once ``links`` and ``nodes`` have changed, and origins.

    Returns what `repair` wants: spoiled nodes, fresh nodes, slots.
    """
    rows, old = rows_of(graph), routes.rank
    before = {origin.node: origin for origin in routes.origins if routes.relation[origin.node] == OWN}
    now = {origin.node: origin for origin in active}
    ends = rows.slot_of_link[links]
    slots = [ends, rows.row.back[ends]]
    for node in sorted(before.keys() & now.keys()):
        if before[node] == now[node]:
            continue
        differs = open_slots(graph, before[node]) ^ open_slots(graph, now[node])
        mine = graph.first[node] + np.flatnonzero(differs)
        slots += [mine, rows.row.back[mine]]
    changed = np.concatenate(slots)
    owner = rows.row.target[rows.row.back[changed]]
    over = owner[has_learned(old[owner]) & (old[owner] & SLOTS == changed)]
    announcing = np.array(sorted(before.keys() ^ now.keys()), np.int64)
    spoiled = np.unique(np.concatenate((over, announcing, nodes[best[nodes] == DOWN])))
    best[spoiled[best[spoiled] != DOWN]] = NO_ROUTE
    return spoiled, nodes[(best[nodes] != DOWN) & (old[nodes] == NO_ROUTE)], changed


def checked(
    graph: AsGraph,
    origins: Sequence[Origin],
    link_up: Bools | None,
    node_up: Bools | None,
    prepend: Int8s | None,
) -> tuple[Origin, ...]:
    """The origins by node, if all that was given fits the graph; `InputError` otherwise."""
    for name, array, size in (
        ("link_up", link_up, graph.link_count),
        ("node_up", node_up, len(graph)),
        ("prepend", prepend, graph.slot_count),
    ):
        if array is not None and array.shape != (size,):
            message = f"{name} has the shape {array.shape}; the graph needs ({size},)"
            raise InputError(message)
    if prepend is not None and len(prepend) and prepend.min() < 0:
        message = "prepend has numbers below 0; an AS path cannot be made shorter"
        raise InputError(message)
    announced = tuple(sorted(origins, key=lambda origin: origin.node))
    for before, origin in zip((None, *announced), announced, strict=False):
        if not 0 <= origin.node < len(graph):
            message = f"no node {origin.node} in a graph of {len(graph)} to announce the prefix"
            raise InputError(message)
        if before is not None and before.node == origin.node:
            message = f"{graph.name(origin.node)} announces the prefix twice"
            raise InputError(message)
    return announced
