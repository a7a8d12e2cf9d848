"""The incremental plane against a walk from scratch after every instant, on random networks."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from emulator.forwarding.history import Destination, Fate
from emulator.forwarding.plane import FibEntry, ForwardingPlane
from emulator.network.model import ClientGroup, Link, Network, Pop, Relationship, Router
from emulator.units import Duration

if TYPE_CHECKING:
    from emulator.forwarding.history import ForwardingHistory

PREFIXES = 3
Change = tuple[int, str, tuple[Any, ...]]
"""Instant, name of the plane's setter, its arguments after the instant."""


@dataclass
class Naive:
    """The definition, written down: dictionaries and one packet at a time."""

    network: Network
    route: dict[tuple[int, int], FibEntry | None] = field(default_factory=dict)
    igp: dict[int, dict[int, int]] = field(default_factory=dict)
    link: dict[int, bool] = field(default_factory=dict)
    router: dict[int, bool] = field(default_factory=dict)
    blackhole: dict[int, bool] = field(default_factory=dict)
    degradation: dict[int, tuple[int, float]] = field(default_factory=dict)

    def apply(self, name: str, arguments: tuple[Any, ...]) -> None:
        """Take one change."""
        table = getattr(self, name.removeprefix("set_"))
        match name:
            case "set_route":
                table[arguments[0], arguments[1]] = arguments[2]
            case "set_degradation":
                table[arguments[0]] = arguments[1:]
            case _:
                table[arguments[0]] = arguments[1]

    def walk(self, origin: int, prefixes: tuple[int, ...]) -> tuple[Fate, int, int, float, tuple[int, ...]]:
        """One packet from ``origin``, as a `PathState`'s fields."""
        here, passed, links = origin, [origin], []
        while True:
            fate, crossing = self.at(here, prefixes)
            if crossing is None:
                break
            links.append(crossing)
            here = self.network.links[crossing // 2].other(here)
            if here in passed:
                fate = Fate.LOOP
                break
            passed.append(here)
        if fate is not Fate.DELIVERED:
            return fate, -1, 0, 1.0, tuple(links)
        pop = next((pop.index for pop in self.network.pops if pop.router == here), -1)
        extra = [self.degradation.get(crossing, (0, 0.0)) for crossing in links]
        one_way = sum(int(self.network.links[crossing // 2].delay) for crossing in links)
        one_way += sum(delay for delay, _ in extra)
        return fate, pop, one_way, 1 - math.prod(1 - loss for _, loss in extra), tuple(links)

    def at(self, here: int, prefixes: tuple[int, ...]) -> tuple[Fate, int | None]:
        """Say what one router does: the fate if the packet ends there, the directed link if not."""
        if not self.router.get(here, True):
            return Fate.BLACKHOLE, None
        found = [self.route.get((here, prefix)) for prefix in prefixes]
        matching = [entry for entry in found if entry is not None]
        if not matching:
            return Fate.NO_ROUTE, None
        entry = matching[0]
        if entry == FibEntry():
            return Fate.DELIVERED, None
        link = entry.link if entry.egress is None else self.igp.get(here, {}).get(entry.egress)
        if link is None or self.blackhole.get(here, False) or not self.link.get(link, True):
            return Fate.BLACKHOLE, None
        return Fate.DELIVERED, 2 * link + (self.network.links[link].ends[0] != here)


def world(rng: random.Random, count: int) -> tuple[Network, list[Destination]]:
    """Make a connected network with parallel links, POPs and client groups; destinations share prefixes."""
    pairs = [(rng.randrange(router), router) for router in range(1, count)]
    for _ in range(rng.randrange(2 * count)):
        first, second = rng.sample(range(count), 2)
        pairs.append((first, second))
    network = Network(
        routers=tuple(Router(i, f"r{i}", i, i) for i in range(count)),
        links=tuple(
            Link(i, ends, Duration(rng.randrange(1, 1_000)), Relationship.NONE)
            for i, ends in enumerate(pairs)
        ),
        pops=tuple(Pop(i, f"P{i}", "", rng.randrange(count)) for i in range(rng.randrange(4))),
        groups=tuple(
            ClientGroup(i, f"g{i}", rng.randrange(count), 0, "", "", 1.0, Duration(0)) for i in range(4)
        ),
    )
    covers = [tuple(rng.sample(range(PREFIXES), rng.randint(1, PREFIXES))) for _ in range(3)]
    return network, [Destination(i, str(i), each) for i, each in enumerate(covers)]


def towards(network: Network, goal: int) -> dict[int, int]:
    """Each other router's link on a shortest path to ``goal``: the first found, breadth first."""
    links, queue = dict.fromkeys([goal], -1), [goal]
    for router in queue:
        for link in network.links_of[router]:
            other = network.links[link].other(router)
            if other not in links:
                links[other] = link
                queue.append(other)
    return {router: link for router, link in links.items() if router != goal}


def settled(rng: random.Random, network: Network) -> list[Change]:
    """FIBs and IGP tables that agree, before 0: most walks arrive somewhere."""
    every = range(len(network.routers))
    trees = [towards(network, goal) for goal in every]
    made: list[Change] = [
        (-2, "set_igp", (at, {goal: trees[goal][at] for goal in every if goal != at})) for at in every
    ]
    for prefix in range(PREFIXES):
        goal = rng.choice([pop.router for pop in network.pops] or [0])
        for at in every:
            entry = rng.choice([FibEntry(link=trees[goal].get(at)), FibEntry(egress=goal)])
            made.append((-2, "set_route", (at, prefix, FibEntry() if at == goal else entry)))
    return made


def change(rng: random.Random, network: Network) -> tuple[str, tuple[Any, ...]]:
    """Something that happens to the data plane, sensible or not."""
    at, link = rng.randrange(len(network.routers)), rng.randrange(len(network.links))
    beside = network.links_of[at]
    entries = [FibEntry(link=rng.choice(beside)), FibEntry(egress=rng.randrange(len(network.routers)))]
    table = {egress: rng.choice(beside) for egress in range(len(network.routers)) if rng.random() < 0.9}
    up = rng.random() < 0.7
    return rng.choice(
        [
            ("set_route", (at, rng.randrange(PREFIXES), rng.choice(entries))),
            ("set_route", (at, rng.randrange(PREFIXES), rng.choice([*entries, FibEntry(), None]))),
            ("set_igp", (at, table)),
            ("set_link", (link, up)),
            ("set_router", (at, up)),
            ("set_blackhole", (at, not up)),
            (
                "set_degradation",
                (2 * link + rng.randrange(2), rng.choice([0, 5, 80]), rng.choice([0, 0.25, 1.0])),
            ),
        ]
    )


@st.composite
def cases(draw: st.DrawFn) -> tuple[Network, list[Destination], list[Change]]:
    """Draw a world and what happens to it; instants often coincide, some lie before 0."""
    rng = random.Random(draw(st.integers(0, 2**32)))
    network, destinations = world(rng, draw(st.integers(2, 9)))
    now, made = -2, settled(rng, network)
    for _ in range(draw(st.integers(0, 60))):
        now += rng.choice([0, 0, 1, 4])
        made.append((now, *change(rng, network)))
    return network, destinations, made


def fill(network: Network, destinations: list[Destination], made: list[Change]) -> ForwardingHistory:
    """Take the history from the plane."""
    plane = ForwardingPlane(network, destinations)
    for now, name, arguments in made:
        getattr(plane, name)(now, *arguments)
    return plane.finish(1_000)


@settings(max_examples=200, deadline=None)
@given(cases())
def test_history_equals_a_walk_from_scratch_after_every_instant(
    case: tuple[Network, list[Destination], list[Change]],
) -> None:
    """For each group and destination: same starts, same fate, POP, delay, loss and links."""
    network, destinations, made = case
    naive = Naive(network)
    keys = [(each.index, group.index) for each in destinations for group in network.groups]
    expected: dict[tuple[int, int], list[tuple[int, Any]]] = {key: [] for key in keys}
    instants = sorted({max(now, 0) for now, _, _ in made} | {0})
    for instant in instants:
        for now, name, arguments in made:
            if max(now, 0) == instant:
                naive.apply(name, arguments)
        for destination, group in keys:
            path = naive.walk(network.groups[group].router, destinations[destination].prefixes)
            seen = expected[destination, group]
            if not seen or seen[-1][1] != path:
                seen.append((instant, path))

    history = fill(network, destinations, made)

    assert list(history.timelines) == keys
    for key, timeline in history.timelines.items():
        states = [history.states[state] for state in timeline.states]
        assert timeline.starts.tolist() == [start for start, _ in expected[key]]
        assert [(s.fate, s.pop, s.one_way, pytest.approx(s.loss), s.links) for s in states] == [
            path for _, path in expected[key]
        ]


@settings(max_examples=60, deadline=None)
@given(cases())
def test_histories_are_well_formed_and_nothing_outruns_the_fibre(
    case: tuple[Network, list[Destination], list[Change]],
) -> None:
    """Starts ascend from 0, neighbours differ, states are interned, no path is faster than its links."""
    network, destinations, made = case

    history = fill(network, destinations, made)

    assert len(set(history.states)) == len(history.states)
    for timeline in history.timelines.values():
        assert timeline.starts[0] == 0
        assert (timeline.starts[1:] > timeline.starts[:-1]).all()
        assert (timeline.states[1:] != timeline.states[:-1]).all()
    for state in history.states:
        if state.fate is Fate.DELIVERED:
            assert state.one_way >= sum(network.links[crossing // 2].delay for crossing in state.links)
            assert 0 <= state.loss <= 1
        else:
            assert (state.pop, state.one_way, state.loss) == (-1, 0, 1.0)


@settings(max_examples=60, deadline=None)
@given(cases())
def test_trace_agrees_with_the_naive_walk(case: tuple[Network, list[Destination], list[Change]]) -> None:
    """From every router, clients or not; the routers passed are the ends of the links crossed."""
    network, destinations, made = case
    naive, plane = Naive(network), ForwardingPlane(network, destinations)
    for now, name, arguments in made:
        naive.apply(name, arguments)
        getattr(plane, name)(now, *arguments)

    for destination in destinations:
        for router in network.routers:
            fate, _, _, _, links = naive.walk(router.index, destination.prefixes)
            passed = [router.index]
            for crossing in links:
                passed.append(network.links[crossing // 2].other(passed[-1]))
            assert plane.trace(router.index, destination.index) == (tuple(passed), fate)
