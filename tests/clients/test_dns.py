"""Resolver caches: how an old answer drains, who extends it, what retries see."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from emulator.clients.arrivals import Source
from emulator.clients.config import Address, Demand, Host, Kind, Resolvers, Strategy
from emulator.clients.paths import Paths
from emulator.clients.resolvers import Caches, Cells, make_cells
from emulator.clients.steering import Authority
from emulator.units import SECOND

from client_labs import history, path

if TYPE_CHECKING:
    from numpy.typing import NDArray

GROUPS = tuple(f"g{i}" for i in range(20))
CHANGE_S = 40


class Switch(Authority):
    """Answers address 0 before the change and address 1 from then on."""

    def answer(
        self,
        group: NDArray[np.int64],
        instant: NDArray[np.int64],
        variates: NDArray[np.float64],
        now: int,
        end: int,
    ) -> NDArray[np.int64]:
        """Depend on time alone."""
        assert ((now <= instant) & (instant < end)).all()
        assert variates.shape == (len(group), 2)
        return (instant >= CHANGE_S * SECOND).astype(np.int64)


def old_answers(
    *,
    ttl_s: int,
    per_cell: float,
    resolvers: Resolvers,
    chunk_s: int = 10,
    hosts: tuple[Host, ...] = (Host("h"),),
) -> tuple[Cells, dict[int, NDArray[np.bool_]]]:
    """Which cells still hold the old answer, by seconds after the change, at ``per_cell`` requests/s each."""
    demand = np.full(len(GROUPS), 1 / len(GROUPS))
    cells = make_cells(GROUPS, demand, hosts, resolvers, 7)
    rate = per_cell * len(cells.group)
    strategy = Strategy("s", Kind.IPA, (Address("a", 0), Address("b", 1)), ttl=ttl_s * SECOND)
    authority = Switch(strategy, GROUPS, demand, None, None)
    ttls = np.array([ttl_s * SECOND if host.ttl is None else host.ttl for host in hosts])
    caches = Caches(cells, ttls, authority, rate, np.array([1, 2], dtype=np.uint64))
    source = Source(
        cells, GROUPS, demand=Demand(rate), group_last_mile_ms=np.ones(len(GROUPS)), sigma=0.0, seed=7
    )
    none = np.zeros(0, dtype=np.int64)
    found = {}
    for begin in range(0, CHANGE_S + 4 * ttl_s, chunk_s):
        caches.refresh(source.chunk(begin * SECOND, (begin + chunk_s) * SECOND), none, none)
        found[begin + chunk_s - CHANGE_S] = caches.answer == 0
    return cells, found


def test_busy_resolvers_drain_linearly() -> None:
    """Asked often, the share still on the old answer t after the change is 1 - t / TTL (5 sigma)."""
    cells, old = old_answers(ttl_s=30, per_cell=50, resolvers=Resolvers(50, ttl_violators=0))
    count = len(cells.group)
    assert old[0].all()
    for t in (10, 20):
        expected = 1 - t / 30
        assert old[t].mean() == pytest.approx(expected, abs=5 * np.sqrt(expected * (1 - expected) / count))
    assert old[30].mean() < 0.01


@pytest.mark.parametrize("per_cell", [0.01, 0.05, 0.2])
def test_requests_at_a_quiet_resolver_see_old_answers_as_predicted(per_cell: float) -> None:
    """Of all caches l (TTL - t) / (1 + l TTL) hold a valid old answer; an idle one that expired asks anew."""
    ttl = 40
    demand = np.full(len(GROUPS), 1 / len(GROUPS))
    cells = make_cells(GROUPS, demand, (Host("h"),), Resolvers(200, 0.0, skew=0.0), 7)
    rate = per_cell * len(cells.group)
    strategy = Strategy("s", Kind.IPA, (Address("a", 0), Address("b", 1)), ttl=ttl * SECOND)
    authority = Switch(strategy, GROUPS, demand, None, None)
    caches = Caches(cells, np.array([ttl * SECOND]), authority, rate, np.array([1, 2], dtype=np.uint64))
    source = Source(
        cells, GROUPS, demand=Demand(rate), group_last_mile_ms=np.ones(len(GROUPS)), sigma=0.0, seed=3
    )
    none = np.zeros(0, dtype=np.int64)
    for begin in range(0, CHANGE_S + ttl, 10):
        caches.refresh(source.chunk(begin * SECOND, (begin + 10) * SECOND), none, none)
        t = begin + 10 - CHANGE_S
        if t >= 0:
            held = (caches.answer == 0) & (caches.expiry > (begin + 10) * SECOND)
            expected = per_cell * (ttl - t) / (1 + per_cell * ttl)
            error = 5 * np.sqrt(max(expected * (1 - expected), 1e-4) / len(cells.group))
            assert held.mean() == pytest.approx(expected, abs=error)


def test_violators_keep_an_answer_longer() -> None:
    """After one TTL the old answers left are those of 8.74 % of resolvers, after three none."""
    cells, old = old_answers(ttl_s=30, per_cell=50, resolvers=Resolvers(100))
    share = (cells.stretch > 1).mean()
    assert share == pytest.approx(0.0874, abs=5 * np.sqrt(0.0874 * 0.9126 / len(cells.group)))
    left = old[40]
    assert not left[cells.stretch == 1].any()
    assert left[cells.stretch > 1].mean() == pytest.approx(1 - 40 / 90, abs=0.19)
    assert not old[100].any()


def test_a_ttl_shorter_than_a_chunk_refreshes_several_times_in_it() -> None:
    """TTL 2 s in chunks of 10 s: the answer 5 s after the change is new everywhere, whatever the chunk."""
    for chunk in (1, 5, 10):
        _, old = old_answers(ttl_s=2, per_cell=20, resolvers=Resolvers(20, 0.0, skew=0.0), chunk_s=chunk)
        assert not old[10 if chunk == 10 else 5].any()


def test_answer_within_a_chunk_follows_the_refresh() -> None:
    """`answer_at` gives the old answer before the cell's refresh and the new one from then on."""
    cells = make_cells(GROUPS, np.full(20, 0.05), (Host("h"),), Resolvers(50, 0.0), 7)
    strategy = Strategy("s", Kind.IPA, (Address("a", 0), Address("b", 1)), ttl=5 * SECOND)
    authority = Switch(strategy, GROUPS, np.full(20, 0.05), None, None)
    rate = 30.0 * len(cells.group)
    caches = Caches(cells, np.array([5 * SECOND]), authority, rate, np.array([1, 2], dtype=np.uint64))
    source = Source(cells, GROUPS, demand=Demand(rate), group_last_mile_ms=np.ones(20), sigma=0.0, seed=3)
    none = np.zeros(0, dtype=np.int64)
    for begin in (0, 10, 20):
        caches.refresh(source.chunk(begin * SECOND, (begin + 10) * SECOND), none, none)
    arrivals = source.chunk(30 * SECOND, 50 * SECOND)
    caches.refresh(arrivals, none, none)
    cell = np.repeat(np.arange(len(cells.group)), arrivals.counts)
    answer = caches.answer_at(cell, arrivals.instant)
    late = arrivals.instant - CHANGE_S * SECOND
    assert not answer[late < 0].any()
    assert answer[late > 5 * SECOND].all()
    between = (late > 0) & (late < 5 * SECOND)
    assert answer[between].mean() == pytest.approx(0.5, abs=0.05)
    # once new, a cell stays new
    order = np.lexsort((arrivals.instant, cell))
    same_cell = np.diff(cell[order]) == 0
    assert (np.diff(answer[order])[same_cell] >= 0).all()


