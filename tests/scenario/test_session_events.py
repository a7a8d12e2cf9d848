"""Events that act on BGP sessions, from YAML to what they do."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from emulator.bgp.attributes import NO_ADVERTISE, Attributes
from emulator.errors import ScenarioError
from emulator.record.trace import SESSION
from emulator.scenario.build import build
from emulator.scenario.loader import loads
from emulator.sim.emulation import Emulation
from emulator.sim.faults import Faults
from emulator.sim.run import simulate
from emulator.timeline import (
    Drain,
    Leak,
    Originate,
    RefreshSession,
    ResetSession,
    RestartBgp,
    ShutSessions,
    StopOriginating,
)
from emulator.units import SECOND

if TYPE_CHECKING:
    from emulator.scenario.plan import Plan

LAB = """
version: 1
name: operations
duration: 10min
network:
  routers:
    r0: {asn: 65000, prefixes: [203.0.113.0/24]}
    r1: {asn: 65001}
    r2: {asn: 65002}
  links:
    - {ends: [r0, r1], delay: 10ms}
    - {ends: [r1, r2], delay: 10ms}
bgp: {policy: permit-all, mrai: 0s}
timeline:
"""


def plan_of(*events: str) -> Plan:
    """The lab with a timeline."""
    text = LAB + "".join(f"  - {event}\n" for event in events)
    return build(loads(text.encode(), "lab.yaml", folder=Path()))


def test_every_verb_becomes_its_action() -> None:
    """Names resolved, defaults filled in, repairs as events of their own."""
    plan = plan_of(
        "{at: 1s, reset: [r1, r0]}",
        "{at: 2s, shutdown: [r0, r1], message: back soon, repair_after: 5s}",
        "{at: 20s, refresh: [r2, r1]}",
        "{at: 30s, restart: r1}",
        "{at: 40s, restart: r1, takes: 3s}",
        "{at: 50s, leak: {router: r2}, repair_after: 5s}",
    )
    shut = ShutSessions(((0, 1),), "back soon")
    expected = [
        (1, "reset", (ResetSession((1, 0)),), None),
        (2, "shutdown", (shut,), None),
        (20, "refresh", (RefreshSession((2, 1)),), None),
        (30, "restart", (RestartBgp(1, 10 * SECOND),), None),
        (40, "restart", (RestartBgp(1, 3 * SECOND),), None),
        (50, "leak", (Leak(2),), None),
        (7, "repair", (ShutSessions(((0, 1),), "back soon", repair=True),), 1),
        (55, "repair", (Leak(2, repair=True),), 5),
    ]

    assert [(e.at // SECOND, e.kind, e.actions, e.repairs) for e in plan.timeline] == expected
    assert [e.index for e in plan.timeline] == list(range(8))


def test_drain_then_shutdown_then_back() -> None:
    """`shut_after` is an event of its own; the repair takes both back, the shutdown first."""
    plan = plan_of("{at: 10s, drain: {router: r1}, shut_after: 60s, repair_after: 5min}")
    shut = ShutSessions(((1, 0), (1, 2)))
    assert [(e.at // SECOND, e.kind, e.actions) for e in plan.timeline] == [
        (10, "drain", (Drain(1),)),
        (70, "shutdown", (shut,)),
        (310, "repair", (ShutSessions(shut.pairs, repair=True), Drain(1, repair=True))),
    ]


def test_they_run() -> None:
    """All of them one after the other, and at the end every route is back where it was."""
    events = [
        "{at: 1s, reset: [r1, r0]}",
        "{at: 20s, shutdown: [r0, r1], message: back soon, repair_after: 10s}",
        "{at: 40s, refresh: [r2, r1]}",
        "{at: 60s, restart: r1}",
        "{at: 120s, drain: {session: [r0, r1]}, shut_after: 30s, repair_after: 60s}",
        "{at: 240s, leak: {router: r2}, repair_after: 5s}",
    ]
    record = simulate(plan_of(*events))
    routes = {
        router: table["203.0.113.0/24"]["as_path"] for router, table in record.summary["routes"].items()
    }
    assert routes == {"r0": [], "r1": [65000], "r2": [65001, 65000]}
    assert all(each["quiescent"] for each in record.summary["events"])
    said = [e["reason"] for e in record.trace if e["type"] == SESSION and '"back soon"' in e["reason"]]
    assert len(said) == 2


# Announcements and what they carry --------------------------------------------------


def ran(plan: Plan) -> Emulation:
    """The network after all events."""
    emulation = Emulation(plan)
    emulation.settle()
    emulation.run(Faults(emulation).apply, lambda _: None)
    return emulation


def announced(*events: str) -> list[tuple[int, str, object]]:
    """(second, kind, what the first action says) of a lab's timeline, in time."""
    plan = plan_of(*events)
    return [
        (e.at // SECOND, e.kind, e.actions[0])
        for e in sorted(plan.timeline, key=lambda each: (each.at, each.index))
    ]


def test_an_announcement_carries_communities_and_med() -> None:
    """As a router's prefixes do; the neighbour hears of them."""
    plan = plan_of(
        "{at: 1s, announce: 198.51.100.0/24, router: r0, communities: ['65000:7', no-advertise], "
        "large_communities: '65009:1:2', med: 50}"
    )
    carrying = Attributes(
        (), 0, med=50, communities=(65000 << 16 | 7, NO_ADVERTISE), large_communities=((65009, 1, 2),)
    )
    assert plan.timeline[0].actions == (Originate(0, 1, carrying=carrying),)
    plan = plan_of("{at: 1s, announce: 198.51.100.0/24, router: r0, communities: '65000:7', med: 50}")
    heard = ran(plan).speakers[1].loc_rib[1].attributes
    assert (heard.med, heard.communities) == (50, (65000 << 16 | 7,))
    kept = ran(plan_of("{at: 1s, announce: 198.51.100.0/24, router: r0, communities: no-export}"))
    assert sorted(kept.speakers[1].loc_rib) == [0]


def test_the_repair_of_a_withdrawal_announces_what_was_announced() -> None:
    """With communities and MED, whether a router's prefix or an event had announced it."""
    text = LAB.replace(
        "prefixes: [203.0.113.0/24]", "prefixes: [{prefix: 203.0.113.0/24, med: 9, communities: '65000:1'}]"
    )
    text += "  - {at: 1s, withdraw: 203.0.113.0/24, router: r0, repair_after: 1s}\n"
    text += "  - {at: 3s, announce: 203.0.113.0/24, router: r0, med: 5}\n"
    text += "  - {at: 4s, withdraw: 203.0.113.0/24, router: r0, repair_after: 1s}\n"
    plan = build(loads(text.encode(), "lab.yaml", folder=Path()))
    first = Originate(0, 0, carrying=Attributes((), 0, med=9, communities=(65000 << 16 | 1,)))
    assert plan.originations == (first,)
    repairs = {e.at // SECOND: e.actions for e in plan.timeline if e.kind == "repair"}
    assert repairs == {2: (first,), 5: (Originate(0, 0, carrying=Attributes((), 0, med=5)),)}
    assert ran(plan).speakers[1].loc_rib[0].attributes.med == 5


def test_the_repair_of_an_announcement_puts_back_what_it_replaced() -> None:
    """A prefix that was announced before is again announced as it was, another one withdrawn."""
    assert announced(
        "{at: 1s, announce: 203.0.113.0/24, router: r0, med: 5, repair_after: 10s}",
        "{at: 2s, announce: 198.51.100.0/24, router: r1, repair_after: 10s}",
    ) == [
        (1, "announce", Originate(0, 0, carrying=Attributes((), 0, med=5))),
        (2, "announce", Originate(1, 1)),
        (11, "repair", Originate(0, 0)),
        (12, "repair", StopOriginating(1, 1)),
    ]


# Events about sessions that there are not -------------------------------------------

ISLANDS = """
version: 1
name: islands
duration: 10min
network:
  routers:
    a1: {asn: 65000}
    a2: {asn: 65000}
    a3: {asn: 65000}
    b: {asn: 65001}
  links:
    - {ends: [a1, b], delay: 10ms}
    - {ends: [a2, a3], delay: 10ms}
bgp: {policy: permit-all, mrai: 0s}
timeline:
"""


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ("{at: 1s, reset: [a1, a2]}", "reset: 'a1' has no session with 'a2'; it has with: b"),
        ("{at: 1s, shutdown: [a2, a1]}", "shutdown: 'a2' has no session with 'a1'; it has with: a3"),
        ("{at: 1s, refresh: [a3, a1]}", "refresh: 'a3' has no session with 'a1'; it has with: a2"),
        ("{at: 1s, drain: {session: [a1, a3]}}", "drain.session: 'a1' has no session with 'a3'"),
        (
            "{at: 1s, drain: {session: [a2, a3]}}",
            "drain.session: expected routers of two ASes: only eBGP sessions are drained",
        ),
        ("{at: 1s, drain: {router: a2}}", "drain.router: 'a2' has no session with another AS"),
    ],
)
def test_an_event_about_no_session_is_refused(event: str, said: str) -> None:
    """Routers of one AS have a session only where internal links join them."""
    with pytest.raises(ScenarioError) as caught:
        build(loads(f"{ISLANDS}  - {event}\n".encode(), "lab.yaml", folder=Path()))
    (problem,) = caught.value.problems
    assert f"timeline.0.{said}" in str(problem)
    assert (problem.line, problem.file) == (16, "lab.yaml")


