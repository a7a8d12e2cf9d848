"""The forwarding plane case by case: what a packet meets, and what the history says of it."""

from __future__ import annotations

import pytest

from emulator.errors import InvariantError
from emulator.forwarding.history import Destination, Fate, ForwardingHistory, PathState
from emulator.forwarding.plane import FibEntry, ForwardingPlane
from emulator.network.model import ClientGroup, Link, Network, Pop, Relationship, Router
from emulator.units import Duration

END = 1_000
HERE = FibEntry()


def network(
    routers: int,
    links: list[tuple[int, int, int]],
    pops: tuple[int, ...] = (),
    groups: tuple[int, ...] = (0,),
) -> Network:
    """Links are (first end, second end, delay in ns); POPs and groups stand at the routers given."""
    return Network(
        routers=tuple(Router(i, f"r{i}", 65000 + i, i) for i in range(routers)),
        links=tuple(Link(i, (a, b), Duration(d), Relationship.NONE) for i, (a, b, d) in enumerate(links)),
        pops=tuple(Pop(i, f"P{i}", "", router) for i, router in enumerate(pops)),
        groups=tuple(
            ClientGroup(i, f"g{i}", router, 0, "", "", 1.0, Duration(0)) for i, router in enumerate(groups)
        ),
    )


def line(routers: int = 3) -> tuple[Network, ForwardingPlane]:
    """0 - 1 - ... with delays 10, 20, ...; clients at 0, a POP at the end, everything routed to it."""
    links = [(i, i + 1, 10 * (i + 1)) for i in range(routers - 1)]
    net = network(routers, links, pops=(routers - 1,))
    plane = ForwardingPlane(net, [Destination(0, "shared", (0,))])
    for router in range(routers - 1):
        plane.set_route(-1, router, 0, FibEntry(link=router))
    plane.set_route(-1, routers - 1, 0, HERE)
    return net, plane


def story(history: ForwardingHistory, destination: int = 0, group: int = 0) -> list[tuple[int, PathState]]:
    """(start, state) of one timeline."""
    timeline = history.timelines[destination, group]
    return [
        (int(start), history.states[state])
        for start, state in zip(timeline.starts, timeline.states, strict=True)
    ]


def fates(history: ForwardingHistory, destination: int = 0) -> list[tuple[int, Fate]]:
    """(start, fate) of group 0's timeline."""
    return [(start, state.fate) for start, state in story(history, destination)]


GOOD = PathState(Fate.DELIVERED, 0, Duration(30), 0.0, (0, 2))


def test_delivered_with_delay_and_directed_links() -> None:
    """A settled line is one state from t = 0, its delay the sum of the links'."""
    _, plane = line()

    history = plane.finish(END)

    assert story(history) == [(0, GOOD)]
    assert history.end == END


def test_links_are_numbered_by_the_direction_they_are_crossed_in() -> None:
    """Crossing from ends[1] to ends[0] is the odd number."""
    net = network(2, [(1, 0, 7)], pops=(1,))
    plane = ForwardingPlane(net, [Destination(0, "shared", (0,))])
    plane.set_route(0, 0, 0, FibEntry(link=0))
    plane.set_route(0, 1, 0, HERE)

    assert story(plane.finish(END)) == [(0, PathState(Fate.DELIVERED, 0, Duration(7), 0.0, (1,)))]


def test_a_lab_delivers_without_a_pop() -> None:
    """Delivered at a router that hosts no POP: pop is -1."""
    plane = ForwardingPlane(network(1, []), [Destination(0, "shared", (0,))])
    plane.set_route(0, 0, 0, HERE)

    assert story(plane.finish(END)) == [(0, PathState(Fate.DELIVERED, -1, Duration(0), 0.0, ()))]


def test_nothing_routed_is_no_route() -> None:
    """Without any change the history is still complete."""
    plane = ForwardingPlane(network(1, [], groups=(0, 0)), [Destination(i, str(i), (i,)) for i in range(2)])

    history = plane.finish(END)

    assert list(history.timelines) == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert fates(history, 1) == [(0, Fate.NO_ROUTE)]


def test_a_packet_falls_to_the_covering_prefix_midway() -> None:
    """Longest-prefix match is each router's own: 0 uses the specific, 1 has lost it and uses the cover."""
    net = network(4, [(0, 1, 10), (1, 2, 10), (1, 3, 10)], pops=(2, 3))
    plane = ForwardingPlane(net, [Destination(0, "ipa", (1, 0)), Destination(1, "uncovered", (1,))])
    plane.set_route(0, 0, 1, FibEntry(link=0))
    plane.set_route(0, 1, 1, FibEntry(link=1))
    plane.set_route(0, 1, 0, FibEntry(link=2))
    plane.set_route(0, 2, 1, HERE)
    plane.set_route(0, 3, 0, HERE)
    plane.set_route(100, 1, 1, None)

    history = plane.finish(END)

    assert [(start, state.pop) for start, state in story(history)] == [(0, 0), (100, 1)]
    assert fates(history, 1) == [(0, Fate.DELIVERED), (100, Fate.NO_ROUTE)]


