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

from emulator.network.directory import city_population, countries
from emulator.network.fibre import UNREACHED
from emulator.rng import unit_hash

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emulator.network.backbone import Transit
    from emulator.network.fibre import Cells, Fibre, Way
    from emulator.network.physical import PhysicalWorld
    from emulator.network.spec import AccessSpec

FIRST_ASN: Final = 4_200_000_000
"""Of the private range of four-byte AS numbers (RFC 6996)."""
ONE_EACH: Final = 0.85
CONCAVITY: Final = 0.6
SMALL_CITY: Final = 50_000
"""Inhabitants assumed of a city that the table does not have."""
LAST_MILE_MS: Final = 18
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
FARTHEST_NS: Final = 90_000_000
"""Providers to which the way costs more than this are considered only where there is no nearer one."""
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
    """An access network in one city: ``city`` is a number of the `Fibre`, ``weight`` the Internet users."""

    asn: int
    name: str
    """Unique; the draws are named by it."""
    system: str
    """Name of the whole network."""
    country: str
    city: int
    weight: float
    last_mile_ns: int
    upstreams: tuple[int, ...] | None = None
    """AS numbers of the transit networks that it buys from; None: drawn."""
    path: str = "networks"
    """Where it stands in the spec."""


@dataclass(frozen=True, slots=True)
class Uplink:
    """An access network's line to the nearest city of a provider."""

    provider: int
    """Its place in the sequence of transit networks."""
    city: int
    way: Way


def place_access(
    physical: PhysicalWorld,
    fibre: Fibre,
    spec: AccessSpec,
    seed: int,
    ordinals: dict[str, int],
    *,
    without: Sequence[str] = (),
) -> list[Access]:
    """The access networks of ``spec``, countries in alphabetical order, those in ``without`` left out.

    ``ordinals`` counts networks a country over several specs and is brought up to date.
    """
    cities = _cities_by_country(physical)
    wanted = cities if spec.countries is None else spec.countries
    users = {
        code: countries()[code].users
        for code in sorted(wanted)
        if code in cities and code in countries() and code not in without
    }
    placed = []
    for code, count in apportion(users, spec.count, each=spec.countries is not None).items():
        places = _places(cities[code], count)
        mass = [math.sqrt(inhabitants(name)) for name in places]
        for name, part in zip(places, mass, strict=True):
            ordinal = ordinals[code] = ordinals.get(code, 0) + 1
            title = f"{code} access {ordinal} ({name})"
            placed.append(
                Access(
                    asn=FIRST_ASN + 1000 * ((ord(code[0]) - 65) * 26 + ord(code[1]) - 65) + ordinal,
                    name=title,
                    system=title,
                    country=code,
                    city=fibre.number[name],
                    weight=users[code] * part / sum(mass),
                    last_mile_ns=last_mile_ns(code, f"{seed}", title),
                )
            )
    return placed


def last_mile_ns(country: str, seed: str, name: str) -> int:
    """Median access RTT of the network called ``name`` in ``country``; the world's where it has no entry."""
    known = countries().get(country)
    spread = 0.8 + 0.4 * unit_hash(seed, name, "last mile")
    return round((LAST_MILE_MS if known is None else known.last_mile_ms) * 1e6 * spread)


def apportion(users: dict[str, int], count: int, *, each: bool = False) -> dict[str, int]:
    """How many of ``count`` networks each country gets, alphabetically; those that get none are left out.

    With ``each`` all get one before any gets a second.
    """
    ranked = sorted((code for code in users if users[code] > 0), key=lambda code: (-users[code], code))
    if not ranked:
        return {}
    seats = dict.fromkeys(ranked[: count if each else min(math.ceil(ONE_EACH * count), count)], 1)
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
        code: sorted(names, key=lambda name: (-inhabitants(name), name))
        for code, names in sorted(grouped.items())
    }


def inhabitants(city: str) -> int:
    """Of the city and around it."""
    return city_population().get(city, SMALL_CITY)


def _places(cities: list[str], count: int) -> list[str]:
    """``count`` of a country's large cities, each once before any is there twice."""
    large = [name for name in cities if inhabitants(name) >= LARGE_CITY * inhabitants(cities[0])]
    return [large[index % len(large)] for index in range(count)]


def scarce_land(physical: PhysicalWorld) -> tuple[int, ...]:
    """Land spans across a border between two countries of which both have slow access."""
    slow = {code for code, country in countries().items() if country.last_mile_ms >= SLOW_ACCESS_MS}
    names = tuple(physical.cities)
    found = []
    for index, span in enumerate(physical.layers.spans):
        first, second = (
            physical.cities[names[end]].country if span.cable is None else "" for end in span.ends
        )
        if first != second and first in slow and second in slow:
            found.append(index)
    return tuple(found)


def choose_uplinks(
    fibre: Fibre, scarce: Sequence[int], transits: Sequence[Transit], access: Access, seed: int
) -> list[Uplink]:
    """The upstreams of ``access``, first choice first; empty where no fibre leads to any.

    ``scarce`` is what `scarce_land` gives.
    """
    who = f"{seed}/{access.name}"
    tariff = fibre.tariff(who, frozenset(), CABLE_SHARE, rented=RENTED, home=frozenset({access.country}))
    price = tariff.price
    for span in scarce:
        price[span] = SCARCE_LAND * (price[span] or 0)
    count = _upstream_count(access, who)
    cells = fibre.search((access.city,), price, radius=FARTHEST_NS)
    uplinks: list[Uplink] = []
    while len(uplinks) < min(count, len(transits)):
        taken = [uplink.provider for uplink in uplinks]
        uplink = _best(transits, access, cells, who, taken)
        if uplink is None and (access.upstreams or not uplinks):
            uplink = _best(transits, access, fibre.search((access.city,), price), who, taken)
        if uplink is None:
            break
        uplinks.append(uplink)
        used = {span for segment in uplink.way.segments for span in fibre.layers.on_segment[segment]}
        at_sea = [span for span in sorted(used) if fibre.layers.spans[span].cable is not None]
        if at_sea and len(uplinks) < count:
            for span in at_sea:
                cost = price[span]
                price[span] = None if cost is None else cost * SAME_FIBRE
            cells = fibre.search((access.city,), price, radius=FARTHEST_NS)
    return uplinks


def _upstream_count(access: Access, who: str) -> int:
    if access.upstreams is not None:
        return len(access.upstreams)
    draw = unit_hash(who, "upstreams")
    count = next(number for limit, number in UPSTREAMS if draw <= limit)
    home = countries().get(access.country)
    well_connected = home is not None and (home.users >= LARGE_USERS or home.last_mile_ms <= FAST_ACCESS_MS)
    return max(count, 2) if well_connected else count


def _best(
    transits: Sequence[Transit], access: Access, cells: Cells, who: str, taken: list[int]
) -> Uplink | None:
    """The provider not yet taken that wins the weighted draw (rendezvous hashing)."""
    best: tuple[float, int, int] | None = None
    for index, transit in enumerate(transits):
        if access.upstreams is not None and transit.asn not in access.upstreams:
            continue
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
    return None if best is None else Uplink(best[1], best[2], cells.way(best[2]))
