"""A whole network from a short description: transit, access and CDN on the physical world's fibre.

    spec = WorldSpec(networks=(TransitSpec(1299), TransitSpec(174), AccessSpec(150)))
    network = build_world(spec, builtin_world(), seed=1)

Every draw is named after what it is for (`emulator.rng.unit_hash`), so adding
a network leaves the others' backbones and meeting places as they were.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from emulator.network import directory
from emulator.network.access import Access, choose_uplinks, scarce_land
from emulator.network.assembly import CROSS_CONNECT, Assembly
from emulator.network.backbone import build_backbone
from emulator.network.cdn_sites import choose_meetings, choose_peers, choose_pops
from emulator.network.fibre import fibre_of
from emulator.network.interconnect import meetings, providers_of
from emulator.network.model import AutonomousSystem, ClientGroup, Kind, Network, Pop, Relationship
from emulator.network.spec import AccessNetworkSpec, AccessSpec, Problems, TransitSpec, WorldSpec
from emulator.network.transits import resolve_transits
from emulator.network.users import own_backbones, resolve_access
from emulator.rng import unit_hash
from emulator.units import Duration

if TYPE_CHECKING:
    from emulator.network.backbone import Transit
    from emulator.network.fibre import Fibre
    from emulator.network.physical import PhysicalWorld

UPLINK_SIZES: Final = (10e9, 20e9, 40e9, 100e9, 200e9, 400e9, 800e9)
"""Access uplinks come in these sizes, and beyond in multiples of the last."""
AS_NUMBER_MAX: Final = 2**32 - 1


def default_spec(*, access: int = 150) -> WorldSpec:
    """Every built-in transit network, ``access`` access networks and the default CDN."""
    transit = (TransitSpec(asn) for asn in directory.transit_networks())
    return WorldSpec((*transit, AccessSpec(access)))


def build_world(spec: WorldSpec, physical: PhysicalWorld, seed: int) -> Network:
    """The network that ``spec`` describes, on ``physical``, drawn with ``seed``.

    Raises `WorldError` with everything that is wrong with ``spec``.
    """
    return _Builder(spec, physical, seed).build()


@dataclass(slots=True)
class _Builder:
    """One call's state."""

    spec: WorldSpec
    physical: PhysicalWorld
    seed: int

    def build(self) -> Network:
        spec, physical, seed = self.spec, self.physical, self.seed
        problems, fibre = Problems(), fibre_of(physical, spec.year)
        transits = resolve_transits(spec, physical, fibre, problems)
        providers = providers_of(transits, seed, problems)
        access = resolve_access(spec, physical, fibre, transits, seed=seed, problems=problems)
        pops = choose_pops(physical, fibre, spec.cdn, problems)
        sessions = choose_meetings(spec.cdn, pops, transits, seed, problems)
        _check_asns(spec, access, problems)
        built = Assembly()
        self._backbones(fibre, transits, built, problems)
        problems.raise_if_any()
        for meeting in meetings(physical, fibre, transits, providers, seed):
            ends = [
                built.at[asn, fibre.names[city]]
                for asn, city in zip(meeting.asns, meeting.cities, strict=True)
            ]
            delay = meeting.delay or CROSS_CONNECT
            capacity = spec.capacity.peering
            built.link((ends[0], ends[1]), delay, meeting.relationship, capacity, meeting.segments)
        pop_routers = self._cdn(fibre, pops, sessions, built)
        groups = self._uplinks(fibre, transits, access, built, problems)
        self._backbones(fibre, own_backbones(access, fibre, physical), built, problems)
        for code, network, way in choose_peers(fibre, physical, spec.cdn, pops, access, seed=seed):
            ends_at = (pop_routers[code], built.at[network.asn, fibre.names[network.city]])
            delay = way.delay + physical.latency.end
            built.link(ends_at, delay, Relationship.PEER, spec.capacity.ixp, way.segments)
        problems.raise_if_any()
        access_names = {network.asn: network.system for network in access}
        systems = (
            *(AutonomousSystem(transit.asn, transit.name, Kind.TRANSIT) for transit in transits),
            AutonomousSystem(spec.cdn.asn, spec.cdn.name, Kind.CDN),
            *(AutonomousSystem(asn, name, Kind.ACCESS) for asn, name in access_names.items()),
        )
        return Network(
            routers=tuple(built.routers),
            links=tuple(built.links),
            systems=systems,
            segments=physical.segments,
            cities=physical.cities,
            pops=tuple(
                Pop(index, code, fibre.names[city], pop_routers[code])
                for index, (code, city) in enumerate(pops.items())
            ),
            groups=groups,
        )

    def _backbones(self, fibre: Fibre, transits: list[Transit], built: Assembly, problems: Problems) -> None:
        for transit in transits:
            links, unreached = build_backbone(fibre, transit, self.seed)
            if unreached:
                names = ", ".join(fibre.names[city] for city in unreached)
                problems.add(transit.path, f"no fibre that AS{transit.asn} may use leads to {names}")
            for city in transit.cities:
                if (transit.asn, fibre.names[city]) not in built.at:
                    built.router(transit.asn, fibre.names[city], fibre.names[city])
            scale = 1.0 if transit.tier == 1 else 0.5
            for link in links:
                sea = any(fibre.cables[segment] is not None for segment in link.segments)
                capacity = self.spec.capacity.backbone_sea if sea else self.spec.capacity.backbone_land
                first, second = (built.at[transit.asn, fibre.names[city]] for city in link.ends)
                built.link(
                    (first, second), link.delay, Relationship.INTERNAL, capacity * scale, link.segments
                )

    def _cdn(
        self, fibre: Fibre, pops: dict[str, int], sessions: list[tuple[str, Transit]], built: Assembly
    ) -> dict[str, int]:
        """Routers by POP code, and their sessions with providers."""
        asn = self.spec.cdn.asn
        routers = {code: built.router(asn, code, fibre.names[city]) for code, city in pops.items()}
        for code, transit in sessions:
            draw = unit_hash(f"{self.seed}", "cdn session capacity", f"{transit.asn}", code)
            capacity = self.spec.capacity.cdn_session * (0.5, 1.0, 2.0)[int(3 * draw)]
            ends = (routers[code], built.at[transit.asn, fibre.names[pops[code]]])
            built.link(ends, CROSS_CONNECT, Relationship.CUSTOMER_PROVIDER, capacity)
        return routers

    def _uplinks(
        self,
        fibre: Fibre,
        transits: list[Transit],
        access: list[Access],
        built: Assembly,
        problems: Problems,
    ) -> tuple[ClientGroup, ...]:
        groups: list[ClientGroup] = []
        scarce = scarce_land(self.physical)
        users = sum(network.weight for network in access)
        for network in access:
            city = fibre.names[network.city]
            router = built.router(network.asn, city, city)
            weight = network.weight / users
            uplinks = choose_uplinks(fibre, scarce, transits, network, self.seed)
            if not uplinks:
                problems.add(network.path, f"no fibre leads from {city} to any transit network")
            elif network.upstreams is not None and len(uplinks) < len(network.upstreams):
                found = {transits[uplink.provider].asn for uplink in uplinks}
                missing = ", ".join(f"AS{asn}" for asn in network.upstreams if asn not in found)
                problems.add(f"{network.path}.upstreams", f"no fibre leads from {city} to {missing}")
            for uplink in uplinks:
                far = built.at[transits[uplink.provider].asn, fibre.names[uplink.city]]
                delay = uplink.way.delay + self.physical.latency.end
                capacity = _uplink_size(weight * self.spec.capacity.access_total)
                relationship = Relationship.CUSTOMER_PROVIDER
                built.link((router, far), delay, relationship, capacity, uplink.way.segments)
            group = ClientGroup(
                index=len(groups),
                name=f"{city}, {network.country} (AS{network.asn})",
                router=router,
                asn=network.asn,
                city=city,
                country=network.country,
                weight=weight,
                last_mile=Duration(network.last_mile_ns),
            )
            groups.append(group)
        return tuple(groups)


def _uplink_size(demand_bps: float) -> float:
    """The smallest size that holds ``demand_bps``."""
    largest = UPLINK_SIZES[-1]
    fitting = (size for size in UPLINK_SIZES if size >= demand_bps)
    return next(fitting, -(-demand_bps // largest) * largest)


def _check_asns(spec: WorldSpec, access: list[Access], problems: Problems) -> None:
    """Every AS number is a number, and there once."""
    given = {item.asn for item in spec.networks if isinstance(item, AccessNetworkSpec)}
    used: dict[int, str] = {network.asn: network.name for network in access if network.asn not in given}
    used_at = [
        (f"networks.{index}.asn", item.asn)
        for index, item in enumerate(spec.networks)
        if isinstance(item, TransitSpec | AccessNetworkSpec)
    ]
    for path, asn in [*used_at, ("cdn.asn", spec.cdn.asn)]:
        if not 0 < asn <= AS_NUMBER_MAX:
            problems.add(path, f"expected an AS number from 1 to {AS_NUMBER_MAX}, found {asn}")
        elif asn in used:
            problems.add(path, f"AS{asn} is there twice, the first time as {used[asn]}")
        used.setdefault(asn, path)
