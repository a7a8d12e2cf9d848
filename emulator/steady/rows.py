"""An AS graph laid out for the solver: who tells whom, one array a direction.

Made once a graph and kept while the graph lives. Most ASes of the Internet sell
transit to nobody, so what they choose matters to nobody else: these *leaves*
are left out of the sweeps, and choose all at once when their providers have.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np

from emulator.network.asgraph.graph import CUSTOMER, PEER

if TYPE_CHECKING:
    import numpy.typing as npt

    from emulator.network.asgraph.graph import AsGraph

    Ints = npt.NDArray[np.int64]
    Int32s = npt.NDArray[np.int32]
    Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """Session ends by the node that sends: ``count[u]`` of them from ``first[u]`` on.

    Of each (P,): ``target`` the node that hears, ``back`` the slot that it hears it
    over, ``slot`` the sender's slot, ``link`` the link.
    """

    first: Ints
    count: Ints
    target: Ints
    back: Ints
    slot: Ints
    link: Ints


@dataclass(frozen=True, slots=True, eq=False)
class Leaves:
    """Nodes without customers, most providers first, and what each could hear: M of them.

    Column ``c`` is everybody's provider number ``c``, ascending; ``start[c]`` up to
    ``start[c + 1]`` are its places in ``provider`` (an index into `Rows.inner`),
    ``slot`` (the leaf's), ``sender`` (the provider's slot) and ``link``. A column is
    as long as there are leaves with that many providers.
    """

    node: Ints
    start: tuple[int, ...]
    provider: Ints
    slot: Ints
    sender: Ints
    link: Ints


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """The directions in which routes travel.

    ``up`` to providers, ``across`` to peers, ``down`` to those customers that are
    ``inner`` (K,) nodes: all but the leaves. ``shares_asn`` (N,) marks the nodes of
    ASes that have several; None where no AS has.
    """

    up: Side
    across: Side
    down: Side
    inner: Ints
    leaves: Leaves
    shares_asn: Bools | None


_ROWS: WeakKeyDictionary[AsGraph, Rows] = WeakKeyDictionary()


def rows_of(graph: AsGraph) -> Rows:
    """The graph's rows, made when first asked for."""
    rows = _ROWS.get(graph)
    if rows is None:
        rows = _ROWS[graph] = _lay_out(graph)
    return rows


def _lay_out(graph: AsGraph) -> Rows:
    count = len(graph)
    node = graph.slot_node().astype(np.int64)
    neighbor, reverse, link = (
        array.astype(np.int64) for array in (graph.neighbor, graph.reverse, graph.link)
    )
    slots = np.arange(graph.slot_count, dtype=np.int64)
    customers = np.bincount(node[graph.relation == CUSTOMER], minlength=count)
    peers = np.bincount(node[graph.relation == PEER], minlength=count)
    first, last = graph.first[:-1], graph.first[1:]
    shares = np.zeros(count, np.bool_)
    shares[1:] |= graph.asn[1:] == graph.asn[:-1]
    shares[:-1] |= graph.asn[1:] == graph.asn[:-1]
    is_inner = (customers > 0) | shares
    to_inner = np.flatnonzero((graph.relation == CUSTOMER) & is_inner[neighbor])
    inner_count = np.bincount(node[to_inner], minlength=count)
    first_peer, first_provider = first + customers, first + customers + peers
    return Rows(
        up=Side(first_provider, last - first_provider, neighbor, reverse, slots, link),
        across=Side(first_peer, peers, neighbor, reverse, slots, link),
        down=Side(
            np.cumsum(inner_count) - inner_count,
            inner_count,
            neighbor[to_inner],
            reverse[to_inner],
            to_inner,
            link[to_inner],
        ),
        inner=np.flatnonzero(is_inner),
        leaves=_leaves(graph, is_inner, first_provider, last),
        shares_asn=shares if shares.any() else None,
    )


def _leaves(graph: AsGraph, is_inner: Bools, first_provider: Ints, last: Ints) -> Leaves:
    providers = last - first_provider
    node = np.flatnonzero(~is_inner & (providers > 0))
    node = node[np.argsort(-providers[node], kind="stable")]
    degree = providers[node]
    rank_of = np.cumsum(is_inner) - 1
    columns: list[npt.NDArray[Any]] = []
    start = [0]
    for column in range(int(degree[0]) if len(node) else 0):
        height = int(np.searchsorted(-degree, -column))  # leaves with more than ``column`` providers
        columns.append(first_provider[node[:height]] + column)
        start.append(start[-1] + height)
    slot = np.concatenate(columns) if columns else np.zeros(0, np.int64)
    return Leaves(
        node,
        tuple(start),
        rank_of[graph.neighbor[slot]].astype(np.int64),
        slot.astype(np.int64),
        graph.reverse[slot].astype(np.int64),
        graph.link[slot].astype(np.int64),
    )
