"""Access networks: one router each, where the Internet users are, and whom they buy transit from.

The model, all of it seeded by the network's name, so that no network's draw
shifts another's:

- *how many*: the largest countries get one network each for six sevenths
  of the count, the rest goes by the Sainte-Lague method to the 0.6th power of the
  users, so that large countries have several, in different large cities;
- *upstreams*: one to three, weighted by size, by nearness over fibre, and by
  whether the country is one of the provider's markets; the second and third
  are drawn with the first one's submarine fibre made dear, so that they tend to
  come over another cable;
- *fibre*: an access network has capacity on half of the cables, drawn; on
  others it pays more, and goes there where nothing else leads out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from emulator.network.backbone import cable_costs
from emulator.network.directory import city_population, countries
from emulator.network.fibre import UNREACHED
from emulator.rng import unit_hash

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emulator.network.backbone import Transit
    from emulator.network.fibre import Cells, Fibre
    from emulator.network.physical import PhysicalWorld
    from emulator.network.spec import AccessSpec

FIRST_ASN: Final = 4_200_000_000
"""Of the private range of four-byte AS numbers (RFC 6996)."""
ONE_EACH: Final = 0.85
CONCAVITY: Final = 0.6
SMALL_CITY: Final = 50_000
"""Inhabitants assumed of a city that the table does not have."""
LARGE_CITY: Final = 0.15
"""A country's networks stand in cities with at least this share of the largest one's inhabitants."""
CABLE_SHARE: Final = 0.5
RENTED: Final = 3
SCARCE_LAND: Final = 2
"""What a border crossing between two countries with slow access costs: there is little fibre on land."""
SLOW_ACCESS_MS: Final = 28
SAME_FIBRE: Final = 3
"""What the first upstream's submarine segments cost the second."""
REACH_NS: Final = 12e6
"""One-way delay over which a provider's appeal falls by a factor e."""
HOME_MARKET: Final = 4.0
FOREIGN_MARKET: Final = 0.25
"""Appeal of a tier-2 network in its markets and outside of them."""
UPSTREAMS: Final = ((0.15, 1), (0.7, 2), (1.0, 3))
"""Cumulative probability of each number of upstreams."""
LARGE_USERS: Final = 30_000_000
FAST_ACCESS_MS: Final = 12
"""Every network of a country with this many users, or with access this fast, has at least two upstreams."""


@dataclass(frozen=True, slots=True)
class Access:
    """An access network; ``city`` is a number of the `Fibre`, ``weight`` its Internet users."""

    asn: int
    name: str
    country: str
    city: int
    weight: float
    last_mile_ns: int


@dataclass(frozen=True, slots=True)
class Uplink:
    """An access network's line to the nearest city of a provider."""

    provider: int
    """Its place in the sequence of transit networks."""
    city: int
    segments: tuple[int, ...]


def place_access(
    physical: PhysicalWorld, fibre: Fibre, spec: AccessSpec, seed: int, ordinals: dict[str, int]
) -> list[Access]:
    """The access networks of ``spec``, countries in alphabetical order.

    ``ordinals`` counts networks a country over several specs and is brought up to date.
    """
    cities = _cities_by_country(physical)
    wanted = cities if spec.countries is None else spec.countries
    users = {
        code: countries()[code].users for code in sorted(wanted) if code in cities and code in countries()
    }
    placed = []
    for code, count in apportion(users, spec.count).items():
        places = _places(cities[code], count)
        mass = [math.sqrt(_inhabitants(name)) for name in places]
        for name, part in zip(places, mass, strict=True):
            ordinal = ordinals[code] = ordinals.get(code, 0) + 1
            title = f"{code} access {ordinal} ({name})"
            spread = 0.8 + 0.4 * unit_hash(f"{seed}", title, "last mile")
            placed.append(
                Access(
                    asn=FIRST_ASN + 1000 * ((ord(code[0]) - 65) * 26 + ord(code[1]) - 65) + ordinal,
                    name=title,
                    country=code,
                    city=fibre.number[name],
                    weight=users[code] * part / sum(mass),
                    last_mile_ns=round(countries()[code].last_mile_ms * 1e6 * spread),
                )
            )
    return placed


