"""How far the modelled delays are from measured ones: ``python -m emulator.network.calibration``.

Compares the route between every two measured cities that is sold the cheapest
(`emulator.network.fibre`: few changes of cable, no transit over land where there
is none, capacity on every cable) with the least
round trip that WonderNetwork measured between them (a table that users bring:
``wondernetwork-*-cities.csv.gz`` with ``city,lat,lon`` and
``wondernetwork-*-rtt.csv.gz`` with ``src,dst,gc_km,min_ms,avg_ms`` in
``$IPA_EMULATOR_DATA/bring-your-own``). Prints the error of the constants in use,
by distance and for two halves of the cities, and then what an unbounded fit on
one half of the cities reaches on the other half.
"""

from __future__ import annotations

import csv
import gzip
import os
import sys
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from emulator.errors import InputError
from emulator.network.fibre import UNREACHED, fibre_of
from emulator.network.geo import great_circle_km
from emulator.network.latency import FIBRE_KM_PER_MS, LatencyModel
from emulator.network.layers import SpanKind
from emulator.network.physical import PhysicalWorld, builtin_world
from emulator.units import Duration

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

_MS: Final = 1_000_000
_SAME_PLACE_KM: Final = 30
"""A measured city is ours if ours is this close."""
_BANDS_KM: Final = (0, 500, 2000, 5000, 10_000, 21_000)
_STEPS: Final = np.array([0.05, 0.05, 0.1, 0.25, 0.25, 0.25])
"""Of the fit: slack on land and at sea; ms for hop, stay on a cable, border and end."""
_LEAST: Final = np.array([1.0, 1.0, 0.0, 0.0, 0.0, 0.0])
_ROUNDS: Final = 3

Pair: TypeAlias = tuple[str, str]


@dataclass(frozen=True)
class Comparison:
    """Measured and modelled round trips of the same pairs of cities."""

    pairs: tuple[Pair, ...]
    distance_km: NDArray[np.float64]
    """Great circle."""
    measured_ms: NDArray[np.float64]
    parts: NDArray[np.float64]
    """Shape (pairs, 6): what `LatencyModel`'s constants are multiplied with, in ms of round trip."""
    modelled_ms: NDArray[np.float64]

    @property
    def error(self) -> NDArray[np.float64]:
        """Modelled over measured, less one."""
        return self.modelled_ms / self.measured_ms - 1

    def only(self, keep: NDArray[np.bool_]) -> Comparison:
        """The pairs that ``keep`` selects."""
        pairs = tuple(pair for pair, wanted in zip(self.pairs, keep, strict=True) if wanted)
        columns = (self.distance_km, self.measured_ms, self.parts, self.modelled_ms)
        return Comparison(pairs, *(column[keep] for column in columns))

    def among(self, cities: frozenset[str]) -> Comparison:
        """The pairs with both ends in ``cities``."""
        return self.only(np.array([cities.issuperset(pair) for pair in self.pairs], dtype=bool))

    def summary(self) -> str:
        """Number of pairs, median and 90th percentile of the absolute error, median of the signed one."""
        size = np.abs(self.error)
        return (
            f"{len(self.pairs):5d} pairs  median |error| {np.median(size):6.1%}  "
            f"p90 {np.percentile(size, 90):6.1%}  signed median {np.median(self.error):+6.1%}"
        )


def find_measurements(data: Path) -> tuple[Path, Path]:
    """The cities and round-trip files below ``data``; raises `InputError` where they are not."""
    for folder in (data / "bring-your-own", data):
        cities = sorted(folder.glob("wondernetwork-*-cities.csv.gz"))
        trips = sorted(folder.glob("wondernetwork-*-rtt.csv.gz"))
        if cities and trips:
            return cities[-1], trips[-1]
    message = f"no wondernetwork-*-cities.csv.gz and wondernetwork-*-rtt.csv.gz in {data}"
    raise InputError(message)


def read_measurements(world: PhysicalWorld, cities_csv: Path, trips_csv: Path) -> dict[Pair, float]:
    """Least measured round trip (ms) between two of our cities, either way; pairs in alphabetical order.

    Pairs faster than light in fibre are left out: one of the hosts is not where the table says.
    """
    ours: dict[str, str] = {}
    for row in _rows(cities_csv):
        city, distance = world.nearest_city(float(row["lat"]), float(row["lon"]))
        if distance <= _SAME_PLACE_KM:
            ours[row["city"]] = city.name
    least: dict[Pair, float] = {}
    for row in _rows(trips_csv):
        first, second = sorted((ours.get(row["src"], ""), ours.get(row["dst"], "")))
        if first and first != second:
            pair = (first, second)
            least[pair] = min(float(row["min_ms"]), least.get(pair, float("inf")))
    slack = 2 * _SAME_PLACE_KM
    return {
        pair: trip
        for pair, trip in sorted(least.items())
        if trip >= 2 * max(0.0, _distance(world, pair) - slack) / FIBRE_KM_PER_MS
    }


