"""A fleet does what full speakers do: at the same nanosecond, with the same messages, on random Internets.

Left out, since the two differ there by design: jitter, which they draw
otherwise, and a prefix announced again where it is announced already, which full speakers
count as a change of the best path.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from emulator.bgp.config import Delay
from emulator.bgp.liveness import SessionConfig
from emulator.fleet.config import FleetConfig
from emulator.network.asgraph.graph import PEERING, AsGraph, from_links
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

from fleets import MS, SECOND, by_fleet, by_speakers, delays_of, fleet_plan, random_graph

if TYPE_CHECKING:
    from emulator.scenario.plan import FleetPlan
    from emulator.timeline import Action

SEEDS, BATCHES = 80, 20


class Trouble:
    """A random timeline; gaps are longer than a failure takes to be noticed."""

    def __init__(self, rng: np.random.Generator, graph: AsGraph, origins: list[Originate]) -> None:
        """Nothing has happened yet."""
        self.rng, self.graph, self.origins = rng, graph, origins
        self.events: list[Event] = []
        self.now = 100 * SECOND

    def add(self, action: Action) -> None:
        """Let it happen after a while."""
        gap = (0.8, 5, 40, 100)[int(self.rng.integers(4))]
        self.now += int(gap * SECOND) + int(self.rng.integers(1_000_000))
        self.events.append(Event(len(self.events), self.now, "test", "test", (action,)))

    def node(self) -> int:
        """Any of them."""
        return int(self.rng.integers(len(self.graph)))

    def happen(self) -> None:
        """One thing that breaks and is mended, or a reset, or one that comes new."""
        link = int(self.rng.integers(self.graph.link_count))
        origin = self.origins[int(self.rng.integers(len(self.origins)))]
        match int(self.rng.integers(7)):
            case 0:
                pair: tuple[Action, ...] = (StopOriginating(origin.router, origin.prefix), origin)
            case 1:
                pair = (LinksDown((link,)), LinksDown((link,), repair=True))
            case 2:
                router = self.node()
                pair = (RoutersDown((router,)), RoutersDown((router,), repair=True))
            case 3:
                ends = self.graph.link_ends[link].tolist()
                pair = (ResetSession(tuple(ends if self.rng.random() < 0.5 else ends[::-1])),)
            case 4:
                router = self.node()
                pair = (Leak(router), Leak(router, repair=True))
            case 5:
                asn = int(self.graph.asn[self.graph.neighbor[self.graph.first[origin.router]]])
                muted = StopExporting((origin.router,), asn)
                pair = (muted, StopExporting((origin.router,), asn, repair=True))
            case _:
                router = self.node()
                known = {each.router for each in self.origins}
                pair = () if router in known else (Originate(router, 0),)
                self.origins += pair
        for action in pair:
            self.add(action)


def random_plan(seed: int) -> FleetPlan:
    """Up to 40 ASes, up to three prefixes, any settings, a handful of mishaps."""
    rng = np.random.default_rng(seed)
    graph = random_graph(rng, int(rng.integers(5, 40)))
    keeps_incumbent = bool(rng.random() < 0.3)
    takes_time = bool(rng.random() < 0.3)
    prefixes = 1 if takes_time else int(rng.integers(1, 4))
    origins: list[Originate] = []
    for prefix in range(prefixes):
        for router in rng.choice(len(graph), int(rng.integers(1, 4)), replace=False).tolist():
            neighbors = graph.asn[graph.neighbor[graph.slots(router)]].tolist()
            only = frozenset(rng.choice(neighbors, 1).tolist()) if rng.random() < 0.3 else None
            origins.append(Originate(router, prefix, only))
    trouble = Trouble(rng, graph, list(origins))
    if keeps_incumbent:  # several states are stable: both have to start from none
        for each in origins:
            trouble.events.append(
                Event(len(trouble.events), 1000 * len(trouble.events), "test", "test", (each,))
            )
    for _ in range(5):
        trouble.happen()
    mrai = np.where(rng.random(len(graph)) < 0.5, 30 * SECOND, 0)
    return fleet_plan(
        graph,
        delays_of(graph, rng),
        originations=() if keeps_incumbent else origins,
        events=trouble.events,
        speakers=FleetConfig(
            mrai if rng.random() < 0.7 else np.full(len(graph), 5 * SECOND),
            is_mrai_per_prefix=bool(rng.random() < 0.3),
            withdrawals_wait=bool(rng.random() < 0.3),
            sender_side_loop_detection=bool(rng.random() < 0.3),
            ghost_flushing=bool(rng.random() < 0.2),
            echo=bool(rng.random() < 0.6),
            keeps_incumbent=keeps_incumbent,
            processing=Delay("constant", 3_000_017) if takes_time else Delay(),
        ),
        sessions=SessionConfig(interface_delay=int(rng.choice([0, 0, 700 * MS]))),
        prefixes=prefixes,
        by_messages=bool(rng.random() < 0.5) and not keeps_incumbent,
        duration=trouble.now + 500 * SECOND,
    )


@pytest.mark.parametrize("batch", range(BATCHES))
def test_random_internets(batch: int) -> None:
    """Every change at every router, every message counted, every path at the end."""
    changes = 0
    for seed in range(batch, SEEDS, BATCHES):
        plan = random_plan(seed)

        fleet, speakers = by_fleet(plan), by_speakers(plan)

        assert fleet.events == speakers.events, seed
        assert fleet.changes == speakers.changes, seed
        assert fleet.paths == speakers.paths, seed
        changes += len(fleet.changes)
    assert changes > 50  # the test is about something


def lab(edges: list[tuple[int, int]], nodes: int) -> FleetPlan:
    """Conventions R0 of the reference rows, the first node about to announce, then to withdraw."""
    graph = from_links(np.arange(1, nodes + 1), np.array(edges), np.full(len(edges), PEERING))
    events = [
        Event(0, 0, "announce", "announce", (Originate(0, 0),)),
        Event(1, 1000 * SECOND, "withdraw", "withdraw", (StopOriginating(0, 0),)),
    ]
    config = FleetConfig(np.full(nodes, 30 * SECOND), is_permit_all=True)
    delays = np.full(len(edges), 10 * MS)
    return fleet_plan(graph, delays, events=events, speakers=config, duration=5000 * SECOND)


@pytest.mark.parametrize("n", range(3, 10))
def test_closed_forms_of_a_line(n: int) -> None:
    """(n-1)d, 2(n-1) messages less the one that nobody is left to send."""
    announce, withdraw = by_fleet(lab([(i, i + 1) for i in range(n - 1)], n)).events
    d = 10 * MS
    assert announce == ((n - 1) * d, 2 * (n - 1), 0, n, True)
    assert withdraw == (1000 * SECOND + (n - 1) * d, 0, 2 * (n - 1), n, True)


@pytest.mark.parametrize("n", range(3, 10))
def test_closed_forms_of_a_clique(n: int) -> None:
    """D and n(n-1) messages; (n-3)M + 2d, (n-2)(n^2-1)/2 and n(n-1) (Labovitz et al., SIGCOMM 2000)."""
    edges = [(i, j) for i in range(n) for j in range(i + 1, n)]
    announce, withdraw = by_fleet(lab(edges, n)).events
    d, mrai = 10 * MS, 30 * SECOND
    assert announce[:3] == (d, n * (n - 1), 0)
    last, announcements, withdrawals, _, is_quiet = withdraw
    assert last == 1000 * SECOND + (n - 3) * mrai + 2 * d
    assert (announcements, withdrawals) == ((n - 2) * (n * n - 1) // 2, n * (n - 1))
    assert is_quiet
