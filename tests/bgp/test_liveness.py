"""Keepalives and hold timers, worked out instead of simulated."""

from __future__ import annotations

import random
from functools import partial
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.bgp.liveness import Calling, Keepalives, hold_expiry
from emulator.units import LONG_AGO, SECOND

INTERVAL = 30 * SECOND


def test_times_without_jitter() -> None:
    """First, first + interval, ...: those in [since, until), none before the first."""
    clock = Keepalives(7, 10)
    assert list(clock.times(0, 40)) == [7, 17, 27, 37]
    assert list(clock.times(17, 37)) == [17, 27]
    assert list(clock.times(18, 27)) == []
    assert list(clock.times(-100, 8)) == [7]


@given(st.integers(0, 2**32), st.integers(0, 1000), st.integers(0, 1000))
def test_a_window_is_part_of_the_whole(seed: int, since_s: int, length_s: int) -> None:
    """With jitter too the instants do not depend on the window asked for; gaps are 0.75 to 1 intervals."""
    clock = Keepalives(5, INTERVAL, (0.75, 1.0), partial(random.Random, seed))
    whole = list(clock.times(0, 3000 * SECOND))
    since, until = since_s * SECOND, (since_s + length_s) * SECOND
    assert list(clock.times(since, until)) == [each for each in whole if since <= each < until]
    gaps = [after - before for before, after in pairwise(whole)]
    assert all(0.75 * INTERVAL - 1 <= gap <= INTERVAL for gap in gaps)


@pytest.mark.parametrize("jitter", [(1.0, 1.0), (0.75, 1.0)])
@given(
    first=st.integers(-30, 0), lost_s=st.integers(60, 400), delay_ms=st.integers(0, 3000), seed=st.integers()
)
def test_expiry_is_the_last_arrival_plus_the_hold_time(
    jitter: tuple[float, float], first: int, lost_s: int, delay_ms: int, seed: int
) -> None:
    """Derived from the clock, and from the list of keepalives that arrived before the loss: the same."""
    clock = Keepalives(first * SECOND, INTERVAL, jitter, partial(random.Random, seed))
    delay, lost_at, hold = delay_ms * 10**6, lost_s * SECOND, 90 * SECOND
    arrivals = [sent + delay for sent in clock.times(-INTERVAL, lost_at) if sent + delay < lost_at]

    derived = hold_expiry(clock, delay=delay, lost_at=lost_at, heard=LONG_AGO, hold_time=hold)

    assert derived == max(arrivals) + hold


def test_an_update_restarts_the_hold_timer() -> None:
    """What was heard after the last keepalive counts instead."""
    clock = Keepalives(0, INTERVAL)
    heard = 50 * SECOND
    expiry = hold_expiry(clock, delay=0, lost_at=55 * SECOND, heard=heard, hold_time=90 * SECOND)
    assert expiry == 140 * SECOND


def test_an_unanswered_syn_is_repeated_until_the_next_attempt() -> None:
    """SYNs at 0, 1, 3, 7, 15 s, then the ConnectRetryTimer's 20 s are over and it begins anew."""
    call = Calling(0, 20 * SECOND)
    found = [
        call.unanswered(now * SECOND, lambda: 20 * SECOND).next_syn(now * SECOND) // SECOND
        for now in range(45)
    ]
    expected = [0, 1, 3, 7, 15, 20, 21, 23, 27, 35, 40, 41, 43, 47]
    assert found == [next(each for each in expected if each >= now) for now in range(45)]


def test_refused_attempts_are_a_round_trip_and_an_interval_apart() -> None:
    """From 100 s on every SYN is refused: at 120, 141, 162 s with a timer of 20 s and a round trip of 1 s.

    A connection begun at 90 s, whose SYN the dead transport swallowed, repeats it
    after 1, 3, 7 and 15 s, and that at 105 s is the first to be refused: then 126, 147 s.
    """

    def due(call: Calling, until: int) -> int:
        return call.refused(100 * SECOND, until * SECOND, SECOND, lambda: 20 * SECOND).retry_at // SECOND

    waits, calls = Calling(None, 120 * SECOND), Calling(90 * SECOND, 110 * SECOND)
    assert [due(waits, until) for until in (120, 121, 141, 142, 163)] == [120, 141, 141, 162, 183]
    assert [due(calls, until) for until in (105, 106, 126, 127)] == [110, 126, 126, 147]
