"""The tables that ship with the package: transit networks, POP codes, countries, cities' sizes.

Each is read once a process. Sources are named at the head of each file.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class TransitFacts:
    """A real transit network, as the table has it."""

    asn: int
    name: str
    tier: int
    """1 buys from nobody; 2 buys from ``providers``."""
    size: int
    """1 .. 10, the rough rank of its customer cone."""
    providers: tuple[int, ...]
    markets: tuple[str, ...]
    """Countries (ISO 3166-1 alpha-2) where access networks favour it."""
    cables: tuple[str, ...]
    cities: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Country:
    """A country's Internet users and the median round trip of its access lines."""

    code: str
    name: str
    users: int
    last_mile_ms: int


@dataclass(frozen=True, slots=True)
class PopFacts:
    """A POP code, where it stands, and whether the default list has it."""

    code: str
    city: str
    default: bool


@cache
def transit_networks() -> dict[int, TransitFacts]:
    """The built-in transit networks by AS number, in the table's order."""
    networks = (
        TransitFacts(
            asn=int(row["asn"]),
            name=row["name"],
            tier=int(row["tier"]),
            size=int(row["size"]),
            providers=tuple(map(int, _items(row["buys_from"]))),
            markets=_items(row["markets"]),
            cables=_items(row["cables"]),
            cities=_items(row["cities"]),
        )
        for row in _rows("transit.csv")
    )
    return {network.asn: network for network in networks}


@cache
def pops() -> dict[str, PopFacts]:
    """The built-in POP codes."""
    return {
        row["code"]: PopFacts(row["code"], row["city"], row["default"] == "1") for row in _rows("pops.csv")
    }


@cache
def countries() -> dict[str, Country]:
    """Countries by ISO 3166-1 alpha-2 code."""
    return {
        row["code"]: Country(row["code"], row["name"], int(row["internet_users"]), int(row["last_mile_ms"]))
        for row in _rows("countries.csv")
    }


@cache
def city_population() -> dict[str, int]:
    """Inhabitants of the larger cities; a city that is not here has fewer than 100,000."""
    return {row["city"]: int(row["population"]) for row in _rows("city_population.csv")}


@cache
def presence_count() -> dict[str, int]:
    """For each city how many of the built-in transit networks are there: how much of an exchange it is."""
    count: dict[str, int] = {}
    for network in transit_networks().values():
        for city in network.cities:
            count[city] = count.get(city, 0) + 1
    return count


def _items(cell: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, cell.split(";"))))


def _rows(file: str) -> Iterator[dict[str, str]]:
    from importlib.resources import files

    text = (files("emulator.network") / "data" / file).read_text(encoding="utf-8")
    yield from csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))
