"""Forwarding over larger AS graphs: at rest it is what BGP chose, compiled or not it is the same bytes."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from emulator.clients.config import Demand
from emulator.clients.requests import evaluate
from emulator.fleet.config import FleetConfig
from emulator.forwarding.history import Destination, Fate
from emulator.network.asgraph.generator import generate
from emulator.network.asgraph.graph import CUSTOMER
from emulator.network.model import ClientGroup, Pop
from emulator.record.folder import frame
from emulator.sim.fleet.forwarding import client_view, reach_tables
from emulator.sim.fleet.parts import run_fleet
from emulator.timeline import Blackhole, Degrade, Event, LinksDown, Originate, RoutersDown, StopOriginating

from client_labs import anycast, config, ipa
from fleets import MS, SECOND, delays_of, fleet_plan

if TYPE_CHECKING:
    from emulator.scenario.plan import FleetPlan


def made_up_plan(ases: int = 600, *, groups: int = 60) -> FleetPlan:
    """A made-up Internet: an anycast service at four ASes, one of them also with a prefix of its own."""
    rng = np.random.default_rng(5)
    graph = generate(ases, 3)
    stubs = np.flatnonzero(np.diff(graph.first) == 2)
    sites = [int(node) for node in rng.choice(stubs, 4, replace=False)]
    above = [int(graph.neighbor[graph.first[node + 1] - 1]) for node in sites]
    big = int(np.argmax(graph.degrees(CUSTOMER)))
    slow = Degrade(0, None, 30 * MS, 0.1, tuple(int(graph.link[slot]) for slot in graph.slots(big))[:20])
    link = int(graph.link[graph.first[sites[1]]])
    events = [
        Event(0, 10 * SECOND, "withdrawal", "withdrawal", (StopOriginating(sites[0], 0),)),
        Event(1, 70 * SECOND, "cut", "cut", (LinksDown((link,)),)),
        Event(2, 70 * SECOND, "slow", "slow", (slow,)),
        Event(3, 130 * SECOND, "hole", "hole", (Blackhole((above[2],)),)),
        Event(4, 190 * SECOND, "outage", "outage", (RoutersDown((above[3],)),)),
        Event(5, 250 * SECOND, "announcement", "announcement", (Originate(sites[0], 0),)),
        Event(6, 310 * SECOND, "repair", "repair", (RoutersDown((above[3],), repair=True),), 4),
    ]
    plan = fleet_plan(
        graph,
        delays_of(graph, rng),
        originations=[*(Originate(site, 0) for site in sites), Originate(sites[3], 1)],
        events=events,
        speakers=FleetConfig(np.full(len(graph), 5 * SECOND), mrai_jitter=(0.75, 1.0)),
        duration=400 * SECOND,
        prefixes=2,
        fib_install_delay=300 * MS,
    )
    nodes = rng.choice(len(graph), groups)
    return replace(
        plan,
        destinations=(Destination(0, "shared", (0,)), Destination(1, "own", (1, 0))),
        pops=tuple(Pop(i, f"P{i}", f"city{i}", site) for i, site in enumerate(sites)),
        groups=tuple(
            ClientGroup(i, f"g{i}", node, int(graph.asn[node]), "city", "XX", 1.0, 10 * MS)
            for i, node in enumerate(nodes.tolist())
        ),
        weight=rng.integers(0, 1000, len(graph)).astype(np.float64),
    )


def digest(plan: FleetPlan) -> str:
    """Everything that comes out, as one hash."""
    run = run_fleet(plan)
    network, history = client_view(plan, run)
    told = hashlib.sha256(repr((network, history.states)).encode())
    for key, line in history.timelines.items():
        told.update(repr(key).encode() + line.starts.tobytes() + line.states.tobytes())
    for name, table in reach_tables(plan, run).items():
        told.update(frame(name, table).write_csv().encode())
    return told.hexdigest()


def in_another_process(*, is_compiled: bool, hash_seed: str) -> str:
    """The digest as a fresh interpreter finds it."""
    here = Path(__file__).parent
    found = subprocess.run(
        [sys.executable, str(here / Path(__file__).name)],
        check=True,
        capture_output=True,
        text=True,
        env={
            **os.environ,
            "IPA_EMULATOR_COMPILED": str(int(is_compiled)),
            "PYTHONHASHSEED": hash_seed,
            "PYTHONPATH": os.pathsep.join([str(here.parent), str(here.parents[1])]),
        },
    )
    return found.stdout.strip()


def test_another_process_finds_the_same() -> None:
    """Whatever the order of its hashes."""
    assert in_another_process(is_compiled=False, hash_seed="1") == digest(made_up_plan())


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("numba") is None, reason="numba is not installed")
def test_compiled_loops_find_the_same() -> None:
    """To the byte."""
    plain = in_another_process(is_compiled=False, hash_seed="2")
    assert in_another_process(is_compiled=True, hash_seed="3") == plain


def test_at_rest_packets_go_where_bgp_sends_them() -> None:
    """Long after the last event every client's path is the chain of best next hops."""
    plan = replace(made_up_plan(), timeline=made_up_plan().timeline[:1])
    run = run_fleet(plan)
    network, history = client_view(plan, run)
    hops = run.log.best_hops(0)
    for group in plan.groups:
        state = history.states[history.timelines[0, group.index].states[-1]]
        node, chain = group.router, []
        while hops[node] not in (node, -1):
            chain.append(plan.graph.name(node))
            node = int(hops[node])
        links = [(network.links[link // 2], link % 2) for link in state.links]
        assert [network.routers[link.ends[side]].name for link, side in links] == chain
        assert state.one_way == sum(link.delay for link, _ in links)
        assert state.fate is Fate.DELIVERED
        assert network.pops[state.pop].router == network.router_by_name[plan.graph.name(node)].index


def test_the_network_has_what_lies_on_paths_and_no_more() -> None:
    """Every link is crossed by some path; every router stands at one, or is a POP's or a group's."""
    plan = made_up_plan()
    network, history = client_view(plan, run_fleet(plan))
    crossed = {link // 2 for state in history.states for link in state.links}
    assert crossed == set(range(len(network.links)))
    ends = {end for link in network.links for end in link.ends}
    named = {each.router for each in (*network.pops, *network.groups)}
    assert ends | named == set(range(len(network.routers)))
    assert len(network.routers) < len(plan.graph) // 2
    for mine, theirs in ((network.pops, plan.pops), (network.groups, plan.groups)):
        for small, large in zip(mine, theirs, strict=True):
            assert network.routers[small.router].name == plan.graph.name(large.router)
            assert replace(small, router=0) == replace(large, router=0)


def test_requests_are_evaluated_on_it() -> None:
    """As on any network: some are lost and more are slow while BGP converges, with either address."""
    plan = made_up_plan()
    network, history = client_view(plan, run_fleet(plan))
    settings = config(anycast(), ipa(1), end_s=400, fault_s=10, demand=Demand(200.0))
    requests = evaluate(network, history, settings, 1)["requests"]
    for strategy in ("anycast", "ipa"):
        mine = np.array([name == strategy for name in requests["strategy"]])
        good, bad = (int(requests[column][mine].sum()) for column in ("good", "lost"))
        assert good > 50_000
        assert bad > 0


def test_a_plan_without_clients_has_an_empty_view() -> None:
    """No groups, no POPs: a network of nothing."""
    plan = replace(made_up_plan(100, groups=0), pops=())
    network, history = client_view(plan, run_fleet(plan))
    assert (network.routers, network.links, history.states, history.timelines) == ((), (), (), {})


if __name__ == "__main__":
    sys.stdout.write(digest(made_up_plan()))
