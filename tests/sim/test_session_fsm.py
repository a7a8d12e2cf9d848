"""Sessions through their state machines: opening, colliding, closing with the right code, coming back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from emulator.bgp.liveness import Detection, SessionConfig
from emulator.bgp.messages import (
    BOTH_FAMILIES,
    GracefulRestart,
    Keepalive,
    Notification,
    Open,
)
from emulator.bgp.peer import MaxPrefixes
from emulator.forwarding.history import Fate
from emulator.record.trace import SESSION
from emulator.sim.emulation import Emulation
from emulator.sim.faults import Faults
from emulator.sim.heartbeat import keepalive_times
from emulator.sim.transport import Segment
from emulator.timeline import (
    Drain,
    Leak,
    LinksDown,
    Originate,
    RefreshSession,
    ResetSession,
    RestartBgp,
    RoutersDown,
    ShutSessions,
)
from emulator.units import SECOND

from labs import D, event, line, paths, plan_of, r0, ring, run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emulator.scenario.plan import Plan
    from emulator.timeline import Event

    from labs import Result

S = D / SECOND
RIB = {(0, 0): (), (1, 0): (0,)}


def changes(result: Result) -> list[tuple[float, str, bool, str]]:
    """(second, end, up, reason) of every session record."""
    return [
        (e["at_s"], e["ends"][0], e["up"], e["reason"])
        for e in result.emulation.recorder.trace
        if e["type"] == SESSION
    ]


def both(config: SessionConfig, count: int = 2) -> tuple[SessionConfig, ...]:
    """The same at every router."""
    return (config,) * count


def down_reasons(result: Result) -> dict[str, str]:
    """Why each end went down first."""
    found: dict[str, str] = {}
    for _, end, up, reason in changes(result):
        if not up:
            found.setdefault(end, reason)
    return found


# Opening ------------------------------------------------------------------------


def messages_of_an_opening(*events: Event, sessions: tuple[SessionConfig, ...]) -> list[tuple[float, Any]]:
    """What passes on a link of two routers after it is lit at 1 s, in one-ways since then."""
    emulation = Emulation(plan_of(line(2), sessions=sessions, events=events, announced=False))
    emulation.settle()
    seen: list[tuple[float, Any]] = []

    class Tap:
        def sent(self, connection: Any, side: int, what: Any) -> None:  # noqa: ANN401
            kind = what if isinstance(what, Segment) else type(what)
            at = (emulation.engine.now - SECOND) / D
            if at >= 0:
                seen.append((at, (connection.opener, side, kind)))

        def __getattr__(self, _name: str) -> Any:  # noqa: ANN401
            return lambda *_args, **_options: None

    emulation.sessions[0].tap = Tap()
    emulation.run(Faults(emulation).apply, lambda _: None)
    return seen


FLAP = (event(LinksDown((0,))), event(LinksDown((0,), repair=True), at=SECOND, index=1))


def test_opening_message_by_message() -> None:
    """r0 waits for r1 to call: TCP, OPENs and KEEPALIVEs, each a one-way after what it answers."""
    seen = messages_of_an_opening(*FLAP, sessions=(SessionConfig(passive=True), SessionConfig()))
    assert seen == [
        (0, (1, 1, Segment.SYN)),
        (1, (1, 0, Segment.SYN_ACK)),
        (2, (1, 1, Segment.ACK)),
        (2, (1, 1, Open)),
        (3, (1, 0, Open)),
        (3, (1, 0, Keepalive)),
        (4, (1, 1, Keepalive)),
    ]


def test_established_four_and_five_one_ways_after_the_syn() -> None:
    """The opener has both OPEN and KEEPALIVE after 4 D, the other end the KEEPALIVE after 5 D."""
    result = run(plan_of(line(2), sessions=(SessionConfig(passive=True), SessionConfig()), events=FLAP))
    ups = [(at, end) for at, end, up, _ in changes(result) if up]
    assert ups == [(1 + 4 * S, "r1"), (1 + 5 * S, "r0")]
    assert paths(result) == RIB


def test_a_collision_leaves_one_connection() -> None:
    """Both call when the light comes back: two connections, of which r1's stays, its identifier being higher.

    At 3 D each end gets an OPEN on the connection that the other opened: r0 then
    drops its own, r1 the one that r0 opened (RFC 4271 6.8), both with Cease/7.
    """
    seen = messages_of_an_opening(*FLAP, sessions=both(SessionConfig()))
    syns = [(at, what) for at, what in seen if what[2] is Segment.SYN]
    dumped = [(at, what) for at, what in seen if what[2] is Notification]
    keepalives = [(at, what) for at, what in seen if what[2] is Keepalive]
    assert syns == [(0, (0, 0, Segment.SYN)), (0, (1, 1, Segment.SYN))]
    assert sorted(dumped) == [(3, (0, 0, Notification)), (3, (0, 1, Notification))]
    assert keepalives == [(3, (1, 0, Keepalive)), (4, (1, 1, Keepalive))]


def test_a_collision_costs_no_time() -> None:
    """Established as if r1 alone had called."""
    result = run(plan_of(line(2), sessions=both(SessionConfig()), events=FLAP))
    assert [(at, end) for at, end, up, _ in changes(result) if up] == [
        (1 + 4 * S, "r1"),
        (1 + 5 * S, "r0"),
    ]


@pytest.mark.parametrize(
    "sessions",
    [
        (SessionConfig(), SessionConfig(hold_time=30 * SECOND)),
        (SessionConfig(hold_time=0), SessionConfig()),
        both(
            SessionConfig(keepalive=7 * SECOND, graceful_restart=GracefulRestart(60, preserved=BOTH_FAMILIES))
        ),
    ],
)
def test_settling_without_time_negotiates_what_a_handshake_does(sessions: tuple[SessionConfig, ...]) -> None:
    """Both ways to the settled network leave both ends with the same session."""
    ends = []
    for by_messages in (False, True):
        emulation = Emulation(plan_of(line(2), sessions=sessions, by_messages=by_messages))
        emulation.settle()
        ends.append([half.negotiated for half in emulation.sessions[0].halves])
    assert ends[0] == ends[1]
    assert None not in ends[0]


def test_connect_retry() -> None:
    """Hold timers drop the session at both ends while the link is dark; then both call, and call again.

    Both are silent from the cut at 1 s on. The hold time is 9 s; each end calls
    when its timer expires, repeats its SYN after 1, 3, 7, 15, 31 s and begins
    anew after 20 s. The link is lit again at 100 s, and the first SYN after that
    is answered: it brings the session up 4 D later at its own end.
    """
    config = SessionConfig(
        Detection.HOLD_TIMER,
        hold_time=9 * SECOND,
        keepalive=3 * SECOND,
        connect_retry=20 * SECOND,
        connect_retry_jitter=(1.0, 1.0),
    )
    lit = 100 * SECOND
    events = [event(LinksDown((0,)), at=SECOND), event(LinksDown((0,), repair=True), at=lit, index=1)]
    result = run(plan_of(line(2), sessions=both(config), events=events))
    downs = {end: round(at * SECOND) for at, end, up, _ in changes(result) if not up}
    calls = [
        began + (20 * rounds + (1 << retry) - 1) * SECOND
        for began in downs.values()
        for rounds in range(10)
        for retry in range(5)
        if (1 << retry) - 1 < 20
    ]
    first = min(call for call in calls if call >= lit)
    ups = sorted(round(at * SECOND) for at, _, up, _ in changes(result) if up)
    assert ups == [first + 4 * D, first + 5 * D]


# Closing ------------------------------------------------------------------------


def test_hold_timer_expires_as_derived_from_the_keepalives() -> None:
    """The end of the session is the last keepalive that arrived before the cut, plus the hold time."""
    config = SessionConfig(Detection.HOLD_TIMER, keepalive_jitter=(0.75, 1.0))
    cut = 300 * SECOND
    result = run(plan_of(line(2), sessions=both(config), events=[event(LinksDown((0,)), at=cut)]))
    halves = result.emulation.sessions[0].halves
    for half in halves:
        arrivals = [sent + D for sent in keepalive_times(half.far, 0, cut) if sent + D < cut]
        went_down = next(at for at, end, up, _ in changes(result) if end == f"r{half.side}" and not up)
        assert round(went_down * SECOND) == max(arrivals) + 90 * SECOND
    assert down_reasons(result)["r0"] == "sent NOTIFICATION 4/0 hold timer expired"


def test_bfd_says_so() -> None:
    """RFC 9384: Cease/10."""
    config = SessionConfig(Detection.BFD)
    result = run(plan_of(line(2), sessions=both(config), events=[event(LinksDown((0,)))]))
    assert set(down_reasons(result).values()) == {"sent NOTIFICATION 6/10 cease, bfd down"}


def test_a_notification_of_one_end_reaches_the_other_when_the_light_returns() -> None:
    """r0 has BFD and closes; r1 would wait for 90 s, but TCP repeats the NOTIFICATION at the repair."""
    sessions = (SessionConfig(Detection.BFD), SessionConfig(Detection.HOLD_TIMER))
    events = [event(LinksDown((0,))), event(LinksDown((0,), repair=True), at=5 * SECOND, index=1)]
    result = run(plan_of(line(2), sessions=sessions, events=events))
    r1 = next(record for record in changes(result) if record[1] == "r1")
    assert r1 == (5 + S, "r1", False, "received NOTIFICATION 6/10 cease, bfd down")
    assert paths(result) == RIB


def test_reset_says_so() -> None:
    """Cease/4 (RFC 4486), one one-way later at the other end."""
    result = run(plan_of(line(2), events=[event(ResetSession((1, 0)))]))
    assert changes(result)[:2] == [
        (0, "r1", False, "sent NOTIFICATION 6/4 cease, administrative reset"),
        (S, "r0", False, "received NOTIFICATION 6/4 cease, administrative reset"),
    ]
    assert paths(result) == RIB


def test_a_reset_calls_once() -> None:
    """Who resets a session calls at once, with one SYN; so does the other end, which hears of it at 1 D."""
    reset = event(ResetSession((1, 0)), at=SECOND)
    seen = messages_of_an_opening(reset, sessions=both(SessionConfig()))
    assert [(at, what) for at, what in seen if what[2] is Segment.SYN] == [
        (0, (1, 1, Segment.SYN)),
        (1, (0, 0, Segment.SYN)),
    ]


def test_a_router_back_with_its_links_calls_at_once() -> None:
    """Power and light come back in one instant: no SYN is lost to it, to be repeated after a second."""
    down = RoutersDown((1,))
    events = [event(down), event(replace(down, repair=True), at=SECOND, index=1)]
    sessions = (SessionConfig(passive=True), SessionConfig(Detection.HOLD_TIMER))
    result = run(plan_of(line(2), sessions=sessions, events=events))
    assert [(at, end) for at, end, up, _ in changes(result) if up] == [(1 + 4 * S, "r1"), (1 + 5 * S, "r0")]


def test_interface_down_sends_nothing() -> None:
    """Nobody could hear it."""
    result = run(plan_of(line(2), events=[event(LinksDown((0,)))]))
    assert set(down_reasons(result).values()) == {"interface down"}


def test_shutdown_lasts_until_it_is_taken_back() -> None:
    """Cease/2 with the operator's words (RFC 9003); quiet meanwhile; both causes must go."""
    shut = ShutSessions(((0, 1),), "back at noon")
    undo = replace(shut, repair=True)
    events = [event(shut), event(shut, at=SECOND, index=1), event(undo, at=10 * SECOND, index=2)]
    down = run(plan_of(line(2), events=events))
    assert down.quiescent
    assert paths(down) == {(0, 0): ()}
    assert down_reasons(down) == {
        "r0": 'sent NOTIFICATION 6/2 cease, administrative shutdown "back at noon"',
        "r1": 'received NOTIFICATION 6/2 cease, administrative shutdown "back at noon"',
    }
    up = run(plan_of(line(2), events=[*events, event(undo, at=20 * SECOND, index=3)]))
    assert paths(up) == RIB
    assert [(at, end) for at, end, is_up, _ in changes(up) if is_up] == [
        (20 + 4 * S, "r0"),
        (20 + 5 * S, "r1"),
    ]


