"""The arrays against one request at a time: an event queue, scalar rules, the same luck."""

from __future__ import annotations

import heapq
import itertools
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pytest

from emulator.clients.arrivals import Source, is_download, last_mile_ms
from emulator.clients.config import ClientConfig, Demand, HealthChecks, Resolvers
from emulator.clients.draws import draw, name_keys
from emulator.clients.health import watch
from emulator.clients.requests import evaluate
from emulator.clients.resolvers import Caches
from emulator.clients.scene import chunk_edges, make_scene
from emulator.clients.steering import Authority
from emulator.forwarding.history import Fate, ForwardingHistory, PathState
from emulator.units import SECOND

from client_labs import DARK, config, history, ipa, network, path

if TYPE_CHECKING:
    from emulator.network.model import Network

ROOM = 1e6
"""A capacity that is never reached, requests/s."""
SYNS, TIMEOUT, SLEEPS = (0, 1, 3, 7), 15, (0, 0.5, 1, 2, 4)


class Oracle:
    """Plays every request by itself in the order of time."""

    def __init__(self, world: Network, lines: ForwardingHistory, settings: ClientConfig, seed: int) -> None:
        """Take the random numbers from the program and nothing else."""
        self.scene = make_scene(world, lines, settings, seed)
        self.lines, self.settings = lines, settings
        strategy = settings.strategies[0]
        addresses = [(a.name, a.destination) for a in strategy.addresses]
        end = settings.phases.end + 200 * SECOND
        self.health = watch(
            self.scene.paths, settings.health, self.scene.groups, addresses, seed=seed, end=end
        )
        authority = Authority(strategy, self.scene.groups, self.scene.demand, self.health, None)
        keys = name_keys(seed, (f"answer/{a.name}" for a in strategy.addresses))
        ttls = np.full(len(settings.hosts), strategy.ttl)
        caches = Caches(self.scene.cells, ttls, authority, settings.demand.rate, keys)
        self.ttl, self.variates = caches.ttl.tolist(), caches._variates.tolist()
        self.answers, self.expiry = caches.answer.tolist(), caches.expiry.tolist()
        self.seed = seed

    def state(self, destination: int, group: int, instant: int) -> PathState:
        """Path at an instant."""
        line = self.lines.timelines[destination, group]
        number = [i for i, start in enumerate(line.starts.tolist()) if start <= instant][-1]
        return self.lines.states[int(line.states[number])]

    def later(self, destination: int, group: int, instant: int) -> list[tuple[int, PathState]]:
        """Changes after an instant."""
        line = self.lines.timelines[destination, group]
        rows = zip(line.starts.tolist(), line.states.tolist(), strict=True)
        return [(start, self.lines.states[number]) for start, number in rows if start > instant]

    def resolve(self, cell: int, group: int, instant: int) -> int:
        """Address that the cell answers with, asking the authority where it must."""
        if self.expiry[cell] <= instant:
            up = [bool(self.health.at(np.array([group]), np.array([a]), instant)[0]) for a in range(2)]
            allowed = [a for a in range(2) if up[a]] or [0, 1]
            self.answers[cell] = min(allowed, key=lambda a: self.variates[cell][a])
            self.expiry[cell] = instant + self.ttl[cell]
        return self.answers[cell]

    def attempt(
        self, word: int, group: int, destination: int, start: int, number: int
    ) -> tuple[str, int, PathState | None, int]:
        """(outcome, instant it failed, path it succeeded on, SYN number)."""
        for syn, offset in enumerate(SYNS):
            instant = start + offset * SECOND
            state = self.state(destination, group, instant)
            luck = float(draw(np.array([word], dtype=np.uint64), 64 + 16 * number + syn)[0])
            if state.fate is Fate.DELIVERED and luck < (1 - state.loss) ** 2:
                return (*self.transfer(word, group, destination, instant, state), syn)
        return "failed", start + TIMEOUT * SECOND, None, 0

    def transfer(
        self, word: int, group: int, destination: int, begin: int, state: PathState
    ) -> tuple[str, int, PathState | None]:
        """What becomes of a connection on the way."""
        words = np.array([word], dtype=np.uint64)
        access = last_mile_ms(
            words,
            np.array([self.scene.last_mile_ms[group]], dtype=np.float32),
            self.settings.last_mile_sigma,
        )
        trips = 4 * (np.float32(2 * state.one_way / 1e6) + access[0]) * 1_000_000
        bytes_ = 697e3 * 4 if bool(is_download(words, 0.25)[0]) else 0
        done = begin + int(trips) + int(bytes_ * 8e9 / 20e6)
        dark_since = None
        for instant, after in self.later(destination, group, begin):
            if dark_since is None and instant >= done:
                break
            if dark_since is not None and instant > dark_since + TIMEOUT * SECOND:
                break
            if after.fate is not Fate.DELIVERED:
                dark_since = dark_since or instant
            elif after.pop != state.pop:
                return "reset", instant, None
            elif dark_since is not None:
                return "stalled", 0, state
        if dark_since is not None:
            return "failed", dark_since + TIMEOUT * SECOND, None
        return "ok", 0, state

    def run(self) -> Counter[tuple[str, int, int]]:
        """(outcome, group, second) -> requests."""
        scene, found = self.scene, Counter()
        settings = self.settings
        source = Source(
            scene.cells,
            scene.groups,
            demand=settings.demand,
            group_last_mile_ms=scene.last_mile_ms,
            sigma=settings.last_mile_sigma,
            seed=self.seed,
        )
        queue: list[tuple[int, int, int, int, int]] = []
        edges = chunk_edges(settings)
        for begin, end in itertools.pairwise(edges):
            arrivals = source.chunk(begin, end)
            cell = np.repeat(np.arange(len(scene.cells.group)), arrivals.counts).tolist()
            rows = zip(arrivals.instant.tolist(), arrivals.words.tolist(), cell, strict=True)
            queue += [(instant, word, c, instant, 0) for instant, word, c in rows]
        heapq.heapify(queue)
        while queue:
            start, word, cell, origin, number = heapq.heappop(queue)
            group = int(scene.cells.group[cell])
            destination = self.resolve(cell, group, start)
            outcome, failed_at, used, syn = self.attempt(word, group, destination, start, number)
            second = origin // SECOND
            if number == 0:
                found["requests", group, second] += 1
            found["resets", group, second] += outcome == "reset"
            if used is not None:
                good = number == 0 and syn == 0 and outcome == "ok"
                found["good" if good else "slow", group, second] += 1
            elif number == len(SLEEPS):
                found["lost", group, second] += 1
            else:
                again = failed_at + round(SLEEPS[number] * SECOND)
                heapq.heappush(queue, (again, word, cell, origin, number + 1))
        return Counter({key: count for key, count in found.items() if count})


