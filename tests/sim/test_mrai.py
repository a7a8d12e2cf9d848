"""The MRAI timer and its variants: what each costs and saves, worked out by hand."""

from __future__ import annotations

from statistics import mean

import pytest

from emulator.bgp.config import Delay, MraiScope, SpeakerConfig, WithdrawalRule
from emulator.timeline import Originate, StopOriginating
from emulator.units import MILLISECOND, SECOND

from labs import D, M, clique, event, line, plan_of, r0, run, withdraw


@pytest.mark.parametrize("n", range(2, 8))
@pytest.mark.parametrize("wrate", [False, True])
def test_wrate_makes_a_withdrawal_wait(n: int, wrate: bool) -> None:
    """Line, announced at 0, withdrawn at 10 s.

    Without WRATE the withdrawal travels at once, (n-1) D. With it r0's timer,
    started at 0, holds it until M; the timers further on were started D later
    a hop, just when the withdrawal comes by: M - 10 s + (n-1) D.
    """
    at = 10 * SECOND
    result = run(
        plan_of(
            line(n),
            config=r0(withdrawals=WithdrawalRule.WAIT if wrate else WithdrawalRule.FREE),
            announced=False,
            events=[event(Originate(0, 0)), event(StopOriginating(0, 0), at=at, index=1)],
        )
    )
    assert result.quiescent
    assert result.time == (n - 1) * D + (M - at if wrate else 0)


@pytest.mark.parametrize("n", range(4, 10))
def test_ghost_flushing_ends_path_hunting(n: int) -> None:
    """Bremler-Barr, Afek, Schwarz (INFOCOM 2003): three link delays instead of n - 3 rounds.

    At D everybody moves to a longer path and says so: (n-1) routers to (n-1)
    peers. At 2 D everybody knows that no path of that length is left; the next
    one must wait, so the last is withdrawn. At 3 D nobody has any. Everybody
    withdraws from everybody once, r0 included: n (n-1).
    """
    result = withdraw(clique(n), config=r0(ghost_flushing=True))
    assert (result.time, result.announcements, result.withdrawals) == (3 * D, (n - 1) ** 2, n * (n - 1))


@pytest.mark.parametrize("n", range(2, 6))
@pytest.mark.parametrize("scope", [MraiScope.PEER, MraiScope.PREFIX])
def test_scope_of_the_timer(n: int, scope: MraiScope) -> None:
    """Prefix 0 is announced at 0 and prefix 1 a second later, down a line.

    One timer a peer: prefix 1 leaves r0 at M, and meets the timers of the
    others as they expire: M - 1 s + (n-1) D. One a prefix: it does not wait.
    """
    result = run(
        plan_of(
            line(n),
            config=r0(mrai_scope=scope),
            prefixes=2,
            announced=False,
            events=[event(Originate(0, 0)), event(Originate(0, 1), at=SECOND, index=1)],
        )
    )
    assert result.time == (n - 1) * D + (M - SECOND if scope is MraiScope.PEER else 0)


@pytest.mark.parametrize("jitter", [(1.0, 1.0), (0.75, 1.0)])
@pytest.mark.parametrize("n", range(2, 7))
def test_timers_that_never_rest(n: int, jitter: tuple[float, float]) -> None:
    """A prefix announced down a quiet line is held at each router until its timer's next expiry.

    The timers' periods lie within the jitter, and one prefix does not change when the next may leave.
    """
    config = r0(mrai_scope=MraiScope.FULL_TABLE, mrai_jitter=jitter)
    begun = [event(Originate(0, 0)), event(Originate(0, 1), at=2 * M + SECOND, index=1)]
    result = run(plan_of(line(n), config=config, prefixes=2, announced=False, events=begun))
    now = begun[1].at
    for router in range(n - 1):
        period, phase = result.emulation.speakers[router].peers[-1].mrai_run
        assert jitter[0] * M <= period <= jitter[1] * M
        assert 0 <= phase < period
        now += (phase - now) % period + D
    assert result.time == now - begun[1].at
    assert len({speaker.peers[-1].mrai_run for speaker in result.emulation.speakers}) == n


def test_timer_holds_only_the_latest_state() -> None:
    """Announced, withdrawn and announced again within M: the peer hears of the last one when M is over."""
    result = run(
        plan_of(
            line(2),
            announced=False,
            events=[
                event(Originate(0, 0)),
                event(StopOriginating(0, 0), at=SECOND, index=1),
                event(Originate(0, 0), at=2 * SECOND, index=2),
            ],
        )
    )
    sent = result.emulation.recorder.updates()
    from_origin = [
        (at, withdrawal)
        for at, sender, withdrawal in zip(sent["at_s"], sent["sender"], sent["withdrawal"], strict=True)
        if sender == 0
    ]
    assert from_origin == [(0.0, False), (1.0, True), (30.0, False)]


def cost(n: int, mrai: int, seeds: range) -> tuple[float, float]:
    """Mean convergence (ns) and messages of a clique that forgets a route, with routers that take time."""
    config = SpeakerConfig(mrai=mrai, processing_delay=Delay("uniform", 10 * MILLISECOND, 200 * MILLISECOND))
    results = [withdraw(clique(n), config=config, seed=seed) for seed in seeds]
    assert all(result.quiescent for result in results)
    return mean(r.time for r in results), mean(r.announcements + r.withdrawals for r in results)


@pytest.mark.parametrize("n", [6, 7, 8])
def test_convergence_against_mrai_is_a_u(n: int) -> None:
    """Griffin and Premore (ICNP 2001): too short an MRAI is as bad as too long a one.

    The optimum is near the load of a round, n - 1 messages of 105 ms; to its
    left both time and messages explode, to its right messages stay at a floor.
    """
    load = (n - 1) * 105 * MILLISECOND
    sweep = {factor: cost(n, round(factor * load), range(5)) for factor in (0, 0.25, 0.5, 1, 1.5, 2, 4, 8)}
    times = {factor: time for factor, (time, _) in sweep.items()}
    messages = {factor: count for factor, (_, count) in sweep.items()}
    assert min(times, key=times.__getitem__) == 1
    assert times[0] > 2 * times[1]
    assert times[0.25] > times[0.5] > times[1] < times[1.5] < times[2] < times[4] < times[8]
    assert messages[0] > 3.5 * messages[2]
    assert messages[4] == messages[8] <= min(messages.values()) * 1.1


def test_right_of_the_optimum_the_slope_is_n_minus_3() -> None:
    """There a round of MRAI costs exactly a round of MRAI: n - 3 seconds a second, for every seed."""
    for seed in range(5):
        first, second = (cost(6, mrai * SECOND, range(seed, seed + 1))[0] for mrai in (10, 20))
        assert second - first == 3 * 10 * SECOND
