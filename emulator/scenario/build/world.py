"""``network: {world: ...}`` to a network of overlapping providers on real fibre."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from emulator.errors import InputError, ScenarioError
from emulator.network.directory import transit_networks
from emulator.network.physical import builtin_world
from emulator.network.spec import (
    BUILTIN,
    AccessNetworkSpec,
    AccessSpec,
    CapacitySpec,
    CdnSpec,
    TransitSpec,
    WorldError,
    WorldSpec,
)
from emulator.network.world import build_world
from emulator.network.worldfiles import load_world
from emulator.scenario.schema_network import BuiltinSpec, GenerateSpec, NetworkSpec

if TYPE_CHECKING:
    from emulator.network.model import Network
    from emulator.network.physical import PhysicalWorld
    from emulator.scenario.build.problems import Problems
    from emulator.scenario.schema_network import WorldNetwork


DEFAULT_USERS: Final = 1e6


def build_world_network(
    given: WorldNetwork, seed: int, problems: Problems
) -> tuple[Network | None, PhysicalWorld | None]:
    """Build the world that a scenario describes; None for what has a problem."""
    physical = _physical(given.world, problems)
    if physical is None:
        return None, None
    networks, places = _networks(given)
    spec = WorldSpec(networks, _cdn(given), CapacitySpec(), given.year)
    try:
        network = build_world(spec, physical, seed)
    except WorldError as error:
        for problem in error.problems:
            problems.add(_document_path(problem.path, places), problem.message)
        return None, physical
    capacity = given.cdn.pop_capacity
    if capacity is not None:
        network = replace(network, pops=tuple(replace(pop, capacity_rps=capacity) for pop in network.pops))
    return network, physical


def _physical(world: str, problems: Problems) -> PhysicalWorld | None:
    if world == BUILTIN:
        return builtin_world()
    folder = problems.folder / world
    try:
        return load_world(folder / "cities.csv", folder / "cables.csv", folder / "land.csv")
    except ScenarioError as error:
        problems.extend(error.problems, ("network", "world"))
    except InputError as error:
        problems.add(("network", "world"), str(error))
    return None


def _networks(
    given: WorldNetwork,
) -> tuple[tuple[TransitSpec | AccessSpec | AccessNetworkSpec, ...], tuple[int, ...]]:
    """The networks asked for, and for each its place in the document's list."""
    listed = {one.asn for one in given.networks if isinstance(one, NetworkSpec)}
    specs: list[TransitSpec | AccessSpec | AccessNetworkSpec] = []
    places: list[int] = []
    for place, one in enumerate(given.networks):
        match one:
            case NetworkSpec(kind="access"):
                specs.append(
                    AccessNetworkSpec(
                        one.asn, one.name, one.cities or (), one.upstreams, one.weight or DEFAULT_USERS
                    )
                )
            case NetworkSpec():
                specs.append(TransitSpec(one.asn, one.name, one.cities, one.cables, one.upstreams))
            case BuiltinSpec():
                specs += [TransitSpec(asn) for asn in transit_networks() if asn not in listed]
            case GenerateSpec():
                specs.append(AccessSpec(one.count, one.countries))
        places += [place] * (len(specs) - len(places))
    return tuple(specs), tuple(places)


def _document_path(path: str, places: tuple[int, ...]) -> tuple[str | int, ...]:
    """The document's path for a spec's, such as ``networks.2.cities.0``."""
    parts: list[str | int] = [int(part) if part.isdecimal() else part for part in path.split(".")]
    if parts[0] == "networks" and len(parts) > 1 and isinstance(parts[1], int):
        parts[1] = places[parts[1]]
    return ("network", *parts)


def _cdn(given: WorldNetwork) -> CdnSpec:
    cdn = given.cdn
    explicit = {t.asn: t.pops for t in cdn.transit if not isinstance(t, int) and t.pops}
    return CdnSpec(
        cdn.asn,
        cdn.name or "CDN",
        cdn.pops,
        tuple(t if isinstance(t, int) else t.asn for t in cdn.transit),
        "ixp" if cdn.peers == "ixp" else None,
        cdn.peering_share,
        meet=explicit or cdn.meeting,
        meet_otherwise=cdn.meeting,
    )
