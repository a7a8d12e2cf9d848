"""Fluid link load: conservation, direction, and the values at and around capacity."""

from __future__ import annotations

import math

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from emulator.forwarding.history import Fate, PathState
from emulator.forwarding.load import BUFFER, BURST_BITS, LoadModel
from emulator.network.model import Link, Network, Relationship, Router
from emulator.units import SECOND, Duration

GBPS = 1e9


def chain(*capacities: float) -> Network:
    """Routers 0 - 1 - ..., one link of each capacity."""
    return Network(
        routers=tuple(Router(i, f"r{i}", i, i) for i in range(len(capacities) + 1)),
        links=tuple(
            Link(i, (i, i + 1), Duration(1), Relationship.NONE, capacity_bps=capacity)
            for i, capacity in enumerate(capacities)
        ),
    )


def to_pop(*links: int) -> PathState:
    """Make a delivered path over directed links, client to POP."""
    return PathState(Fate.DELIVERED, 0, Duration(len(links)), 0.0, links)


@st.composite
def loads(draw: st.DrawFn) -> tuple[Network, list[PathState], list[float]]:
    """Any paths, delivered and not, over links with any capacity, and a rate each."""
    network = chain(*draw(st.lists(st.sampled_from([0.0, 1e6, 3e6, GBPS, math.inf]), min_size=1, max_size=5)))
    crossings = st.lists(st.integers(0, 2 * len(network.links) - 1), max_size=5)
    fates = st.sampled_from([Fate.DELIVERED, Fate.DELIVERED, Fate.LOOP])
    states = [
        PathState(fate, -1, Duration(0), 0.0, tuple(links))
        for fate, links in draw(st.lists(st.tuples(fates, crossings), max_size=8))
    ]
    rate = st.sampled_from([0.0, 1e5, 1e6, 2e6, 5e8])
    return network, states, draw(st.lists(rate, min_size=len(states), max_size=len(states)))


def test_content_flows_from_the_pop_to_the_client() -> None:
    """The client's way up is directed links 0 and 2; the load is on 1 and 3."""
    result = LoadModel(chain(GBPS, 2 * GBPS), [to_pop(0, 2)]).evaluate([0.5 * GBPS])

    assert result.offered_bps.tolist() == [0, 0.5 * GBPS, 0, 0.5 * GBPS]
    assert result.utilisation.tolist() == [0, 0.5, 0, 0.25]


def test_queueing_delay_is_the_mean_wait_of_bursts() -> None:
    """At r = 1/2 the wait is one burst's transmission time, at 3/4 three; links of a path add up."""
    burst_ns = BURST_BITS / GBPS * SECOND
    model = LoadModel(chain(GBPS, GBPS), [to_pop(0), to_pop(0, 2)])

    result = model.evaluate([0.25 * GBPS, 0.5 * GBPS])

    assert result.state_delay_ns.tolist() == pytest.approx([3 * burst_ns, 4 * burst_ns])
    assert result.state_loss.tolist() == [0, 0]


def test_exactly_at_capacity_the_buffer_is_full_and_nothing_is_lost() -> None:
    """The boundary belongs to the full buffer."""
    result = LoadModel(chain(GBPS), [to_pop(0)]).evaluate([GBPS])

    assert result.state_delay_ns.tolist() == [BUFFER]
    assert result.state_loss.tolist() == [0]


def test_just_below_capacity_the_wait_does_not_exceed_the_buffer() -> None:
    """The M/M/1 wait would be over a minute."""
    result = LoadModel(chain(1e6), [to_pop(0)]).evaluate([1e6 * (1 - 1e-6)])

    assert result.state_delay_ns.tolist() == [BUFFER]


def test_above_capacity_the_share_that_does_not_fit_is_lost() -> None:
    """Twice the capacity loses half, and two such links in a row three quarters."""
    result = LoadModel(chain(GBPS, GBPS, GBPS), [to_pop(0, 2), to_pop(4)]).evaluate([2 * GBPS, 4 * GBPS])

    assert result.state_loss.tolist() == [0.75, 0.75]
    assert result.state_delay_ns.tolist() == [2 * BUFFER, BUFFER]


def test_what_is_not_delivered_loads_nothing() -> None:
    """No content comes back from a loop or a blackhole."""
    lost = PathState(Fate.LOOP, -1, Duration(0), 1.0, (0, 1))
    result = LoadModel(chain(GBPS), [lost, to_pop()]).evaluate([GBPS, GBPS])

    assert result.offered_bps.tolist() == [0, 0]
    assert (result.state_delay_ns.tolist(), result.state_loss.tolist()) == ([0, 0], [0, 0])


