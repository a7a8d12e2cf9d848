"""The array solver, held against routers that exchange messages, and against what a fixed point is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.errors import InputError
from emulator.network.asgraph.graph import CUSTOMER, CUSTOMER_PROVIDER, PEER, PEERING, PROVIDER, from_links
from emulator.steady.valley_free import OWN, Origin, catchments, solve

from message_passing import settle, world_of

if TYPE_CHECKING:
    import random

    from emulator.network.asgraph.graph import AsGraph
    from emulator.steady.valley_free import Routes

RELATION = {"customer": CUSTOMER, "peer": PEER, "provider": PROVIDER}
"""What `AsGraph` calls what `message_passing` says in words."""


@st.composite
def graphs(draw: st.DrawFn, size: int = 9) -> AsGraph:
    """Any graph of up to ``size`` nodes: islands, provider cycles, ASes of several nodes and all."""
    count = draw(st.integers(1, size))
    steps = draw(st.lists(st.sampled_from([0, 1, 1, 1, 4]), min_size=count, max_size=count))
    pairs = [(low, high) for low in range(count) for high in range(low + 1, count)]
    chosen = draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []
    ways = [draw(st.sampled_from(["up", "down", "peer"])) for _ in chosen]
    ends = [pair[::-1] if way == "down" else pair for pair, way in zip(chosen, ways, strict=True)]
    kind = [PEERING if way == "peer" else CUSTOMER_PROVIDER for way in ways]
    return from_links(100 + np.cumsum(steps), np.array(ends).reshape(-1, 2), np.array(kind))


@st.composite
def problems(draw: st.DrawFn, size: int = 9) -> tuple[AsGraph, dict[str, object]]:
    """A graph, and what `solve` is told about it."""
    graph = draw(graphs(size))
    nodes = st.integers(0, len(graph) - 1)
    only_to = st.none() | st.frozensets(st.sampled_from(sorted(set(graph.asn.tolist()))), max_size=3)
    origins = draw(st.dictionaries(nodes, only_to, max_size=4))
    shapes = (("link_up", graph.link_count, 4), ("node_up", len(graph), 6))
    told: dict[str, object] = {"origins": [Origin(*each) for each in origins.items()]}
    for name, size_of, one_in in shapes:
        if draw(st.booleans()):
            numbers = draw(st.lists(st.integers(0, one_in), min_size=size_of, max_size=size_of))
            told[name] = np.array(numbers, np.bool_)
    if draw(st.booleans()):
        extra = st.sampled_from([0, 0, 0, 1, 2, 3])
        counts = draw(st.lists(extra, min_size=graph.slot_count, max_size=graph.slot_count))
        told["prepend"] = np.array(counts, np.int8)
    return graph, told


def world(graph: AsGraph, origins: list[Origin], link_up=None, node_up=None, prepend=None):  # noqa: ANN001, ANN201
    """The problem as `message_passing` takes it."""
    extra = {}
    if prepend is not None:
        owner = graph.slot_node()
        extra = {
            (int(owner[slot]), int(graph.neighbor[slot])): int(prepend[slot])
            for slot in range(graph.slot_count)
        }
    return world_of(
        graph,
        {origin.node: origin.only_to for origin in origins},
        is_link_up=lambda link: link_up is None or bool(link_up[link]),
        is_node_up=lambda node: node_up is None or bool(node_up[node]),
        prepend=extra,
    )


def assert_settled(graph: AsGraph, routes: Routes, told: dict[str, object], order: random.Random) -> None:
    """``routes`` are, in every field, what the messages lead to."""
    here = world(graph, **told)
    expected = settle(here, order)
    first, asns = routes.paths(graph)
    for node in range(len(graph)):
        choice = expected.get(node)
        if choice is None:
            found = [getattr(routes, name)[node] for name in ("next_hop", "slot", "origin")]
            assert (found, routes.relation[node], routes.length[node]) == ([-1, -1, -1], 0, 0)
            assert routes.path(graph, node) == ()
            assert first[node] == first[node + 1]
            continue
        assert routes.path(graph, node) == choice.path
        assert tuple(asns[first[node] : first[node + 1]]) == choice.path
        assert routes.length[node] == len(choice.path)
        assert routes.origin[node] == choice.way[-1]
        if choice.hop is None:
            assert (routes.next_hop[node], routes.slot[node], routes.relation[node]) == (node, -1, OWN)
        else:
            assert routes.next_hop[node] == choice.hop
            assert routes.slot[node] == graph.slot(node, choice.hop)
            assert routes.relation[node] == RELATION[here.neighbors[node][choice.hop]]


@settings(max_examples=400, deadline=None)
@given(problems(), st.randoms(use_true_random=False))
def test_messages_lead_to_the_same_routes(
    problem: tuple[AsGraph, dict[str, object]], order: random.Random
) -> None:
    """On any small graph, whatever is announced, down or prepended, and in whatever order messages come."""
    graph, told = problem
    assert_settled(graph, solve(graph, **told), told, order)


def test_bad_input_is_refused() -> None:
    """With what is wrong about it."""
    graph = from_links(np.array([1, 2]), np.array([[0, 1]]), np.array([PEERING]))
    with pytest.raises(InputError, match="AS1 announces the prefix twice"):
        solve(graph, [Origin(0), Origin(0)])
    with pytest.raises(InputError, match="no node 2 in a graph of 2"):
        solve(graph, [Origin(2)])
    with pytest.raises(InputError, match=r"link_up has the shape \(2,\); the graph needs \(1,\)"):
        solve(graph, [], link_up=np.ones(2, np.bool_))
    with pytest.raises(InputError, match="below 0"):
        solve(graph, [], prepend=np.array([0, -1], np.int8))


def test_catchments_add_up() -> None:
    """AS 2 and AS 3 are customers of AS 1 and announce; AS 4 and AS 5 buy from them, AS 9 from nobody."""
    graph = from_links(
        np.array([1, 2, 3, 4, 5, 9]),
        np.array([[1, 0], [2, 0], [3, 1], [4, 2]]),
        np.full(4, CUSTOMER_PROVIDER),
    )
    found = catchments(solve(graph, [Origin(1), Origin(2)]), np.array([1.0, 2, 4, 8, 16, 32]))
    assert (found.origin.tolist(), found.nodes.tolist(), found.weight.tolist()) == ([1, 2], [3, 2], [11, 20])
    assert (found.nodes_without, found.weight_without) == (1, 32)
