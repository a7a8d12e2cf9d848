"""From the spec's transit networks and the built-in table to the networks that are built."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from emulator.network import directory
from emulator.network.backbone import Transit
from emulator.network.cdn_sites import did_you_mean
from emulator.network.physical import close_names
from emulator.network.spec import TransitSpec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emulator.network.fibre import Fibre
    from emulator.network.physical import PhysicalWorld
    from emulator.network.spec import Problems, WorldSpec

CITIES_A_SIZE: Final = 4
"""A network that the table does not have is of size 1 for this many cities, 2 for twice as many, up to 9."""
SIZE_MAX: Final = 9


def resolve_transits(
    spec: WorldSpec, physical: PhysicalWorld, fibre: Fibre, problems: Problems
) -> list[Transit]:
    """The transit networks of ``spec`` in its order; each wrong item becomes a problem and is left out.

    A network with neither upstreams in its spec nor an entry in the table is a
    tier-2 network. Where that leaves nobody on top, all without a provider
    among the others are tier-1 networks.
    """
    found: dict[int, Transit] = {}
    asns = [item.asn for item in spec.networks if isinstance(item, TransitSpec)]
    for index, item in enumerate(spec.networks):
        if not isinstance(item, TransitSpec):
            continue
        for place, asn in enumerate(item.upstreams or ()):
            if asn not in asns:
                problems.add(
                    f"networks.{index}.upstreams.{place}", f"AS{asn} is not one of the transit networks"
                )
        transit = _resolve(item, f"networks.{index}", physical, fibre, problems)
        if transit is not None:
            found.setdefault(transit.asn, transit)
    if not asns:
        problems.add("networks", "expected at least one transit network")
    if all(transit.tier != 1 for transit in found.values()):
        return [
            transit if any(asn in found for asn in transit.providers) else replace(transit, tier=1)
            for transit in found.values()
        ]
    return list(found.values())


def _resolve(
    item: TransitSpec, path: str, physical: PhysicalWorld, fibre: Fibre, problems: Problems
) -> Transit | None:
    """``item`` with what the table knows of it, or None and the problems."""
    facts = directory.transit_networks().get(item.asn)
    if item.cities is None and facts is None:
        known = ", ".join(
            f"{network.asn} {network.name}" for network in directory.transit_networks().values()
        )
        problems.add(
            path, f"AS{item.asn} is not in the built-in table, so it needs cities; the table has {known}"
        )
        return None
    if item.cities is None and facts is not None:
        cities = [city for city in facts.cities if city in physical.cities]
        if not cities:
            problems.add(
                path, f"this world has none of the cities where AS{item.asn} {facts.name} is present"
            )
    else:
        cities = known_cities(item.cities or (), f"{path}.cities", physical, problems)
    cables = _known_cables(item.cables, f"{path}.cables", physical, problems)
    if not cities:
        return None
    tier = 2 if facts is None else facts.tier
    if item.upstreams is not None:
        tier = 2 if item.upstreams else 1
    size = min(SIZE_MAX, max(1, len(cities) // CITIES_A_SIZE)) if facts is None else facts.size
    return Transit(
        asn=item.asn,
        name=item.name or (facts.name if facts else f"AS{item.asn}"),
        tier=tier,
        size=size,
        markets=_home(cities, physical) if facts is None else facts.markets,
        cities=tuple(fibre.number[city] for city in cities),
        cables=frozenset(cables if item.cables is not None or facts is None else facts.cables),
        home=_home_countries(cities, physical),
        exclusive=item.cables is not None,
        providers=(facts.providers if facts else ()) if item.upstreams is None else item.upstreams,
        explicit_providers=item.upstreams is not None,
        path=path,
    )


def _home(cities: Sequence[str], physical: PhysicalWorld) -> tuple[str, ...]:
    """A network that the table does not have sells where it stands."""
    return tuple(dict.fromkeys(physical.cities[city].country for city in cities))


def _home_countries(cities: Sequence[str], physical: PhysicalWorld) -> frozenset[str]:
    """Countries with two of ``cities`` and more."""
    count = Counter(physical.cities[city].country for city in cities)
    return frozenset(country for country, times in count.items() if times > 1)


def known_cities(cities: Sequence[str], path: str, physical: PhysicalWorld, problems: Problems) -> list[str]:
    """Those of ``cities`` where routers can stand, each once; the others become problems below ``path``."""
    known: list[str] = []
    for index, city in enumerate(cities):
        if city not in physical.cities:
            problems.add(
                f"{path}.{index}", f"no city {city!r}{did_you_mean(close_names(city, physical.cities))}"
            )
        elif city in known:
            problems.add(f"{path}.{index}", f"{city} is there twice")
        elif city in physical.landing_only:
            problems.add(
                f"{path}.{index}", f"{city} is a cable landing and nothing more: no routers stand there"
            )
        else:
            known.append(city)
    if not cities:
        problems.add(path, "expected at least one city")
    return known


def _known_cables(
    cables: Sequence[str] | None, path: str, physical: PhysicalWorld, problems: Problems
) -> list[str]:
    known = []
    for index, cable in enumerate(cables or ()):
        if cable in physical.cables:
            known.append(cable)
        else:
            problems.add(
                f"{path}.{index}", f"no cable {cable!r}{did_you_mean(close_names(cable, physical.cables))}"
            )
    return known
