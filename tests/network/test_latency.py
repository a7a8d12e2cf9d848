"""Delays: never under the fibre bound, and close to what was measured."""

from __future__ import annotations

import csv
import gzip
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.errors import InputError
from emulator.network.calibration import compare, find_measurements, read_measurements
from emulator.network.geo import great_circle_km
from emulator.network.latency import CALIBRATED, FIBRE_KM_PER_MS, fibre_bound
from emulator.network.physical import builtin_world

WORLD = builtin_world()
MS = 1_000_000


def _data() -> Path:
    beside = Path(__file__).parents[3] / "shared" / "data"
    return Path(os.environ.get("IPA_EMULATOR_DATA", beside))


def _measurements() -> dict[tuple[str, str], float]:
    try:
        return read_measurements(WORLD, *find_measurements(_data()))
    except InputError as missing:
        pytest.skip(str(missing))


def test_the_fibre_bound_is_979_microseconds_of_round_trip_a_100_km() -> None:
    """Group index 1.468."""
    assert pytest.approx(204.2, abs=0.05) == FIBRE_KM_PER_MS
    assert pytest.approx(0.979, abs=0.0005) == 2 * fibre_bound(100) / MS


@pytest.mark.slow
def test_no_pair_of_cities_beats_the_fibre_bound() -> None:
    """Every city against every other."""
    names = list(WORLD.cities)
    latitude = np.radians([WORLD.cities[name].latitude for name in names])
    longitude = np.radians([WORLD.cities[name].longitude for name in names])
    number = {name: index for index, name in enumerate(names)}
    for name in names:
        here = number[name]
        half = np.sin((latitude - latitude[here]) / 2) ** 2
        half += np.cos(latitude) * np.cos(latitude[here]) * np.sin((longitude - longitude[here]) / 2) ** 2
        bound = 0.979 * 2 * 6371.0088 * np.arcsin(np.sqrt(half)) / 100
        routes = WORLD.routes_from(name)
        trip = np.zeros(len(names))
        trip[[number[far] for far in routes]] = [2 * route.delay / MS for route in routes.values()]
        assert len(routes) == len(names)
        assert np.all(trip >= bound)


@given(st.floats(0, 40_000))
def test_a_segment_is_never_faster_than_light_in_fibre(length: float) -> None:
    """Whole nanoseconds, at or above the bound, and longer with a border than without."""
    delays = (
        CALIBRATED.land_delay(length, border=False),
        CALIBRATED.land_delay(length, border=True),
        CALIBRATED.sea_delay(length),
        CALIBRATED.boarding_delay(length),
    )
    assert all(isinstance(delay, int) and delay >= fibre_bound(length) for delay in delays)
    assert delays[1] - delays[0] == CALIBRATED.border


@pytest.mark.parametrize(
    ("pair", "low_ms", "high_ms"),
    [
        (("London", "New York"), 65, 80),
        (("Tokyo", "Los Angeles"), 95, 120),
        (("Mumbai", "London"), 100, 135),
        (("Sydney", "Los Angeles"), 135, 170),
        (("Fortaleza", "Luanda"), 60, 80),
        (("Lagos", "London"), 85, 110),
        (("Helsinki", "Frankfurt"), 18, 30),
    ],
)
def test_well_known_round_trips(pair: tuple[str, str], low_ms: float, high_ms: float) -> None:
    """Within what operators state for these routes, give or take a sixth."""
    route = WORLD.route(*pair)
    assert route is not None
    assert low_ms <= 2 * route.delay / MS <= high_ms


def test_the_error_against_measured_round_trips_is_below_15_percent() -> None:
    """Median absolute error over all measured pairs; and for either half of the cities alone."""
    measured = _measurements()
    comparison = compare(WORLD, measured)
    assert len(comparison.pairs) > 7000
    assert float(np.median(np.abs(comparison.error))) < 0.15
    assert float(np.percentile(np.abs(comparison.error), 90)) < 0.5
    cities = sorted({city for pair in measured for city in pair})
    for half in (cities[::2], cities[1::2]):
        part = comparison.among(frozenset(half))
        assert float(np.median(np.abs(part.error))) < 0.15


def test_measured_pairs_are_joined_to_the_right_cities() -> None:
    """Round trip over distance is spread as in the table's own column of distances."""
    measured = _measurements()
    assert len(measured) > 7200
    shares = []
    for (first, second), trip in measured.items():
        a, b = WORLD.cities[first], WORLD.cities[second]
        shares.append(trip / great_circle_km(a.latitude, a.longitude, b.latitude, b.longitude))
    with gzip.open(find_measurements(_data())[1], "rt", encoding="utf-8", newline="") as file:
        rows = [(float(row["min_ms"]), float(row["gc_km"])) for row in csv.DictReader(file)]
    raw = [trip / distance for trip, distance in rows if distance > 30]
    quantiles = [5, 50, 95]
    assert np.percentile(shares, quantiles) == pytest.approx(np.percentile(raw, quantiles), rel=0.03)
