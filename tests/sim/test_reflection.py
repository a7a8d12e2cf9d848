"""Route reflectors in a running network, and what routers discard."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from emulator.bgp.attributes import BLACKHOLE, Attributes
from emulator.bgp.config import Aggregate
from emulator.bgp.wiring import wire
from emulator.forwarding.history import Destination, Fate
from emulator.sim.emulation import Emulation
from emulator.sim.faults import Faults
from emulator.timeline import LinksDown, Originate

from labs import event, plan_of, r0, run, systems

if TYPE_CHECKING:
    from emulator.network.model import Network
    from emulator.scenario.plan import Plan

BORDERS = (1, 4)


def transit() -> Network:
    """AS 1 is the line r1 - r2 - r3 - r4 with r5 on r2 and r6 on r3; r0 in AS 0 is at both its ends."""
    members = [0, 1, 1, 1, 1, 1, 1]
    return systems(members, [(0, 1), (0, 4), (1, 2, 5), (2, 3, 5), (3, 4, 5), (2, 5, 1), (3, 6, 1)])


def egresses(plan: Plan) -> dict[int, int]:
    """Router of AS 1 -> the border router that it sends its packets to."""
    emulation = Emulation(plan)
    emulation.settle()
    emulation.run(Faults(emulation).apply, lambda _: None)
    return {
        router: emulation.speakers[router].loc_rib[0].attributes.next_hop
        for router in range(1, 7)
        if router not in BORDERS
    }


@pytest.mark.parametrize("by_messages", [False, True])
@pytest.mark.parametrize("cut", [None, 0, 1, 3])
@pytest.mark.parametrize("clients", [{2: {1, 5}, 3: {4, 6}}, {2: {1, 3, 4, 5, 6}}])
def test_reflectors_choose_the_exits_of_a_full_mesh(
    clients: dict[int, set[int]], cut: int | None, by_messages: bool
) -> None:
    """Where each reflector is nearest to the exit that its clients are nearest to, nothing is lost.

    Before a cut and after: of a border's link to AS 0 (then all leave by the
    other one), and of the middle of the line, which parts the AS: each half
    keeps its own reflector, border and exit. A single reflector reflects what is
    best for itself, r1; then r3 and r6 leave by r1 too, though r4 is nearer.
    """
    network = transit()
    events = [] if cut is None else [event(LinksDown((cut,)), at=1)]
    plan = plan_of(network, config=r0(mrai=0), events=events, by_messages=by_messages)
    wiring = wire(network, {r: frozenset(each) for r, each in clients.items()})
    reflected = replace(plan, protocol=replace(plan.protocol, wiring=wiring))
    if len(clients) == 2:
        assert egresses(reflected) == egresses(plan)
    elif cut is None:
        assert egresses(reflected) == {2: 1, 3: 1, 5: 1, 6: 1}
        assert egresses(plan) == {2: 1, 3: 4, 5: 1, 6: 4}


def test_a_cluster_of_two_reflectors_does_not_loop() -> None:
    """Both reflect to each other's clients; what comes back carries their cluster and is refused."""
    network = transit()
    clients = {2: frozenset({1, 4, 5, 6}), 3: frozenset({1, 4, 5, 6})}
    plan = plan_of(network, config=r0(mrai=0, cluster_id=9), events=[event(LinksDown((0,)), at=1)])
    plan = replace(plan, protocol=replace(plan.protocol, wiring=wire(network, clients)))
    result = run(plan)
    assert result.quiescent
    assert {
        speaker.loc_rib[0].attributes.next_hop
        for speaker in result.emulation.speakers[1:]
        if speaker.router != 4
    } == {4}


def fate(plan: Plan, router: int, destination: int = 0) -> tuple[tuple[int, ...], Fate]:
    """Where a packet from ``router`` ends in the settled network."""
    emulation = Emulation(plan)
    emulation.settle()
    return emulation.plane.trace(router, destination)


def test_blackholed_traffic_is_dropped_where_it_enters() -> None:
    """RFC 7999: all routers of the AS that honours it discard, and none outside hears of the prefix."""
    network = systems([0, 1, 1, 2], [(0, 1), (1, 2), (2, 3)])
    configs = (r0(), r0(honor_blackhole=True), r0(honor_blackhole=True), r0())
    plan = plan_of(network, configs=configs)
    carrying = Attributes((), 0, communities=(BLACKHOLE,))
    plan = replace(plan, originations=(Originate(0, 0, carrying=carrying),))
    assert fate(plan, 2) == ((2,), Fate.BLACKHOLE)
    assert fate(plan, 3) == ((3,), Fate.NO_ROUTE)
    agreed = replace(plan, protocol=plan_of(network, config=r0()).protocol)
    assert fate(agreed, 3) == ((3, 2, 1, 0), Fate.DELIVERED)


def test_an_aggregate_discards_what_it_has_nothing_more_specific_for() -> None:
    """r1 aggregates prefixes 0 and 1, of which there is only 0: a packet to the other ends at r1."""
    network = systems([0, 1, 2], [(0, 1), (1, 2)])
    whole = Aggregate(2, frozenset({0, 1}), summary_only=True)
    plan = plan_of(network, configs=(r0(), r0(aggregates=(whole,)), r0()), prefixes=3)
    plan = replace(plan, destinations=(Destination(0, "a", (0, 2)), Destination(1, "b", (1, 2))))
    assert fate(plan, 2, 0) == ((2, 1, 0), Fate.DELIVERED)
    assert fate(plan, 2, 1) == ((2, 1), Fate.BLACKHOLE)


@pytest.mark.parametrize("cut", [0, 1, 3])
def test_next_hops_beyond_the_border(cut: int) -> None:
    """Without next-hop-self the routers of AS 1 name r0, and leave for it by the nearest border all the same.

    Before and after the link of a border to r0 is cut, or the middle of the line:
    the packet goes the way that it goes with next-hop-self.
    """
    network = transit()
    plan = plan_of(network, config=r0(mrai=0), events=[event(LinksDown((cut,)), at=1)])
    wiring = wire(network)
    peers = tuple(tuple(replace(peer, next_hop_self=False) for peer in each) for each in wiring.peers)
    bare = replace(plan, protocol=replace(plan.protocol, wiring=replace(wiring, peers=peers)))
    ways = []
    for each in (plan, bare):
        assert egresses(replace(each, timeline=()))[6] == (4 if each is plan else 0)
        result = run(each)
        assert result.quiescent
        ways.append([result.emulation.plane.trace(router, 0) for router in range(1, 7)])
    assert ways[0] == ways[1]
    assert {end for _, end in ways[0]} == {Fate.DELIVERED}
    beyond = {speaker.loc_rib[0].attributes.next_hop for speaker in result.emulation.speakers[1:]}
    assert beyond == {0}
