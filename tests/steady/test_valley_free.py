"""The array solver, held against routers that exchange messages, and against what a fixed point is."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.errors import InputError
from emulator.network.asgraph.graph import CUSTOMER, CUSTOMER_PROVIDER, PEER, PEERING, PROVIDER, from_links
from emulator.steady.valley_free import OWN, Origin, solve

from asgraphs import problems
from message_passing import settle, world_of

if TYPE_CHECKING:
    import random

    from emulator.network.asgraph.graph import AsGraph
    from emulator.steady.valley_free import Routes

    from message_passing import World

RELATION = {"customer": CUSTOMER, "peer": PEER, "provider": PROVIDER}
"""What `AsGraph` calls what `message_passing` says in words."""


def world(
    graph: AsGraph,
    origins: list[Origin],
    link_up: np.ndarray | None = None,
    node_up: np.ndarray | None = None,
    prepend: np.ndarray | None = None,
) -> World:
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


def assert_settled(graph: AsGraph, routes: Routes, told: dict[str, Any], order: random.Random) -> None:
    """``routes`` are, in every field, what the messages lead to."""
    here = world(graph, **told)
    expected = settle(here, order)
    for node in range(len(graph)):
        choice = expected.get(node)
        if choice is None:
            found = [getattr(routes, name)[node] for name in ("next_hop", "slot", "origin")]
            assert (found, routes.relation[node], routes.length[node]) == ([-1, -1, -1], 0, 0)
            assert routes.path(graph, node) == ()
            continue
        assert routes.path(graph, node) == choice.path
        assert routes.length[node] == len(choice.path)
        assert routes.origin[node] == choice.way[-1]
        if choice.hop is None:
            assert (routes.next_hop[node], routes.slot[node], routes.relation[node]) == (node, -1, OWN)
        else:
            assert routes.next_hop[node] == choice.hop
            assert routes.slot[node] == graph.slot(node, choice.hop)
            assert routes.relation[node] == RELATION[here.neighbors[node][choice.hop]]


@settings(max_examples=200, deadline=None)
@given(problems(), st.randoms(use_true_random=False))
def test_messages_lead_to_the_same_routes(
    problem: tuple[AsGraph, dict[str, Any]], order: random.Random
) -> None:
    """On any small graph, whatever is announced, down or prepended, and in whatever order messages come."""
    graph, told = problem
    assert_settled(graph, solve(graph, **told), told, order)


def path_graph(*asns: int) -> AsGraph:
    """Each AS buys from the one before it."""
    count = len(asns)
    ends = np.stack((np.arange(1, count), np.arange(count - 1)), axis=1)
    return from_links(np.array(asns), ends, np.full(count - 1, CUSTOMER_PROVIDER))


@pytest.mark.parametrize("node", [0, 1500, 2999])
def test_long_ways(node: int) -> None:
    """Up a chain of 3,000 ASes and down it, prepending here and there."""
    count = 3000
    graph = path_graph(*range(1, count + 1))
    prepend = np.zeros(graph.slot_count, np.int8)
    prepend[graph.slot(1000, 1001)] = 3
    prepend[graph.slot(2000, 1999)] = 2
    routes = solve(graph, [Origin(node)], prepend=prepend)
    far = np.abs(np.arange(count) - node)
    far[1001:] += 3 * (node <= 1000)
    far[:2000] += 2 * (node >= 2000)
    assert np.array_equal(routes.length, far)
    assert np.array_equal(routes.next_hop, np.arange(count) + np.sign(node - np.arange(count)))


@pytest.mark.slow
def test_a_long_chain_is_solved_in_good_time() -> None:
    """60,000 ASes, all of which have a route before the first tells its customers: no quadratic waiting."""
    count = 60_000
    graph = path_graph(*range(1, count + 1))
    started = time.process_time()
    routes = solve(graph, [Origin(count - 1)])
    taken = time.process_time() - started
    assert np.array_equal(routes.length, np.arange(count)[::-1])
    assert taken < 14


def test_a_ring_of_providers_settles() -> None:
    """AS 1 buys from AS 2, that from AS 3, that from AS 1; AS 4 buys from AS 2 and announces."""
    graph = from_links(
        np.array([1, 2, 3, 4]), np.array([[0, 1], [1, 2], [2, 0], [3, 1]]), np.full(4, CUSTOMER_PROVIDER)
    )
    routes = solve(graph, [Origin(3)])
    assert [routes.path(graph, node) for node in range(4)] == [(3, 2, 4), (4,), (2, 4), ()]
    assert routes.relation.tolist() == [CUSTOMER, CUSTOMER, CUSTOMER, OWN]


def test_customers_are_preferred_over_short_paths() -> None:
    """AS 1 hears AS 5 from its peer AS 2 in two steps, from its customer AS 3 in three."""
    graph = from_links(
        np.array([1, 2, 3, 4, 5]),
        np.array([[0, 1], [2, 0], [3, 2], [4, 3], [4, 1]]),
        np.array([PEERING, *[CUSTOMER_PROVIDER] * 4]),
    )
    assert solve(graph, [Origin(4)]).path(graph, 0) == (3, 4, 5)


def test_a_site_refuses_what_its_other_site_announces() -> None:
    """AS 7 has two nodes that buy from AS 1; one announces, the other does not hear of it, AS 9 does."""
    graph = from_links(
        np.array([1, 7, 7, 9]), np.array([[1, 0], [2, 0], [3, 0]]), np.full(3, CUSTOMER_PROVIDER)
    )
    routes = solve(graph, [Origin(1)])
    assert routes.origin.tolist() == [1, 1, -1, 1]
    assert routes.path(graph, 3) == (1, 7)


def test_a_site_refuses_by_the_path_that_is_chosen_in_the_end() -> None:
    """AS 2 has a longer route from AS 9 sooner than the one that it chooses, from the site of AS 7.

    The other site of AS 7 buys from AS 2 alone. AS 2 buys from AS 3, who buys from
    AS 4, who sells to the site; and from AS 5, who sells to AS 9, which prepends.
    """
    graph = from_links(
        np.array([2, 3, 4, 5, 7, 7, 9]),
        np.array([[5, 0], [0, 1], [1, 2], [4, 2], [0, 3], [6, 3]]),
        np.full(6, CUSTOMER_PROVIDER),
    )
    prepend = np.zeros(graph.slot_count, np.int8)
    prepend[graph.slot(6, 3)] = 5
    routes = solve(graph, [Origin(4), Origin(6)], prepend=prepend)
    assert routes.path(graph, 0) == (3, 4, 7)
    assert routes.relation[5] == 0
    assert solve(graph, [Origin(6)], prepend=prepend).path(graph, 5) == (2, 5, *[9] * 6)


def test_prepending_is_in_the_path_and_turns_the_choice() -> None:
    """AS 3 buys from AS 1 and AS 2, who buy from AS 0's like; the way with less in it is taken."""
    graph = from_links(
        np.array([10, 11, 12, 13]),
        np.array([[1, 0], [2, 0], [3, 1], [3, 2]]),
        np.full(4, CUSTOMER_PROVIDER),
    )
    assert solve(graph, [Origin(3)]).path(graph, 0) == (11, 13)
    prepend = np.zeros(graph.slot_count, np.int8)
    prepend[graph.slot(3, 1)] = 2
    assert solve(graph, [Origin(3)], prepend=prepend).path(graph, 0) == (12, 13)
    prepend[graph.slot(3, 2)] = 127
    routes = solve(graph, [Origin(3)], prepend=prepend)
    assert routes.path(graph, 0) == (11, 13, 13, 13)
    assert routes.path(graph, 2) == (13,) * 128


