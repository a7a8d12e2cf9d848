"""Sessions: how a failure is noticed, what is lost with it, and how everything comes back."""

from __future__ import annotations

from statistics import mean

import pytest

from emulator.bgp.config import Delay
from emulator.bgp.liveness import Detection, SessionConfig
from emulator.record.trace import BEST_PATH, SESSION
from emulator.sim.heartbeat import keepalive_times
from emulator.timeline import (
    LinksDown,
    Originate,
    ResetSession,
    RoutersDown,
    StopExporting,
    StopOriginating,
)
from emulator.units import MILLISECOND, SECOND

from labs import D, Result, announce, event, line, paths, plan_of, r0, ring, run, systems


def detected_after(config: SessionConfig, seed: int = 1) -> int:
    """How long (ns) after a cut r1 loses the route that r0 announces over it."""
    result = run(
        plan_of(line(2), sessions=(config,) * 2, events=[event(LinksDown((0,)), at=SECOND)], seed=seed)
    )
    assert result.quiescent
    assert paths(result) == {(0, 0): ()}
    return result.time


@pytest.mark.parametrize("delay", [0, 50 * MILLISECOND])
def test_interface_detection(delay: int) -> None:
    """Loss of light drops the session after the configured delay, exactly."""
    assert detected_after(SessionConfig(interface_delay=delay)) == delay


def test_hold_timer_detection_is_uniform() -> None:
    """The last keepalive came up to an interval ago: uniform on [H - K, H], mean H - K/2."""
    config = SessionConfig(Detection.HOLD_TIMER, hold_time=90 * SECOND, keepalive=30 * SECOND)
    times = [detected_after(config, seed) for seed in range(300)]
    assert min(times) >= 60 * SECOND
    assert max(times) <= 90 * SECOND
    assert mean(times) == pytest.approx(75 * SECOND, abs=1.5 * SECOND)  # 3 standard errors
    thirds = [sum(low * SECOND <= t < (low + 10) * SECOND for t in times) for low in (60, 70, 80)]
    assert min(thirds) > 70


def test_bfd_detection() -> None:
    """RFC 5880 6.8.4: after more than m - 1 intervals, after m at most."""
    config = SessionConfig(Detection.BFD, bfd_interval=300 * MILLISECOND, bfd_multiplier=3)
    times = [detected_after(config, seed) for seed in range(100)]
    assert min(times) > 600 * MILLISECOND
    assert max(times) <= 900 * MILLISECOND
    assert max(times) - min(times) > 250 * MILLISECOND


def test_hold_time_zero_never_detects() -> None:
    """RFC 4271 4.2: without keepalives nobody finds out."""
    config = SessionConfig(Detection.HOLD_TIMER, hold_time=0)
    result = run(plan_of(line(2), sessions=(config,) * 2, events=[event(LinksDown((0,)))]))
    assert paths(result) == {(0, 0): (), (1, 0): (0,)}


def sessions_of(result: Result) -> list[tuple[float, list[str], bool]]:
    """(second, [who, its peer], up) in order."""
    return [(e["at_s"], e["ends"], e["up"]) for e in result.emulation.recorder.trace if e["type"] == SESSION]


def test_keepalives_that_come_too_seldom() -> None:
    """Hold time 90 s against a peer that sends keepalives every 200 s: dropped at 90 s, again and again.

    The NOTIFICATION takes D. r1 opens the session again at once: it is Established
    4 D later, r0 another D later. Then r0's route arrives at 6 D and starts the hold
    timer anew, as every UPDATE does (RFC 4271 6.5).
    """
    sessions = (SessionConfig(keepalive=200 * SECOND), SessionConfig(hold_time=90 * SECOND))
    nothing = event(LinksDown((0,), repair=True))
    result = run(plan_of(line(2), sessions=sessions, events=[nothing], duration=200 * SECOND))
    d = D / SECOND
    assert sessions_of(result) == [
        (90.0, ["r1", "r0"], False),
        (90 + d, ["r0", "r1"], False),
        (90 + 4 * d, ["r1", "r0"], True),
        (90 + 5 * d, ["r0", "r1"], True),
        (180 + 6 * d, ["r1", "r0"], False),
        (180 + 7 * d, ["r0", "r1"], False),
        (180 + 10 * d, ["r1", "r0"], True),
        (180 + 11 * d, ["r0", "r1"], True),
    ]


def test_keepalives_that_come_often_enough_are_no_events() -> None:
    """A healthy session costs nothing and never falls."""
    result = announce(line(2), duration=86_400 * SECOND)
    assert sessions_of(result) == []


def test_reset_advertises_everything_again() -> None:
    """Line of 3, reset between r0 and r1: T = 8 D, A = 4, W = 2.

    The NOTIFICATION reaches r1 at D, its withdrawal r2 at 2 D, whose echo is
    withdrawn too. r0 has opened the session again at 0 and r1 does so at D: the
    connection of the higher identifier stays, so r1 is Established at 5 D and r0
    at 6 D. r0's route reaches r1 at 7 D and r2 at 8 D, and each of them sends it
    back once.
    """
    result = run(plan_of(line(3), events=[event(ResetSession((0, 1)))]))
    assert (result.time, result.announcements, result.withdrawals) == (8 * D, 4, 2)
    assert paths(result) == {(0, 0): (), (1, 0): (0,), (2, 0): (1, 0)}


