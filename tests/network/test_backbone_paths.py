"""Where the built-in transit networks' traffic between continents runs, and what a Red Sea cut does to it."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from functools import cache
from statistics import median

import pytest

from emulator.network import directory
from emulator.network.fibre import RESTRICTED
from emulator.network.model import Kind, Link, Network, Relationship
from emulator.network.physical import builtin_world
from emulator.network.world import build_world, default_spec

WORLD = builtin_world()
SEEDS = (1, 2, 3)
EUROPE = ("Marseille", "London", "Frankfurt")
ASIA = ("Mumbai", "Singapore", "Hong Kong")
CUT_2024 = ("AAE-1", "EIG", "SEACOM/TGN-EA")
"""The cables that were cut between Jeddah and Djibouti on 24 February 2024."""
NORTH = frozenset({"Jeddah", "Yanbu", "Suez", "Zafarana", "Aqaba", "Port Sudan"})
SOUTH = frozenset({"Djibouti", "Aden", "Hodeidah", "Fujairah", "Muscat", "Al Ghaydah", "Mumbai"})
RED_SEA = frozenset(
    segment.index
    for segment in WORLD.segments
    if segment.cable and set(segment.ends) & NORTH and set(segment.ends) & SOUTH
)


@dataclass(frozen=True)
class Backbones:
    """The transit networks' own links, with some segments cut."""

    network: Network
    cut: frozenset[int] = frozenset()

    def path(self, asn: int, first: str, second: str) -> tuple[float, tuple[Link, ...]] | None:
        """RTT in ms and links of the IGP's path between two cities of ``asn``, or None."""
        routers = self.network.routers
        at = {routers[index].city: index for index in self.network.routers_of[asn]}
        queue: list[tuple[int, int, int, tuple[Link, ...]]] = [(0, 0, at[first], ())]
        done: set[int] = set()
        pushed = 0
        while queue:
            cost, _, here, path = heapq.heappop(queue)
            if here == at[second]:
                return 2 * sum(link.delay for link in path) / 1e6, path
            if here in done:
                continue
            done.add(here)
            for index in self.network.links_of[here]:
                link = self.network.links[index]
                if link.relationship is Relationship.INTERNAL and not self.cut.intersection(link.segments):
                    pushed += 1
                    heapq.heappush(queue, (cost + link.igp_cost, pushed, link.other(here), (*path, link)))
        return None

    def providers(self, first: str, second: str) -> list[int]:
        """AS numbers of the transit networks that are in both cities."""
        return [
            system.asn
            for system in self.network.systems
            if system.kind is Kind.TRANSIT
            and {first, second}
            <= {self.network.routers[index].city for index in self.network.routers_of[system.asn]}
        ]

    def trips(self, first: str, second: str) -> list[float]:
        """RTT of every transit network that is in both cities, ascending."""
        found = (self.path(asn, first, second) for asn in self.providers(first, second))
        return sorted(path[0] for path in found if path)


@cache
def whole(seed: int) -> Backbones:
    """Nothing cut."""
    return Backbones(build_world(default_spec(access=1), WORLD, seed))


@pytest.mark.parametrize(
    ("first", "second", "low", "high", "middle"),
    [
        ("Marseille", "Singapore", 145, 200, (150, 175)),
        ("Marseille", "Mumbai", 95, 135, (100, 125)),
        ("London", "New York", 65, 105, (68, 80)),
        ("Los Angeles", "Tokyo", 95, 142, (100, 128)),
        ("Frankfurt", "Tokyo", 200, 290, (220, 265)),
    ],
)
def test_round_trips_inside_backbones(
    first: str, second: str, low: float, high: float, middle: tuple[float, float]
) -> None:
    """Over all networks that are in both cities and all seeds: least, median and 19 in 20 are usual."""
    trips = sorted(trip for seed in SEEDS for trip in whole(seed).trips(first, second))

    assert len(trips) >= 3 * 5
    assert low <= trips[0]
    assert middle[0] <= median(trips) <= middle[1]
    assert trips[round(0.95 * len(trips)) - 1] <= high


@cache
def europe_asia(seed: int) -> dict[tuple[int, str, str], tuple[bool, float, float | None]]:
    """By (provider, city pair): whether it rides through the Red Sea, its RTT, its RTT after the cut."""
    before = whole(seed)
    cut = frozenset(s for cable in CUT_2024 for s in WORLD.segments_between(cable, "Jeddah", "Djibouti"))
    after = Backbones(before.network, cut)
    found = {}
    for first in EUROPE:
        for second in ASIA:
            for asn in before.providers(first, second):
                path, later = before.path(asn, first, second), after.path(asn, first, second)
                assert path is not None
                ridden = {segment for link in path[1] for segment in link.segments}
                found[asn, first, second] = bool(ridden & RED_SEA), path[0], later and later[0]
    return found


@pytest.mark.parametrize("seed", SEEDS)
def test_europe_and_south_asia_are_joined_through_the_red_sea(seed: int) -> None:
    """Most paths of most providers."""
    paths = europe_asia(seed)

    assert len(paths) > 100
    assert sum(red for red, _, _ in paths.values()) >= 0.6 * len(paths)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_red_sea_cut_is_felt_and_parts_no_tier1_network(seed: int) -> None:
    """Three cables of fifteen: 15 to 60 % of the paths get longer by over 2 ms, none shorter."""
    paths = europe_asia(seed)
    tier1 = {asn for asn, facts in directory.transit_networks().items() if facts.tier == 1}
    longer = sum(after is None or after > before + 2 for _, before, after in paths.values())

    assert 0.15 * len(paths) <= longer <= 0.6 * len(paths)
    assert [asn for (asn, _, _), (_, _, after) in paths.items() if after is None and asn in tier1] == []
    assert all(after is None or after >= before for _, before, after in paths.values())


@pytest.mark.parametrize("seed", SEEDS)
def test_no_tier1_network_crosses_countries_that_are_closed_to_it(seed: int) -> None:
    """No land link in Russia, China, Iran, Arabia and their like but in countries where it stands."""
    network = whole(seed).network
    strangers = []
    for link in network.links:
        asn = network.routers[link.ends[0]].asn
        facts = directory.transit_networks().get(asn)
        if link.relationship is not Relationship.INTERNAL or facts is None or facts.tier != 1:
            continue
        there = {WORLD.cities[city].country for city in facts.cities}
        land = [network.segments[s] for s in link.segments if network.segments[s].cable is None]
        crossed = {WORLD.cities[end].country for segment in land for end in segment.ends}
        strangers += [(facts.name, link.segments)] * bool(crossed & RESTRICTED - there)

    assert strangers == []


@pytest.mark.parametrize("seed", SEEDS)
def test_long_links_keep_to_one_cable_system(seed: int) -> None:
    """Of links over 5000 km of sea seven in eight ride on at most two systems."""
    network = whole(seed).network
    systems = []
    for link in network.links:
        sea = [network.segments[s] for s in link.segments if network.segments[s].cable is not None]
        if link.relationship is Relationship.INTERNAL and sum(s.length_km for s in sea) > 5000:
            systems.append(len({segment.cable for segment in sea}))

    assert len(systems) > 50
    assert sum(count <= 2 for count in systems) >= 7 / 8 * len(systems)
    assert sum(count == 1 for count in systems) >= 0.6 * len(systems)