def apportion(users: dict[str, int], count: int) -> dict[str, int]:
    """How many of ``count`` networks each country gets, alphabetically; those that get none are left out."""
    ranked = sorted((code for code in users if users[code] > 0), key=lambda code: (-users[code], code))
    if not ranked:
        return {}
    seats = dict.fromkeys(ranked[: min(math.ceil(ONE_EACH * count), count)], 1)
    for _ in range(count - len(seats)):
        mass = {code: users[code] ** CONCAVITY / (2 * seats.get(code, 0) + 1) for code in ranked}
        best = max(ranked, key=mass.__getitem__)
        seats[best] = seats.get(best, 0) + 1
    return dict(sorted(seats.items()))


def _cities_by_country(physical: PhysicalWorld) -> dict[str, list[str]]:
    """Cities with inhabitants by country, largest first."""
    grouped: dict[str, list[str]] = {}
    for name, city in physical.cities.items():
        if name not in physical.landing_only:
            grouped.setdefault(city.country, []).append(name)
    return {
        code: sorted(names, key=lambda name: (-_inhabitants(name), name))
        for code, names in sorted(grouped.items())
    }


def _inhabitants(city: str) -> int:
    return city_population().get(city, SMALL_CITY)


def _places(cities: list[str], count: int) -> list[str]:
    """``count`` of a country's large cities, each once before any is there twice."""
    large = [name for name in cities if _inhabitants(name) >= LARGE_CITY * _inhabitants(cities[0])]
    return [large[index % len(large)] for index in range(count)]


def scarce_land(physical: PhysicalWorld) -> tuple[int, ...]:
    """Land segments across a border between two countries of which both have slow access."""
    slow = {code for code, country in countries().items() if country.last_mile_ms >= SLOW_ACCESS_MS}
    found = []
    for segment in physical.segments:
        first, second = (physical.cities[end].country for end in segment.ends)
        if segment.cable is None and first != second and first in slow and second in slow:
            found.append(segment.index)
    return tuple(found)


def choose_uplinks(
    fibre: Fibre, scarce: Sequence[int], transits: Sequence[Transit], access: Access, seed: int
) -> list[Uplink]:
    """The upstreams of ``access``, first choice first; empty where no fibre leads to any.

    ``scarce`` is what `scarce_land` gives.
    """
    who = f"{seed}/{access.name}"
    price = cable_costs(fibre, who, frozenset(), CABLE_SHARE, exclusive=False, rented=RENTED)
    for segment in scarce:
        price[segment] = SCARCE_LAND * fibre.delays[segment]
    draw = unit_hash(who, "upstreams")
    count = next(number for limit, number in UPSTREAMS if draw <= limit)
    home = countries()[access.country]
    if home.users >= LARGE_USERS or home.last_mile_ms <= FAST_ACCESS_MS:
        count = max(count, 2)
    cells = fibre.search((access.city,), price)
    uplinks: list[Uplink] = []
    while len(uplinks) < min(count, len(transits)):
        taken = [uplink.provider for uplink in uplinks]
        uplink = _best(transits, access, cells, who, taken)
        if uplink is None:
            break
        uplinks.append(uplink)
        used = [segment for segment in uplink.segments if fibre.cables[segment] is not None]
        if used and len(uplinks) < count:
            for segment in used:
                price[segment] = (price[segment] or 0) * SAME_FIBRE
            cells = fibre.search((access.city,), price)
    return uplinks


def _best(
    transits: Sequence[Transit], access: Access, cells: Cells, who: str, taken: list[int]
) -> Uplink | None:
    """The provider not yet taken that wins the weighted draw (rendezvous hashing)."""
    best: tuple[float, int, int] | None = None
    for index, transit in enumerate(transits):
        near = [(cells.cost[city], city) for city in transit.cities if cells.cost[city] != UNREACHED]
        if index in taken or not near:
            continue
        cost, city = min(near)
        market = (
            HOME_MARKET if access.country in transit.markets else 1.0 if transit.tier == 1 else FOREIGN_MARKET
        )
        # -ln(u) / weight is exponential: the least wins with a probability in proportion to its weight.
        # In logarithms, because the weight of a far provider is no longer a float.
        appeal = math.log(transit.size * market) - cost / REACH_NS
        score = math.log(-math.log(unit_hash(who, "upstream", f"{transit.asn}"))) - appeal
        if best is None or score < best[0]:
            best = score, index, city
    return None if best is None else Uplink(best[1], best[2], cells.path(best[2]))
