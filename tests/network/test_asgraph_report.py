"""What is reported of an AS graph, held against networkx on random graphs and against known figures."""

from __future__ import annotations

import time
from itertools import pairwise

import networkx as nx
import numpy as np
import pytest

from emulator.network.asgraph.clique import SEED, inferred_clique
from emulator.network.asgraph.cones import customer_cones
from emulator.network.asgraph.generator import generate
from emulator.network.asgraph.graph import CUSTOMER, PEER, PEERING, PROVIDER, AsGraph, from_links
from emulator.network.asgraph.relationships import Relationships, read_file
from emulator.network.asgraph.report import report
from emulator.network.asgraph.structure import (
    components,
    cycle_members,
    heights,
    provider_cycles,
    reached_valley_free,
)

from as_files import REAL, brought, downwards, random_graph, undirected

SEEDS = range(60)


def labelled(groups: list[set[int]], count: int) -> list[int]:
    """For each node the lowest of its group."""
    label = list(range(count))
    for group in groups:
        for node in group:
            label[node] = min(group)
    return label


@pytest.mark.parametrize("seed", SEEDS)
def test_customer_cones(seed: int) -> None:
    """An AS and its descendants, cycles or not."""
    graph = random_graph(seed)
    tree = downwards(graph)
    expected = [len(nx.descendants(tree, node) | {node}) for node in range(len(graph))]
    assert customer_cones(graph).tolist() == expected


def test_customer_cones_count_an_as_once() -> None:
    """An AS that stands in two places is one AS: 9 has 5 twice below it, and a site of 5 has the other."""
    ends = np.array([[0, 3], [1, 3], [1, 0], [2, 3]])
    graph = from_links(np.array([5, 5, 7, 9]), ends, np.zeros(4, int))
    assert customer_cones(graph).tolist() == [1, 1, 1, 3]


def test_customer_cones_of_a_larger_graph() -> None:
    """Wider than one slice of the table of bits would need to be; the oracle takes its time."""
    graph = generate(3000, 5)
    tree = downwards(graph)
    expected = [1 + len(nx.descendants(tree, node)) for node in range(len(graph))]
    assert customer_cones(graph).tolist() == expected


def test_customer_cones_by_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table of a few words at a time gives the same."""
    graph = generate(2000, 5)
    whole = customer_cones(graph)
    monkeypatch.setattr("emulator.network.asgraph.cones._SLICE_BYTES", 20_000)
    assert np.array_equal(customer_cones(graph), whole)


def deep_graph(seed: int, count: int = 400) -> AsGraph:
    """Most ASes buy from the one before them, some from others a little before as well, or peer with them."""
    rng = np.random.default_rng(seed)
    links = {(node, node - 1): 0 for node in range(1, count) if rng.random() < 0.98}
    for node in range(1, count):
        other = max(0, node - int(rng.integers(2, 7)))
        if other != node and rng.random() < 0.3:
            links.setdefault((node, other), int(rng.random() < 0.2))
    return from_links(np.arange(1, count + 1), np.array(list(links)), np.array(list(links.values())))


@pytest.mark.parametrize("seed", range(8))
def test_deep_graphs(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cones, heights and what is reached, where the way down is hundreds of ASes long."""
    graph = deep_graph(seed)
    tree = downwards(graph)
    cones = [len(nx.descendants(tree, node)) + 1 for node in range(len(graph))]
    assert customer_cones(graph).tolist() == cones
    monkeypatch.setattr("emulator.network.asgraph.cones._SLICE_BYTES", 50)
    assert customer_cones(graph).tolist() == cones
    pairs = np.array([(down, up) for up, down in tree.edges])
    longest: dict[int, int] = {}
    for node in reversed(list(nx.topological_sort(tree))):
        longest[node] = max((longest[below] + 1 for below in tree.successors(node)), default=0)
    assert max(longest.values()) > 100
    assert heights(pairs[:, 0], pairs[:, 1], len(graph)).tolist() == [longest[n] for n in range(len(graph))]
    ways = valley_free(graph)
    for node in (0, 150, 399):
        reached = {other for other, _ in nx.descendants(ways, (node, False))} | {node}
        assert set(np.flatnonzero(reached_valley_free(graph, [node])).tolist()) == reached


def test_a_chain_of_providers_is_looked_at_in_good_time() -> None:
    """40,000 ASes one below the other: seconds, where a look at all of them for each would take minutes."""
    count = 40_000
    links = np.stack((np.arange(1, count), np.arange(count - 1)), axis=1)
    graph = from_links(np.arange(1, count + 1), links, np.zeros(count - 1, int))
    started = time.process_time()
    found = report(Relationships(graph))
    taken = time.process_time() - started
    assert [(each.asn, each.cone) for each in found.largest[:2]] == [(1, count), (2, count - 1)]
    assert (found.clique.members, found.not_reached, found.provider_cycles) == ((1,), (), ())
    assert taken < 10


