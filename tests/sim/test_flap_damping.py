"""Route flap damping (RFC 2439) with the classic numbers: 1000 a withdrawal, 2000, 750, 15 minutes."""

from __future__ import annotations

import pytest

from emulator.bgp.config import Damping
from emulator.record.trace import BEST_PATH
from emulator.timeline import Originate, StopOriginating
from emulator.units import MINUTE, SECOND

from labs import D, Result, event, line, plan_of, r0, run

DAMPING = Damping(half_life=15 * MINUTE)


def flapping(count: int, period: int, *, duration: int) -> Result:
    """R0 withdraws every ``period`` and announces again half way; r1 damps."""
    events = []
    for flap in range(1, count + 1):
        events += [
            event(StopOriginating(0, 0), at=flap * period, index=len(events)),
            event(Originate(0, 0), at=flap * period + period // 2, index=len(events) + 1),
        ]
    configs = (r0(mrai=0), r0(mrai=0, damping=DAMPING))
    return run(plan_of(line(2), configs=configs, events=events, duration=duration))


def changes_at_r1(result: Result) -> list[tuple[float, bool]]:
    """(second, whether there is a route) for every change at the damping router."""
    return [
        (each["at_s"], each["as_path"] is not None)
        for each in result.emulation.recorder.trace
        if each["type"] == BEST_PATH and each["router"] == "r1"
    ]


def test_third_withdrawal_a_minute_apart_suppresses() -> None:
    """1000 (1 + 2^(-1/15) + 2^(-2/15)) = 2866.6 > 2000: the third announcement is not believed.

    It is reused when the penalty has decayed to 750, 15 min x log2(2866.6 / 750)
    = 1740.9 s after the third withdrawal arrived.
    """
    result = flapping(3, MINUTE, duration=2 * 60 * MINUTE)
    assert result.quiescent
    late = D / SECOND
    *early, (reused, is_there) = changes_at_r1(result)
    expected = [(60, False), (90, True), (120, False), (150, True), (180, False)]
    assert early == [(at + late, there) for at, there in expected]
    assert is_there
    assert reused - (180 + late) == pytest.approx(1740.9, abs=0.05)
    penalty = DAMPING.withdrawal_penalty * (1 + 2 ** (-1 / 15) + 2 ** (-2 / 15))
    assert round(penalty, 1) == 2866.6
    assert DAMPING.time_to_reuse(penalty) / SECOND == pytest.approx(reused - 180 - late, abs=1e-6)


def test_one_flap_a_half_life_is_never_suppressed() -> None:
    """1000 (1 + 1/2 + 1/4 + ...) stays below 2000: every announcement is believed at once."""
    result = flapping(30, 15 * MINUTE, duration=500 * MINUTE)
    late = D / SECOND
    expected = []
    for flap in range(1, 31):
        expected += [(flap * 900 + late, False), (flap * 900 + 450 + late, True)]
    assert changes_at_r1(result) == expected


def test_penalty_has_a_ceiling() -> None:
    """RFC 2439 4.2: however often it flaps, an hour (max_suppress) after the last one it is back."""
    result = flapping(200, 10 * SECOND, duration=3 * 60 * MINUTE)
    reused, is_there = changes_at_r1(result)[-1]
    assert is_there
    assert reused - (2000 + D / SECOND) == pytest.approx(3600, abs=0.001)


def test_withdrawals_of_what_was_never_announced_do_not_count() -> None:
    """A duplicate withdrawal is no flap: nothing is suppressed after one real one."""
    events = [event(StopOriginating(0, 0), at=at * SECOND, index=at) for at in range(1, 6)]
    events.append(event(Originate(0, 0), at=10 * SECOND, index=9))
    configs = (r0(mrai=0), r0(mrai=0, damping=DAMPING))
    result = run(plan_of(line(2), configs=configs, events=events))
    assert changes_at_r1(result)[-1] == (10 + D / SECOND, True)