def limited(limit: MaxPrefixes) -> Plan:
    """r0 announces a second prefix at 1 s, which is one more than r1 takes; wiring by hand."""
    plan = plan_of(line(2), prefixes=2, events=[event(Originate(0, 1), at=SECOND)], config=r0(mrai=0))
    (r0_peers, (r0_at_r1,)), wires = plan.wiring.peers, plan.wiring.wires
    peers = (r0_peers, (replace(r0_at_r1, max_prefixes=limit),))
    wiring = type(plan.wiring)(peers, wires)
    return replace(plan, protocol=replace(plan.protocol, wiring=wiring))


def test_too_many_prefixes() -> None:
    """Cease/1 (RFC 4486), and the session stays down: r1's operator has to reset it."""
    result = run(limited(MaxPrefixes(1)))
    assert result.quiescent
    assert changes(result) == [
        (1 + S, "r1", False, "sent NOTIFICATION 6/1 cease, maximum prefixes"),
        (1 + 2 * S, "r0", False, "received NOTIFICATION 6/1 cease, maximum prefixes"),
    ]


def test_too_many_prefixes_and_again() -> None:
    """With a restart after 5 min r1 calls again, gets too many again, and so on."""
    result = run(limited(MaxPrefixes(1, restart_after=300 * SECOND)))
    downs = [at for at, end, up, _ in changes(result) if end == "r1" and not up]
    assert len(downs) > 5
    assert downs[1] == pytest.approx(1 + S + 300 + 6 * S)  # up at 4 D; r0 at 5 D, its routes at 6 D


