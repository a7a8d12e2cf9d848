"""Link-state routing: SPF, the two-way check, flooding and throttling."""

from __future__ import annotations

from typing import TYPE_CHECKING

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.igp import Advertisement, Area, IgpConfig, LinkStateRouter, SpfThrottle
from emulator.network.model import Link, Network, Relationship, Router
from emulator.timeline import LinksDown, RoutersDown
from emulator.units import MILLISECOND, SECOND

from labs import event, plan_of, run, systems

if TYPE_CHECKING:
    from labs import Result


@st.composite
def areas(draw: st.DrawFn) -> Network:
    """2 to 9 routers of one AS, connected or not, with parallel links, costs 1 to 6 and delays."""
    count = draw(st.integers(2, 9))
    ends = st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)).filter(lambda e: e[0] != e[1])
    edges = draw(st.lists(ends, min_size=1, max_size=20))
    routers = tuple(Router(i, f"r{i}", 1, i + 1) for i in range(count))
    links = tuple(
        Link(i, edge, draw(st.integers(1, 99)), Relationship.INTERNAL, igp_cost=draw(st.integers(1, 6)))
        for i, edge in enumerate(edges)
    )
    return Network(routers, links)


@given(areas(), st.integers(0, 2**20 - 1))
def test_spf_is_dijkstra(network: Network, mask: int) -> None:
    """Costs as networkx has them over the links that are up; the first links lead there at that cost."""
    area = Area(network, 1)
    up = mask & ((1 << len(network.links)) - 1)
    graph = nx.MultiGraph()
    graph.add_nodes_from(range(len(network.routers)))
    for link in network.links:
        if up & area.bit_of[link.index]:
            graph.add_edge(*link.ends, weight=link.igp_cost)
    for root in range(len(network.routers)):
        routes = area.spf(root, up)
        assert routes.cost == nx.single_source_dijkstra_path_length(graph, root)
        for target, first in routes.first_link.items():
            hop = network.links[first].other(root)
            assert routes.cost[target] == network.links[first].igp_cost + area.spf(hop, up).cost[target]


@given(areas())
def test_next_hops_lead_to_the_target(network: Network) -> None:
    """Hop by hop, every router deciding for itself, packets arrive at the cost that the first one expects."""
    area = Area(network, 1)
    up = (1 << len(network.links)) - 1
    for root in range(len(network.routers)):
        for target in area.spf(root, up).first_link:
            router, cost = root, 0
            while router != target:
                link = network.links[area.spf(router, up).first_link[target]]
                router, cost = link.other(router), cost + link.igp_cost
            assert cost == area.spf(root, up).cost[target]


def test_a_link_is_up_when_both_ends_say_so() -> None:
    """RFC 2328 16.1: one end's word is enough to take a link away, not to bring it back."""
    network = systems([0, 0, 0], [(0, 1), (1, 2), (0, 2)])
    area = Area(network, 65000)
    node = LinkStateRouter(area, 0)
    assert node.view() == 0b111
    assert node.receive(Advertisement(1, 1, 0b001))
    assert node.view() == 0b101
    assert node.receive(Advertisement(2, 1, 0b100))
    assert node.receive(Advertisement(1, 2, 0b011))
    assert node.view() == 0b101
    assert node.receive(Advertisement(2, 2, 0b110))
    assert node.view() == 0b111


def test_old_news_is_no_news() -> None:
    """The same or an older sequence number is neither taken nor flooded on."""
    node = LinkStateRouter(Area(systems([0, 0], [(0, 1)]), 65000), 0)
    assert node.receive(Advertisement(1, 5, 0))
    assert not node.receive(Advertisement(1, 5, 1))
    assert not node.receive(Advertisement(1, 4, 1))
    assert node.view() == 0


