"""What events do to ASes, and catchments: every number against packets walked one by one."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pytest

from emulator.fleet.tables import LOG_NODE, LOG_SLOT, LONG_AGO, NONE, OWN
from emulator.forwarding.history import Destination
from emulator.network.asgraph.graph import CUSTOMER_PROVIDER, PEERING, from_links
from emulator.network.model import Pop
from emulator.record.folder import frame
from emulator.record.tables import TABLES
from emulator.sim.fleet.forwarding import reach_tables
from emulator.sim.fleet.forwarding_reach import sampling
from emulator.sim.fleet.parts import run_fleet
from emulator.sim.fleet.physical import What
from emulator.timeline import Blackhole, Event, LinksDown, Originate, StopOriginating

from fleet_mishaps import COVERED, DURATION, random_plan
from fleets import MS, SECOND, fleet_plan

if TYPE_CHECKING:
    from emulator.network.asgraph.graph import AsGraph
    from emulator.record.tables import Table
    from emulator.scenario.plan import FleetPlan
    from emulator.sim.fleet.parts import FleetRun


class Walked(NamedTuple):
    """What becomes of a packet: the outcome as in the table `reach`, and its way's delay (ns)."""

    outcome: int
    one_way: int

    @property
    def is_delivered(self) -> bool:
        """Whether it arrived."""
        return self.outcome not in (-1, -2, -3)

    @property
    def rtt_ms(self) -> float:
        """Both ways, as the table has it."""
        return 2 * self.one_way / MS if self.is_delivered else math.nan


class Network:
    """The whole data plane in plain dicts, changed one thing at a time, every packet walked anew."""

    def __init__(self, plan: FleetPlan) -> None:
        """Nothing is routed."""
        self.plan = plan
        self.fib: dict[tuple[int, int], int] = {}
        self.dark: dict[int, bool] = {}
        self.dead: dict[int, bool] = {}
        self.drops: dict[int, bool] = {}
        self.added: dict[int, int] = {}
        self.pop = {pop.router: pop.index for pop in reversed(plan.pops)}

    def change(self, what: What, index: int, value: int) -> None:
        """Something befalls a link or a router."""
        if what is What.LINK:
            self.dark[index] = not value
        elif what is What.ROUTER:
            self.dead[index] = not value
        elif what is What.BLACKHOLE:
            self.drops[index] = bool(value)
        elif what is What.DELAY:
            self.added[index] = value

    def walk(self, node: int, prefixes: tuple[int, ...]) -> Walked:
        """Send a packet."""
        graph, passed, delay = self.plan.graph, {node}, 0
        while True:
            if self.dead.get(node):
                return Walked(-2, 0)
            slot = next((self.fib[node, p] for p in prefixes if (node, p) in self.fib), None)
            if slot is None:
                return Walked(-1, 0)
            if slot == OWN:
                return Walked(self.pop.get(node, -4), delay)
            link = int(graph.link[slot])
            if self.drops.get(node) or self.dark.get(link):
                return Walked(-2, 0)
            delay += int(self.plan.delays[link]) + self.added.get(slot, 0)
            node = int(graph.neighbor[slot])
            if node in passed:
                return Walked(-3, 0)
            passed.add(node)


History = dict[tuple[int, int], list[tuple[int, Walked]]]
"""(destination, node) -> (instant, what becomes of a packet from then on), the first one long ago."""


def walked(plan: FleetPlan, run: FleetRun) -> History:
    """Every node's packets at every instant at which anything changed."""
    network = Network(plan)
    log, times, prefix = run.log.entries, run.log.times, run.log.prefixes
    changes: dict[int, list[tuple[int, ...]]] = {LONG_AGO: []}
    for entry in range(len(log)):
        at = int(times[entry])
        at += plan.fib_install_delay if at > LONG_AGO else 0
        changes.setdefault(at, []).append(
            (int(log[entry, LOG_NODE]), int(prefix[entry]), int(log[entry, LOG_SLOT]))
        )
    mishaps: dict[int, list[tuple[What, int, int]]] = {}
    for each in run.changes:
        mishaps.setdefault(each.at, []).append((each.what, each.index, each.value))
    found: History = {}
    for at in sorted(instant for instant in {*changes, *mishaps} if instant <= plan.duration):
        for node, number, slot in changes.get(at, []):
            network.fib.pop((node, number), None)
            if slot != NONE:
                network.fib[node, number] = slot
        for mishap in mishaps.get(at, []):
            network.change(*mishap)
        for destination in plan.destinations:
            for node in range(len(plan.graph)):
                line = found.setdefault((destination.index, node), [])
                outcome = network.walk(node, destination.prefixes)
                if not line or line[-1][1] != outcome:
                    line.append((at, outcome))
    return found