def test_only_to_is_about_ases() -> None:
    """What is announced to AS 2 alone reaches AS 1 through it, but not AS 4 directly."""
    graph = path_graph(1, 2, 3, 4)
    routes = solve(graph, [Origin(2, frozenset({2, 77}))])
    assert (routes.relation > 0).tolist() == [True, True, True, False]
    assert not solve(graph, [Origin(2, frozenset())]).relation[[0, 1, 3]].any()


def test_nothing_announced_leads_nowhere() -> None:
    """Neither without origins, nor from a node that is down, nor in a graph of nobody."""
    graph = path_graph(1, 2, 3)
    for routes in (solve(graph, []), solve(graph, [Origin(1)], node_up=np.array([True, False, True]))):
        assert not routes.relation.any()
        assert set(routes.next_hop) == set(routes.slot) == set(routes.origin) == {-1}
        assert not routes.length.any()
    nobody = from_links(np.zeros(0, np.int64), np.zeros((0, 2)), np.zeros(0))
    assert len(solve(nobody, []).relation) == 0


def test_inputs_are_left_alone() -> None:
    """And the order of the origins does not matter."""
    graph = path_graph(1, 2, 3, 4)
    link_up, node_up = np.array([True, False, True]), np.array([True, True, True, False])
    prepend = np.ones(graph.slot_count, np.int8)
    given_arrays = [each.copy() for each in (link_up, node_up, prepend)]
    told = {"link_up": link_up, "node_up": node_up, "prepend": prepend}
    ways = [solve(graph, origins, **told) for origins in ([Origin(0), Origin(2)], [Origin(2), Origin(0)])]
    for name in ("next_hop", "slot", "relation", "length", "origin"):
        assert np.array_equal(getattr(ways[0], name), getattr(ways[1], name))
    for before, after in zip(given_arrays, (link_up, node_up, prepend), strict=True):
        assert np.array_equal(before, after)


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