def test_throttle_backs_off_and_calms_down() -> None:
    """50 ms after the first change, then 200, 400, ... apart, at most 5 s; quick again after a quiet time."""
    throttle = SpfThrottle(IgpConfig())
    due = throttle.trigger(0)
    assert due == 50 * MILLISECOND
    assert throttle.trigger(due - 1) is None  # one run is due already
    gaps = []
    for _ in range(8):
        throttle.ran(due)
        again = throttle.trigger(due + 1)
        assert again is not None
        gaps.append((again - due) // MILLISECOND)
        due = again
    assert gaps == [200, 400, 800, 1600, 3200, 5000, 5000, 5000]
    throttle.ran(due)
    assert throttle.trigger(due + 60 * SECOND) == due + 60 * SECOND + 50 * MILLISECOND


def costs(result: Result) -> dict[tuple[int, int], int | None]:
    """Interior cost between any two routers as the first one believes it."""
    (interior,) = result.emulation.interiors.values()
    routers = interior.area.routers
    return {(a, b): interior.cost(a, b) for a in routers for b in routers}


@settings(max_examples=50, deadline=None)
@given(areas(), st.data())
def test_flooding_reaches_everybody(network: Network, data: st.DataObject) -> None:
    """After cuts, outages and returns every living router knows the costs within its part of the AS.

    Also of links that were cut while both of their routers were down.
    """
    link, router = st.sampled_from(range(len(network.links))), st.sampled_from(range(len(network.routers)))
    events, cuts, dead = [], set(), set()
    for index in range(data.draw(st.integers(1, 8))):
        at = index * data.draw(st.sampled_from([3 * MILLISECOND, 30 * MILLISECOND, 3 * SECOND]))
        at = max(at, events[-1].at if events else 0)
        if data.draw(st.booleans()):
            it = data.draw(link)
            events.append(event(LinksDown((it,), repair=it in cuts), at=at, index=index))
            cuts ^= {it}
        else:
            it = data.draw(router)
            events.append(event(RoutersDown((it,), repair=it in dead), at=at, index=index))
            dead ^= {it}
    result = run(plan_of(network, events=events, duration=600 * SECOND))
    graph = nx.MultiGraph()
    graph.add_nodes_from(set(range(len(network.routers))) - dead)
    for each in network.links:
        if each.index not in cuts and not dead & set(each.ends):
            graph.add_edge(*each.ends, weight=each.igp_cost)
    believed = costs(result)
    for alive in graph:
        expected = nx.single_source_dijkstra_path_length(graph, alive)
        assert {b: c for (a, b), c in believed.items() if a == alive and c is not None} == expected


def test_a_part_that_returns_hears_what_happened_meanwhile() -> None:
    """RFC 2328 10.8: r0 is cut off while the cheap link between r2 and r3 dies, far from where it returns."""
    network = systems([0] * 4, [(0, 1), (1, 2), (2, 3, 1), (2, 3, 5)])
    events = [
        event(LinksDown((0,)), at=0, index=0),
        event(LinksDown((2,)), at=10 * SECOND, index=1),
        event(LinksDown((0,), repair=True), at=20 * SECOND, index=2),
    ]
    result = run(plan_of(network, events=events))
    assert costs(result)[0, 3] == 1 + 1 + 5


@pytest.mark.parametrize("hops", range(1, 5))
def test_news_travel_a_hop_in_delay_and_processing(hops: int) -> None:
    """A line whose last link is cut: the router ``hops`` away changes its costs exactly then.

    Detection 10 ms, ``hops`` times (link 10 ms + processing 1 ms), SPF 50 ms.
    """
    network = systems([0] * 6, [(i, i + 1) for i in range(5)])
    cut = event(LinksDown((4,)), at=SECOND)
    when = SECOND + (10 + hops * 11 + 50) * MILLISECOND
    far = 4 - hops
    before = run(plan_of(network, events=[cut], duration=when - 1))
    after = run(plan_of(network, events=[cut], duration=when))
    assert costs(before)[far, 5] == hops + 1
    assert costs(after)[far, 5] is None