def test_an_igp_change_moves_the_path_and_a_missing_entry_drops() -> None:
    """An iBGP route follows the IGP's next hop towards its egress, router by router."""
    net = network(4, [(0, 1, 10), (1, 3, 10), (0, 2, 30), (2, 3, 30)], pops=(3,))
    plane = ForwardingPlane(net, [Destination(0, "shared", (0,))])
    for router in range(3):
        plane.set_route(0, router, 0, FibEntry(egress=3))
    plane.set_route(0, 3, 0, HERE)
    plane.set_igp(0, 0, {3: 0})
    plane.set_igp(0, 1, {3: 1})
    plane.set_igp(0, 2, {3: 3})
    plane.set_igp(100, 0, {3: 2, 1: 0})
    plane.set_igp(200, 0, {1: 0})

    history = plane.finish(END)

    assert [(start, state.one_way) for start, state in story(history)] == [(0, 20), (100, 60), (200, 0)]
    assert fates(history)[-1] == (200, Fate.BLACKHOLE)


def test_an_igp_table_is_copied() -> None:
    """The caller may go on using its own mapping."""
    net = network(2, [(0, 1, 10), (0, 1, 5)], pops=(1,))
    plane = ForwardingPlane(net, [Destination(0, "shared", (0,))])
    plane.set_route(0, 0, 0, FibEntry(egress=1))
    plane.set_route(0, 1, 0, HERE)
    table = {1: 0}
    plane.set_igp(0, 0, table)
    table[1] = 1
    plane.set_igp(100, 0, table)

    assert [(start, state.one_way) for start, state in story(plane.finish(END))] == [(0, 10), (100, 5)]


def test_a_dead_link_is_a_blackhole_until_repaired() -> None:
    """The FIB still points at it: packets are lost silently, after the links they did cross."""
    _, plane = line()
    plane.set_link(100, 1, False)
    plane.set_link(300, 1, True)

    history = plane.finish(END)

    dead = PathState(Fate.BLACKHOLE, -1, Duration(0), 1.0, (0,))
    assert story(history) == [(0, GOOD), (100, dead), (300, GOOD)]
    assert len(history.states) == 2


@pytest.mark.parametrize("router", [0, 1, 2])
def test_a_dead_router_drops_everything(router: int) -> None:
    """Clients' own router, transit, and the one that hosts the POP alike."""
    _, plane = line()
    plane.set_router(100, router, False)
    plane.set_router(200, router, True)

    assert fates(plane.finish(END)) == [(0, Fate.DELIVERED), (100, Fate.BLACKHOLE), (200, Fate.DELIVERED)]


@pytest.mark.parametrize(("router", "fate"), [(0, Fate.BLACKHOLE), (1, Fate.BLACKHOLE), (2, Fate.DELIVERED)])
def test_a_blackhole_drops_what_it_would_forward(router: int, fate: Fate) -> None:
    """Its own clients' packets too; what is for itself it delivers."""
    _, plane = line()
    plane.set_blackhole(0, router, True)

    assert fates(plane.finish(END)) == [(0, fate)]


def test_a_loop_is_seen_from_its_tail_and_from_within() -> None:
    """0 - 1 - 2 where 2 points back at 1 for a while: every walk ends, having gone round once."""
    net = network(3, [(0, 1, 10), (1, 2, 20)], pops=(2,), groups=(0, 1, 2))
    plane = ForwardingPlane(net, [Destination(0, "shared", (0,))])
    plane.set_route(0, 0, 0, FibEntry(link=0))
    plane.set_route(0, 1, 0, FibEntry(link=1))
    plane.set_route(0, 2, 0, FibEntry(link=1))
    assert plane.trace(0, 0) == ((0, 1, 2, 1), Fate.LOOP)
    plane.set_route(100, 2, 0, HERE)

    history = plane.finish(END)

    looping = [story(history, group=group)[0][1] for group in range(3)]
    assert [(state.fate, state.links) for state in looping] == [
        (Fate.LOOP, (0, 2, 3)),
        (Fate.LOOP, (2, 3)),
        (Fate.LOOP, (3, 2)),
    ]
    assert fates(history) == [(0, Fate.LOOP), (100, Fate.DELIVERED)]


