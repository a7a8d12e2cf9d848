"""``network: {world: ...}`` to a network of overlapping providers on real fibre."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from emulator.errors import InputError, ScenarioError
from emulator.network.physical import builtin_world
from emulator.network.spec import (
    BUILTIN,
    AccessSpec,
    CapacitySpec,
    CdnSpec,
    TransitSpec,
    WorldError,
    WorldSpec,
)
from emulator.network.world import build_world
from emulator.network.worldfiles import load_world
from emulator.scenario.schema_network import GenerateSpec

if TYPE_CHECKING:
    from emulator.network.model import Network
    from emulator.network.physical import PhysicalWorld
    from emulator.scenario.build.problems import Problems
    from emulator.scenario.schema_network import NetworkSpec, WorldNetwork


def build_world_network(
    given: WorldNetwork, seed: int, problems: Problems
) -> tuple[Network, PhysicalWorld] | None:
    """Build the world that a scenario describes; None after a problem."""
    physical = _physical(given.world, problems)
    if physical is None:
        return None
    spec = WorldSpec(
        networks=tuple(_network(each) for each in given.networks),
        cdn=_cdn(given),
        capacity=CapacitySpec(),
    )
    try:
        network = build_world(spec, physical, seed)
    except WorldError as error:
        for problem in error.problems:
            path = tuple(int(part) if part.isdecimal() else part for part in problem.path.split("."))
            problems.add(("network", *path), problem.message)
        return None
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
        problems.extend(error.problems)
    except InputError as error:
        problems.add(("network", "world"), str(error))
    return None


def _network(given: NetworkSpec | GenerateSpec) -> TransitSpec | AccessSpec:
    if isinstance(given, GenerateSpec):
        return AccessSpec(given.count, given.countries)
    return TransitSpec(given.asn, given.name, given.cities, given.cables, given.upstreams)


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
        explicit or cdn.meeting,
    )