def compare(world: PhysicalWorld, measured: Mapping[Pair, float]) -> Comparison:
    """The routes that ``world`` sells beside ``measured``; pairs that it does not join are left out."""
    partners: dict[str, list[str]] = {}
    for first, second in measured:
        partners.setdefault(first, []).append(second)
    columns, fibre = _span_parts(world), fibre_of(world)
    pairs, parts, modelled = [], [], []
    for first, others in partners.items():
        home = frozenset({world.cities[first].country})
        cells = fibre.search((fibre.number[first],), fibre.list_prices(home))
        for second in others:
            if cells.cost[fibre.number[second]] != UNREACHED:
                way = cells.way(fibre.number[second])
                pairs.append((first, second))
                parts.append(2 * np.append(columns[list(way.spans)].sum(axis=0), 1.0))
                modelled.append(2 * (way.delay + world.latency.end) / _MS)
    between = [_distance(world, pair) for pair in pairs]
    trips = np.array([measured[pair] for pair in pairs])
    return Comparison(tuple(pairs), np.array(between), trips, np.array(parts), np.array(modelled))


def fit(world: PhysicalWorld, measured: Mapping[Pair, float]) -> LatencyModel:
    """The constants with the least median absolute error, bounded only by physics from below.

    Coordinate descent on a grid of steps, with the routes taken anew each round.
    """
    model = world.latency
    for _ in range(_ROUNDS):
        seen = compare(replace(world, latency=model), measured)
        constants = _descend(seen, _constants(model))
        slack, times = constants[:2], [Duration(round(value * _MS)) for value in constants[2:]]
        model = LatencyModel(float(slack[0]), float(slack[1]), *times)
    return model


def main() -> None:
    """Print the errors."""
    world = builtin_world()
    data = Path(os.environ.get("IPA_EMULATOR_DATA", Path(__file__).parents[3] / "shared" / "data"))
    measured = read_measurements(world, *find_measurements(data))
    comparison = compare(world, measured)
    lines = [f"constants in use: {world.latency}", f"all cities        {comparison.summary()}"]
    for low, high in pairwise(_BANDS_KM):
        inside = (comparison.distance_km >= low) & (comparison.distance_km < high)
        lines.append(f"{low:6d}-{high:5d} km   {comparison.only(inside).summary()}")
    cities = sorted({city for pair in measured for city in pair})
    fitted_on, held_out = frozenset(cities[::2]), frozenset(cities[1::2])
    lines.append(f"every other city  {comparison.among(fitted_on).summary()}")
    lines.append(f"the other half    {comparison.among(held_out).summary()}")
    model = fit(world, {pair: trip for pair, trip in measured.items() if fitted_on.issuperset(pair)})
    refit = compare(replace(world, latency=model), measured)
    lines.append(f"unbounded fit on every other city: {model}")
    lines.append(f"  the cities fitted on  {refit.among(fitted_on).summary()}")
    lines.append(f"  the cities held out   {refit.among(held_out).summary()}")
    lines.append(f"  all cities            {refit.summary()}")
    sys.stdout.write("\n".join(lines) + "\n")


def _descend(seen: Comparison, constants: NDArray[np.float64]) -> NDArray[np.float64]:
    """Step one constant at a time while the median absolute error falls."""

    def loss(values: NDArray[np.float64]) -> float:
        return float(np.median(np.abs(seen.parts @ values / seen.measured_ms - 1)))

    best, least = constants, loss(constants)
    improved = True
    while improved:
        improved = False
        for index, step in enumerate(_STEPS):
            for direction in (step, -step):
                trial = best.copy()
                trial[index] = max(_LEAST[index], trial[index] + direction)
                if (value := loss(trial)) < least:
                    best, least, improved = trial, value, True
    return best


def _constants(model: LatencyModel) -> NDArray[np.float64]:
    times = (model.hop, model.landing, model.border, model.end)
    return np.array([model.land_slack, model.sea_slack, *(time / _MS for time in times)])


def _span_parts(world: PhysicalWorld) -> NDArray[np.float64]:
    """Shape (spans, 5): ms on land, ms at sea, hops, stays on a cable, borders."""
    rows = []
    for span in world.layers.spans:
        fibre = span.trunk_km / FIBRE_KM_PER_MS
        sea = span.kind in {SpanKind.SEA, SpanKind.BOARDING}
        ends = [world.segments[index].ends for index in span.segments]
        countries = [[world.cities[end].country for end in pair] for pair in ends]
        border = not sea and any(first != second for first, second in countries)
        stay = 0.5 * (span.kind is SpanKind.BOARDING)
        rows.append((0.0 if sea else fibre, fibre if sea else 0.0, len(span.segments), stay, border))
    return np.array(rows, dtype=float)


def _distance(world: PhysicalWorld, pair: Pair) -> float:
    first, second = (world.cities[name] for name in pair)
    return great_circle_km(first.latitude, first.longitude, second.latitude, second.longitude)


def _rows(path: Path) -> Iterable[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


if __name__ == "__main__":
    main()
