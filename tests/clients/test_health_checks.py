"""Health checks: detection in [(k - 1) h, k h] + u with mean (k - 1/2) h + u, recovery, fail-open."""

from __future__ import annotations

import numpy as np
import pytest

from emulator.clients.config import HealthChecks
from emulator.clients.health import watch
from emulator.clients.paths import Paths
from emulator.units import SECOND

from client_labs import DARK, history, path

GROUPS = [f"g{i}" for i in range(400)]
DIES_S, BACK_S, END_S = 100, 200, 300


def states(checks: HealthChecks, lines: list, seed: int = 1) -> np.ndarray:
    """(seconds * 10, groups) of the only address, looked at every 100 ms."""
    world = history([lines], end_s=END_S, groups=len(GROUPS))
    paths = Paths(world, len(GROUPS))
    health = watch(paths, checks, GROUPS, [("p0", 0)], seed=seed, end=END_S * SECOND)
    return np.array([health.all_at(tick * SECOND // 10)[:, 0] for tick in range(END_S * 10)])


@pytest.mark.parametrize(("interval", "failures", "timeout"), [(10, 3, 2), (5, 1, 1), (8, 4, 8)])
def test_detection_time(interval: int, failures: int, timeout: int) -> None:
    """Bounds hold for every group; the mean over 400 random phases is within 5 standard errors."""
    checks = HealthChecks(interval * SECOND, failures, timeout * SECOND)
    up = states(checks, [(0, path(0, 10)), (DIES_S, DARK)])
    assert up[: DIES_S * 10].all()
    detected = up.argmin(axis=0) / 10 - DIES_S
    assert detected.min() >= (failures - 1) * interval + timeout - 0.1
    assert detected.max() <= failures * interval + timeout + 0.1
    standard_error = interval / np.sqrt(12 * len(GROUPS))
    assert detected.mean() == pytest.approx(
        (failures - 0.5) * interval + timeout, abs=5 * standard_error + 0.1
    )


def test_recovery_takes_consecutive_successes() -> None:
    """Back in the answers after [(s - 1) h, s h] once the path delivers."""
    up = states(HealthChecks(successes=3), [(0, path(0, 10)), (DIES_S, DARK), (BACK_S, path(1, 20))])
    down_at_return = up[BACK_S * 10]
    assert not down_at_return.any()
    back = up[BACK_S * 10 :].argmax(axis=0) / 10
    assert back.min() >= 20 - 0.1
    assert back.max() <= 30 + 0.1


def test_dark_from_the_start_is_down_from_the_start() -> None:
    """The checks ran before t = 0."""
    assert not states(HealthChecks(), [(0, DARK)])[0].any()


def test_a_gap_shorter_than_the_checks_goes_unnoticed() -> None:
    """Less than (k - 1) h of darkness cannot fail k checks."""
    assert states(HealthChecks(), [(0, path(0, 10)), (DIES_S, DARK), (DIES_S + 19, path(0, 10))]).all()


def test_loss_fails_checks_by_chance() -> None:
    """A path that loses 70 % of packets each way is nearly always out, one that loses 1 % nearly never."""
    heavy = states(HealthChecks(), [(0, path(0, 10, loss=0.7)), (250, path(0, 10))])
    light = states(HealthChecks(), [(0, path(0, 10, loss=0.01)), (250, path(0, 10))])
    assert heavy[1500].mean() < 0.2
    assert light[:2500].mean() > 0.995


def test_adding_a_group_leaves_the_others_phases_alone() -> None:
    """Phases hang on names."""
    world = history([[(0, path(0, 10)), (DIES_S, DARK)]], end_s=END_S, groups=3)
    paths = Paths(world, 3)
    three = watch(paths, HealthChecks(), ["a", "b", "c"], [("p", 0)], seed=1, end=END_S * SECOND)
    world = history([[(0, path(0, 10)), (DIES_S, DARK)]], end_s=END_S, groups=2)
    two = watch(Paths(world, 2), HealthChecks(), ["a", "c"], [("p", 0)], seed=1, end=END_S * SECOND)
    for instant in range(DIES_S * SECOND, 140 * SECOND, SECOND // 3):
        assert three.all_at(instant)[[0, 2], 0].tolist() == two.all_at(instant)[:, 0].tolist()