SLOW = (SessionConfig(Detection.HOLD_TIMER, hold_time=90 * SECOND, keepalive=30 * SECOND),) * 5


def test_short_flap_loses_nothing() -> None:
    """Dark for a second, noticed after 60: no session falls, and what was sent meanwhile arrives."""
    result = run(
        plan_of(
            line(2),
            sessions=SLOW[:2],
            prefixes=2,
            events=[
                event(LinksDown((0,))),
                event(Originate(0, 1), at=SECOND // 2, index=1),
                event(LinksDown((0,), repair=True), at=SECOND, index=2),
            ],
        )
    )
    assert sessions_of(result) == []
    changes = [(e["at_s"], e["router"]) for e in result.emulation.recorder.trace if e["type"] == BEST_PATH]
    assert changes == [(0.5, "r0"), (1 + D / SECOND, "r1")]


def test_messages_caught_in_a_flap_keep_their_order() -> None:
    """An announcement in flight when the light goes out does not arrive after the withdrawal."""
    result = run(
        plan_of(
            line(2),
            config=r0(mrai=0),
            sessions=SLOW[:2],
            announced=False,
            events=[
                event(Originate(0, 0)),
                event(LinksDown((0,)), at=D // 2, index=1),
                event(StopOriginating(0, 0), at=D // 2 + 1, index=2),
                event(LinksDown((0,), repair=True), at=SECOND, index=3),
            ],
        )
    )
    assert sessions_of(result) == []
    assert paths(result) == {}


@pytest.mark.parametrize("detection", list(Detection))
def test_repair_restores_the_ribs(detection: Detection) -> None:
    """A ring routes round a cut, and as before once it is mended."""
    before = {(0, 0): (), (1, 0): (0,), (2, 0): (1, 0), (3, 0): (4, 0), (4, 0): (0,)}
    sessions = (SessionConfig(detection),) * 5
    cut = event(LinksDown((0,)))
    broken = run(plan_of(ring(5), sessions=sessions, events=[cut]))
    assert paths(broken) == before | {(1, 0): (2, 3, 4, 0), (2, 0): (3, 4, 0)}
    mend = event(LinksDown((0,), repair=True), at=1000 * SECOND, index=1)
    mended = run(plan_of(ring(5), sessions=sessions, events=[cut, mend]))
    assert mended.quiescent
    assert paths(mended) == before


def test_overlapping_cuts_add_up() -> None:
    """A link that was cut twice is dark until both cuts are mended; mending what is whole does nothing."""
    events = [
        event(LinksDown((0,), repair=True), at=SECOND, index=0),
        event(LinksDown((0,)), at=2 * SECOND, index=1),
        event(LinksDown((0,)), at=3 * SECOND, index=2),
        event(LinksDown((0,), repair=True), at=4 * SECOND, index=3),
    ]
    assert paths(run(plan_of(line(2), events=events))) == {(0, 0): ()}
    events.append(event(LinksDown((0,), repair=True), at=5 * SECOND, index=4))
    assert paths(run(plan_of(line(2), events=events))) == {(0, 0): (), (1, 0): (0,)}


def test_router_outage_and_return() -> None:
    """All of its sessions fall at once; it comes back empty and learns everything again."""
    events = [event(RoutersDown((1,)), at=SECOND)]
    network = line(4)
    down = run(plan_of(network, events=events))
    assert paths(down) == {(0, 0): ()}
    assert sorted(ends for _, ends, up in sessions_of(down) if not up) == [
        ["r0", "r1"],
        ["r1", "r0"],
        ["r1", "r2"],
        ["r2", "r1"],
    ]
    events.append(event(RoutersDown((1,), repair=True), at=500 * SECOND, index=1))
    back = run(plan_of(network, events=events))
    assert back.quiescent
    assert paths(back) == {(0, 0): (), (1, 0): (0,), (2, 0): (1, 0), (3, 0): (2, 1, 0)}


def test_reboot_behind_a_cut_nobody_noticed_yet() -> None:
    """A router that restarts while its link is dark has lost the session, however patient its peer is.

    r1 calls when it is back at 2 s, in vain, and its SYN is repeated at 3 s, when
    the link is mended. r0 still believes in the old session, so it turns the new
    one down (RFC 4271 6.8), until it sends its next KEEPALIVE at k and gets a RST
    for it at k + 2 D. It opens the session anew at once: r0 calls while r1 waits,
    or r1 calls again, and then both are Established.
    """
    result = run(
        plan_of(
            line(2),
            sessions=SLOW[:2],
            events=[
                event(LinksDown((0,)), at=0, index=0),
                event(RoutersDown((1,)), at=SECOND, index=1),
                event(RoutersDown((1,), repair=True), at=2 * SECOND, index=2),
                event(LinksDown((0,), repair=True), at=3 * SECOND, index=3),
            ],
        )
    )
    r0_end = result.emulation.sessions[0].halves[0]
    found_out = next(keepalive_times(r0_end, 3 * SECOND, 60 * SECOND)) + 2 * D
    changes = sessions_of(result)
    assert changes[:2] == [(1.0, ["r1", "r0"], False), (found_out / SECOND, ["r0", "r1"], False)]
    assert sorted(ends for _, ends, up in changes[2:] if up) == [["r0", "r1"], ["r1", "r0"]]
    assert paths(result) == {(0, 0): (), (1, 0): (0,)}


def test_busy_router_does_not_speak_on_a_session_that_is_gone() -> None:
    """r1 takes 500 ms a message, longer than the handshake; its session with r2 is reset meanwhile.

    In r1's queue stand, when the new session is up at 140 ms: the announcement,
    the old session's end, the withdrawal, the new session. What r1 says of the
    announcement at 510 ms belongs to a session that is no more; taken for the
    new one's, r2 would believe it for ever, since nobody withdraws it there.
    """
    slow = r0(mrai=0, processing_delay=Delay("constant", 500 * MILLISECOND))
    events = [
        event(Originate(0, 0)),
        event(ResetSession((1, 2)), at=100 * MILLISECOND, index=1),
        event(StopOriginating(0, 0), at=110 * MILLISECOND, index=2),
    ]
    configs = (r0(mrai=0), slow, r0(mrai=0))
    result = run(plan_of(line(3), configs=configs, events=events, announced=False))
    assert result.quiescent
    assert paths(result) == {}


def test_messages_keep_their_order_when_the_way_gets_shorter() -> None:
    """An iBGP session moves from a way of 20 ms to one of 10 while an announcement is on the longer one.

    The announcement reaches r1 at 10 ms and r2 at 30; the withdrawal reaches r1
    at 12 ms, when the short way is back, and must not overtake it.
    """
    network = systems([0, 1, 1, 1], [(0, 1), (1, 2), (1, 3), (3, 2)])
    start = 10 * SECOND
    events = [
        event(LinksDown((1,))),
        event(Originate(0, 0), at=start, index=1),
        event(StopOriginating(0, 0), at=start + 2 * MILLISECOND, index=2),
        event(LinksDown((1,), repair=True), at=start + 11 * MILLISECOND, index=3),
    ]
    result = run(plan_of(network, config=r0(mrai=0), events=events, announced=False))
    assert paths(result) == {}


def test_muted_exports_add_up_and_come_back() -> None:
    """Withdrawn from one AS only; with two causes until both are gone."""
    network = systems([0, 1, 2], [(0, 1), (0, 2)])
    stop, resume = StopExporting((0,), 65001), StopExporting((0,), 65001, repair=True)
    events = [event(each, at=i * SECOND, index=i) for i, each in enumerate([stop, stop, resume])]
    everywhere = {(0, 0): (), (1, 0): (0,), (2, 0): (0,)}
    muted = run(plan_of(network, events=events))
    assert paths(muted) == {(0, 0): (), (2, 0): (0,)}
    events.append(event(resume, at=3 * SECOND, index=3))
    assert paths(run(plan_of(network, events=events))) == everywhere


def test_ibgp_partition_and_healing() -> None:
    """AS 1 is r1 - r2 - r3, with r0 and r4 beyond its ends; a cut between r1 and r2 parts it.

    Then r1 alone reaches r0; r3 and r4 lose the prefix, since the only way led
    through the AS. Healing brings back the interior sessions and everything else.
    """
    network = systems([0, 1, 1, 1, 2], [(0, 1), (1, 2), (2, 3), (3, 4)])
    whole = {(0, 0): (), (1, 0): (0,), (2, 0): (0,), (3, 0): (0,), (4, 0): (1, 0)}
    cut, mend = (
        event(LinksDown((1,)), at=SECOND),
        event(LinksDown((1,), repair=True), at=60 * SECOND, index=1),
    )
    parted = run(plan_of(network, events=[cut]))
    assert parted.quiescent
    assert paths(parted) == {(0, 0): (), (1, 0): (0,)}
    healed = run(plan_of(network, events=[cut, mend]))
    assert healed.quiescent
    assert paths(healed) == whole


def test_prefix_for_one_neighbour_stays_with_it_across_a_backbone() -> None:
    """Announced at r0 to AS 2 only: r1 of the same AS hears of it and keeps it from AS 1 too."""
    network = systems([0, 0, 1, 2, 2], [(0, 1), (1, 2), (0, 3), (1, 4)])
    events = [event(Originate(0, 0, frozenset({65002})))]
    result = run(plan_of(network, announced=False, events=events))
    assert paths(result) == {(0, 0): (), (1, 0): (), (3, 0): (0,), (4, 0): (0,)}
