"""POPs over their capacity: they answer as much as they can, however often clients try."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from emulator.clients.config import Demand, Retry
from emulator.clients.requests import evaluate
from emulator.units import SECOND

from client_labs import DARK, anycast, config, history, ipa, network, path

if TYPE_CHECKING:
    from client_labs import Line

HERE = [(0, path(0, 10))]
THERE = [(0, path(1, 30))]
NO_LIMIT = float("inf")
ONE_SYN = Retry(syn=(0,), sleeps=())


def run(
    demand: float,
    capacity: float | tuple[float, float],
    end_s: int,
    *,
    line: Line = HERE,
    retry: Retry | None = None,
    chunk_s: int = 10,
) -> dict[str, np.ndarray]:
    """Requests by second of one group on one address."""
    retry = Retry() if retry is None else retry
    settings = config(
        anycast(), end_s=end_s, demand=Demand(demand), retry=retry, chunk=chunk_s * SECOND, health=None
    )
    world = network([1.0], capacity_rps=capacity)
    table = evaluate(world, history([line], end_s=end_s, groups=1), settings, 1)["requests"]
    assert table["second"].tolist() == list(range(end_s))
    return {name: np.asarray(table[name], dtype=np.int64) for name in ("requests", "good", "slow", "lost")}


def served(rows: dict[str, np.ndarray]) -> np.ndarray:
    """Successes by the second that their requests started in."""
    both: np.ndarray = rows["good"] + rows["slow"]
    return both


def sure(mean: float, count: int = 1) -> float:
    """Five standard deviations of the mean of ``count`` Poisson numbers."""
    return 5 * float(np.sqrt(mean / count))


@pytest.mark.parametrize("chunk_s", [7, 10, 60])
def test_one_syn_a_request_is_answered_as_capacity_has_it(chunk_s: int) -> None:
    """Demand d, capacity c, one attempt: c / d succeed, in every second, whatever the chunks are."""
    rows = run(1000.0, 100.0, 120, retry=ONE_SYN, chunk_s=chunk_s)
    assert served(rows).mean() == pytest.approx(100, abs=sure(100, 120))
    assert served(rows).max() <= 100 + sure(100)
    assert rows["slow"].sum() == 0


def test_two_syns_a_request_follow_the_hand_made_recursion() -> None:
    """In second i come d first SYNs and the r refused the second before; c / (d + r) of them are answered."""
    demand, capacity, seconds = 9000.0, 3000.0, 12
    rows = run(demand, capacity, seconds, retry=Retry(syn=(0, SECOND), sleeps=()))
    again, shares = 0.0, []
    for _ in range(seconds + 1):
        shares.append(capacity / (demand + again))
        again = demand * (1 - shares[-1])
    assert shares[:2] == [1 / 3, 1 / 5]
    for i in range(seconds - 1):  # the last second's second SYN leaves after the end
        good, slow = demand * shares[i], demand * (1 - shares[i]) * shares[i + 1]
        assert rows["good"][i] == pytest.approx(good, abs=sure(good))
        assert rows["slow"][i] == pytest.approx(slow, abs=sure(slow))


@pytest.mark.parametrize(("capacity", "loss"), [(50.0, 0.0), (200.0, 0.0), (150.0, 0.1)])
def test_patient_clients_get_no_more_than_the_capacity(capacity: float, loss: float) -> None:
    """With pip's 24 SYNs c of d succeed, on their first SYN a, where 1 - (1 - a)^24 = c / d."""
    demand = 400.0
    rows = run(demand, capacity, 500, line=[(0, path(0, 10, loss=loss))])
    settled = slice(250, 500)
    good = demand * (1 - (1 - capacity / demand) ** (1 / 24))
    assert served(rows)[settled].mean() == pytest.approx(capacity, abs=sure(capacity, 250))
    assert rows["good"][settled].mean() == pytest.approx(good, abs=sure(good, 250))
    assert (rows["requests"] == served(rows) + rows["lost"]).all()


