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
from emulator.steady.routes import OWN, Catchments, Origin, Routes, catchments
from emulator.steady.rows import rows_of
from emulator.steady.sweeps import (
    DOWN,
    KIND,
    LENGTH,
    LENGTHS,
    NO_ROUTE,
    OWN_KIND,
    SLOTS,
    Sweep,
    climb,
    cross,
    descend,
    offer,
    serve_leaves,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from emulator.network.asgraph.graph import AsGraph

    Ints = npt.NDArray[np.int64]
    Int8s = npt.NDArray[np.int8]
    Bools = npt.NDArray[np.bool_]

__all__ = ["OWN", "Catchments", "Origin", "Routes", "catchments", "solve"]


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
    sweep = Sweep(graph, rows_of(graph), best, link_up, prepend, np.zeros(len(graph), np.bool_))
    active = [origin for origin in announced if best[origin.node] != DOWN]
    best[[origin.node for origin in active]] = OWN_KIND << KIND
    for origin in active:
        announce(sweep, origin)
    climb(sweep)
    cross(sweep)
    descend(sweep)
    serve_leaves(sweep)
    return told(sweep, announced)


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


def announce(sweep: Sweep, origin: Origin) -> None:
    """Offer an origin's route to its neighbours, of whatever kind."""
    graph, node = sweep.graph, origin.node
    slots = np.arange(graph.first[node], graph.first[node + 1])
    if origin.only_to is not None:
        slots = slots[np.isin(graph.asn[graph.neighbor[slots]], sorted(origin.only_to))]
    # what the neighbour is to the origin is the kind of route that it hears: 1 provider, customer route
    rank = (graph.relation[slots].astype(np.int64) << KIND) + (1 << LENGTH)
    offer(sweep, np.full(len(slots), node), slots, sweep.rows.up, rank)


def told(sweep: Sweep, origins: tuple[Origin, ...]) -> Routes:
    """The solution in the words of BGP."""
    graph, best = sweep.graph, sweep.best
    best[best == DOWN] = NO_ROUTE
    kind = best >> KIND
    has_route = best < NO_ROUTE
    is_own = kind == OWN_KIND
    slot = np.where(has_route & ~is_own, best & SLOTS, -1)
    nodes = np.arange(len(graph))
    hop = np.where(slot < 0, nodes, graph.neighbor[slot]) if graph.slot_count else nodes
    return Routes(
        next_hop=np.where(has_route, hop, -1).astype(np.int32),
        slot=slot.astype(np.int32),
        relation=(OWN - kind).astype(np.int8),
        length=np.where(has_route, (best >> LENGTH) & LENGTHS, 0).astype(np.int32),
        origin=np.where(has_route, ends(sweep, hop), -1).astype(np.int32),
        origins=origins,
        rank=best,
    )


def ends(sweep: Sweep, hop: Ints) -> Ints:
    """(N,) where the ways along ``hop`` (N,) end: by ways twice as long each time round, leaves last."""
    end = hop.copy()
    inner = sweep.rows.inner
    while True:
        further = end[end[inner]]
        if np.array_equal(further, end[inner]):
            return end[end]
        end[inner] = further
