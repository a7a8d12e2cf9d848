"""Numbers that follow from the RFCs for policies, limits, restarts and failures, worked out by hand.

Conventions as in `test_closed_forms`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from emulator.bgp.attributes import BLACKHOLE, Attributes
from emulator.bgp.config import Aggregate, Damping
from emulator.bgp.decision import TieBreak
from emulator.bgp.liveness import Detection, SessionConfig
from emulator.bgp.messages import BOTH_FAMILIES, GracefulRestart, Role
from emulator.bgp.peer import MaxPrefixes
from emulator.bgp.policy import GaoRexford, Relation
from emulator.bgp.rov import Roas
from emulator.bgp.rules import Change, Rule, RuleList, RulePolicy
from emulator.network.model import Network, Relationship
from emulator.timeline import (
    Drain,
    Leak,
    LinksDown,
    Originate,
    ResetSession,
    RestartBgp,
    ShutSessions,
    StopOriginating,
)
from emulator.units import MILLISECOND, MINUTE, SECOND

from labs import (
    D,
    changes_at,
    counted,
    event,
    lab,
    line,
    paths,
    plan_of,
    r0,
    ring,
    run,
    star,
    with_peers,
)

if TYPE_CHECKING:
    from emulator.bgp.peer import PeerConfig

SIZES = range(3, 9)
FREE = r0(mrai=0)


# Where a route stops ------------------------------------------------------------------------

STOPS: dict[str, tuple[dict[str, Any], int]] = {
    "RFC 6811, the origin is Invalid": ({"roas": Roas(frozenset({0}), {})}, 0),
    "RFC 7999, a blackhole": ({"honor_blackhole": True}, 1),
    "RFC 8212, no policy": ({"require_policy": True}, 0),
}


@pytest.mark.parametrize("stopped_by", STOPS)
@pytest.mark.parametrize(("n", "at"), [(3, 1), (5, 1), (5, 3), (7, 4)])
def test_a_line_on_which_one_router_stops_a_route(n: int, at: int, stopped_by: str) -> None:
    """It goes on j times and back j - 1 times, as r_j sends nothing; the last to have it: r_(j-1) or r_j."""
    settings, keeps = STOPS[stopped_by]
    configs = tuple(r0(**settings) if router == at else r0() for router in range(n))
    origin = Originate(0, 0, carrying=Attributes((), 0, communities=(BLACKHOLE,)))
    result = run(plan_of(line(n), configs=configs, announced=False, events=[event(origin)]))
    assert counted(result) == ((at - 1 + keeps) * D, 2 * at - 1, 0)
    assert sorted(router for router, _ in paths(result)) == list(range(at + keeps))


@pytest.mark.parametrize("n", [5, 7, 9])
def test_hijack_of_half_a_line(n: int) -> None:
    """The far end announces r0's prefix: whoever is nearer to it believes it, the middle stays.

    n = 2m+1: r_(n-1) tells one neighbour, r_(n-2) .. r_(m+1) two: n - 2; the last is m - 1 links away.
    """
    result = run(plan_of(line(n), events=[event(Originate(n - 1, 0))]))
    assert counted(result) == ((n // 2 - 1) * D, n - 2, 0)
    believers = [router for router in range(n) if paths(result)[router, 0][-1:] == (n - 1,)]
    assert believers == list(range(n // 2 + 1, n - 1))


@pytest.mark.parametrize(("n", "at"), [(7, 4), (9, 5), (9, 6), (9, 7)])
def test_hijack_stopped_by_origin_validation(n: int, at: int) -> None:
    """RFC 6811 at r_j of that line: 1 message, and 2 from each of the n - 2 - j that believe it."""
    roas = Roas(frozenset({0}), {0: frozenset({65000})})
    configs = tuple(r0(roas=roas) if router == at else r0() for router in range(n))
    result = run(plan_of(line(n), configs=configs, events=[event(Originate(n - 1, 0))]))
    fooled = n - 2 - at
    assert counted(result) == (fooled * D, 1 + 2 * fooled, 0)


# Route leaks --------------------------------------------------------------------------------


def leaky(above: int) -> Network:
    """r0 origin and r2 leaker, customers of r1; r2 also of r3, and r3 of r4, ``above`` such providers."""
    pairs = [(0, 1), (2, 1)] + [(i, i + 1) for i in range(2, above + 2)]
    return lab(pairs, above + 3, relationship=Relationship.CUSTOMER_PROVIDER)


ROLES = {
    Relation.PROVIDER: Role.CUSTOMER,
    Relation.CUSTOMER: Role.PROVIDER,
    Relation.PEER: Role.PEER,
}


@pytest.mark.parametrize("above", [1, 2, 4])
def test_leak_climbs(above: int) -> None:
    """Of q providers each takes it from its customer: r2 sends 2, each provider an echo, all but one upward.

    T = q D, A = 2q + 1. Taken back, r2 withdraws both, and every message is taken back.
    """
    config = r0(mrai=0, policy=GaoRexford())
    network = leaky(above)
    leak, undo = event(Leak(2)), event(Leak(2, repair=True), at=MINUTE, index=1)
    assert counted(run(plan_of(network, config=config, events=[leak]))) == (above * D, 2 * above + 1, 0)
    mended = run(plan_of(network, config=config, events=[leak, undo]))
    assert counted(mended) == (above * D, 0, 2 * above + 1)
    assert sorted(router for router, _ in paths(mended)) == [0, 1, 2]


@pytest.mark.parametrize(("above", "aware"), [(1, 1), (3, 1), (3, 2), (4, 4)])
@pytest.mark.parametrize("is_marked", [False, True])
def test_leak_meets_roles(above: int, aware: int, is_marked: bool) -> None:
    """RFC 9234: r1 marks what it tells customers; the j-th provider, which minds, refuses it from a customer.

    The mark is transitive, r2 and the providers between need not know of it:
    T = (j-1) D, A = 2j. Where r1 does not mark, nothing stops the leak.
    """
    minding = {2 + aware} | ({1} if is_marked else set())

    def with_role(router: int, config: PeerConfig) -> PeerConfig:
        return replace(config, role=ROLES[config.relation]) if router in minding else config

    plan = plan_of(leaky(above), config=r0(mrai=0, policy=GaoRexford()), events=[event(Leak(2))])
    result = run(with_peers(plan, with_role))
    expected = ((aware - 1) * D, 2 * aware, 0) if is_marked else (above * D, 2 * above + 1, 0)
    assert counted(result) == expected


# Aggregation ----------------------------------------------------------------------------------


@pytest.mark.parametrize("k", [2, 3, 5])
@pytest.mark.parametrize("tail", [1, 3])
def test_aggregate_hides_all_but_the_last_withdrawal(k: int, tail: int) -> None:
    """r0 aggregates what k leaves announce, summary only; a line of ``tail`` routers hangs on it.

    A contributor's withdrawal goes to r0 and no further, for r0 announced only the
    aggregate: W = 1, T = D. With the last one the aggregate goes: to k leaves and
    down the line, each link with its echo: W = 1 + 2k + 2t, T = (1 + t) D.
    """
    edges = [(0, 1 + i) for i in range(k)] + [(0 if i == 0 else k + i, k + 1 + i) for i in range(tail)]
    network = lab(edges, k + tail + 1)
    whole = r0(mrai=0, aggregates=(Aggregate(k, frozenset(range(k)), summary_only=True),))
    configs = (whole, *(FREE,) * (k + tail))
    events = [event(StopOriginating(1 + i, i), at=(1 + i) * SECOND, index=i) for i in range(k)]
    plan = plan_of(network, configs=configs, prefixes=k + 1, announced=False, events=events)
    plan = replace(plan, originations=tuple(Originate(1 + i, i) for i in range(k)))
    windows = run(plan).emulation.recorder.windows
    costs = [(w.last_rib_change, w.announcements, w.withdrawals) for w in windows]
    silent = [((1 + i) * SECOND + D, 0, 1) for i in range(k - 1)]
    assert costs == [*silent, (k * SECOND + (1 + tail) * D, 0, 1 + 2 * k + 2 * tail)]


# Prefix limits ----------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [2, 3, 5])
@pytest.mark.parametrize("limit", [1, 2, 4])
def test_one_prefix_too_many(limit: int, n: int) -> None:
    """RFC 4486: r0 announces prefix k+1 to r1, which takes k, on a line of n.

    r1 closes at D, and all k are gone from the last router at (n-1) D: a
    withdrawal and an echo of each a link beyond r1. When prefix k+1 is withdrawn
    and r1's operator resets, r1 calls at once, is Established at 4 D and r0 at
    5 D, whose k routes r1 has at 6 D and the last router n - 2 links later.
    """
    too_many = event(Originate(0, limit), at=SECOND)
    fewer = event(StopOriginating(0, limit), at=MINUTE, index=1)
    again = event(ResetSession((1, 0)), at=2 * MINUTE, index=2)
    maximum = MaxPrefixes(limit)

    def limited(router: int, config: PeerConfig) -> PeerConfig:
        return replace(config, max_prefixes=maximum) if (router, config.router) == (1, 0) else config

    plan = plan_of(line(n), config=FREE, prefixes=limit + 1, events=[too_many, fewer, again])
    plan = replace(plan, originations=tuple(Originate(0, i) for i in range(limit)))
    result = run(with_peers(plan, limited))
    closed, _, back = result.emulation.recorder.windows
    assert (closed.last_rib_change, closed.announcements, closed.withdrawals) == (
        SECOND + (n - 1) * D,
        1,
        2 * limit * (n - 2),
    )
    assert (back.last_rib_change, back.announcements, back.withdrawals) == (
        2 * MINUTE + (n + 4) * D,
        2 * limit * (n - 1),
        0,
    )


# Restarts, shutdowns, failures --------------------------------------------------------------------

RESTART_S = 20
GRACEFUL = SessionConfig(graceful_restart=GracefulRestart(RESTART_S, preserved=BOTH_FAMILIES))


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("takes_s", [1, 19])
def test_graceful_restart_in_time(n: int, takes_s: int) -> None:
    """RFC 4724: r1 of a line restarts and nobody changes anything; its two sessions start anew.

    r0's route to r1, r1's to r2, and the two echoes: A = 4, however long the line.
    """
    restart = event(RestartBgp(1, takes_s * SECOND))
    result = run(plan_of(line(n), config=FREE, sessions=(GRACEFUL,) * n, events=[restart]))
    assert (result.quiescent, result.changes) == (True, 0)
    assert (result.announcements, result.withdrawals) == (4, 0)


@pytest.mark.parametrize("n", SIZES)
def test_graceful_restart_too_late(n: int) -> None:
    """r2 sees the connection closed at D and waits for the restart time; the rest of the line follows.

    r1's own routes, its forwarding table's, last as long. T is the restart time
    and (n-2) D; beyond r2 each link carries a withdrawal and its echo.
    """
    restart = event(RestartBgp(1, 1000 * SECOND))
    plan = plan_of(line(n), config=FREE, sessions=(GRACEFUL,) * n, events=[restart], duration=500 * SECOND)
    result = run(plan)
    assert result.time == RESTART_S * SECOND + (n - 2) * D
    assert (result.announcements, result.withdrawals) == (0, 2 * (n - 3))


@pytest.mark.parametrize("n", range(3, 10))
def test_drain_closes_the_gap_of_a_shutdown(n: int) -> None:
    """RFC 8326 on a ring: r0 shuts its session with r1 down.

    Out of the blue r1, which hears of it a link later, is without a route until the
    news has gone to the middle and back: 2 (floor(n/2) - 1) D, nothing on a
    triangle. Drained before, the community makes the route the last choice of
    all who use it, and no router is without one at any time.
    """
    shut = event(ShutSessions(((0, 1),)), at=MINUTE, index=1)
    bare = run(plan_of(ring(n), config=FREE, events=[shut]))
    heard, gap = MINUTE + D, 2 * (n // 2 - 1) * D
    assert changes_at(bare, 1) == ([(heard, False), (heard + gap, True)] if gap else [(heard, True)])
    drained = run(plan_of(ring(n), config=FREE, events=[event(Drain(0, 1), at=SECOND), shut]))
    assert drained.quiescent
    assert all(has_route for router in range(n) for _, has_route in changes_at(drained, router))
    assert paths(drained) == paths(bare)


@pytest.mark.parametrize(("interval_ms", "multiplier"), [(10, 3), (50, 5), (300, 3), (1000, 2)])
def test_bfd_detection_interval(interval_ms: int, multiplier: int) -> None:
    """RFC 5880 6.8.4: in (i (m-1), i m], spread over it; on a line the rest follows at D each."""
    interval = interval_ms * MILLISECOND
    config = SessionConfig(Detection.BFD, bfd_interval=interval, bfd_multiplier=multiplier)
    cut = event(LinksDown((0,)), at=SECOND)
    plans = (plan_of(line(4), sessions=(config,) * 4, events=[cut], seed=seed) for seed in range(30))
    times = [run(plan).time - 2 * D for plan in plans]
    assert interval * (multiplier - 1) < min(times) < max(times) <= interval * multiplier
    assert max(times) - min(times) > interval // 2


@pytest.mark.parametrize(("hold_s", "keepalive_s"), [(3, 1), (9, 3), (90, 30), (240, 80), (90, 10)])
def test_hold_timer_detection_interval(hold_s: int, keepalive_s: int) -> None:
    """In [H - K, H], a keepalive being up to K old; on a line the rest follows at D each."""
    hold, keepalive = hold_s * SECOND, keepalive_s * SECOND
    config = SessionConfig(Detection.HOLD_TIMER, hold_time=hold, keepalive=keepalive)
    cut = event(LinksDown((0,)), at=1000 * SECOND)
    plans = (plan_of(line(4), sessions=(config,) * 4, events=[cut], seed=seed) for seed in range(30))
    times = [run(plan).time - 2 * D for plan in plans]
    assert hold - keepalive <= min(times) < max(times) <= hold
    assert max(times) - min(times) > keepalive // 2


@pytest.mark.parametrize("lit_s", [2, 5, 30, 47, 101, 400])
@pytest.mark.parametrize("retry_s", [10, 20, 120])
def test_connect_retry_instants(retry_s: int, lit_s: int) -> None:
    """r1 waits to be called; r0's BFD takes the session down, and it calls into the dark.

    SYNs go out at once and 1, 3, 7, 15, 31, 63 s later, and all over again every
    ConnectRetryTime without jitter. The first that finds the light, ``lit_s`` after
    the cut, is answered: r0 is Established 4 D later, and r1 with its route at 5 D.
    """
    called = SessionConfig(Detection.BFD, passive=True)
    config = replace(called, passive=False, connect_retry=retry_s * SECOND, connect_retry_jitter=(1.0, 1.0))
    events = [event(LinksDown((0,))), event(LinksDown((0,), repair=True), at=lit_s * SECOND, index=1)]
    result = run(plan_of(line(2), config=FREE, sessions=(config, called), events=events))
    began = next(
        round(each["at_s"] * SECOND)
        for each in result.emulation.recorder.trace
        if each["type"] == "session" and each["ends"][0] == "r0" and not each["up"]
    )
    calls = [
        began + (retry_s * rounds + (1 << again) - 1) * SECOND
        for rounds in range(400 // retry_s + 1)
        for again in range(7)
        if (1 << again) - 1 < retry_s
    ]
    answered = min(call for call in calls if call >= lit_s * SECOND)
    assert changes_at(result, 1)[-1] == (answered + 5 * D, True)


@pytest.mark.parametrize("takes_ms", [15, 500, 20_029, 20_035, 20_050, 30_000, 41_000, 100_000, 500_000])
@pytest.mark.parametrize("retry_s", [5, 20, 120])
def test_connect_retry_after_a_refusal(retry_s: int, takes_ms: int) -> None:
    """r1's BGP is gone, its router is not: it answers r0's SYN with RST until BGP listens again.

    r0 hears FIN at D and calls at once; its SYN is at r1 at 2 D, the RST back at 3 D.
    TcpConnectionFails (RFC 4271 8.2.2, event 18) ends the attempt, and the next one is
    a ConnectRetryTime R after it: SYNs leave at D + k (R + 2 D) and none is repeated,
    for none is lost. The first that reaches r1 when it listens, T after the exit, is
    answered, and r1 has its route 5 D after it left. With R = 20 s, T = 30 s and D = 10 ms
    it leaves at 40.05 s, r0 is Established at 40.09 s. One that is on its way at T counts
    as sent then, late by less than D.
    """
    retry, takes = retry_s * SECOND, takes_ms * MILLISECOND
    caller = SessionConfig(connect_retry=retry, connect_retry_jitter=(1.0, 1.0))
    called = SessionConfig(passive=True, connect_retry=60 * MINUTE)  # after which r1 would call itself
    restart = event(RestartBgp(1, takes))
    result = run(plan_of(line(2), config=FREE, sessions=(caller, called), events=[restart]))
    syns = (D + k * (retry + 2 * D) for k in range(200))
    answered = next(max(syn, takes) if syn > D else syn for syn in syns if syn + D > takes)
    assert changes_at(result, 1)[-1] == (answered + 5 * D, True)


@pytest.mark.parametrize("listens_s", [40, 60, 300])
@pytest.mark.parametrize("lit_s", [2, 5, 30, 33])
def test_connect_retry_into_the_dark_and_then_refused(lit_s: int, listens_s: int) -> None:
    """The link is dark and r1's BGP stops; lit again, r1 refuses the next SYN, and those R + 2 D after.

    In the dark, r0 calls as in `test_connect_retry_instants`: 0, 1, 3, 7, 15 s after BFD
    told it and all over again every R = 20 s.
    """
    called = SessionConfig(Detection.BFD, passive=True)
    caller = replace(called, passive=False, connect_retry=20 * SECOND, connect_retry_jitter=(1.0, 1.0))
    events = [
        event(LinksDown((0,))),
        event(RestartBgp(1, (listens_s - 1) * SECOND), at=SECOND, index=1),
        event(LinksDown((0,), repair=True), at=lit_s * SECOND, index=2),
    ]
    result = run(plan_of(line(2), config=FREE, sessions=(caller, called), events=events))
    began = next(
        round(each["at_s"] * SECOND)
        for each in result.emulation.recorder.trace
        if each["type"] == "session" and each["ends"][0] == "r0" and not each["up"]
    )
    calls = (began + (20 * rounds + (1 << again) - 1) * SECOND for rounds in range(3) for again in range(5))
    refused = next(call for call in calls if call >= lit_s * SECOND)
    answered = next(
        syn for k in range(20) if (syn := refused + k * (20 * SECOND + 2 * D)) + D > listens_s * SECOND
    )
    assert changes_at(result, 1)[-1] == (answered + 5 * D, True)


# Attributes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [4, 5, 8, 9])
@pytest.mark.parametrize("times", [0, 1, 2])
def test_prepending_moves_the_watershed(n: int, times: int) -> None:
    """r0 of a ring prepends its AS p times towards r1: r_i has i + p ASes that way, n - i the other.

    Equal ones are r1's, whose side has the lower identifiers: floor((n-p) / 2)
    routers stay on it. The last of the others is n - 1 - that many links from r0.
    """
    prepend = RulePolicy(exports=RuleList((Rule(change=Change(prepend=times)),)))

    def prepending(router: int, config: PeerConfig) -> PeerConfig:
        return replace(config, policy=prepend) if (router, config.router) == (0, 1) else config

    plan = plan_of(ring(n), config=FREE, announced=False, events=[event(Originate(0, 0))])
    result = run(with_peers(plan, prepending))
    right = [router for router in range(1, n) if paths(result)[router, 0][0] == router - 1]
    assert right == list(range(1, (n - times) // 2 + 1))
    assert result.time == max(len(right), n - 1 - len(right)) * D


@pytest.mark.parametrize("k", [2, 3, 5])
@pytest.mark.parametrize("always", [False, True])
def test_med_between_neighbours(k: int, always: bool) -> None:
    """K leaves announce one prefix with MED 10; the last one lowers its own to 5.

    RFC 4271 9.1.2.2 (c) compares it within a neighbour AS only: one message, and
    nothing happens. Compared always, the centre turns to that leaf and tells all k.
    """
    config = r0(mrai=0, tie_break=TieBreak(always_compare_med=always))
    offers = tuple(Originate(1 + i, 0, carrying=Attributes((), 1 + i, med=10)) for i in range(k))
    lower = Originate(k, 0, carrying=Attributes((), k, med=5))
    plan = plan_of(star(k + 1), config=config, announced=False, events=[event(lower)])
    result = run(replace(plan, originations=offers))
    assert (result.announcements, result.withdrawals) == (1 + (k if always else 0), 0)
    assert paths(result)[0, 0] == ((k,) if always else (1,))


@pytest.mark.parametrize("k", [2, 3, 5])
@pytest.mark.parametrize("oldest", [False, True])
def test_the_oldest_route_stays_after_a_flap(k: int, oldest: bool) -> None:
    """K leaves announce one prefix; r1's, the best by its identifier, is withdrawn and announced again.

    The centre turns to r2 and tells all k. When r1 is back the message is all, if
    age goes before the identifier; otherwise the centre turns back and tells all k.
    """
    config = r0(mrai=0, tie_break=TieBreak(oldest=oldest))
    events = [event(StopOriginating(1, 0), at=SECOND), event(Originate(1, 0), at=MINUTE, index=1)]
    plan = plan_of(star(k + 1), config=config, announced=False, events=events)
    result = run(replace(plan, originations=tuple(Originate(1 + i, 0) for i in range(k))))
    flap, back = result.emulation.recorder.windows
    assert (flap.announcements, flap.withdrawals) == (k + 1, 1)
    assert (back.announcements, back.withdrawals) == (1 + (0 if oldest else k), 0)
    assert paths(result)[0, 0] == ((2,) if oldest else (1,))


@pytest.mark.parametrize(("penalty", "changes"), [(300.0, 7), (500.0, 5), (900.0, 3), (1100.0, 2)])
def test_damping_of_attribute_changes(penalty: float, changes: int) -> None:
    """A new MED every second costs P: suppressed when P (1 + x + x^2 ...) passes 2000, x = 2^(-1/900).

    That is at change floor(2000/P) + 1. It is reused after 15 min x log2(penalty / 750).
    """
    assert changes == 2000 // penalty + 1
    damping = Damping(half_life=15 * MINUTE, attribute_change_penalty=penalty)
    events = [
        event(Originate(0, 0, carrying=Attributes((), 0, med=i)), at=i * SECOND, index=i - 1)
        for i in range(1, changes + 1)
    ]
    configs = (FREE, r0(mrai=0, damping=damping))
    result = run(plan_of(line(2), configs=configs, events=events, duration=120 * MINUTE))
    total = sum(penalty * 2 ** (-i / 900) for i in range(changes))
    *early, suppressed, reused = changes_at(result, 1)
    assert early == [(i * SECOND + D, True) for i in range(1, changes)]
    assert suppressed == (changes * SECOND + D, False)
    assert reused[1]
    assert damping.time_to_reuse(total) == pytest.approx(reused[0] - suppressed[0], abs=1000)
