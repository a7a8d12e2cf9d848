"""Service reconvergence of one group from hand-placed requests."""

from __future__ import annotations

import math
from itertools import pairwise

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from emulator.clients.config import Fault
from emulator.clients.reconvergence import Reconvergence
from emulator.units import SECOND

Row = tuple[int, int, float, bool, int]


def follow(
    requests: list[tuple[float, bool]],
    *,
    faults: tuple[float, ...] = (10,),
    chunk_s: float = 10,
    end_s: float = 60,
    validation_s: float = 10,
) -> list[Row]:
    """Rows for one group whose requests are (start in s, is good), in any order."""
    instants = [round(at * SECOND) for at in (*faults, 1e9)]
    windows = [Fault(i, *window) for i, window in enumerate(pairwise(instants))]
    tracker = Reconvergence(windows, 1, round(validation_s * SECOND))
    begin = 0.0
    while begin < end_s:
        end = begin + chunk_s
        mine = [(round(t * SECOND), good) for t, good in requests if begin <= t < end]
        instant = np.array([t for t, _ in mine], dtype=np.int64)
        bad = np.flatnonzero([not good for _, good in mine])
        starts = np.array([0, len(mine)])
        tracker.observe(round(end * SECOND), instant, starts, bad, np.zeros(len(bad), np.int64))
        begin = end
    return tracker.rows()


def reference(
    requests: list[tuple[float, bool]], fault: float, end: float, validation: float
) -> float | None:
    """Straight from the definition: None untouched, NaN censored."""
    bad = sorted(t for t, good in requests if not good and t >= fault)
    if not bad:
        return None
    for start in sorted(t for t, good in requests if good and t > bad[0]):
        if not any(start < b <= start + validation for b in bad) and start + validation < end:
            return start - fault
    return math.nan


def test_first_good_request_that_nothing_bad_follows() -> None:
    """Good at 14 is followed by a bad one at 20; good at 21 is not."""
    requests = [(1, True), (11, False), (14, True), (20, False), (21, True), (30, True), (33, True)]
    assert follow(requests) == [(0, 0, 11.0, False, 2)]


def test_good_before_the_first_bad_does_not_count_as_recovery() -> None:
    """The fault shows 25 s late."""
    assert follow([(12, True), (35, False), (36, True)]) == [(0, 0, 26.0, False, 1)]


def test_never_good_again_is_censored() -> None:
    """NaN and the flag, with every bad request counted."""
    rows = follow([(t, False) for t in range(11, 60)])
    assert math.isnan(rows[0][2])
    assert rows[0][3:] == (True, 49)


def test_recovery_too_late_to_validate_is_censored() -> None:
    """Good from 55 s on, validation 10 s, end 60 s."""
    assert follow([(12, False), (55, True), (58, True)])[0][3] is True


def test_untouched_group_has_no_row() -> None:
    """A bad request before the fault is not the fault's."""
    assert follow([(5, False), (15, True)]) == []


def test_each_fault_has_its_own_row() -> None:
    """Two faults, two recoveries; the second's bad requests are not counted for the first."""
    requests = [(11, False), (12, True), (24, True), (41, False), (42, False), (43, True)]
    assert follow(requests, faults=(10, 40)) == [(0, 0, 2.0, False, 1), (1, 0, 3.0, False, 2)]


def test_a_request_under_way_when_the_next_event_strikes_is_not_put_down_to_the_fault() -> None:
    """It starts within the validation time before that event: nobody can tell, so it does not count."""
    requests = [(11, True), (39.9, False), (41, False), (43, True)]
    assert follow(requests, faults=(10, 40)) == [(1, 0, 3.0, False, 1)]


@given(
    st.lists(st.tuples(st.integers(0, 599), st.booleans()), max_size=40, unique_by=lambda r: r[0]),
    st.sampled_from([5, 7.3, 10, 60]),
    st.sampled_from([0.95, 3.05, 10.05]),
)
def test_agrees_with_the_definition(
    tenths: list[tuple[int, bool]], chunk_s: float, validation_s: float
) -> None:
    """Whatever the order, the chunks and the validation time."""
    requests = [(t / 10, good) for t, good in tenths]
    end = chunk_s * math.ceil(60 / chunk_s)
    rows = follow(requests, chunk_s=chunk_s, validation_s=validation_s)
    expected = reference(requests, 10, end, validation_s)
    if expected is None:
        assert rows == []
    elif math.isnan(expected):
        assert rows[0][3] is True
    else:
        assert rows[0][2] == pytest.approx(expected, abs=1e-9)
