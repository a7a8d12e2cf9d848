"""Wins Above Nominal: the worked example, the theorems, floors, caps and capacities."""

from __future__ import annotations

import math

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from emulator.clients import wan
from emulator.forwarding.load import BUFFER
from emulator.units import MILLISECOND

A = [10, 12, 14, 16, 50]
B = [11, 13, 15, 17, 19]
C = [30, 31, 32, 33, 34]
EXAMPLE = np.array([[A, B, C]], dtype=float)

sizes = st.tuples(st.integers(2, 5), st.integers(1, 9))


@st.composite
def distinct_samples(draw: st.DrawFn) -> np.ndarray:
    """One network's samples without ties, the same number a provider."""
    providers, count = draw(sizes)
    values = draw(st.permutations(range(providers * count)))
    return np.array(values, dtype=float).reshape(1, providers, count) + 1


@st.composite
def any_samples(draw: st.DrawFn) -> np.ndarray:
    """Samples with ties, losses and providers measured more or less often, at least once."""
    providers, count = draw(sizes)
    value = st.one_of(st.integers(1, 12).map(float), st.just(math.inf), st.just(math.nan))
    rows = [[draw(value) for _ in range(count)] for _ in range(providers)]
    for row in rows:
        row[0] = draw(st.integers(1, 12).map(float))
    return np.array([rows])


def test_worked_example() -> None:
    """Nominal 17 ms, WAN +30, +20, -50."""
    ranking = wan.rank(EXAMPLE)
    assert ranking.nominal.tolist() == [17.0]
    assert ranking.wan.round(9).tolist() == [[30.0, 20.0, -50.0]]


@pytest.mark.parametrize(
    ("shares", "median"),
    [((1 / 3, 1 / 3, 1 / 3), 17), ((0.6, 0.3, 0.1), 15), ((1, 0, 0), 14), ((0.2, 0.2, 0.6), 31)],
)
def test_worked_example_delivers(shares: tuple[float, ...], median: float) -> None:
    """Delivered medians of the example's four mixes."""
    assert wan.delivered_median(EXAMPLE, np.array([shares])).tolist() == [median]


@given(distinct_samples())
def test_wans_of_a_network_sum_to_zero(samples: np.ndarray) -> None:
    """What one provider wins the others lose."""
    assert wan.rank(samples).wan.sum() == pytest.approx(0, abs=1e-9)


@given(any_samples())
def test_wans_stray_from_zero_by_half_the_weight_of_ties_at_nominal(samples: np.ndarray) -> None:
    """With ties or uneven counts the sum is off by no more than half of what lies at nominal."""
    ranking = wan.rank(samples)
    count = (~np.isnan(samples)).sum(axis=2)
    at_nominal = ((samples == ranking.nominal[:, None, None]).sum(axis=2) / count).sum()
    assert abs(ranking.wan.sum()) <= 100 * at_nominal / 2 + 1e-9


@given(any_samples())
def test_increasing_transforms_change_nothing(samples: np.ndarray) -> None:
    """Only the order of RTTs matters."""
    before, after = wan.rank(samples), wan.rank(np.where(np.isinf(samples), samples, samples**3 + 7))
    assert after.wan.tolist() == before.wan.tolist()
    assert after.win_rate.tolist() == before.win_rate.tolist()


@given(any_samples(), st.lists(st.integers(0, 10), min_size=5, max_size=5))
def test_positive_sum_delivers_nominal_or_better(samples: np.ndarray, weights: list[int]) -> None:
    """sum(x WAN) > 0 implies a delivered median at or below nominal."""
    shares = np.array([weights[: samples.shape[1]]], dtype=float)
    if shares.sum() == 0:
        shares[0, 0] = 1
    shares /= shares.sum()
    ranking = wan.rank(samples)
    if (shares * ranking.wan).sum() > 1e-9:
        assert wan.delivered_median(samples, shares)[0] <= ranking.nominal[0]


@given(distinct_samples())
def test_sorting_and_weighing_agree(samples: np.ndarray) -> None:
    """An extra column that holds no samples takes the general way to the same nominal."""
    empty = np.full((*samples.shape[:2], 1), np.nan)
    assert wan.rank(np.concatenate((samples, empty), axis=2)).nominal == wan.rank(samples).nominal


def test_losses_are_infinitely_slow() -> None:
    """A provider that loses half its probes beats one that is merely slow only half the time."""
    lossy = [10.0, math.inf, 11.0, math.inf]
    steady = [20.0, 21.0, 22.0, 23.0]
    ranking = wan.rank(np.array([[lossy, steady]]))
    assert ranking.nominal.tolist() == [21.5]
    assert ranking.wan.tolist() == [[0.0, 0.0]]


def test_shrinkage_counts_twenty_nominal_samples() -> None:
    """w~ = (wins + 10) / (N + 20); nobody measured is nominal."""
    samples = np.array([[[1.0, 1.0, np.nan], [2.0, 2.0, np.nan], [np.nan] * 3]])
    ranking = wan.rank(samples)
    assert ranking.win_rate.tolist() == [[12 / 22, 10 / 22, 0.5]]
    assert np.isnan(ranking.wan[0, 2])
    assert ranking.available.tolist() == [[True, True, True]]


