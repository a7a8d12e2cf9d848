"""An AS graph with what a scenario adds: links, a CDN's sites, route collectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from emulator.network.asgraph.graph import CUSTOMER_PROVIDER, PEERING, from_links

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from emulator.network.asgraph.graph import AsGraph

    Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class NewNode:
    """A node to add: what its router is called, its AS, and its neighbours' AS numbers.

    A collector has ``feeds``, which treat it as a customer.
    """

    name: str
    asn: int
    providers: tuple[int, ...] = ()
    peers: tuple[int, ...] = ()
    feeds: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class NewLink:
    """A link between two ASes, instead of any that is there: the first buys from the second, or they peer."""

    ends: tuple[int, int]
    is_peering: bool


def with_additions(graph: AsGraph, nodes: Sequence[NewNode], links: Sequence[NewLink]) -> AsGraph:
    """``graph`` with ``links``, whose ends may be new ASes, then with ``nodes`` in the place of their ASes.

    Nodes of one AS stand next to each other, in their order. Neighbours that
    neither the graph nor ``links`` have are left out: look for them before.
    """
    if not nodes and not links:
        return graph
    ends, kind = graph.asn[graph.link_ends], graph.link_kind
    if links:
        ends, kind = _with_links(ends, kind, links)
    replaced = np.array(sorted({node.asn for node in nodes}), np.int64)
    kept = ~np.isin(ends, replaced).any(axis=1)
    ends, kind = ends[kept], kind[kept]
    asn = np.unique(np.concatenate((graph.asn, ends.ravel())))
    asn = asn[~np.isin(asn, replaced)]
    ordered = sorted(range(len(nodes)), key=lambda i: (nodes[i].asn, i))
    numbers = np.concatenate((asn, np.array([nodes[i].asn for i in ordered], np.int64)))
    order = np.argsort(numbers, kind="stable")
    place = np.empty(len(numbers), np.int64)
    place[order] = np.arange(len(numbers))
    labels = {int(place[len(asn) + i]): nodes[which].name for i, which in enumerate(ordered)}
    labels |= {
        int(place[int(np.searchsorted(asn, graph.asn[old]))]): name for old, name in graph.labels.items()
    }
    pairs = [place[np.searchsorted(asn, ends)]]
    kinds = [kind]
    for i, which in enumerate(ordered):
        own = int(place[len(asn) + i])
        new, its = _links_of(nodes[which], own, asn, place)
        pairs.append(new)
        kinds.append(its)
    return from_links(numbers[order], np.concatenate(pairs), np.concatenate(kinds), labels)


def _with_links(
    ends: Ints, kind: npt.NDArray[np.int8], links: Sequence[NewLink]
) -> tuple[Ints, npt.NDArray[np.int8]]:
    new = np.array([link.ends for link in links], np.int64)
    given = {(min(link.ends), max(link.ends)) for link in links}
    low, high = ends.min(axis=1), ends.max(axis=1)
    suspects = np.flatnonzero(np.isin(low, new) & np.isin(high, new))
    replaced = [int(i) for i in suspects if (int(low[i]), int(high[i])) in given]
    kept = np.ones(len(ends), np.bool_)
    kept[replaced] = False
    kinds = np.array([PEERING if link.is_peering else CUSTOMER_PROVIDER for link in links], np.int8)
    return np.concatenate((ends[kept], new)), np.concatenate((kind[kept], kinds))


def _links_of(
    node: NewNode, own: int, asn: Ints, place: Ints
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int8]]:
    found: list[tuple[int, int]] = []
    kinds: list[int] = []
    for neighbors, kind in (
        (node.providers, CUSTOMER_PROVIDER),
        (node.peers, PEERING),
        (node.feeds, CUSTOMER_PROVIDER),
    ):
        for neighbor in neighbors:
            at = int(np.searchsorted(asn, neighbor))
            if at < len(asn) and asn[at] == neighbor:
                found.append((own, int(place[at])))
                kinds.append(kind)
    return np.array(found, np.int64).reshape(-1, 2), np.array(kinds, np.int8)


def link_delays(graph: AsGraph, quantiles: Ints, key: int) -> Ints:
    """(L,) one-way delays, ns: each drawn by the names of the link's ends, so that no other link shifts it.

    ``quantiles`` are equally spaced ones of the distribution, one value where it
    is constant; between two of them values are spread evenly.
    """
    if len(quantiles) == 1:
        return np.full(graph.link_count, quantiles[0], np.int64)
    identity = graph.asn.astype(np.uint64) << np.uint64(20)
    same = np.arange(len(graph)) - np.searchsorted(graph.asn, graph.asn)  # which site of its AS
    identity += same.astype(np.uint64)
    first, second = identity[graph.link_ends[:, 0]], identity[graph.link_ends[:, 1]]
    mixed = _mixed(_mixed(np.minimum(first, second) + np.uint64(key)) + np.maximum(first, second))
    place = (mixed >> np.uint64(11)).astype(np.float64) * (2.0**-53) * (len(quantiles) - 1)
    low = place.astype(np.int64)
    step = (quantiles[low + 1] - quantiles[low]) * (place - low)
    delays: Ints = quantiles[low] + step.astype(np.int64)
    return delays


def _mixed(values: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """SplitMix64's finalizer (Steele, Lea and Flood, OOPSLA 2014)."""
    mixed = values + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
