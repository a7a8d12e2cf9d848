"""Hypothesis strategies: small AS graphs of every kind, what is announced in them, what befalls them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import strategies as st

from emulator.network.asgraph.graph import CUSTOMER, CUSTOMER_PROVIDER, PEERING, from_links
from emulator.rng import array_stream
from emulator.steady.valley_free import Origin

if TYPE_CHECKING:
    from emulator.network.asgraph.graph import AsGraph


@st.composite
def graphs(draw: st.DrawFn, size: int = 9, *, links_within_as: bool = True) -> AsGraph:
    """Any graph of up to ``size`` nodes: islands, provider cycles, ASes of several nodes and all."""
    count = draw(st.integers(1, size))
    steps = draw(st.lists(st.sampled_from([0, 1, 1, 1, 4]), min_size=count, max_size=count))
    asn = 100 + np.cumsum(steps)
    pairs = [
        (low, high)
        for low in range(count)
        for high in range(low + 1, count)
        if links_within_as or asn[low] != asn[high]
    ]
    chosen = draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []
    ways = [draw(st.sampled_from(["up", "down", "peer"])) for _ in chosen]
    ends = [pair[::-1] if way == "down" else pair for pair, way in zip(chosen, ways, strict=True)]
    kind = [PEERING if way == "peer" else CUSTOMER_PROVIDER for way in ways]
    return from_links(asn, np.array(ends).reshape(-1, 2), np.array(kind))


@st.composite
def problems(
    draw: st.DrawFn, size: int = 9, *, links_within_as: bool = True
) -> tuple[AsGraph, dict[str, Any]]:
    """A graph, and what `solve` is told about it."""
    graph = draw(graphs(size, links_within_as=links_within_as))
    nodes = st.integers(0, len(graph) - 1)
    only_to = st.none() | st.frozensets(st.sampled_from(sorted(set(graph.asn.tolist()))), max_size=3)
    origins = draw(st.dictionaries(nodes, only_to, max_size=4))
    shapes = (("link_up", graph.link_count, 4), ("node_up", len(graph), 6))
    told: dict[str, Any] = {"origins": [Origin(*each) for each in origins.items()]}
    for name, size_of, one_in in shapes:
        if draw(st.booleans()):
            numbers = draw(st.lists(st.integers(0, one_in), min_size=size_of, max_size=size_of))
            told[name] = np.array(numbers, np.bool_)
    if draw(st.booleans()):
        extra = st.sampled_from([0, 0, 0, 1, 2, 3])
        counts = draw(st.lists(extra, min_size=graph.slot_count, max_size=graph.slot_count))
        told["prepend"] = np.array(counts, np.int8)
    return graph, told


@dataclass
class State:
    """What `solve` is told, as it changes; and what has changed since the last `told_again`."""

    graph: AsGraph
    origins: dict[int, frozenset[int] | None]
    link_up: np.ndarray = field(init=False)
    node_up: np.ndarray = field(init=False)
    prepend: np.ndarray = field(init=False)
    links: list[int] = field(default_factory=list)
    nodes: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        """All is up, nothing prepended."""
        self.link_up = np.ones(self.graph.link_count, np.bool_)
        self.node_up = np.ones(len(self.graph), np.bool_)
        self.prepend = np.zeros(self.graph.slot_count, np.int8)

    def change(self, what: str, which: int, how: int) -> None:
        """Something befalls the ``which``-th of its kind; nothing, where there is none."""
        graph = self.graph
        if what == "link" and graph.link_count:
            self.links.append(which % graph.link_count)
            self.link_up[self.links[-1]] ^= True
        elif what == "node":
            self.nodes.append(which % len(graph))
            self.node_up[self.nodes[-1]] ^= True
        elif what == "mend":
            broken = [("link", link) for link in np.flatnonzero(~self.link_up)]
            broken += [("node", node) for node in np.flatnonzero(~self.node_up)]
            if broken:
                self.change(*broken[which % len(broken)], how)
        elif what == "prepend" and graph.slot_count:
            slot = which % graph.slot_count
            self.prepend[slot] = how
            self.links.append(int(graph.link[slot]))
        elif what == "announce":
            node = which % len(graph)
            every_other = graph.neighbor[graph.slots(node)][how % 2 :: 2]
            self.origins[node] = frozenset(graph.asn[every_other].tolist()) if how > 1 else None
        elif what == "withdraw" and self.origins:
            del self.origins[sorted(self.origins)[which % len(self.origins)]]

    def told(self) -> dict[str, Any]:
        """The arguments of `solve`."""
        return {
            "origins": [Origin(*each) for each in self.origins.items()],
            "link_up": self.link_up,
            "node_up": self.node_up,
            "prepend": self.prepend,
        }

    def told_again(self) -> dict[str, Any]:
        """The arguments of `solve_again`, less the routes."""
        changed = {"changed_links": self.links, "changed_nodes": self.nodes}
        self.links, self.nodes = [], []
        return {**self.told(), **changed}


SITES_ASN = 400_000
"""The AS of `with_sites`: within the numbers that the Internet uses, so that others are above it."""


def with_sites(graph: AsGraph, count: int, seed: int) -> tuple[AsGraph, range]:
    """The graph and a CDN's AS without a backbone, of ``count`` nodes; and these.

    Each site buys from two of the sixty ASes with most customers and peers with thirty others.
    """
    rng = array_stream(seed, "sites")
    first = int(np.searchsorted(graph.asn, SITES_ASN))
    moved = np.arange(len(graph)) + np.where(np.arange(len(graph)) >= first, count, 0)
    large = moved[np.argsort(-graph.degrees(CUSTOMER), kind="stable")[:60]]
    ends, kinds = [moved[graph.link_ends]], [graph.link_kind]
    for site in range(first, first + count):
        providers = rng.choice(large, 2, replace=False)
        peers = rng.choice(np.setdiff1d(moved, large), 30, replace=False)
        others = np.concatenate((providers, peers))
        ends.append(np.stack((np.full(len(others), site), others), axis=1))
        kinds.append(np.where(np.arange(len(others)) < 2, CUSTOMER_PROVIDER, PEERING))
    asn = np.insert(graph.asn, first, np.full(count, SITES_ASN))
    labels = {first + place: f"AS{SITES_ASN}@{place}" for place in range(count)}
    graph = from_links(asn, np.concatenate(ends), np.concatenate(kinds), labels)
    return graph, range(first, first + count)


CHANGES = ("link", "node", "mend", "mend", "prepend", "announce", "withdraw")


def changes(most: int = 3) -> st.SearchStrategy[list[tuple[str, int, int]]]:
    """A few things at once, for `State.change`."""
    one = st.tuples(st.sampled_from(CHANGES), st.integers(0, 99), st.integers(0, 3))
    return st.lists(one, min_size=1, max_size=most)
