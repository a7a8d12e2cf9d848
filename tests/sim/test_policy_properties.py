"""What holds whatever the policies: mirrors, single states, no valleys, leaks that roles stop."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from random_policies import ROLE_TOWARDS, dressed, valleys

from emulator.bgp.policy import Relation
from emulator.bgp.wiring import Wiring, wire
from emulator.record.trace import BEST_PATH
from emulator.sim.emulation import Emulation
from emulator.sim.invariants import check_quiet
from emulator.timeline import Leak

from labs import event, run
from random_networks import Case, plans

if TYPE_CHECKING:
    from emulator.bgp.attributes import Attributes
    from emulator.scenario.plan import Plan

    from labs import Result

_SETTINGS = settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def ribs(emulation: Emulation) -> dict[tuple[int, int], tuple[Attributes, int]]:
    """Every best route with all its attributes, and its session."""
    return {
        (router, prefix): (best.attributes, best.peer)
        for router, speaker in enumerate(emulation.speakers)
        for prefix, best in speaker.loc_rib.items()
    }


def settled(plan: Plan, *, by_messages: bool) -> Emulation:
    """The network before anything happens, its invariants checked."""
    emulation = Emulation(replace(plan, settle_by_messages=by_messages, timeline=()))
    emulation.settle()
    check_quiet(emulation)
    return emulation


def believed(result: Result) -> list[tuple[int, tuple[int, ...]]]:
    """(AS, AS path) of every route that was best somewhere since the network had settled, or is."""
    network = result.emulation.plan.network
    passing = [
        (network.router_by_name[each["router"]].asn, tuple(each["as_path"]))
        for each in result.emulation.recorder.trace
        if each["type"] == BEST_PATH and each["as_path"] is not None
    ]
    lasting = [
        (speaker.asn, best.attributes.as_path)
        for speaker in result.emulation.speakers
        for best in speaker.loc_rib.values()
    ]
    return passing + lasting


@_SETTINGS
@given(dressed(heals=True))
def test_both_ways_to_settle_agree_under_rules(case: Case) -> None:
    """Rules, roles, reflectors, communities: one state, every Adj-RIB-Out mirrored at its peer."""
    assert ribs(settled(case.plan, by_messages=False)) == ribs(settled(case.plan, by_messages=True))


@_SETTINGS
@given(dressed(heals=True, operates=True))
def test_healed_networks_under_rules_are_as_before(case: Case) -> None:
    """Cuts, outages, resets, shutdowns, restarts, drains, leaks: undone, they leave nothing behind."""
    result = run(case.plan)
    assert result.quiescent
    assert ribs(result.emulation) == ribs(settled(case.plan, by_messages=False))


@_SETTINGS
@given(dressed(heals=False))
def test_no_valleys_at_any_time_under_rules(case: Case) -> None:
    """Nor any while things break: what relationships forbid no rule after them allows."""
    result = run(case.plan)
    assert result.quiescent
    assert valleys(case.plan, believed(result)) == []


@_SETTINGS
@given(plans(heals=False))
def test_no_valleys_at_any_time(case: Case) -> None:
    """Gao and Rexford: no AS carries traffic between two others for nothing."""
    assert valleys(case.plan, believed(run(case.plan))) == []


def with_roles(plan: Plan, ignorant: frozenset[int]) -> Plan:
    """Roles (RFC 9234) on every session, but at the routers of the ASes ``ignorant``."""
    plain = wire(plan.network)
    peers = tuple(
        tuple(
            config
            if config.relation is Relation.INTERNAL or plan.network.routers[router].asn in ignorant
            else replace(config, role=ROLE_TOWARDS[config.relation])
            for config in configs
        )
        for router, configs in enumerate(plain.peers)
    )
    return replace(plan, protocol=replace(plan.protocol, wiring=Wiring(peers, plain.wires)))


@_SETTINGS
@given(plans(heals=True), st.data())
def test_a_leak_among_roles_changes_nothing(case: Case, data: st.DataObject) -> None:
    """RFC 9234: whoever leaks, knowing roles or not, its neighbours turn the leak down."""
    leaker = data.draw(st.sampled_from(case.plan.network.routers))
    ignorant = frozenset({leaker.asn}) if data.draw(st.booleans()) else frozenset()
    plan = replace(with_roles(case.plan, ignorant), timeline=(event(Leak(leaker.index)),))
    result = run(plan)
    assert (result.quiescent, result.changes) == (True, 0)
    assert ribs(result.emulation) == ribs(settled(plan, by_messages=False))


def test_leaks_without_roles_do_spread() -> None:
    """The property before has something to hold against: of the same leaks some make valleys."""
    spread = []

    @settings(_SETTINGS, max_examples=10, database=None)
    @given(plans(heals=True), st.data())
    def leak(case: Case, data: st.DataObject) -> None:
        leaker = data.draw(st.sampled_from(case.plan.network.routers))
        plan = replace(case.plan, timeline=(event(Leak(leaker.index)),))
        spread.append(bool(valleys(plan, believed(run(plan)))))

    leak()
    assert any(spread)
