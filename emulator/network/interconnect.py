"""How transit networks meet: tier-1 networks peer with each other, the others buy from some of them.

Pairs meet at several of the cities they share, the great exchanges first and
every part of the world where they share one. Two that share none are joined
over the shortest fibre between them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from emulator.network.directory import presence_count
from emulator.network.model import Relationship
from emulator.rng import unit_hash

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emulator.network.backbone import Transit
    from emulator.network.fibre import Fibre
    from emulator.network.physical import PhysicalWorld
    from emulator.network.spec import Problems

TIER1_MEETINGS: Final = 9
CUSTOMER_MEETINGS: Final = 6
PEER_MEETINGS: Final = 4
PROVIDERS: Final = 3
"""A tier-2 network buys from at most this many, unless its spec says otherwise."""
PEER_SHARE: Final = 0.05
"""Probability, times the smaller one's size, that two tier-2 networks peer."""
AMERICAS_EAST: Final = -30.0
EMEA_EAST: Final = 60.0


@dataclass(frozen=True, slots=True)
class Meeting:
    """Two networks meet: city numbers of the first and the second, and the fibre between, if any."""

    asns: tuple[int, int]
    cities: tuple[int, int]
    relationship: Relationship
    segments: tuple[int, ...] = ()
    delay: int = 0
    """Of that fibre, one way, in ns."""


def providers_of(transits: Sequence[Transit], seed: int, problems: Problems) -> dict[int, tuple[int, ...]]:
    """Whom each transit network buys from, by AS number; tier-1 networks from nobody.

    A network whose named providers are not there buys from two of the tier-1
    networks. Where there is no tier-1 network, those without a provider are
    the tier-1 networks.
    """
    known = {transit.asn for transit in transits}
    top = [transit.asn for transit in transits if transit.tier == 1]
    chosen: dict[int, tuple[int, ...]] = {}
    for transit in transits:
        named = [asn for asn in transit.providers if asn in known]
        there = named or [asn for asn in top if asn != transit.asn]
        order = sorted(there, key=lambda asn: unit_hash(f"{seed}", "provider", f"{transit.asn}", f"{asn}"))
        wanted = len(order) if transit.explicit_providers else PROVIDERS if there == named else 2
        chosen[transit.asn] = tuple(order[:wanted]) if transit.tier != 1 else ()
    for transit in transits:
        if transit.asn in _customers_above(transit.asn, chosen):
            problems.add(transit.path, f"AS{transit.asn} buys from itself, through others")
    return chosen


def _customers_above(asn: int, providers: dict[int, tuple[int, ...]]) -> set[int]:
    """Every direct and indirect provider of ``asn``."""
    seen: set[int] = set()
    stack = list(providers[asn])
    while stack:
        above = stack.pop()
        if above not in seen:
            seen.add(above)
            stack.extend(providers[above])
    return seen


def meetings(
    physical: PhysicalWorld,
    fibre: Fibre,
    transits: Sequence[Transit],
    providers: dict[int, tuple[int, ...]],
    seed: int,
) -> list[Meeting]:
    """Every place where two transit networks meet; the customer is the first of its pair."""
    found: list[Meeting] = []
    for index, first in enumerate(transits):
        for second in transits[index + 1 :]:
            shared = _shared(physical, fibre, first, second, seed)
            if second.asn in providers[first.asn]:
                found += _meet(
                    fibre, first, second, Relationship.CUSTOMER_PROVIDER, shared[:CUSTOMER_MEETINGS]
                )
            elif first.asn in providers[second.asn]:
                found += _meet(
                    fibre, second, first, Relationship.CUSTOMER_PROVIDER, shared[:CUSTOMER_MEETINGS]
                )
            elif not providers[first.asn] and not providers[second.asn]:
                found += _meet(fibre, first, second, Relationship.PEER, shared[:TIER1_MEETINGS])
            elif providers[first.asn] and providers[second.asn] and len(shared) > 1:
                draw = unit_hash(f"{seed}", "peer", f"{first.asn}", f"{second.asn}")
                if draw < PEER_SHARE * max(first.size, second.size):
                    found += _meet(fibre, first, second, Relationship.PEER, shared[:PEER_MEETINGS])
    return found


def _shared(physical: PhysicalWorld, fibre: Fibre, first: Transit, second: Transit, seed: int) -> list[int]:
    """Cities where both are, best meeting places first, the best of each part of the world foremost."""
    low, high = sorted((first.asn, second.asn))
    weight = presence_count()

    def score(city: int) -> float:
        name = fibre.names[city]
        draw = unit_hash(f"{seed}", "meet", f"{low}", f"{high}", name)
        return float(draw ** (1 / weight.get(name, 1)))

    ranked = sorted(sorted(set(first.cities) & set(second.cities)), key=score, reverse=True)
    foremost: dict[int, int] = {}
    for city in ranked:
        longitude = physical.cities[fibre.names[city]].longitude
        foremost.setdefault((longitude > AMERICAS_EAST) + (longitude > EMEA_EAST), city)
    return list(dict.fromkeys([*foremost.values(), *ranked]))


def _meet(
    fibre: Fibre, first: Transit, second: Transit, relationship: Relationship, shared: list[int]
) -> list[Meeting]:
    asns = (first.asn, second.asn)
    if shared:
        return [Meeting(asns, (city, city), relationship) for city in shared]
    cells = fibre.search(first.cities, fibre.delays)
    near = [(cells.cost[city], city) for city in second.cities if cells.cost[city] >= 0]
    if not near:
        return []
    city = min(near)[1]
    way = cells.way(city)
    return [Meeting(asns, (cells.owner[city], city), relationship, way.segments, way.delay)]
