"""The checkers see what they are there for: each finds the damage done here, and names it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from emulator.bgp.attributes import Attributes
from emulator.bgp.policy import GaoRexford
from emulator.errors import InvariantError
from emulator.forwarding.plane import FibEntry
from emulator.network.model import City, ClientGroup, Link, Network, Pop, Relationship, Router
from emulator.sim.emulation import Emulation
from emulator.sim.fixed_point import Judge
from emulator.sim.invariants import check_fibre_bound, check_paths_bound, check_quiet
from emulator.timeline import Blackhole, StopOriginating

from labs import D, event, lab, plan_of, r0, ranked, ring, run, systems


@pytest.fixture
def settled() -> Emulation:
    """A ring of five at rest."""
    emulation = Emulation(plan_of(ring(5), seed=77))
    emulation.settle()
    check_quiet(emulation)
    return emulation


def finds(emulation: Emulation, *words: str) -> None:
    """The check fails, and its message contains the words and the seed."""
    with pytest.raises(InvariantError) as caught:
        check_quiet(emulation)
    for word in (*words, "seed 77"):
        assert word in str(caught.value)


def test_a_network_that_is_not_quiet(settled: Emulation) -> None:
    """Something is still to happen."""
    settled.engine.after(1, lambda: None)
    finds(settled, "not quiet")


def test_a_message_that_got_lost(settled: Emulation) -> None:
    """Sent and not held."""
    del settled.speakers[2].peers[0].adj_rib_in[0]
    finds(settled, "r1 sent r2", "203.0.113.0/24")


def test_a_message_never_sent(settled: Emulation) -> None:
    """Held and not sent."""
    settled.speakers[2].peers[0].adj_rib_in[0] = Attributes((65001, 65000), 1, med=3)
    finds(settled, "r1 sent r2")


def test_a_session_that_should_be_down(settled: Emulation) -> None:
    """Up over a dead link, or down over a living one."""
    settled.sessions[0].halves[1].is_up = False
    finds(settled, "r0 - r1", "down at r1")


def test_a_wrong_choice(settled: Emulation) -> None:
    """The longer way round."""
    routes = settled.speakers[2].candidates[0]
    settled.speakers[2].loc_rib[0] = max(routes.values(), key=lambda c: len(c.attributes.as_path))
    finds(settled, "r2 chose", "fixed point", "203.0.113.0/24")


def test_a_fib_that_does_not_follow(settled: Emulation) -> None:
    """Two routers that send to each other: a loop; a missing entry: no route."""
    settled.plane.set_route(0, 1, 0, FibEntry(link=1))
    finds(settled, "r1 r2 r1", "LOOP")
    settled.plane.set_route(0, 1, 0, None)
    finds(settled, "NO_ROUTE")


def test_routes_that_hold_each_other_up() -> None:
    """A state that reproduces itself but not the one solution: everybody believes in a withdrawn prefix."""
    network = systems([0, 1, 1], [(0, 1), (1, 2)])
    emulation = Emulation(plan_of(network, seed=77))
    emulation.settle()
    emulation.plan = replace(emulation.plan, timeline=(event(StopOriginating(0, 0)),))
    finds(emulation, "chose", "fixed point is None")


def test_blackholes_are_no_contradiction() -> None:
    """A router that drops everything is a fault, not a bug."""
    result = run(plan_of(ring(5), events=[event(Blackhole((1,)))]))
    assert result.emulation.plane.trace(2, 0)[0] == (2, 1)


def test_what_theory_promises() -> None:
    """One solution for permit-all and for a hierarchy of customers; nothing is promised beyond."""
    square = [(0, 1), (1, 2), (2, 3), (3, 0)]
    tree, cycle = (
        lab(edges, 4, relationship=Relationship.CUSTOMER_PROVIDER)
        for edges in ([(0, 1), (1, 2), (0, 3), (3, 2)], square)
    )
    valley_free = r0(policy=GaoRexford())
    gadget = tuple(ranked((0,)) for _ in range(4))
    assert Judge(plan_of(lab(square, 4)), 0).has_one_solution
    assert Judge(plan_of(tree, config=valley_free), 0).has_one_solution
    assert not Judge(plan_of(cycle, config=valley_free), 0).has_one_solution
    assert not Judge(plan_of(lab(square, 4), config=valley_free), 0).has_one_solution
    assert not Judge(plan_of(lab(square, 4), configs=gadget), 0).has_one_solution
    oldest = r0(tie_break=replace(r0().tie_break, oldest=True))
    assert not Judge(plan_of(tree, config=oldest), 0).knows_the_policies


KM_1000 = 4_895_000
"""One way over 1000 km of fibre, ns: half of 9.79 ms."""


def meridian(delay: int) -> Network:
    """Two routers on the equator, nine degrees (1000.8 km) apart."""
    cities = {name: City(name, "XX", 0.0, east) for name, east in (("West", 0.0), ("East", 9.0))}
    routers = (Router(0, "w", 65000, 1, "West"), Router(1, "e", 65001, 2, "East"))
    links = (Link(0, (0, 1), delay, Relationship.NONE),)
    pops, groups = (Pop(0, "W", "West", 0),), (ClientGroup(0, "g", 1, 65001, "East", "XX", 1.0, 0),)
    return Network(routers, links, cities=cities, pops=pops, groups=groups)


def test_nothing_is_faster_than_light_in_fibre() -> None:
    """A link between cities 1000 km apart needs 4.9 ms one way."""
    check_fibre_bound(Emulation(plan_of(meridian(KM_1000))))
    with pytest.raises(InvariantError, match="w - e"):
        check_fibre_bound(Emulation(plan_of(meridian(KM_1000 * 98 // 100))))


def test_no_client_is_served_sooner_than_light() -> None:
    """The same of whole paths, over the run's history."""
    result = run(plan_of(meridian(KM_1000), events=[event(StopOriginating(0, 0), at=D)]))
    check_paths_bound(result.emulation, result.history)
    states = tuple(replace(state, one_way=state.one_way // 2) for state in result.history.states)
    with pytest.raises(InvariantError, match="g reaches"):
        check_paths_bound(result.emulation, replace(result.history, states=states))
