"""The timed run ends where the solver says, after the announcement and after every failure and repair."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from emulator.sim.fleet.host import FleetHost
from emulator.steady.valley_free import Origin, solve
from emulator.timeline import Event, LinksDown, Originate, RoutersDown, StopOriginating

from fleets import SECOND, delays_of, fleet_plan, random_graph

GRAPHS, BATCHES, FAULTS = 200, 20, 5
PAUSE = 400 * SECOND
"""Longer than any of these networks takes to be quiet."""


class Network:
    """What works, and who announces, as far as the timeline has come."""

    def __init__(self, seed: int) -> None:
        """Three sites of one prefix on a graph of 8 to 60 ASes."""
        self.rng = np.random.default_rng(seed)
        self.graph = random_graph(self.rng, int(self.rng.integers(8, 60)))
        self.link_up = np.ones(self.graph.link_count, np.bool_)
        self.node_up = np.ones(len(self.graph), np.bool_)
        sites = self.rng.choice(len(self.graph), 3, replace=False).tolist()
        self.origins = {site: self._only_to(site) for site in sites}

    def _only_to(self, site: int) -> frozenset[int] | None:
        """All neighbours, or one."""
        neighbors = self.graph.asn[self.graph.neighbor[self.graph.slots(site)]].tolist()
        return frozenset(self.rng.choice(neighbors, 1).tolist()) if self.rng.random() < 0.3 else None

    def fault(self) -> tuple[object, object, dict[str, np.ndarray]]:
        """Something that breaks, its repair, and what then does not work."""
        what = self.rng.integers(3)
        if what == 0:
            links = tuple(self.rng.choice(self.graph.link_count, 2, replace=False).tolist())
            link_up = self.link_up.copy()
            link_up[list(links)] = False
            return LinksDown(links), LinksDown(links, repair=True), {"link_up": link_up}
        if what == 1:
            router = int(self.rng.integers(len(self.graph)))
            node_up = self.node_up.copy()
            node_up[router] = False
            return RoutersDown((router,)), RoutersDown((router,), repair=True), {"node_up": node_up}
        site = int(self.rng.choice(sorted(self.origins)))
        gone = {"without": np.array([site])}
        return StopOriginating(site, 0), Originate(site, 0, self.origins[site]), gone

    def solved(self, broken: dict[str, np.ndarray]) -> np.ndarray:
        """Next hops of the fixed point; nodes that are down are not asked."""
        without = broken.get("without", np.zeros(0, np.int64)).tolist()
        origins = [Origin(site, only) for site, only in self.origins.items() if site not in without]
        told = {name: broken[name] for name in ("link_up", "node_up") if name in broken}
        routes = solve(self.graph, origins, **told)
        return np.where(broken.get("node_up", self.node_up), routes.next_hop, -2)


def compared(seed: int) -> int:
    """How many tables were compared for one graph: all have to agree."""
    network = Network(seed)
    actions = [Originate(site, 0, only) for site, only in network.origins.items()]
    events = [Event(0, 0, "announce", "announce", tuple(actions))]
    expected = [network.solved({})]
    for number in range(FAULTS):
        breaks, mends, broken = network.fault()
        events.append(Event(len(events), (2 * number + 1) * PAUSE, "fault", "fault", (breaks,)))
        events.append(Event(len(events), (2 * number + 2) * PAUSE, "repair", "repair", (mends,)))
        expected += [network.solved(broken), network.solved({})]
    plan = fleet_plan(
        network.graph, delays_of(network.graph, network.rng), events=events, duration=len(events) * PAUSE
    )
    host = FleetHost(plan)
    host.settle()
    host.run()
    log = host.fleet.log()
    hops = log.next_hops
    assert host.fleet.is_quiet
    found = np.full(len(network.graph), -1, np.int64)
    edges = [*(event.at for event in events), plan.duration]
    for (start, end), wanted in zip(pairwise(edges), expected, strict=True):
        during = slice(*np.searchsorted(log.times, (start, end)))
        for node, hop in zip(log.entries[during, 0].tolist(), hops[during].tolist(), strict=True):
            found[node] = hop
        assert np.array_equal(np.where(wanted == -2, -2, found), wanted), f"seed {seed}, from {start} ns"
    return len(expected)


@pytest.mark.parametrize("batch", range(BATCHES))
def test_the_timed_run_ends_where_the_solver_says(batch: int) -> None:
    """200 graphs; after the announcement, after each of five failures, after each of five repairs."""
    seeds = range(batch, GRAPHS, BATCHES)
    assert sum(compared(seed) for seed in seeds) == len(seeds) * (1 + 2 * FAULTS)