def at_instant(line: list[tuple[int, Walked]], instant: int) -> Walked:
    """What holds at an instant."""
    return [what for start, what in line if start <= instant][-1]


def expected_reach(plan: FleetPlan, history: History) -> list[tuple[object, ...]]:
    """The rows of `reach` from their definitions; -1 where it says NaN."""
    events = sorted(plan.timeline, key=lambda event: (event.at, event.index))
    hosts = {pop.router for pop in plan.pops}
    rows = []
    for place, event in enumerate(events):
        is_last = place + 1 == len(events)
        last = plan.duration if is_last else events[place + 1].at - 1
        end = plan.duration if is_last else last + 1
        if last < event.at:
            continue
        for (destination, node), line in sorted(history.items()):
            if node in hosts or node in plan.collectors:
                continue
            before, after = at_instant(line, event.at - 1), at_instant(line, last)
            inside = [(start, what) for start, what in line if event.at <= start <= last]
            states = [(event.at, before), *inside]
            ends = [start for start, _ in states[1:]] + [end]
            lost = sum(
                stop - start
                for (start, what), stop in zip(states, ends, strict=True)
                if not what.is_delivered
            )
            back = max(
                [event.at]
                + [
                    start
                    for (_, was), (start, what) in pairwise(states)
                    if what.is_delivered > was.is_delivered
                ]
            )
            changes = sum(was.outcome != what.outcome for (_, was), (_, what) in pairwise(states))
            if changes or before.one_way != after.one_way:
                rows.append((
                    event.index, f"d{destination}", int(plan.graph.asn[node]), lost / SECOND,
                    (back - event.at) / SECOND if after.is_delivered else -1.0, before.outcome, after.outcome,
                    _told(before.rtt_ms), _told(after.rtt_ms), changes,
                ))  # fmt: skip
    return rows


def _told(value: float) -> float:
    """A number as a Float32 column has it, -1 for NaN."""
    return -1.0 if math.isnan(value) else float(np.float32(value))


def rows_of(table: Table) -> list[tuple[object, ...]]:
    """A table's rows, -1 for NaN."""
    columns = [column if isinstance(column, list) else column.tolist() for column in table.values()]
    return [
        tuple(-1.0 if isinstance(value, float) and math.isnan(value) else value for value in row)
        for row in zip(*columns, strict=True)
    ]


def plan_of(seed: int) -> FleetPlan:
    """A random plan with a collector, and clients in every AS."""
    plan = random_plan(seed)
    count = len(plan.graph)
    sites = {pop.router for pop in plan.pops}
    collector = next(node for node in range(count) if node not in sites)
    return replace(plan, collectors=(collector,), weight=np.arange(1, count + 1) * 0.25)


@cache
def ran(seed: int) -> tuple[FleetPlan, FleetRun, History]:
    """A plan, its run, and what came of it."""
    plan = plan_of(seed)
    run = run_fleet(plan)
    return plan, run, walked(plan, run)


SEEDS = range(1000, 1060)


@pytest.mark.parametrize("block", range(4))
def test_what_events_do_to_ases(block: int) -> None:
    """Every row and no other, to the nanosecond."""
    seen: Counter[object] = Counter()
    for seed in SEEDS[block::4]:
        plan, run, history = ran(seed)
        rows = rows_of(reach_tables(plan, run)["reach"])
        assert rows == expected_reach(plan, history), f"seed {seed}"
        for row in rows:
            seen.update(["rows", ("before", row[5] < 0), ("after", row[6] < 0)])
            seen.update(["back later"] if row[4] > 0 else [])
    assert min(seen["rows"], seen["before", True], seen["after", True], seen["back later"]) > 15


@pytest.mark.parametrize("block", range(4))
def test_catchments_are_exact_where_they_are_sampled(block: int) -> None:
    """ASes and weights by site, at every instant of the table."""
    for seed in SEEDS[block::4]:
        plan, run, history = ran(seed)
        left_out = {pop.router for pop in plan.pops} | set(plan.collectors)
        table = reach_tables(plan, run)["sites"]
        starts = [event.at for event in plan.timeline]
        expected = []
        for destination in range(len(COVERED)):
            for instant in sampling(starts, plan.duration):
                ases: Counter[int] = Counter()
                weight: Counter[int] = Counter()
                for node in range(len(plan.graph)):
                    if node not in left_out:
                        outcome = at_instant(history[destination, node], instant).outcome
                        ases[outcome] += 1
                        weight[outcome] += plan.weight[node]
                expected += [
                    (instant / SECOND, f"d{destination}", site, ases[site], weight[site])
                    for site in sorted(ases)
                ]
        assert rows_of(table) == expected, f"seed {seed}"


def line_of_four() -> AsGraph:
    """AS1 buys from AS2, which peers with AS3, which sells to AS4."""
    ends = np.array([(0, 1), (1, 2), (3, 2)])
    return from_links(np.arange(1, 5), ends, np.array([CUSTOMER_PROVIDER, PEERING, CUSTOMER_PROVIDER]))


