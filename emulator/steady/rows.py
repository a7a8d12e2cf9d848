"""An AS graph laid out for the solver: who tells whom, one array a direction.

Made once a graph and kept while the graph lives. Most ASes of the Internet sell
transit to nobody, so what they choose matters to nobody else: these *leaves*
are left out of the sweeps, and choose all at once when their providers have.
Indices are 64 bits wide here, which is what numpy gathers by: narrower ones are
converted at every use.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
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
    ``start[c + 1]`` are its places in ``leaf`` (an index into ``node``), ``provider``
    (one into `Rows.inner`), ``slot`` (the leaf's), ``sender`` (the provider's slot)
    and ``link``. A column is as long as there are leaves with that many providers. ``place`` (N,) has each
    leaf's index in ``node``, -1 for other nodes.
    """

    node: Ints
    place: Ints
    start: tuple[int, ...]
    leaf: Ints
    provider: Ints
    slot: Ints
    sender: Ints
    link: Ints


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """The directions in which routes travel.

    The graph's own, whose places are slots: ``row`` all neighbours, ``customers``,
    ``across`` peers, ``up`` providers. ``down`` leads to those customers that are
    ``inner`` (K,) nodes: all but the leaves. ``slot_of_link`` (L,) is one end of each
    link. ``shares_asn`` (N,) marks the nodes of ASes that have several; None where
    no AS has.
    """

    row: Side
    customers: Side
    across: Side
    up: Side
    down: Side
    inner: Ints
    leaves: Leaves
    slot_of_link: Ints
    shares_asn: Bools | None


_COLUMNS: Final = 8
"""Leaves with more providers are few, and would make many short columns: they are inner nodes."""

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
    first_peer, first_provider = first + customers, first + customers + peers
    is_inner = (customers > 0) | shares | (last - first_provider > _COLUMNS)
    to_inner = np.flatnonzero((graph.relation == CUSTOMER) & is_inner[neighbor])
    slot_of_link = np.empty(graph.link_count, np.int64)
    slot_of_link[link] = slots
    inner_count = np.bincount(node[to_inner], minlength=count)
    return Rows(
        row=Side(first, last - first, neighbor, reverse, slots, link),
        customers=Side(first, customers, neighbor, reverse, slots, link),
        across=Side(first_peer, peers, neighbor, reverse, slots, link),
        up=Side(first_provider, last - first_provider, neighbor, reverse, slots, link),
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
        slot_of_link=slot_of_link,
        shares_asn=shares if shares.any() else None,
    )


def _leaves(graph: AsGraph, is_inner: Bools, first_provider: Ints, last: Ints) -> Leaves:
    providers = last - first_provider
    node = np.flatnonzero(~is_inner & (providers > 0))
    node = node[np.argsort(-providers[node], kind="stable")]
    degree = providers[node]
    place = np.full(len(graph), -1, np.int64)
    place[node] = np.arange(len(node))
    index = np.cumsum(is_inner) - 1
    columns: list[npt.NDArray[Any]] = []
    start = [0]
    for column in range(int(degree[0]) if len(node) else 0):
        height = int(np.searchsorted(-degree, -column))  # leaves with more than ``column`` providers
        columns.append(first_provider[node[:height]] + column)
        start.append(start[-1] + height)
    slot = np.concatenate(columns) if columns else np.zeros(0, np.int64)
    return Leaves(
        node,
        place,
        tuple(start),
        place[graph.slot_node()[slot]],
        index[graph.neighbor[slot]].astype(np.int64),
        slot.astype(np.int64),
        graph.reverse[slot].astype(np.int64),
        graph.link[slot].astype(np.int64),
    )