def test_a_link_without_capacity_loses_all_and_an_unloaded_one_nothing() -> None:
    """Capacity 0 makes no NaN."""
    model = LoadModel(chain(0.0), [to_pop(0), to_pop(1)])

    result = model.evaluate([1.0, 0.0])

    assert result.state_loss.tolist() == [1, 0]
    assert result.state_delay_ns.tolist() == [BUFFER, 0]


def test_unlimited_capacity() -> None:
    """Load is still reported; nothing is felt."""
    model = LoadModel(chain(math.inf), [to_pop(0)])

    result = model.evaluate([GBPS])

    assert model.is_unlimited
    assert not LoadModel(chain(math.inf, GBPS), []).is_unlimited
    assert result.offered_bps.tolist() == [0, GBPS]
    assert (result.utilisation.tolist(), result.state_delay_ns.tolist()) == ([0, 0], [0])


def test_one_rate_a_state() -> None:
    """Anything else is refused, never broadcast."""
    model = LoadModel(chain(GBPS), [to_pop(0), to_pop(1)])

    with pytest.raises(ValueError, match="expected 2 rates"):
        model.evaluate([1.0])


@settings(deadline=None)
@given(loads())
def test_offered_load_is_the_demand_whose_path_crosses_the_link(
    load: tuple[Network, list[PathState], list[float]],
) -> None:
    """Against a loop over paths; summed over first links it is the delivered demand."""
    network, states, rates = load
    expected = [0.0] * (2 * len(network.links))
    for state, rate in zip(states, rates, strict=True):
        for link in state.links:
            if state.fate is Fate.DELIVERED:
                expected[link ^ 1] += rate

    result = LoadModel(network, states).evaluate(rates)

    assert result.offered_bps.tolist() == pytest.approx(expected)


@given(st.lists(st.tuples(st.integers(0, 3), st.floats(0, 1e12)), max_size=20))
def test_load_leaving_the_pop_is_the_demand_delivered(flows: list[tuple[int, float]]) -> None:
    """Conservation: a POP at router 4 at the end of a line, clients anywhere along it."""
    states = [to_pop(*range(2 * start, 8, 2)) for start, _ in flows]

    result = LoadModel(chain(1e6, 1e6, 1e6, 1e6), states).evaluate([rate for _, rate in flows])

    assert result.offered_bps[7] == pytest.approx(sum(rate for _, rate in flows))
    assert (result.offered_bps[[1, 3, 5]] <= result.offered_bps[[3, 5, 7]]).all()


@settings(deadline=None)
@given(loads(), st.data())
def test_more_demand_never_makes_anything_better(
    load: tuple[Network, list[PathState], list[float]], data: st.DataObject
) -> None:
    """Offered load, delay and loss are monotone in every rate, finite, and 0 where nothing is sent."""
    network, states, rates = load
    more = [rate + data.draw(st.sampled_from([0.0, 1.0, 2e6])) for rate in rates]
    model = LoadModel(network, states)

    idle, low, high = (model.evaluate(each) for each in ([0.0] * len(states), rates, more))

    assert not idle.state_delay_ns.any()
    assert not idle.state_loss.any()
    assert not idle.utilisation.any()
    for name in ("offered_bps", "utilisation", "state_delay_ns", "state_loss"):
        assert (getattr(low, name) <= getattr(high, name)).all()
    assert np.isfinite(high.state_delay_ns).all()
    assert (high.state_loss >= 0).all()
    assert (high.state_loss <= 1).all()


@settings(deadline=None)
@given(loads(), st.integers(0, 8))
def test_extending_equals_building_at_once(
    load: tuple[Network, list[PathState], list[float]], cut: int
) -> None:
    """States may come later."""
    network, states, rates = load
    grown = LoadModel(network, states[:cut])
    grown.extend(states[cut:])

    expected, actual = LoadModel(network, states).evaluate(rates), grown.evaluate(rates)

    assert len(grown) == len(states)
    for name in ("offered_bps", "utilisation", "state_delay_ns", "state_loss"):
        assert getattr(expected, name).tolist() == getattr(actual, name).tolist()


def test_buffer_and_burst_can_be_chosen() -> None:
    """Half full, the wait is one burst of the size given; full, the buffer given."""
    model = LoadModel(chain(GBPS), [to_pop(0)], buffer=Duration(7_000), burst_bits=2_000)

    assert model.evaluate([0.5 * GBPS]).state_delay_ns.tolist() == pytest.approx([2_000])
    assert model.evaluate([2 * GBPS]).state_delay_ns.tolist() == [7_000]