def test_provider_without_success_leaves_the_answers() -> None:
    """Nothing but losses in the window: share 0, whatever the floor."""
    samples = np.array([[[math.inf] * 3, [5.0] * 3, [6.0] * 3]])
    ranking = wan.rank(samples)
    pull = wan.attraction(ranking, np.ones(3), bias=8)
    shares = wan.bounded_shares(pull, floor=0.1, cap=0.7)
    assert ranking.available.tolist() == [[False, True, True]]
    assert shares[0, 0] == 0
    assert shares.sum() == pytest.approx(1)


def test_everything_dead_answers_the_nominal_mix() -> None:
    """With no provider left the base shares stand."""
    ranking = wan.rank(np.full((1, 3, 4), math.inf))
    shares = wan.bounded_shares(wan.attraction(ranking, np.array([1.0, 2.0, 1.0]), bias=8), 0.0, 1.0)
    assert shares.tolist() == [[0.25, 0.5, 0.25]]


def test_bias_spans_nominal_mix_to_all_in() -> None:
    """Bias 0 keeps the base shares; a large one gives all to the best."""
    ranking = wan.rank(EXAMPLE)
    base = np.array([1.0, 1.0, 2.0])
    even = wan.bounded_shares(wan.attraction(ranking, base, bias=0), 0.0, 1.0)
    all_in = wan.bounded_shares(wan.attraction(ranking, base, bias=5000), 0.0, 1.0)
    assert even.tolist() == [[0.25, 0.25, 0.5]]
    assert all_in.round(6).tolist() == [[1.0, 0.0, 0.0]]


@given(
    st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=8),
    st.floats(0, 0.3),
    st.floats(0.3, 1),
)
def test_shares_keep_floor_and_cap(pull: list[float], floor: float, cap: float) -> None:
    """Every share in [floor, cap] as far as the number of providers allows, order kept, sum 1."""
    shares = wan.bounded_shares(np.array([pull]), floor, cap)[0]
    even = 1 / len(pull)
    assert shares.sum() == pytest.approx(1)
    assert shares.min() >= min(floor, even) - 1e-9
    assert shares.max() <= max(cap, even) + 1e-9
    order = np.argsort(pull, kind="stable")
    assert (np.diff(shares[order]) >= -1e-9).all()


def test_capacity_overflows_to_the_others_by_their_own_pull() -> None:
    """A provider that fits half the demand carries exactly that; the rest keeps its proportion."""
    pull = np.array([[100.0, 2.0, 1.0]])
    shares = wan.fill_capacities(
        pull, 0.0, 1.0, demand=np.array([10.0]), capacity=np.array([5.0, np.inf, np.inf])
    )
    assert shares[0] == pytest.approx([1 / 2, 1 / 3, 1 / 6], rel=1e-6)


@given(
    st.lists(st.lists(st.floats(0.1, 50), min_size=4, max_size=4), min_size=1, max_size=6),
    st.lists(st.floats(0.35, 3), min_size=4, max_size=4),
)
def test_no_provider_above_capacity_while_all_fits(pull: list[list[float]], room: list[float]) -> None:
    """Over all networks together no provider is filled beyond its capacity."""
    demand = np.full(len(pull), 1.0)
    capacity = np.array(room) * len(pull)
    shares = wan.fill_capacities(np.array(pull), 0.0, 1.0, demand=demand, capacity=capacity)
    assert shares.sum(axis=1) == pytest.approx(np.ones(len(pull)))
    assert (demand @ shares <= capacity * (1 + 1e-6)).all()


def test_demand_beyond_all_capacity_is_spread_in_proportion() -> None:
    """Twice too much demand: every provider runs at twice its capacity."""
    capacity = np.array([1.0, 2.0, 1.0])
    shares = wan.fill_capacities(
        np.array([[9.0, 1.0, 1.0]]), 0.0, 1.0, demand=np.array([8.0]), capacity=capacity
    )
    assert 8 * shares[0] / capacity == pytest.approx([2.0, 2.0, 2.0], rel=1e-4)


def test_all_in_is_worse_than_capped_bias_where_the_best_is_too_small() -> None:
    """The best provider carries half the demand; beyond that its buffer is full and the excess lost."""
    best, other = np.arange(10.0, 30.0), np.arange(20.0, 40.0)
    capacity = np.array([0.5, 9.0])
    ranking = wan.rank(np.array([[best, other]]))
    all_in = wan.bounded_shares(wan.attraction(ranking, np.ones(2), bias=5000), 0.0, 1.0)
    pull = wan.attraction(ranking, np.ones(2), bias=8)
    capped = wan.fill_capacities(pull, 0.02, 0.7, demand=np.ones(1), capacity=capacity)

    def delivered(shares: np.ndarray) -> float:
        excess = max(0.0, 1 - capacity[0] / shares[0, 0])
        slowed = best + (BUFFER / MILLISECOND if excess > 1e-6 else 0.0)
        slowed[20 - round(20 * excess) :] = math.inf
        return float(wan.delivered_median(np.array([[slowed, other]]), shares)[0])

    assert ranking.nominal[0] == 24.5
    assert delivered(all_in) > 59
    assert delivered(capped) <= ranking.nominal[0]
