"""Prefixes that do not meet, run apart: the same as together, in however many processes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from emulator.bgp.config import Delay, MraiScope
from emulator.fleet.config import FleetConfig
from emulator.fleet.log import FleetLog, merged
from emulator.sim.fleet import parts
from emulator.timeline import Event, LinksDown, Originate, RoutersDown, StopOriginating

from fleets import SECOND, delays_of, fleet_plan, random_graph

if TYPE_CHECKING:
    from emulator.scenario.plan import FleetPlan


def plan_of(seed: int, **speakers: object) -> FleetPlan:
    """Three prefixes, of which one is withdrawn and one announced while a link and a router are down."""
    rng = np.random.default_rng(seed)
    graph = random_graph(rng, 40)
    mrai = np.where(rng.random(len(graph)) < 0.5, 5 * SECOND, 0)
    origins = rng.choice(len(graph), 4, replace=False).tolist()
    config = FleetConfig(**{"mrai": mrai, "mrai_scope": MraiScope.PREFIX, **speakers})
    actions = [
        LinksDown((int(rng.integers(graph.link_count)),)),
        StopOriginating(origins[0], 0),
        RoutersDown((int(rng.integers(len(graph))),)),
        Originate(origins[3], 2),
    ]
    events = [Event(i, (i + 1) * 30 * SECOND, "test", "test", (action,)) for i, action in enumerate(actions)]
    return fleet_plan(
        graph,
        delays_of(graph, rng),
        originations=[Originate(origin, prefix) for prefix, origin in enumerate(origins[:3])],
        events=events,
        speakers=config,
        prefixes=3,
        duration=300 * SECOND,
    )


def told(log: FleetLog) -> list[tuple[int, int, int, int, tuple[int, ...]]]:
    """Every change: when, where, of which prefix, to which next hop and path."""
    hops, prefixes = log.next_hops, log.prefixes
    return sorted(
        (int(log.times[e]), int(log.entries[e, 0]), int(prefixes[e]), int(hops[e]), log.path(e))
        for e in range(len(log))
    )


@pytest.mark.parametrize("seed", range(12))
def test_apart_as_together(seed: int) -> None:
    """Changes, paths, messages and counts of fleets of one prefix each are those of one fleet."""
    plan = plan_of(seed)

    together = parts.run_fleet(plan)
    apart = [parts.run_fleet(parts.part_of(plan, prefix)) for prefix in range(3)]

    log = merged([each.log for each in apart])
    assert told(log) == told(together.log)
    assert np.array_equal(log.rate, together.log.rate)
    assert sorted(map(tuple, log.sent[:, :2].tolist())) == sorted(
        map(tuple, together.log.sent[:, :2].tolist())
    )
    for prefix in range(3):
        assert np.array_equal(log.best_hops(prefix), together.log.best_hops(prefix))
    for number, span in enumerate(together.spans):
        assert span.announcements == sum(each.spans[number].announcements for each in apart)
        assert span.withdrawals == sum(each.spans[number].withdrawals for each in apart)


def test_paths_of_watched_messages_move_with_the_log() -> None:
    """A message of the merged log names the entry that its own log named."""
    plan = plan_of(3)
    apart = [parts.run_fleet(parts.part_of(plan, prefix)).log for prefix in range(3)]
    log = merged(apart)
    by_place = {(int(t), int(place)): int(path) for t, place, path in log.sent}

    for prefix, its in enumerate(apart):
        for time, place, path in its.sent.tolist():
            found = by_place[time, place * 3 + prefix]
            assert (found < 0) == (path < 0)
            if path >= 0:
                assert log.path(found) == its.path(path)


def test_timers_that_never_rest_part_prefixes(monkeypatch: pytest.MonkeyPatch) -> None:
    """No prefix has a say in when another may leave: apart or together, every router has the same routes."""
    plan = plan_of(2, mrai_scope=MraiScope.FULL_TABLE, mrai_jitter=(0.75, 1.0))
    together = parts.run_fleet(plan)
    monkeypatch.setattr(parts, "WATCHED_MAX", 10)
    assert parts.is_divisible(plan)
    apart = parts.run_fleet(plan)
    assert together.host is not None
    assert apart.host is None
    counts = [[(s.announcements, s.withdrawals) for s in each.spans] for each in (together, apart)]
    assert counts[0] == counts[1]
    for node in range(len(plan.graph)):
        for prefix in range(3):
            one, other = together.log.best(node, prefix), apart.log.best(node, prefix)
            assert (one is None) == (other is None)
            if one is not None and other is not None:
                assert together.log.path(one) == apart.log.path(other)
                assert together.log.times[one] == apart.log.times[other]


@pytest.mark.slow
def test_processes_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two processes give what one gives, to the last bit."""
    monkeypatch.setattr(parts, "WATCHED_MAX", 10)
    plan = plan_of(5)
    assert parts.is_divisible(plan)

    one, two = parts.run_fleet(plan), parts.run_fleet(plan, jobs=2)

    for name in ("times", "entries", "sent", "rate", "current"):
        assert np.array_equal(getattr(one.log, name), getattr(two.log, name)), name
    assert one.spans == two.spans
    assert one.changes == two.changes


@pytest.mark.parametrize(
    ("why", "speakers"),
    [
        ("one timer a session", {"mrai_scope": MraiScope.PEER}),
        ("routers take time", {"processing": Delay("constant", 1000)}),
    ],
)
def test_what_meets_is_not_divided(
    monkeypatch: pytest.MonkeyPatch, why: str, speakers: dict[str, object]
) -> None:
    """Prefixes that make each other wait are run together."""
    monkeypatch.setattr(parts, "WATCHED_MAX", 10)
    assert not parts.is_divisible(plan_of(1, **speakers)), why
    assert parts.is_divisible(plan_of(1))
    one_prefix = replace(plan_of(1), prefixes=plan_of(1).prefixes[:1])
    assert not parts.is_divisible(one_prefix)


def test_without_mrai_nothing_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """A timer of no length is shared with nobody."""
    monkeypatch.setattr(parts, "WATCHED_MAX", 10)
    plan = plan_of(1, mrai_scope=MraiScope.PEER, mrai=np.zeros(40, np.int64))
    assert parts.is_divisible(plan)