def test_clients_of_one_reflector_have_no_session_with_each_other() -> None:
    """The reflector has one with each (RFC 4456)."""
    text = ISLANDS.replace("[a1, b]", "[a1, a2]").replace(
        "a2: {asn: 65000}", "a2: {asn: 65000, reflector: true}"
    )
    assert build(loads(f"{text}  - {{at: 1s, reset: [a1, a2]}}\n".encode(), "lab.yaml", folder=Path()))
    with pytest.raises(ScenarioError, match="'a1' has no session with 'a3'; it has with: a2"):
        build(loads(f"{text}  - {{at: 1s, reset: [a1, a3]}}\n".encode(), "lab.yaml", folder=Path()))


# Leaks ------------------------------------------------------------------------------

LEAK = """
version: 1
name: leak
duration: 10min
network:
  routers:
    origin: {asn: 65010, prefixes: [203.0.113.0/24]}
    p1: {asn: 65001}
    p2: {asn: 65002}
    top: {asn: 65003}
    leaker: {asn: 65000}
  links:
    - {ends: [origin, p1], delay: 10ms, relationship: customer-provider}
    - {ends: [p1, top], delay: 10ms, relationship: peer}
    - {ends: [p2, top], delay: 10ms, relationship: customer-provider}
    - {ends: [leaker, p1], delay: 10ms, relationship: customer-provider}
    - {ends: [leaker, p2], delay: 10ms, relationship: customer-provider}
bgp: {mrai: 0s}
timeline:
  - {at: 1min, leak: {router: leaker}}
"""


def test_leaked_routes_spread_and_are_taken_back() -> None:
    """`p2` prefers its customer's leak to its provider's route, `top` its customer's to its peer's.

    `p2` had 65003 65001 65010. It tells `top` of 65000 65001 65010, which is then
    a customer's route there and goes on to all. Once repaired, all is as before.
    """
    before = {"p2": [65003, 65001, 65010], "top": [65001, 65010], "leaker": [65001, 65010]}
    leaked = {
        "p2": [65000, 65001, 65010],
        "top": [65002, 65000, 65001, 65010],
        "leaker": [65001, 65010],
    }
    mended = LEAK.rstrip("}\n") + "}, repair_after: 1min}\n"
    for text, expected in ((LEAK, leaked), (mended, before)):
        record = simulate(build(loads(text.encode(), "lab.yaml", folder=Path())))
        routes = {
            name: record.summary["routes"][name]["203.0.113.0/24"]["as_path"]
            for name in ("p2", "top", "leaker")
        }
        assert routes == expected
        assert record.summary["events"][0]["best_path_changes"] == 2
