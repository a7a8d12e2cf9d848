"""``network:`` to routers and links: a lab as written, or the world."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from emulator.network.model import (
    AutonomousSystem,
    ClientGroup,
    Kind,
    Link,
    Network,
    Pop,
    Relationship,
    Router,
)
from emulator.scenario.build.world import build_world_network
from emulator.scenario.schema_network import LabNetwork, WorldNetwork

if TYPE_CHECKING:
    from emulator.network.physical import PhysicalWorld
    from emulator.scenario.build.problems import Problems
    from emulator.scenario.schema import Scenario

_RELATIONSHIPS = {
    None: Relationship.NONE,
    "customer-provider": Relationship.CUSTOMER_PROVIDER,
    "peer": Relationship.PEER,
}


@dataclass(frozen=True, slots=True)
class Built:
    """The network, and what only the world has.

    ``transit`` are the CDN's providers in the scenario's order; ``capacity``
    what each carries to the CDN in all (bit/s) where that is limited.
    """

    network: Network
    physical: PhysicalWorld | None = None
    cdn_asn: int | None = None
    transit: tuple[int, ...] = ()
    capacity: dict[int, float] = field(default_factory=dict)


_NOTHING = Built(Network((), ()))


def build_network(document: Scenario, seed: int, problems: Problems) -> Built:
    """Build the network in whichever form it is given; an empty one after a problem."""
    match document.network:
        case LabNetwork() as lab:
            return Built(_lab(document, lab))
        case WorldNetwork() as world:
            built = build_world_network(world, seed, problems)
            if built is None:
                return _NOTHING
            network, physical = built
            capacity = {t.asn: t.capacity for t in world.cdn.transit if not isinstance(t, int) and t.capacity}
            transit = tuple(t if isinstance(t, int) else t.asn for t in world.cdn.transit)
            return Built(network, physical, world.cdn.asn, transit, capacity)
        case _:
            problems.add(
                ("network", "as_relationships"),
                "this version does not read AS relationships files yet; write the network router by router, "
                "or use `world: builtin`",
            )
            return _NOTHING


def _lab(document: Scenario, lab: LabNetwork) -> Network:
    """Routers and links as written; clients' groups and, where prefixes start, POPs."""
    place = {name: index for index, name in enumerate(lab.routers)}
    routers = tuple(
        Router(
            index,
            name,
            spec.asn,
            int(IPv4Address(spec.router_id)) if spec.router_id is not None else index + 1,
            spec.city,
            tuple(each.prefix for each in spec.originated),
        )
        for index, (name, spec) in enumerate(lab.routers.items())
    )
    links = []
    for index, link in enumerate(lab.links):
        first, second = (place[end] for end in link.ends)
        is_internal = routers[first].asn == routers[second].asn
        relationship = Relationship.INTERNAL if is_internal else _RELATIONSHIPS[link.relationship]
        capacity = math.inf if link.capacity is None else link.capacity
        links.append(
            Link(
                index,
                (first, second),
                link.delay,
                relationship,
                capacity_bps=capacity,
                igp_cost=link.igp_cost or 1,
            )
        )
    systems = tuple(
        AutonomousSystem(asn, f"AS{asn}", Kind.LAB) for asn in dict.fromkeys(r.asn for r in routers)
    )
    announcing = [router for router in routers if router.originates] or _announcers(document, routers)
    pops = tuple(
        Pop(index, router.name, router.city or "", router.index) for index, router in enumerate(announcing)
    )
    return Network(routers, tuple(links), systems, pops=pops, groups=_groups(document, routers))


def _announcers(document: Scenario, routers: tuple[Router, ...]) -> list[Router]:
    """The routers that announce something in the timeline."""
    named = {getattr(event, "router", None) for event in document.timeline}
    return [router for router in routers if router.name in named]


def _groups(document: Scenario, routers: tuple[Router, ...]) -> tuple[ClientGroup, ...]:
    by_name = {router.name: router for router in routers}
    groups = () if document.clients is None else document.clients.groups
    return tuple(
        ClientGroup(
            index,
            group.router,
            by_name[group.router].index,
            by_name[group.router].asn,
            by_name[group.router].city or "",
            "",
            group.weight,
            group.last_mile,
        )
        for index, group in enumerate(groups)
    )
