"""Small AS graphs with sites and clients to which all sorts of things happen, for tests of forwarding."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from emulator.bgp.liveness import Detection, SessionConfig
from emulator.fleet.config import FleetConfig
from emulator.forwarding.history import Destination
from emulator.network.model import ClientGroup, Pop
from emulator.timeline import (
    Blackhole,
    Degrade,
    Event,
    LinksDown,
    Originate,
    RoutersDown,
    StopExporting,
    StopOriginating,
)

from fleets import MS, SECOND, delays_of, fleet_plan, random_graph

if TYPE_CHECKING:
    from emulator.scenario.plan import FleetPlan
    from emulator.timeline import Action

PREFIXES = 4
COVERED = ((0,), (1, 3), (2, 1, 3), (3,))
"""Prefixes of each destination: alone, with a cover, with two, the cover alone."""
DURATION = 200 * SECOND


def random_plan(seed: int) -> FleetPlan:
    """A graph of 4 to 16 ASes, three of them sites, to which all sorts of things happen."""
    rng = np.random.default_rng(seed)
    graph = random_graph(rng, int(rng.integers(4, 17)))
    count = len(graph)
    is_permit_all = bool(rng.random() < 0.5)
    sites = [int(node) for node in rng.choice(count, 3, replace=False)]
    pops = tuple(Pop(i, f"P{i}", f"city{i}", node) for i, node in enumerate((*sites, sites[0])))
    groups = tuple(
        ClientGroup(i, f"g{i}", node, int(graph.asn[node]), "city", "XX", 1.0, 10 * MS)
        for i, node in enumerate([*range(count), int(rng.integers(0, count))])
    )
    origins = [Originate(node, prefix) for prefix in range(PREFIXES) for node in sites if rng.random() < 0.6]
    plan = fleet_plan(
        graph,
        delays_of(graph, rng),
        originations=origins,
        events=random_events(rng, plan_links=graph.link_count, nodes=count, sites=sites),
        speakers=FleetConfig(
            np.full(count, int(rng.choice([0, 5, 30])) * SECOND),
            mrai_jitter=(1.0, 1.0),
            is_permit_all=is_permit_all,
        ),
        sessions=SessionConfig(
            detection=Detection.INTERFACE, interface_delay=int(rng.choice([0, 200 * MS, 3 * SECOND]))
        ),
        duration=DURATION,
        prefixes=PREFIXES,
        seed=seed,
        by_messages=is_permit_all or bool(rng.random() < 0.3),
        fib_install_delay=int(rng.choice([0, 0, 70 * MS, 2 * SECOND])),
    )
    destinations = tuple(Destination(i, f"d{i}", prefixes) for i, prefixes in enumerate(COVERED))
    return replace(plan, destinations=destinations, pops=pops, groups=groups)


def random_events(rng: np.random.Generator, *, plan_links: int, nodes: int, sites: list[int]) -> list[Event]:
    """From one to six events, at an instant that they may share, each perhaps mended later on."""
    events: list[Event] = []
    mends: list[tuple[int, int, Action]] = []
    for index in range(int(rng.integers(1, 7))):
        at = int(rng.choice([0, 1, 20, 20, 45, 90])) * SECOND
        node, site = int(rng.integers(0, nodes)), int(rng.choice(sites))
        links = tuple(sorted(int(link) for link in rng.choice(plan_links, min(2, plan_links), replace=False)))
        prefix = int(rng.integers(0, PREFIXES))
        degrade = Degrade(0, None, int(rng.integers(1, 90)) * MS, float(rng.choice([0.0, 0.2, 1.0])), links)
        kinds: list[tuple[Action, Action | None]] = [
            (StopOriginating(site, prefix), Originate(site, prefix)),
            (Originate(node, prefix), StopOriginating(node, prefix)),
            (LinksDown(links), LinksDown(links, repair=True)),
            (RoutersDown((node,)), RoutersDown((node,), repair=True)),
            (Blackhole((node,)), Blackhole((node,), repair=True)),
            (degrade, replace(degrade, repair=True)),
            (StopExporting((site,), int(rng.integers(1, 60_000))), None),
        ]
        action, mend = kinds[int(rng.integers(0, len(kinds)))]
        events.append(Event(index, at, "test", "test", (action,)))
        if mend is not None and rng.random() < 0.6:
            mends.append((at + int(rng.choice([10, 60])) * SECOND, index, mend))
    for at, repaired, mend in mends:
        events.append(Event(len(events), at, "repair", "mend", (mend,), repaired))
    return events
