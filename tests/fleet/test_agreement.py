"""The timed run ends where the solver ends: after the announcement, after failures and after repairs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pytest

from emulator.bgp.config import Delay, MraiScope
from emulator.bgp.liveness import SessionConfig
from emulator.fleet.config import FleetConfig
from emulator.fleet.tables import LOG_NODE
from emulator.sim.fleet.host import FleetHost
from emulator.steady.valley_free import Origin, solve
from emulator.timeline import Event, LinksDown, Originate, RoutersDown, StopOriginating

from fleets import MS, SECOND, delays_of, fleet_plan, random_graph

if TYPE_CHECKING:
    from emulator.fleet.log import FleetLog
    from emulator.network.asgraph.graph import AsGraph
    from emulator.scenario.plan import FleetPlan
    from emulator.steady.routes import Routes
    from emulator.timeline import Action

GRAPHS = 200
CASES = 20
FAULTS = 5
APART = 600 * SECOND
"""Between two events: long enough for the graph to settle, which is checked."""


@dataclass
class World:
    """What is up, and what is announced, as the solver is told."""

    graph: AsGraph
    origins: dict[int, frozenset[int] | None]
    cut: Counter[int] = field(default_factory=Counter)
    down: Counter[int] = field(default_factory=Counter)

    def apply(self, action: Action) -> None:
        """Let it happen."""
        match action:
            case Originate(router, _, only_to):
                self.origins[router] = only_to
            case StopOriginating(router):
                self.origins.pop(router, None)
            case LinksDown(links, repair):
                self.cut.update(dict.fromkeys(links, -1 if repair else 1))
            case RoutersDown(routers, repair):
                self.down.update(dict.fromkeys(routers, -1 if repair else 1))

    def routes(self, prepend: np.ndarray) -> Routes:
        """The fixed point."""
        link_up = np.ones(self.graph.link_count, np.bool_)
        link_up[[link for link, causes in self.cut.items() if causes]] = False
        node_up = np.ones(len(self.graph), np.bool_)
        node_up[[node for node, causes in self.down.items() if causes]] = False
        origins = [Origin(*each) for each in self.origins.items() if node_up[each[0]]]
        return solve(self.graph, origins, link_up=link_up, node_up=node_up, prepend=prepend)


def mishaps(rng: np.random.Generator, world: World) -> list[Action]:
    """Failures and what repairs them, each repair after the next failure."""
    graph = world.graph
    found: list[tuple[Action, Action]] = []
    for _ in range(FAULTS):
        kind = rng.integers(0, 4)
        if kind <= 1:
            links = tuple(
                int(link) for link in rng.choice(graph.link_count, rng.integers(1, 4), replace=False)
            )
            found.append((LinksDown(links), LinksDown(links, repair=True)))
        elif kind == 2:
            router = int(rng.integers(0, len(graph)))
            found.append((RoutersDown((router,)), RoutersDown((router,), repair=True)))
        else:
            router = int(rng.choice(list(world.origins)))
            found.append((StopOriginating(router, 0), Originate(router, 0, world.origins[router])))
    failures, repairs = zip(*found, strict=True)
    order = [failures[0], *(each for pair in zip(failures[1:], repairs, strict=False) for each in pair)]
    return [*order, repairs[-1]]


def case(seed: int) -> tuple[World, list[Action], FleetPlan]:
    """A graph with what is announced in it, what befalls it in order, and the plan of that."""
    rng = np.random.default_rng(seed)
    graph = random_graph(rng, int(rng.integers(5, 60)))
    origins: dict[int, frozenset[int] | None] = {}
    for node in rng.choice(len(graph), int(rng.integers(1, 4)), replace=False).tolist():
        row = graph.slots(node)
        near = graph.asn[graph.neighbor[row.start : row.stop]]
        is_for_some = len(near) and rng.random() < 0.3
        origins[node] = frozenset({int(rng.choice(near))}) if is_for_some else None
    world = World(graph, origins)
    announced: list[Action] = [Originate(node, 0, only_to) for node, only_to in origins.items()]
    later = mishaps(rng, world)
    groups = [announced, *([each] for each in later)]
    events = [
        Event(index, index * APART, "test", "test", tuple(actions)) for index, actions in enumerate(groups)
    ]
    plan = fleet_plan(
        graph,
        delays_of(graph, rng),
        events=events,
        duration=len(groups) * APART,
        speakers=FleetConfig(
            np.where(rng.random(len(graph)) < 0.5, 30 * SECOND, 0),
            mrai_jitter=(0.75, 1.0),
            mrai_scope=list(MraiScope)[rng.integers(3)],
            withdrawals_wait=bool(rng.random() < 0.3),
            sender_side_loop_detection=bool(rng.random() < 0.3),
            echo=bool(rng.random() < 0.6),
            processing=Delay("uniform", MS, 9 * MS) if rng.random() < 0.3 else Delay(),
        ),
        sessions=SessionConfig(interface_delay=int(rng.choice([0, 700 * MS]))),
        prepend=rng.choice(np.array([0, 0, 0, 2], np.int8), graph.slot_count),
    )
    return world, later, plan


def entries_by(log: FleetLog, instant: int) -> dict[int, int]:
    """For each node the entry of the log that held just before ``instant``."""
    before = np.searchsorted(log.times, instant)
    return {int(node): entry for entry, node in enumerate(log.entries[:before, LOG_NODE])}


@pytest.mark.parametrize("part", range(CASES))
def test_timed_runs_end_where_the_solver_does(part: int) -> None:
    """Of every router that is up the next hop and the AS path, each time the graph has come to rest."""
    compared = 0
    for seed in range(part, GRAPHS, CASES):
        world, later, plan = case(seed)
        host = FleetHost(plan)
        host.settle()
        host.run()
        assert [span.is_quiescent for span in host.spans] == [True] * (1 + 2 * FAULTS)
        log = host.fleet.log()
        hops = log.next_hops
        for number in range(len(host.spans)):
            if number:
                world.apply(later[number - 1])
            routes = world.routes(plan.prepend)
            entries = entries_by(log, (number + 1) * APART)
            for node in range(len(world.graph)):
                if world.down[node]:
                    continue
                entry = entries.get(node)
                where = f"graph {seed}, after event {number}, {world.graph.name(node)}"
                if entry is None or hops[entry] < 0:
                    assert routes.next_hop[node] == -1, where
                    continue
                assert hops[entry] == routes.next_hop[node], where
                assert log.path(entry) == routes.path(world.graph, node), where
                compared += 1
    assert compared > 100 * len(range(part, GRAPHS, CASES))