def test_an_open_that_is_refused_is_not_sent_again() -> None:
    """r1 expects another AS: 2/2 at both ways of settling, nothing more, no routes."""
    plan = plan_of(line(2))
    (to_r1, (r0_at_r1,)), wires = plan.wiring.peers, plan.wiring.wires
    wiring = type(plan.wiring)((to_r1, (replace(r0_at_r1, asn=65009),)), wires)
    plan = replace(plan, protocol=replace(plan.protocol, wiring=wiring))
    for by_messages in (False, True):
        emulation = Emulation(replace(plan, settle_by_messages=by_messages))
        emulation.settle()
        reasons = [half.reason for half in emulation.sessions[0].halves]
        assert any("2/2 open message, bad peer as" in reason for reason in reasons)
        assert not any(half.is_up for half in emulation.sessions[0].halves)
        assert [sorted(speaker.loc_rib) for speaker in emulation.speakers] == [[0], []]


# Restarting and refreshing --------------------------------------------------------

GRACEFUL = SessionConfig(graceful_restart=GracefulRestart(120, preserved=BOTH_FAMILIES))


def reachable_throughout(plan: Plan, router: int, instants: Sequence[int]) -> list[bool]:
    """Whether packets from ``router`` arrive at each of ``instants``."""
    emulation = Emulation(plan)
    emulation.settle()
    seen = []
    for instant in instants:
        emulation.engine.after(
            instant,
            lambda: seen.append(emulation.plane.trace(router, 0)[1] is Fate.DELIVERED),
        )
    emulation.run(Faults(emulation).apply, lambda _: None)
    return seen


