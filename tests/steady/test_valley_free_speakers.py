"""The array solver, held against the speakers that the emulator runs, and against its judge."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import networkx as nx
from hypothesis import assume, given, settings

from emulator.bgp.config import SpeakerConfig
from emulator.bgp.policy import GaoRexford
from emulator.network.asgraph.graph import CUSTOMER, CUSTOMER_PROVIDER, PEER, PROVIDER
from emulator.network.model import Link, Network, Relationship, Router
from emulator.sim.emulation import Emulation
from emulator.sim.fixed_point import Judge
from emulator.steady.valley_free import OWN, Origin, solve
from emulator.timeline import Originate

from asgraphs import graphs, problems
from labs import D, plan_of

if TYPE_CHECKING:
    from emulator.network.asgraph.graph import AsGraph
    from emulator.scenario.plan import Plan


def plan_for(graph: AsGraph, origins: list[Origin]) -> Plan:
    """The graph as a network of one router a node, which speak Gao-Rexford."""
    routers = tuple(
        Router(node, f"{graph.name(node)}.{node}", int(asn), node + 1) for node, asn in enumerate(graph.asn)
    )
    links = tuple(
        Link(
            link,
            (int(ends[0]), int(ends[1])),
            D,
            Relationship.CUSTOMER_PROVIDER
            if graph.link_kind[link] == CUSTOMER_PROVIDER
            else Relationship.PEER,
        )
        for link, ends in enumerate(graph.link_ends)
    )
    plan = plan_of(Network(routers, links), config=SpeakerConfig(policy=GaoRexford()), by_messages=True)
    return replace(plan, originations=tuple(Originate(each.node, 0, each.only_to) for each in origins))


@settings(max_examples=100, deadline=None)
@given(problems(8, links_within_as=False))
def test_speakers_settle_there(problem: tuple[AsGraph, dict[str, Any]]) -> None:
    """Every speaker's Loc-RIB has the path found, from the neighbour found, and the judge agrees."""
    graph, told = problem
    origins = told["origins"]
    routes = solve(graph, origins)
    plan = plan_for(graph, origins)
    emulation = Emulation(plan)
    emulation.settle()
    judged = Judge(plan, 0).solve(0)
    for node, speaker in enumerate(emulation.speakers):
        best = speaker.loc_rib.get(0)
        choice = judged.get((node, 0))
        if routes.relation[node] == 0:
            assert best is None
            assert choice is None
            continue
        assert best is not None
        assert choice is not None
        assert routes.path(graph, node) == best.attributes.as_path == choice.as_path
        assert routes.next_hop[node] == choice.source


@settings(max_examples=100, deadline=None)
@given(graphs(14))
def test_lengths_are_those_of_graph_theory(graph: AsGraph) -> None:
    """Customer routes are shortest ways down, peer routes one step more, provider routes shortest ways on."""
    assume(len(set(graph.asn.tolist())) == len(graph))
    routes = solve(graph, [Origin(0)])
    upward = nx.DiGraph()
    upward.add_nodes_from(range(len(graph)))
    buys = graph.link_kind == CUSTOMER_PROVIDER
    upward.add_edges_from(graph.link_ends[buys].tolist())
    peerings = graph.link_ends[~buys].tolist()
    expected = {
        node: (CUSTOMER if length else OWN, length)
        for node, length in nx.single_source_shortest_path_length(upward, 0).items()
    }
    across: dict[int, int] = {}
    for pair in peerings:
        for near, far in (pair, pair[::-1]):
            if far in expected and near not in expected:
                across[near] = min(across.get(near, len(graph)), expected[far][1] + 1)
    expected |= {node: (PEER, length) for node, length in across.items()}
    hub = len(graph)
    downward = nx.DiGraph((far, near) for near, far in upward.edges if near not in expected)
    for node, (_, length) in expected.items():
        downward.add_edge(hub, node, weight=length)
    for node, length in nx.single_source_dijkstra_path_length(downward, hub).items():
        if node != hub and node not in expected:
            expected[node] = (PROVIDER, length)
    found = {node: (int(routes.relation[node]), int(routes.length[node])) for node in expected}
    assert found == expected
    assert sum(routes.relation > 0) == len(expected)