@pytest.mark.parametrize("seed", SEEDS)
def test_provider_cycles(seed: int) -> None:
    """The strongly connected parts, and a shortest cycle of each through its lowest node."""
    graph = random_graph(seed)
    tree = downwards(graph)
    knots = [set(knot) for knot in nx.strongly_connected_components(tree)]
    assert cycle_members(graph).tolist() == labelled(knots, len(graph))
    found = provider_cycles(graph)
    assert [cycle[0] for cycle in found] == sorted(min(knot) for knot in knots if len(knot) > 1)
    for cycle in found:
        assert all(tree.has_edge(up, down) for down, up in pairwise((*cycle, cycle[0])))
        way_back = min(
            nx.shortest_path_length(tree, cycle[0], below)
            for below in tree.predecessors(cycle[0])
            if nx.has_path(tree, cycle[0], below)
        )
        assert len(cycle) == way_back + 1


def test_a_long_cycle_of_providers() -> None:
    """Longer than Python may call itself."""
    count = 3000
    around = np.stack((np.arange(count), (np.arange(count) + 1) % count), axis=1)
    graph = from_links(np.arange(1, count + 1), around, np.zeros(count, int))
    assert cycle_members(graph).tolist() == [0] * count
    assert provider_cycles(graph) == [tuple(range(count))]
    assert customer_cones(graph).tolist() == [count] * count


@pytest.mark.parametrize("seed", SEEDS)
def test_parts_and_heights(seed: int) -> None:
    """Connected components; the longest way down where there are no cycles."""
    graph = random_graph(seed)
    groups = list(nx.connected_components(undirected(graph)))
    assert components(graph).tolist() == labelled(groups, len(graph))
    acyclic = random_graph(seed, is_acyclic=True)
    tree = downwards(acyclic)
    assert nx.is_directed_acyclic_graph(tree)
    expected: dict[int, int] = {}
    for node in reversed(list(nx.topological_sort(tree))):
        expected[node] = max((expected[below] + 1 for below in tree.successors(node)), default=0)
    pairs = np.array([(down, up) for up, down in tree.edges], np.int64).reshape(-1, 2)
    found = heights(pairs[:, 0], pairs[:, 1], len(acyclic))
    assert found.tolist() == [expected[node] for node in range(len(acyclic))]


def valley_free(graph: AsGraph) -> nx.DiGraph:
    """Every node twice: before and after the way has turned; a path there is one without valleys here."""
    ways = nx.DiGraph()
    ways.add_nodes_from((node, turned) for node in range(len(graph)) for turned in (False, True))
    for node in range(len(graph)):
        for slot in graph.slots(node):
            other, relation = int(graph.neighbor[slot]), int(graph.relation[slot])
            if relation == PROVIDER:
                ways.add_edge((node, False), (other, False))
            elif relation == PEER:
                ways.add_edge((node, False), (other, True))
            else:
                ways.add_edges_from(((node, turned), (other, True)) for turned in (False, True))
    return ways


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_reached_without_valleys(seed: int) -> None:
    """From one node and from several, to and fro."""
    graph = random_graph(seed)
    ways = valley_free(graph)
    reached_from = {
        node: {other for other, _ in nx.descendants(ways, (node, False))} | {node}
        for node in range(len(graph))
    }
    for node in range(len(graph)):
        found = set(np.flatnonzero(reached_valley_free(graph, [node])).tolist())
        assert found == reached_from[node]
        assert all(node in reached_from[other] for other in found)
    several = [0, len(graph) - 1]
    union = reached_from[several[0]] | reached_from[several[1]]
    assert set(np.flatnonzero(reached_valley_free(graph, several)).tolist()) == union


@pytest.mark.parametrize("seed", SEEDS)
def test_the_inferred_clique(seed: int) -> None:
    """Networks without providers that all peer, the heaviest to start with; no other peers with them all."""
    graph = random_graph(seed, is_acyclic=True)
    cones = customer_cones(graph)
    free = np.flatnonzero((graph.degrees(PROVIDER) == 0) & (graph.degrees(CUSTOMER) > 0))
    peers = undirected(graph, PEERING).subgraph(free.tolist())
    clique = inferred_clique(graph, cones)
    assert list(clique) == sorted(clique)
    assert set(clique) <= set(free.tolist())
    assert all(peers.has_edge(one, two) for one in clique for two in clique if one < two)
    assert not [node for node in peers if node not in clique and set(clique) <= set(peers[node])]
    largest = sorted(free.tolist(), key=lambda node: (-cones[node], node))[:SEED]
    heaviest = max(
        (int(cones[list(each)].sum()) for each in nx.find_cliques(peers.subgraph(largest))), default=0
    )
    assert int(cones[[node for node in clique if node in largest]].sum()) == heaviest