def restarting(config: SessionConfig, takes_s: int, count: int = 3) -> Plan:
    """r1 in the middle of a line restarts its BGP process at 1 s."""
    events = [event(RestartBgp(1, takes_s * SECOND), at=SECOND)]
    return plan_of(line(count), sessions=both(config, count), events=events)


SAMPLES = [s * SECOND // 2 for s in range(1, 80)]


def test_graceful_restart_keeps_traffic_where_a_plain_one_loses_it() -> None:
    """RFC 4724: r2 reaches r0 through r1 all the time; without it, not for ten seconds."""
    assert all(reachable_throughout(restarting(GRACEFUL, 10), 2, SAMPLES))
    plain = reachable_throughout(restarting(SessionConfig(), 10), 2, SAMPLES)
    assert plain.count(False) == 20


def test_graceful_restart_ends_with_fresh_routes() -> None:
    """No route is withdrawn, and none is stale at the end."""
    result = run(restarting(GRACEFUL, 10))
    assert result.quiescent
    assert result.withdrawals == 0
    assert paths(result) == {(0, 0): (), (1, 0): (0,), (2, 0): (1, 0)}
    assert not any(peer.stale for speaker in result.emulation.speakers for peer in speaker.peers)
    assert down_reasons(result)["r0"] == "connection closed by the peer, routes retained"


def test_a_restart_that_takes_too_long_loses_the_routes() -> None:
    """After the restart time of 120 s r2 gives r1's routes up; it learns them anew at 200 s."""
    plan = restarting(GRACEFUL, 200)
    instants = [119 * SECOND, 121 * SECOND + 2 * D, 202 * SECOND]
    assert reachable_throughout(plan, 2, instants) == [True, False, True]


def test_a_notification_is_no_graceful_end() -> None:
    """A reset is meant: routes go at once, in spite of graceful restart (RFC 4724 4, RFC 8538)."""
    plan = plan_of(line(2), sessions=both(GRACEFUL), events=[event(ResetSession((0, 1)))])
    assert run(plan).emulation.recorder.windows[-1].best_path_changes == 2


def test_refresh_sends_everything_again() -> None:
    """RFC 2918: one UPDATE for the one route, and nobody changes anything."""
    result = run(plan_of(line(2), events=[event(RefreshSession((1, 0)))]))
    assert (result.announcements, result.withdrawals, result.changes) == (1, 0, 0)


# What operators do to routes ------------------------------------------------------


def test_drain_then_shutdown_loses_nothing() -> None:
    """A ring of 4, r0 - r1 - r2 - r3 - r0: r1 loses its session with r0, and r2 forwards over r1.

    Shut down out of the blue, r1 has no route until r2, whom its withdrawal
    reaches a one-way later, answers with the way through r3: two one-ways without
    a route, and r1 hears of the shutdown one after r0. Drained before (RFC 8326),
    r1 gives the route over r0 LOCAL_PREF 0, and finds the other one while the old
    one still works.
    """
    shut = event(ShutSessions(((0, 1),)), at=60 * SECOND, index=1)
    drain = event(Drain(0, 1), at=SECOND)
    instants = [60 * SECOND + k * D // 4 + 1 for k in range(40)]
    ringed = ring(4)
    drained = reachable_throughout(plan_of(ringed, events=[drain, shut], config=r0(mrai=0)), 1, instants)
    bare = reachable_throughout(plan_of(ringed, events=[shut], config=r0(mrai=0)), 1, instants)
    assert all(drained)
    gap = [60 * SECOND + D <= instant < 60 * SECOND + 3 * D for instant in instants]
    assert [not each for each in bare] == gap


def test_leak_ends_with_its_repair() -> None:
    """What a leak announces beyond policy is withdrawn again."""
    leak, undo = Leak(1), Leak(1, repair=True)
    plan = plan_of(line(3), events=[event(leak), event(undo, at=60 * SECOND, index=1)])
    assert run(plan).quiescent