def test_a_retry_refreshes_too() -> None:
    """A cell without arrivals whose retry asks after expiry holds the new answer from that instant."""
    cells = make_cells(GROUPS, np.full(20, 0.05), (Host("h"),), Resolvers(2, 0.0), 7)
    strategy = Strategy("s", Kind.IPA, (Address("a", 0), Address("b", 1)), ttl=5 * SECOND)
    authority = Switch(strategy, GROUPS, np.full(20, 0.05), None, None)
    caches = Caches(cells, np.array([5 * SECOND]), authority, 1.0, np.array([1, 2], dtype=np.uint64))
    source = Source(cells, GROUPS, demand=Demand(1.0), group_last_mile_ms=np.ones(20), sigma=0.0, seed=3)
    moved = caches.refresh(source.nothing(40 * SECOND, 50 * SECOND), np.array([3]), np.array([45 * SECOND]))
    assert moved.tolist() == [3]
    assert caches.answer_at(np.array([3, 3, 4]), np.array([44, 45, 49]) * SECOND).tolist() == [0, 1, 0]


def test_a_fixed_host_has_one_cell_a_group_and_never_asks() -> None:
    """The index of PyPI on plain anycast: nothing to refresh."""
    hosts = (Host("index", 0.75, steered=False, destination=0), Host("files", 0.25))
    cells, old = old_answers(ttl_s=30, per_cell=50, resolvers=Resolvers(10, 0.0), hosts=hosts)
    fixed = ~cells.is_steered
    assert fixed.sum() == len(GROUPS)
    assert old[120][fixed].all()
    assert not old[120][~fixed].any()
    assert cells.weight[fixed].sum() == pytest.approx(0.75)


def test_paths_clip_instants_to_the_run() -> None:
    """Before the first change and after the last, the first and last path hold."""
    paths = Paths(history([[(0, path(0, 1)), (10, path(1, 2))]], end_s=20, groups=1), 1)
    instants = np.array([-5, 0, 10 * SECOND - 1, 10 * SECOND, 10**15])
    assert paths.at(np.zeros(5, np.int64), instants).tolist() == [0, 0, 0, 1, 1]
