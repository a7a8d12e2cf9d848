"""Which access networks a spec asks for: generated country by country, or given one by one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from emulator.network import directory
from emulator.network.access import Access, inhabitants, last_mile_ns, place_access
from emulator.network.backbone import Transit
from emulator.network.cdn_sites import did_you_mean
from emulator.network.spec import AccessNetworkSpec, AccessSpec
from emulator.network.transits import known_cities

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emulator.network.fibre import Fibre
    from emulator.network.physical import PhysicalWorld
    from emulator.network.spec import Problems, WorldSpec


def resolve_access(
    spec: WorldSpec,
    physical: PhysicalWorld,
    fibre: Fibre,
    transits: Sequence[Transit],
    *,
    seed: int,
    problems: Problems,
) -> list[Access]:
    """The access networks of ``spec`` in its order, an entry a city; what is wrong becomes problems.

    A country is somebody's once: the spec for all countries leaves out those
    that another one names.
    """
    named = [code for item in spec.networks if isinstance(item, AccessSpec) for code in item.countries or ()]
    asns = [transit.asn for transit in transits]
    ordinals: dict[str, int] = {}
    placed: list[Access] = []
    for index, item in enumerate(spec.networks):
        path = f"networks.{index}"
        if isinstance(item, AccessNetworkSpec):
            placed += _given(item, path, physical, fibre, asns, seed=seed, problems=problems)
        elif isinstance(item, AccessSpec) and _is_right(item, index, spec, physical, problems):
            without = named if item.countries is None else ()
            placed += place_access(physical, fibre, item, seed, ordinals, without=without)
    return placed


def _is_right(
    item: AccessSpec, index: int, spec: WorldSpec, physical: PhysicalWorld, problems: Problems
) -> bool:
    """Whether ``item`` can be placed; an unknown country alone does not keep the others from it."""
    path = f"networks.{index}"
    earlier = [other for other in spec.networks[:index] if isinstance(other, AccessSpec)]
    if item.count < 1:
        problems.add(f"{path}.count", f"expected at least 1, found {item.count}")
        return False
    if item.countries is None:
        again = any(other.countries is None for other in earlier)
        if again:
            problems.add(path, "access networks for all countries are there twice")
        return not again
    covered = {city.country for city in physical.cities.values()}
    taken = {code for other in earlier for code in other.countries or ()}
    for place, code in enumerate(item.countries):
        if code not in directory.countries() or code not in covered:
            known = [country for country in directory.countries() if country in covered]
            close = tuple(candidate for candidate in known if candidate[:1] == code[:1])[:5]
            message = f"no country {code!r} with users{did_you_mean(close)}"
            problems.add(f"{path}.countries.{place}", message)
        elif code in taken or code in item.countries[:place]:
            problems.add(f"{path}.countries.{place}", f"{code} is there twice")
    if item.count < len(item.countries):
        message = f"expected at least {len(item.countries)}, one a country, found {item.count}"
        problems.add(f"{path}.count", message)
    return True


def _given(
    item: AccessNetworkSpec,
    path: str,
    physical: PhysicalWorld,
    fibre: Fibre,
    asns: Sequence[int],
    *,
    seed: int,
    problems: Problems,
) -> list[Access]:
    """The network of ``item``, a city an entry."""
    cities = known_cities(item.cities, f"{path}.cities", physical, problems)
    for place, asn in enumerate(item.upstreams or ()):
        if asn not in asns:
            problems.add(f"{path}.upstreams.{place}", f"AS{asn} is not one of the transit networks")
        elif asn in (item.upstreams or ())[:place]:
            problems.add(f"{path}.upstreams.{place}", f"AS{asn} is there twice")
    if item.upstreams is not None and not item.upstreams:
        problems.add(f"{path}.upstreams", "expected at least one transit network")
    if not (0 < item.weight < math.inf):
        problems.add(f"{path}.weight", f"expected a number of users over 0, found {item.weight:g}")
    inside = sum(map(inhabitants, cities))
    name = item.name or f"AS{item.asn}"
    return [
        Access(
            asn=item.asn,
            name=f"{name} ({city})",
            system=name,
            country=physical.cities[city].country,
            city=fibre.number[city],
            weight=item.weight * inhabitants(city) / inside,
            last_mile_ns=last_mile_ns(physical.cities[city].country, f"{seed}", f"{name} ({city})"),
            upstreams=item.upstreams,
            path=path,
        )
        for city in cities
    ]


def own_backbones(access: Sequence[Access], fibre: Fibre, physical: PhysicalWorld) -> list[Transit]:
    """Of each access network in several cities what `emulator.network.backbone` needs to join them."""
    cities: dict[int, list[Access]] = {}
    for network in access:
        cities.setdefault(network.asn, []).append(network)
    return [
        Transit(
            asn=asn,
            name=parts[0].system,
            tier=2,
            size=1,
            markets=(),
            cities=tuple(part.city for part in parts),
            cables=frozenset(),
            home=frozenset(physical.cities[fibre.names[part.city]].country for part in parts),
            exclusive=False,
            providers=(),
            explicit_providers=True,
            path=parts[0].path,
        )
        for asn, parts in cities.items()
        if len(parts) > 1
    ]
