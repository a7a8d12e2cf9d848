"""What is solved again after changes is what is solved from scratch, whatever changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.errors import InputError
from emulator.network.asgraph.generator import generate
from emulator.network.asgraph.graph import CUSTOMER, CUSTOMER_PROVIDER, PEER, PROVIDER, from_links
from emulator.rng import stream
from emulator.steady.valley_free import Origin, solve, solve_again

from asgraphs import CHANGES, State, changes, graphs, with_sites

if TYPE_CHECKING:
    from emulator.network.asgraph.graph import AsGraph
    from emulator.steady.valley_free import Routes


def assert_same(found: Routes, expected: Routes) -> None:
    """Two solutions are one."""
    for name in ("relation", "length", "next_hop", "slot", "origin", "rank"):
        left, right = getattr(found, name), getattr(expected, name)
        assert left.dtype == right.dtype
        assert np.array_equal(left, right), name
    assert found.origins == expected.origins


@settings(max_examples=250, deadline=None)
@given(graphs(14), changes(most=20), st.lists(changes(), min_size=1, max_size=8))
def test_again_is_as_from_scratch(
    graph: AsGraph, before: list[tuple[str, int, int]], sequence: list[list[tuple[str, int, int]]]
) -> None:
    """After every step of any sequence of failures, repairs, announcements, withdrawals and prepending."""
    state = State(graph, {0: None, len(graph) - 1: None})
    for change in before:
        state.change(*change)
    routes = solve(graph, **state.told())
    for step in sequence:
        for change in step:
            state.change(*change)
        routes = solve_again(graph, routes, **state.told_again())
        assert_same(routes, solve(graph, **state.told()))


@pytest.mark.parametrize("seed", range(3))
def test_again_is_as_from_scratch_on_an_internet(seed: int) -> None:
    """1,500 ASes, of which large and small ones come, go, announce and withdraw."""
    graph = generate(1500, seed)
    draw = stream(seed, "what befalls it")
    large = np.argsort(-graph.degrees(CUSTOMER), kind="stable")[:40].tolist()
    state = State(graph, dict.fromkeys(draw.sample(range(len(graph)), 6)))
    routes = solve(graph, **state.told())
    moved = 0
    for _ in range(150):
        for _ in range(draw.choice((1, 1, 2, 5))):
            what = draw.choice(CHANGES)
            which = draw.choice((draw.choice(large), draw.randrange(10**6)))
            if what == "link" and which in large:
                which = int(graph.link[draw.choice(graph.slots(which))])
            state.change(what, which, draw.randrange(4))
        after = solve_again(graph, routes, **state.told_again())
        assert_same(after, solve(graph, **state.told()))
        moved += int((after.rank != routes.rank).sum())
        routes = after
    assert moved > 1500


def test_sites_come_and_go_on_an_internet() -> None:
    """A CDN of twelve sites, of which some announce: who does not, refuses what the others announce.

    Others announce the prefix too, and these routes it takes.
    """
    graph, sites = with_sites(generate(1500, 9), 12, 9)
    draw = stream(9, "sites")
    large = np.argsort(-graph.degrees(CUSTOMER), kind="stable")[:40].tolist()
    state = State(graph, dict.fromkeys((*sites, 3, 500)))
    routes = solve(graph, **state.told())
    heard: set[int] = set()
    for step in range(160):
        if step % 2:
            state.change(draw.choice(("node", "mend")), draw.choice((*sites, *large)), 0)
        else:
            what = draw.choice(("announce", "withdraw", "withdraw"))
            state.change(what, draw.choice((*sites, *large)), draw.randrange(4))
        routes = solve_again(graph, routes, **state.told_again())
        assert_same(routes, solve(graph, **state.told()))
        resting = [site for site in sites if site not in state.origins]
        assert not set(routes.origin[resting]) & set(sites)
        heard |= set(routes.relation[resting].tolist())
    assert heard == {0, PROVIDER, PEER}


def test_a_better_kind_of_route_may_be_longer() -> None:
    """AS 2 has a customer route again, longer than its provider's: its customer AS 9 then looks elsewhere.

    AS 1 sells to AS 2, AS 3 and AS 5; AS 9 buys from AS 2 and AS 3; AS 5 announces,
    and buys from AS 4, who buys from AS 6, who buys from AS 2.
    """
    graph = from_links(
        np.array([1, 2, 3, 4, 5, 6, 9]),
        np.array([[1, 0], [2, 0], [4, 0], [6, 1], [6, 2], [4, 3], [3, 5], [5, 1]]),
        np.full(8, CUSTOMER_PROVIDER),
    )
    link = int(graph.link[graph.slot(5, 1)])
    up = np.ones(graph.link_count, np.bool_)
    up[link] = False
    without = solve(graph, [Origin(4)], link_up=up)
    assert without.path(graph, 6) == (2, 1, 5)
    routes = solve_again(graph, without, [Origin(4)], changed_links=[link])
    assert routes.path(graph, 1) == (6, 4, 5)
    assert routes.path(graph, 6) == (3, 1, 5)
    assert_same(routes, solve(graph, [Origin(4)]))


def test_who_looks_elsewhere_may_hear_an_origin() -> None:
    """As above, where AS 9 buys from the origin too, which prepends; AS 11 and AS 12 buy further down."""
    graph = from_links(
        np.array([1, 2, 4, 5, 6, 9, 11, 12]),
        np.array([[1, 0], [3, 0], [5, 1], [5, 3], [3, 2], [2, 4], [4, 1], [6, 5], [7, 6]]),
        np.full(9, CUSTOMER_PROVIDER),
    )
    prepend = np.zeros(graph.slot_count, np.int8)
    prepend[graph.slot(3, 5)] = 2
    link = int(graph.link[graph.slot(4, 1)])
    up = np.ones(graph.link_count, np.bool_)
    up[link] = False
    without = solve(graph, [Origin(3)], link_up=up, prepend=prepend)
    assert without.path(graph, 6) == (9, 2, 1, 5)
    routes = solve_again(graph, without, [Origin(3)], prepend=prepend, changed_links=[link])
    assert routes.path(graph, 7) == (11, 9, 5, 5, 5)
    assert_same(routes, solve(graph, [Origin(3)], prepend=prepend))


def test_what_is_not_changed_is_not_touched() -> None:
    """The routes of before stay as they were; the new ones are the same where nothing changes."""
    graph = generate(300, 1)
    before = solve(graph, [Origin(0), Origin(200)])
    kept = before.next_hop.copy()
    assert_same(solve_again(graph, before, [Origin(0), Origin(200)]), before)
    after = solve_again(graph, before, [Origin(0)])
    assert set(after.origin) == {0}
    assert np.array_equal(before.next_hop, kept)


def test_routes_of_another_graph_are_refused() -> None:
    """Before they do harm."""
    routes = solve(generate(300, 1), [Origin(0)])
    with pytest.raises(InputError, match="routes of 300 nodes do not belong to a graph of 301"):
        solve_again(generate(301, 1), routes, [Origin(0)])
