"""A fleet does what full speakers do: every change at its nanosecond, every message, every path."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from emulator.bgp.config import Delay, MraiScope
from emulator.bgp.liveness import SessionConfig
from emulator.fleet.config import FleetConfig
from emulator.network.asgraph.graph import CUSTOMER_PROVIDER, from_links
from emulator.timeline import (
    Event,
    Leak,
    LinksDown,
    Originate,
    ResetSession,
    RoutersDown,
    StopExporting,
    StopOriginating,
)

from fleets import MS, SECOND, Outcome, by_fleet, by_speakers, delays_of, fleet_plan, random_graph
from labs import D, M

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emulator.network.asgraph.graph import AsGraph
    from emulator.scenario.plan import FleetPlan
    from emulator.timeline import Action

MISHAPS = 5
GAPS = (0.8 * SECOND, 5 * SECOND, 100 * SECOND, 40 * SECOND)
"""From one event to the next: before the first has run its course, or long after."""


class Story:
    """What is announced in a random graph, and what befalls it, drawn from ``rng``."""

    def __init__(self, rng: np.random.Generator, *, prefixes: int) -> None:
        """Draw the graph and who announces what, to all neighbours or to one."""
        self.rng = rng
        self.graph = random_graph(rng, int(rng.integers(5, 40)))
        self.announced: dict[tuple[int, int], Originate] = {}
        for prefix in range(prefixes):
            for _ in range(int(rng.integers(1, 4))):
                node = self.node()
                only_to = frozenset({self.neighbor_as(node)}) if rng.random() < 0.3 else None
                self.announced.setdefault((node, prefix), Originate(node, prefix, only_to))
        self.first = list(self.announced.values())
        self.groups: list[Action] = []
        for _ in range(MISHAPS):
            self.groups += self.mishap()

    def node(self) -> int:
        """Any node."""
        return int(self.rng.integers(0, len(self.graph)))

    def neighbor_as(self, node: int) -> int:
        """The AS of any of its neighbours."""
        row = self.graph.slots(node)
        return int(self.graph.asn[self.rng.choice(self.graph.neighbor[row.start : row.stop])])

    def mishap(self) -> Sequence[Action]:  # noqa: PLR0911 - one return a kind
        """Something happens, and is taken back where it can be."""
        rng, graph = self.rng, self.graph
        link = int(rng.integers(0, graph.link_count))
        ends = [int(end) for end in graph.link_ends[link]]
        node = self.node()
        match int(rng.integers(0, 7)):
            case 0:
                its = list(self.announced.values())[int(rng.integers(0, len(self.announced)))]
                return StopOriginating(its.router, its.prefix), its
            case 1:
                return LinksDown((link,)), LinksDown((link,), repair=True)
            case 2:
                return RoutersDown((node,)), RoutersDown((node,), repair=True)
            case 3:
                return (ResetSession((ends[0], ends[1]) if rng.random() < 0.5 else (ends[1], ends[0])),)
            case 4:
                return Leak(node), Leak(node, repair=True)
            case 5:
                its = list(self.announced.values())[int(rng.integers(0, len(self.announced)))]
                asn = self.neighbor_as(its.router)
                return StopExporting((its.router,), asn), StopExporting((its.router,), asn, repair=True)
        if (node, 0) in self.announced:  # announcing again what is announced counts otherwise
            return ()
        self.announced[node, 0] = Originate(node, 0)
        return (self.announced[node, 0],)

    def events(self, *, start: int) -> list[Event]:
        """The timeline, no two events at one instant."""
        found, at = [], start
        for number, action in enumerate(self.groups):
            at += int(self.rng.choice(GAPS)) + int(self.rng.integers(0, 1_000_000))
            found.append(Event(number, at, "test", "test", (action,)))
        return found


def settings(rng: np.random.Generator, nodes: int, **changes: Any) -> FleetConfig:  # noqa: ANN401
    """Any settings, but for jitter of timers that rest, which the two draw from streams of their own."""
    scope = list(MraiScope)[rng.integers(3)]
    mrai = np.where(rng.random(nodes) < 0.5, 30 * SECOND, 0)
    return FleetConfig(
        **{
            "mrai": mrai if rng.random() < 0.7 else np.full(nodes, 5 * SECOND),
            "mrai_scope": scope,
            "mrai_jitter": (0.75, 1.0) if scope is MraiScope.FULL_TABLE else (1.0, 1.0),
            "withdrawals_wait": bool(rng.random() < 0.3),
            "sender_side_loop_detection": bool(rng.random() < 0.3),
            "ghost_flushing": bool(rng.random() < 0.2),
            "echo": bool(rng.random() < 0.6),
            **changes,
        }
    )


def story_plan(
    seed: int,
    *,
    by_messages: bool | None = None,
    from_silence: bool = False,
    **changes: Any,  # noqa: ANN401
) -> FleetPlan:
    """A plan drawn from ``seed``; ``from_silence`` everything is announced after t = 0."""
    rng = np.random.default_rng(seed)
    takes_time = rng.random() < 0.3
    prefixes = 1 if takes_time else int(rng.integers(1, 4))
    story = Story(rng, prefixes=prefixes)
    first = story.first
    events = story.events(start=100 * SECOND if from_silence else 0)
    if from_silence:
        early = [Event(number, 1000 * number, "test", "test", (each,)) for number, each in enumerate(first)]
        events = [*early, *(Event(e.index + len(early), e.at, "test", "test", e.actions) for e in events)]
    if takes_time:
        changes["processing"] = Delay("constant", 3_000_017)
    return fleet_plan(
        story.graph,
        delays_of(story.graph, rng),
        originations=() if from_silence else first,
        events=events,
        speakers=settings(rng, len(story.graph), **changes),
        sessions=SessionConfig(interface_delay=int(rng.choice([0, 0, 700 * MS]))),
        prefixes=prefixes,
        by_messages=bool(rng.random() < 0.5) if by_messages is None else by_messages,
        duration=max((event.at for event in events), default=0) + 500 * SECOND,
    )


@pytest.mark.parametrize("seed", range(24))
def test_from_a_settled_graph(seed: int) -> None:
    """Settled by messages or solved: the same from there on."""
    plan = story_plan(seed)

    assert by_fleet(plan) == by_speakers(plan)


@pytest.mark.parametrize("seed", range(100, 112))
def test_from_silence(seed: int) -> None:
    """With the announcements themselves."""
    outcome = by_fleet(plan := story_plan(seed, from_silence=True))

    assert outcome == by_speakers(plan)
    assert len(outcome.changes) >= len(outcome.paths)


@pytest.mark.parametrize("seed", range(200, 212))
def test_where_the_current_best_stays(seed: int) -> None:
    """From silence: several states may be stable, and each settles in its own way before t = 0."""
    plan = story_plan(seed, from_silence=True, keeps_incumbent=True)

    assert by_fleet(plan) == by_speakers(plan)


@pytest.mark.parametrize("seed", range(400, 412))
def test_timers_that_never_rest(seed: int) -> None:
    """Each session has its own period and phase, the same in both, also where routers take time."""
    plan = story_plan(seed, mrai_scope=MraiScope.FULL_TABLE, mrai_jitter=(0.75, 1.0))

    assert by_fleet(plan) == by_speakers(plan)


@pytest.mark.parametrize("seed", range(300, 312))
def test_without_relationships(seed: int) -> None:
    """Everything is accepted, the shortest path preferred."""
    plan = story_plan(seed, is_permit_all=True)

    assert by_fleet(plan) == by_speakers(plan)


def test_the_stories_are_about_something() -> None:
    """Over the seeds above much happens, and some of it before all was quiet."""
    outcomes = [by_fleet(story_plan(seed)) for seed in range(24)]
    settled = [is_quiet for outcome in outcomes for *_, is_quiet in outcome.events]

    assert sum(len(outcome.changes) for outcome in outcomes) > 1000
    assert 0 < sum(settled) < len(settled)


# Closed forms ------------------------------------------------------------------------


def lab(edges: Sequence[tuple[int, int]], nodes: int) -> AsGraph:
    """A graph whose relationships nobody minds."""
    return from_links(65000 + np.arange(nodes), np.array(edges), np.full(len(edges), CUSTOMER_PROVIDER))


def line(n: int) -> AsGraph:
    """0 - 1 - ... - (n - 1)."""
    return lab([(i, i + 1) for i in range(n - 1)], n)


def star(n: int) -> AsGraph:
    """A centre 0 and n - 1 leaves."""
    return lab([(0, i) for i in range(1, n)], n)


def clique(n: int) -> AsGraph:
    """Everyone with everyone."""
    return lab([(i, j) for i in range(n) for j in range(i + 1, n)], n)


def told(graph: AsGraph, origin: int, *, withdraws: bool, **changes: Any) -> tuple[int, int, int]:  # noqa: ANN401
    """T (ns), A, W after ``origin`` announces into silence, or withdraws once settled: conventions R0."""
    action: Action = StopOriginating(origin, 0) if withdraws else Originate(origin, 0)
    plan = fleet_plan(
        graph,
        np.full(graph.link_count, D),
        originations=[Originate(origin, 0)] if withdraws else [],
        events=[Event(0, 0, "test", "test", (action,))],
        speakers=FleetConfig(np.full(len(graph), M), is_permit_all=True, **changes),
        duration=100 * M,
    )
    outcome: Outcome = by_fleet(plan)
    ((last, announcements, withdrawals, _, is_quiet),) = outcome.events
    assert is_quiet
    return last or 0, announcements, withdrawals


@pytest.mark.parametrize("n", [2, 3, 6, 20])
def test_line(n: int) -> None:
    """(n - 1) d for good and bad news alike; sender-side loop detection saves every echo."""
    time = (n - 1) * D
    with_detection = {"sender_side_loop_detection": True}

    assert told(line(n), 0, withdraws=True) == (time, 0, 2 * (n - 1))
    assert told(line(n), 0, withdraws=True, **with_detection) == (time, 0, n - 1)
    assert told(line(n), 0, withdraws=False) == (time, 2 * (n - 1), 0)
    assert told(line(n), 0, withdraws=False, **with_detection) == (time, n - 1, 0)


@pytest.mark.parametrize("n", [3, 6, 20])
def test_star(n: int) -> None:
    """A leaf withdraws: 2 d, whatever the number of leaves."""
    assert told(star(n), 1, withdraws=True) == (2 * D, 0, 2 * (n - 1))
    assert told(star(n), 1, withdraws=True, sender_side_loop_detection=True) == (2 * D, 0, n - 1)


@pytest.mark.parametrize("n", [3, 4, 5, 8])
def test_clique(n: int) -> None:
    """Path hunting: n - 3 rounds of MRAI (Labovitz et al., SIGCOMM 2000)."""
    announcements = (n - 2) * (n * n - 1) // 2

    assert told(clique(n), 0, withdraws=False) == (D, n * (n - 1), 0)
    assert told(clique(n), 0, withdraws=True) == ((n - 3) * M + 2 * D, announcements, n * (n - 1))
