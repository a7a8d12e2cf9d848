"""What makes a solution one, on graphs too large for messages: nobody is offered anything better."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from emulator.network.asgraph.generator import generate
from emulator.network.asgraph.graph import CUSTOMER, PEER, PROVIDER, from_links
from emulator.network.asgraph.relationships import read_file
from emulator.rng import array_stream
from emulator.steady.valley_free import OWN, Origin, solve

from as_files import brought

if TYPE_CHECKING:
    from emulator.network.asgraph.graph import AsGraph
    from emulator.steady.valley_free import Routes


def assert_stable(graph: AsGraph, routes: Routes, prepend: np.ndarray | None = None) -> None:
    """Of all that its neighbours export to it, every node has the best, and nothing else.

    Every AS has one node here, so that no path that it refuses could be better than its own.
    """
    node, sender = graph.slot_node(), graph.neighbor
    kind_there = graph.relation[graph.reverse]  # what the node is to the neighbour
    sells = (routes.relation[sender] == CUSTOMER) | (routes.relation[sender] == OWN)
    is_told = (routes.relation[sender] > 0) & (sells | (kind_there == CUSTOMER))
    is_told &= (routes.next_hop[sender] != node) & (routes.relation[node] != OWN)
    length = routes.length[sender] + 1
    if prepend is not None:
        length += prepend[graph.reverse]
    slots = np.flatnonzero(is_told)
    slots = slots[np.lexsort((sender[slots], length[slots], -graph.relation[slots], node[slots]))]
    chooser, first = np.unique(node[slots], return_index=True)
    best = slots[first]
    assert np.array_equal(chooser, np.flatnonzero(routes.slot >= 0))
    assert np.array_equal(routes.slot[chooser], best)
    assert np.array_equal(routes.next_hop[chooser], sender[best])
    assert np.array_equal(routes.length[chooser], length[best])
    assert np.array_equal(routes.relation[chooser], graph.relation[best])
    assert np.array_equal(routes.origin[chooser], routes.origin[sender[best]])


def assert_valley_free(graph: AsGraph, routes: Routes) -> None:
    """Who has its route from a peer or provider told only customers; and no way goes in a ring."""
    learned = np.flatnonzero(routes.slot >= 0)
    hop = routes.next_hop[learned]
    from_above = (routes.relation[hop] == PEER) | (routes.relation[hop] == PROVIDER)
    assert (routes.relation[learned][from_above] == PROVIDER).all()
    assert (routes.length[learned] > routes.length[hop]).all()
    assert (routes.relation[np.unique(routes.origin[learned])] == OWN).all()
    assert len(graph) == len(routes.origin)


@pytest.mark.parametrize("seed", range(4))
def test_nobody_is_offered_anything_better(seed: int) -> None:
    """3,000 ASes, of which 1, 5 or 20 announce, some prepending."""
    graph = generate(3000, seed)
    rng = array_stream(seed, "properties")
    for count in (1, 5, 20):
        origins = [Origin(int(node)) for node in rng.choice(len(graph), count, replace=False)]
        for prepend in (None, (rng.random(graph.slot_count) < 0.1).astype(np.int8) * 3):
            routes = solve(graph, origins, prepend=prepend)
            assert (routes.relation > 0).all()
            assert_valley_free(graph, routes)
            assert_stable(graph, routes, prepend)


def test_nobody_is_offered_anything_better_on_the_measured_internet() -> None:
    """65,438 ASes as CAIDA inferred them; most can be reached from 20 of them."""
    graph = read_file(brought("20190701.as-rel.txt.xz")).graph
    rng = array_stream(1, "properties")
    origins = [Origin(int(node)) for node in rng.choice(len(graph), 20, replace=False)]
    routes = solve(graph, origins)
    assert (routes.relation > 0).mean() > 0.98
    assert_valley_free(graph, routes)
    assert_stable(graph, routes)


def test_numbers_decide_ties_only() -> None:
    """Other names leave kinds and lengths of routes as they were; another order of links leaves all."""
    graph = generate(2000, 5)
    rng = array_stream(5, "names")
    name = rng.permutation(len(graph))
    shuffled = rng.permutation(graph.link_count)
    origins = rng.choice(len(graph), 5, replace=False)
    routes = solve(graph, [Origin(int(node)) for node in origins])
    renamed = from_links(graph.asn, name[graph.link_ends], graph.link_kind)
    again = solve(renamed, [Origin(int(name[node])) for node in origins])
    assert np.array_equal(again.relation[name], routes.relation)
    assert np.array_equal(again.length[name], routes.length)
    assert not np.array_equal(again.next_hop[name], name[routes.next_hop])
    reordered = from_links(graph.asn, graph.link_ends[shuffled], graph.link_kind[shuffled])
    same = solve(reordered, [Origin(int(node)) for node in origins])
    assert np.array_equal(same.next_hop, routes.next_hop)
    assert np.array_equal(same.slot, routes.slot)