def test_degradation_is_set_not_added_and_has_a_direction() -> None:
    """The second setting replaces the first; the other direction is not felt; (0, 0) mends."""
    _, plane = line()
    plane.set_degradation(100, 0, 5, 0.5)
    plane.set_degradation(200, 0, 7, 0.25)
    plane.set_degradation(300, 1, 1_000, 1.0)
    plane.set_degradation(400, 2, 0, 0.5)
    plane.set_degradation(500, 0, 0, 0.0)
    plane.set_degradation(500, 2, 0, 0.0)

    felt = [(start, state.one_way, state.loss) for start, state in story(plane.finish(END))]

    assert felt == [(0, 30, 0.0), (100, 35, 0.5), (200, 37, 0.25), (400, 37, 0.625), (500, 30, 0.0)]


@pytest.mark.parametrize(("delay", "loss"), [(-1, 0.0), (0, 1.5), (0, -0.1)])
def test_an_impossible_degradation_is_refused(delay: int, loss: float) -> None:
    """No packet outruns its fibre."""
    _, plane = line()

    with pytest.raises(InvariantError):
        plane.set_degradation(0, 0, delay, loss)


def test_changes_of_one_instant_count_together() -> None:
    """A link that goes down and up within one instant leaves no mark, nor does setting what is so."""
    _, plane = line()
    plane.set_link(100, 0, False)
    plane.set_link(100, 0, True)
    plane.set_route(200, 0, 0, FibEntry(link=0))
    plane.set_igp(200, 0, {})
    plane.set_route(300, 0, 0, None)
    plane.set_router(300, 1, False)
    plane.set_route(300, 0, 0, FibEntry(link=0))

    assert fates(plane.finish(END)) == [(0, Fate.DELIVERED), (300, Fate.BLACKHOLE)]


def test_everything_up_to_zero_is_the_state_at_zero() -> None:
    """The settling is not part of the history."""
    _, plane = line()
    plane.set_link(-1, 0, False)
    plane.set_link(0, 0, True)
    plane.set_link(1, 0, False)

    assert fates(plane.finish(END)) == [(0, Fate.DELIVERED), (1, Fate.BLACKHOLE)]


def test_a_change_at_the_end_is_kept() -> None:
    """`finish` commits what is pending."""
    _, plane = line()
    plane.set_link(END, 0, False)

    assert fates(plane.finish(END)) == [(0, Fate.DELIVERED), (END, Fate.BLACKHOLE)]


def test_time_does_not_go_back() -> None:
    """Neither for a change nor for the end."""
    _, plane = line()
    plane.set_link(100, 0, False)

    with pytest.raises(InvariantError):
        plane.set_link(99, 0, True)
    with pytest.raises(InvariantError):
        plane.finish(50)


def test_forwarding_over_a_foreign_link_is_an_error() -> None:
    """A FIB entry over a link that the router has no end of is a bug, not a path."""
    _, plane = line()
    plane.set_route(0, 0, 0, FibEntry(link=1))

    with pytest.raises(InvariantError, match="router 0 forwards over link 1"):
        plane.finish(END)


def test_trace_sees_changes_not_yet_committed() -> None:
    """It is the walk now."""
    _, plane = line()
    assert plane.trace(0, 0) == ((0, 1, 2), Fate.DELIVERED)
    plane.set_link(100, 1, False)
    assert plane.trace(0, 0) == ((0, 1), Fate.BLACKHOLE)
    plane.set_route(100, 1, 0, None)
    assert plane.trace(0, 0) == ((0, 1), Fate.NO_ROUTE)


def test_a_prefix_of_no_destination_is_ignored() -> None:
    """The control plane may carry more than clients send to."""
    _, plane = line()
    plane.set_route(100, 0, 7, FibEntry(link=0))

    assert story(plane.finish(END)) == [(0, GOOD)]


def test_paths_that_walks_left_are_right_when_they_come_back() -> None:
    """A router out of use changes unseen; a path that returns to it finds it as it is."""
    net = network(4, [(0, 1, 10), (1, 3, 10), (0, 2, 30), (2, 3, 30)], pops=(3,))
    plane = ForwardingPlane(net, [Destination(0, "shared", (0,))])
    plane.set_route(0, 0, 0, FibEntry(link=0))
    plane.set_route(0, 1, 0, FibEntry(link=1))
    plane.set_route(0, 2, 0, FibEntry(link=3))
    plane.set_route(0, 3, 0, HERE)
    plane.set_route(100, 0, 0, FibEntry(link=2))
    plane.set_degradation(200, 2, 5, 0.0)
    plane.set_route(300, 0, 0, FibEntry(link=0))

    felt = [(start, state.one_way) for start, state in story(plane.finish(END))]

    assert felt == [(0, 20), (100, 60), (300, 25)]