def test_a_cut_by_hand() -> None:
    """Two sites, two clients: AS2 loses its site, falls back after the 3 s that BGP takes to notice."""
    graph = line_of_four()
    plan = fleet_plan(
        graph,
        np.array([10 * MS, 20 * MS, 40 * MS]),
        originations=[Originate(0, 0), Originate(3, 0)],
        events=[Event(0, 5 * SECOND, "cut", "cut", (LinksDown((0,)),))],
        duration=60 * SECOND,
    )
    plan = replace(
        plan,
        sessions=replace(plan.sessions, interface_delay=3 * SECOND),
        pops=(Pop(0, "ONE", "city", 0), Pop(1, "FOUR", "city", 3)),
        destinations=(Destination(0, "shared", (0,)),),
    )
    run = run_fleet(plan)
    tables = reach_tables(plan, run)
    # AS2 goes to site 0 over 10 ms, then loses it, then hears of nothing but site 1, over 20 + 40 ms
    assert rows_of(tables["reach"]) == [(0, "shared", 2, 3.0, 3.0, 0, 1, 20.0, 120.0, 2)]
    last = [row for row in rows_of(tables["sites"]) if row[0] == 60.0]
    assert last == [(60.0, "shared", 1, 2, 2.0)]


def test_who_is_lost_for_good_is_told_so() -> None:
    """A withdrawal nobody makes good: no route from then on; blackholes and windows that end the run."""
    plan = fleet_plan(
        line_of_four(),
        np.array([10 * MS, 20 * MS, 40 * MS]),
        originations=[Originate(0, 0)],
        events=[
            Event(0, 10 * SECOND, "hole", "hole", (Blackhole((1,)),)),
            Event(1, 20 * SECOND, "withdrawal", "withdrawal", (StopOriginating(0, 0),)),
        ],
        duration=50 * SECOND,
    )
    plan = replace(plan, destinations=(Destination(0, "shared", (0,)),))
    run = run_fleet(plan)
    rows = rows_of(reach_tables(plan, run)["reach"])
    # delivered to no POP at first, into the hole, then no route; AS1 does not send through AS2
    assert rows == [
        (0, "shared", 2, 10.0, -1.0, -4, -2, 20.0, -1.0, 1),
        (0, "shared", 3, 10.0, -1.0, -4, -2, 60.0, -1.0, 1),
        (0, "shared", 4, 10.0, -1.0, -4, -2, 140.0, -1.0, 1),
        (1, "shared", 1, 30.0, -1.0, -4, -1, 0.0, -1.0, 1),
        (1, "shared", 2, 30.0, -1.0, -2, -1, -1.0, -1.0, 1),
        (1, "shared", 3, 30.0, -1.0, -2, -1, -1.0, -1.0, 1),
        (1, "shared", 4, 30.0, -1.0, -2, -1, -1.0, -1.0, 1),
    ]


def test_the_tables_are_what_is_written() -> None:
    """Columns and types of the schema, also of a run to which nothing happens."""
    plan, run, _ = ran(SEEDS[0])
    quiet = replace(plan, timeline=())
    still = run_fleet(quiet)
    for tables in (reach_tables(plan, run), reach_tables(quiet, still)):
        for name, table in tables.items():
            assert list(table) == list(TABLES[name])
            written = frame(name, table)
            for column, kind in TABLES[name].items():
                assert kind == "String" or str(table[column].dtype) == kind.lower()
                assert str(written.schema[column]) == kind
    assert not reach_tables(quiet, still)["reach"]["asn"].size
    assert set(reach_tables(quiet, still)["sites"]["at_s"].tolist()) == {0.0, DURATION / SECOND}


@pytest.mark.parametrize("count", [0, 1, 7, 100, 5000])
def test_instants_are_few_and_dense_after_events(count: int) -> None:
    """Ascending, a few hundred at most, the ends of the run and of every window among them where they fit."""
    end = 3600 * SECOND
    starts = [end * (2 * i + 1) // (2 * count) for i in range(count)]
    instants = sampling(starts, end)
    assert instants == sorted(set(instants))
    assert (instants[0], instants[-1]) == (0, end)
    assert len(instants) <= 300
    if 0 < count <= 100:
        assert {*starts, *(start - 1 for start in starts[1:])} <= set(instants)
    if 0 < count <= 7:
        after = [instant - starts[0] for instant in instants if instant > starts[0]]
        assert after[0] <= 20 * MS


def test_progress_goes_up_to_one() -> None:
    """A share a destination."""
    plan, run, _ = ran(SEEDS[0])
    heard: list[float] = []
    reach_tables(plan, run, heard.append)
    assert heard == [0.25, 0.5, 0.75, 1.0]