def counted(world: Network, lines: ForwardingHistory, settings: ClientConfig, seed: int) -> Counter:
    """Return the same from the program's table."""
    table = evaluate(world, lines, settings, seed)["requests"]
    found: Counter[tuple[str, int, int]] = Counter()
    for row in range(len(table["group"])):
        for name in ("requests", "good", "slow", "lost", "resets"):
            if table[name][row]:
                found[name, int(table["group"][row]), int(table["second"][row])] = int(table[name][row])
    return found


def lines_without_moves() -> list:
    """Darkness and loss, but each address always at one POP."""
    first = [(0, path(0, 10)), (21.3, DARK), (23.9, path(0, 40)), (33, DARK), (95, path(0, 12))]
    second = [(0, path(1, 30, loss=0.1)), (24, path(1, 35)), (70, DARK), (88, path(1, 30, loss=0.3))]
    return [[first, [(0, path(0, 25)), (40.01, DARK)]], [second, [(0, path(1, 60)), (41, DARK)]]]


def lines_with_moves() -> list:
    """Catchments that move, directly and through darkness."""
    first = [(0, path(0, 10)), (25.5, path(1, 50)), (37, path(0, 15)), (38, DARK), (40, path(1, 20))]
    second = [(0, path(1, 30)), (25.4, DARK), (26, path(1, 30)), (60, DARK), (62, path(0, 30)), (63, DARK)]
    return [[first, [(0, path(0, 25))]], [second, [(0, path(1, 60)), (41, path(0, 200))]]]


@pytest.mark.parametrize("capacity_rps", [float("inf"), ROOM])
@pytest.mark.parametrize("ttl_s", [3, 30])
@pytest.mark.parametrize("seed", [1, 2])
def test_outcomes_equal_those_of_one_request_at_a_time(ttl_s: int, seed: int, capacity_rps: float) -> None:
    """Caches, checks, SYNs, retries and losses, to the request; so too where POPs count them."""
    world = network([2.0, 1.0], capacity_rps=capacity_rps)
    lines = history(lines_without_moves(), end_s=110, groups=2)
    # one long window and no bias keep the shares even, so that only health checks steer
    strategy = ipa(0, 1, ttl=ttl_s * SECOND, bias=0.0, floor=0.0, cap=1.0, window=1000 * SECOND)
    settings = config(
        strategy,
        end_s=110,
        fault_s=33,
        during_end_s=90,
        demand=Demand(25.0),
        resolvers=Resolvers(4),
        health=HealthChecks(4 * SECOND, 2, SECOND),
    )
    expected = Oracle(world, lines, settings, seed).run()
    assert counted(world, lines, settings, seed) == expected
    kinds = {name for name, _, _ in expected}
    assert kinds == {"requests", "good", "slow", "lost"}


@pytest.mark.parametrize("capacity_rps", [float("inf"), ROOM])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_resets_equal_those_of_one_request_at_a_time(seed: int, capacity_rps: float) -> None:
    """Connections in flight, whatever the path does under them."""
    world = network([2.0, 1.0], capacity_rps=capacity_rps)
    lines = history(lines_with_moves(), end_s=80, groups=2)
    strategy = ipa(0, 1, ttl=1000 * SECOND, bias=0.0, floor=0.0, cap=1.0)
    settings = config(
        strategy,
        end_s=80,
        demand=Demand(60.0),
        resolvers=Resolvers(6, 0.0),
        health=HealthChecks(100 * SECOND, 3, SECOND),
    )
    expected = Oracle(world, lines, settings, seed).run()
    assert counted(world, lines, settings, seed) == expected
    assert sum(count for (name, _, _), count in expected.items() if name == "resets") > 10