def test_clients_that_retry_at_once_share_what_a_second_has_left() -> None:
    """Four attempts within half a second: still c of d."""
    rows = run(1000.0, 200.0, 60, retry=Retry(syn=(0,), timeout=SECOND // 8, sleeps=(0, 0, 0)))
    assert served(rows).mean() == pytest.approx(200, abs=sure(200, 60))


def test_below_capacity_nothing_is_refused_though_many_come_together() -> None:
    """100 a second on average, up to 130 in some seconds, at a POP of 101."""
    rows = run(100.0, 101.0, 60)
    assert rows["requests"].max() > 115
    assert rows["good"].tolist() == rows["requests"].tolist()


def test_a_small_pop_refuses_its_own_clients_only() -> None:
    """One group at a POP that carries a fifth of it; the other's requests do not change by a bit."""
    settings = config(anycast(), end_s=300, demand=Demand(1000.0))
    lines = history([[HERE, THERE]], end_s=300, groups=2)
    kept = []
    for capacity in ((100.0, NO_LIMIT), (NO_LIMIT, NO_LIMIT)):
        world = network([1.0, 1.0], capacity_rps=capacity)
        table = evaluate(world, lines, settings, 1)["requests"]
        small = (table["group"] == 0) & (table["second"] >= 200)
        kept.append([table[name][table["group"] == 1].tolist() for name in ("good", "slow", "lost")])
        answered = (table["good"] + table["slow"])[small]
        expected = min(capacity[0], 500.0)
        assert answered.mean() == pytest.approx(expected, abs=sure(expected, 100))
    assert kept[0] == kept[1]


def test_failover_onto_a_small_pop_loses_what_it_cannot_carry() -> None:
    """From the instant of the move, in the middle of a chunk, 100 of 1000 a second are answered."""
    moves = [(0, path(0, 10)), (33.5, path(1, 10))]
    rows = run(1000.0, (NO_LIMIT, 100.0), 90, line=moves, retry=ONE_SYN)
    # a download lasts up to 1.2 s, and what is under way is reset
    assert served(rows)[:32].tolist() == rows["requests"][:32].tolist()
    assert served(rows)[33] <= 500 + 50 + sure(550)
    assert served(rows)[34:].mean() == pytest.approx(100, abs=sure(100, 56))
    assert served(rows)[34:].max() <= 100 + sure(100)
    patient = run(1000.0, (NO_LIMIT, 100.0), 500, line=moves)
    assert served(patient)[250:].mean() == pytest.approx(100, abs=sure(100, 250))


def test_those_who_waited_take_room_from_those_who_come() -> None:
    """Twelve dark seconds, then a POP for little more than the demand: slow until all are served."""
    back = [(0, path(0, 10)), (35, DARK), (47, path(1, 10))]
    free, tight = (run(90.0, (NO_LIMIT, c), 400, line=back) for c in (NO_LIMIT, 100.0))
    assert free["good"][47:].tolist() == free["requests"][47:].tolist()
    assert tight["slow"][47:60].sum() > 100
    assert tight["lost"].sum() == 0
    assert tight["good"][250:].tolist() == tight["requests"][250:].tolist()


def test_ranking_flees_a_pop_over_its_capacity() -> None:
    """Probes are refused like requests: IPA ends with most of the demand at the other POP."""
    world = network([1.0], capacity_rps=(60.0, NO_LIMIT))
    settings = config(ipa(0, 1, floor=0.0, cap=1.0), anycast(0), end_s=300, demand=Demand(100.0))
    table = evaluate(world, history([HERE, THERE], end_s=300, groups=1), settings, 1)["requests"]
    late = table["second"] >= 150
    names = np.array(table["strategy"])
    lost = {name: int(table["lost"][late & (names == name)].sum()) for name in ("anycast", "ipa")}
    assert lost["anycast"] > 100
    assert lost["ipa"] == 0


def test_offered_load_counts_each_request_once() -> None:
    """Retries come on top: 1000 a second are offered to a POP of 100 from the first second to the last."""
    settings = config(anycast(), end_s=120, demand=Demand(1000.0))
    load = evaluate(
        network([1.0], pops=1, capacity_rps=100.0), history([HERE], end_s=120, groups=1), settings, 1
    )["load"]
    assert load["second"].tolist() == list(range(0, 120, 10))
    assert load["offered"] == pytest.approx(np.full(12, 1000.0))
    assert load["utilisation"] == pytest.approx(np.full(12, 10.0))


def test_capacity_that_is_never_reached_changes_no_byte() -> None:
    """With losses, darkness and moves; all but the utilisation."""
    lines = [[(0, path(0, 10, loss=0.1)), (30.5, DARK), (60, path(1, 40))], THERE]
    settings = config(ipa(0, 1), anycast(0), end_s=100, fault_s=30.5, demand=Demand(200.0))
    plain, roomy = (
        evaluate(network([1.0, 2.0], capacity_rps=capacity), history(lines, end_s=100, groups=2), settings, 1)
        for capacity in (NO_LIMIT, 1e6)
    )
    assert 0 < float(roomy["load"].pop("utilisation").max()) < 0.01
    del plain["load"]["utilisation"]
    for name, table in plain.items():
        for column, values in table.items():
            assert np.array(values).tobytes() == np.array(roomy[name][column]).tobytes(), (name, column)