def test_a_report_of_a_file_with_everything_wrong() -> None:
    """Cycles, parts, ASes out of reach, a clique that is none, route servers among the networks."""
    links = np.array([[0, 1], [1, 2], [2, 0], [3, 4], [5, 6], [7, 3], [8, 7]])
    kinds = np.array([0, 0, 0, 1, 0, 1, 1])
    graph = from_links(np.arange(10, 100, 10), links, kinds)
    found = report(Relationships(graph, clique=(50, 40, 9999, 10), ixps=(90, 7)))
    assert (found.ases, found.links, found.transit_links, found.peering_links) == (9, 7, 4, 3)
    assert (found.transit_ases, found.stubs, found.multihomed_stubs) == (4, 5, 0)
    assert (found.without_providers, found.with_peers) == (5, 4)
    assert found.clique.members == (10, 40, 50, 9999)
    assert (found.clique.is_given, found.clique.absent) == (True, (9999,))
    assert found.clique.with_providers == (10,)
    assert found.clique.unpeered == ((10, 40), (10, 50))
    assert found.provider_cycles == ((10, 20, 30),)
    assert found.ases_on_provider_cycles == 3
    assert found.components == (4, 3, 2)
    assert found.not_reached == (60, 70, 90)
    assert (found.ixp_route_servers, found.ixp_route_servers_in_graph) == ((90, 7), (90,))
    assert [(each.asn, each.cone) for each in found.largest[:4]] == [(10, 3), (20, 3), (30, 3), (70, 2)]
    assert found.customers_of_transit_ases.mean == 1.0
    assert (found.degree.largest, found.degree.largest_asn) == (2, 10)


def test_a_report_without_transit() -> None:
    """Peers only: no clique, which is another thing than one that everybody reaches."""
    found = report(Relationships(from_links(np.array([1, 2]), np.array([[0, 1]]), np.array([1]))))
    assert found.clique.members == ()
    assert found.not_reached is None
    assert found.customers_of_transit_ases.largest == 0


def test_a_clique_that_the_graph_does_not_have() -> None:
    """Nobody is said to reach it."""
    graph = from_links(np.array([1, 2]), np.array([[1, 0]]), np.array([0]))
    found = report(Relationships(graph, clique=(7, 8)))
    assert (found.clique.absent, found.not_reached) == ((7, 8), None)
    assert report(Relationships(graph, clique=(7, 1))).not_reached == ()


def test_a_header_that_names_an_as_twice() -> None:
    """Counts it once."""
    graph = from_links(np.array([1, 2]), np.array([[0, 1]]), np.array([1]))
    found = report(Relationships(graph, clique=(2, 1, 1), ixps=(9, 2, 9)))
    assert found.clique.members == (1, 2)
    assert (found.ixp_route_servers, found.ixp_route_servers_in_graph) == ((9, 2), (2,))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_figures_of_a_report(seed: int) -> None:
    """Counts and spreads, counted again the slow way."""
    graph = generate(400, seed)
    found = report(Relationships(graph))
    tree = downwards(graph)
    customers = dict(tree.out_degree)
    providers = dict(tree.in_degree)
    peers = dict(undirected(graph, PEERING).degree)
    stubs = [node for node in tree if not customers[node]]
    assert found.stubs == len(stubs)
    assert found.multihomed_stubs == sum(providers[node] > 1 for node in stubs)
    assert found.with_peers == sum(count > 0 for count in peers.values())
    ordered = sorted(peers.values())
    assert found.peers.largest == ordered[-1]
    assert found.peers.mean == pytest.approx(sum(ordered) / len(ordered))
    for name, share in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99)):
        value = getattr(found.peers, name)
        assert sum(count <= value for count in ordered) >= share * len(ordered)
        assert sum(count < value for count in ordered) < share * len(ordered)
    assert (found.components, found.provider_cycles, found.not_reached) == ((400,), (), ())
    assert found.largest[0].cone == max(len(nx.descendants(tree, node)) + 1 for node in tree)


@pytest.mark.parametrize("name", REAL[:2])
def test_the_clique_is_the_one_of_the_header(name: str) -> None:
    """The relationships alone lead back to the clique that their inference started from."""
    read = read_file(brought(name))
    found = inferred_clique(read.graph, customer_cones(read.graph))
    assert tuple(read.graph.asn[list(found)].tolist()) == tuple(sorted(read.clique))


def test_the_report_of_the_real_internet() -> None:
    """Figures of 2016-11-01 that can be counted with grep and sort."""
    found = report(read_file(brought(REAL[0])))
    assert (found.ases, found.links) == (55_809, 239_064)
    assert (found.transit_links, found.peering_links) == (110_479, 128_585)
    assert (found.transit_ases, found.stubs) == (8_422, 47_387)
    assert found.customers_of_transit_ases.largest == 4_984
    assert found.customers_of_transit_ases.largest_asn == 174
    assert (found.peers.largest, found.peers.largest_asn) == (4_892, 6939)
    assert (found.provider_cycles, found.components) == ((), (55_809,))
    assert found.ixp_route_servers_in_graph == ()
    assert (found.largest[0].asn, found.largest[0].cone) == (3356, 47_224)
