"""``network:`` to routers and links: a lab as written, or the world."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
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
from emulator.scenario.build.full import ROUTERS_MAX, as_network
from emulator.scenario.build.graph import build_graph, seed_hint
from emulator.scenario.build.names import GraphNames
from emulator.scenario.build.world import build_world_network
from emulator.scenario.schema_network import GraphNetwork, LabNetwork, WorldNetwork

if TYPE_CHECKING:
    from emulator.network.physical import PhysicalWorld
    from emulator.scenario.build.graph import BuiltGraph
    from emulator.scenario.build.names import Names
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
    graph: BuiltGraph | None = None
    """The AS graph, where speakers are to be compact; ``network`` is empty then."""
    under: BuiltGraph | None = None
    """The AS graph that ``network`` was made from."""
    seed_hint: str = ""
    """What to say of a name that is not there, where another seed may have it."""
    transit_hint: str = ""
    """The same of a provider."""

    @property
    def names(self) -> Names:
        """What names mean here."""
        if self.graph is None:
            return self.network
        it = self.graph
        return GraphNames(it.graph, it.pops, it.groups, it.cdn)


_NOTHING = Built(Network((), ()))


def build_network(document: Scenario, seed: int, problems: Problems, inputs: dict[str, str]) -> Built:
    """Build the network in whichever form it is given; an empty one after a problem.

    ``inputs`` receives the SHA-256 of each file that an AS graph is made from.
    """
    match document.network:
        case LabNetwork() as lab:
            return Built(_lab(document, lab))
        case WorldNetwork() as world:
            network, physical = build_world_network(world, seed, problems)
            if network is None:
                return Built(_NOTHING.network, physical)
            capacity = {t.asn: t.capacity for t in world.cdn.transit if not isinstance(t, int) and t.capacity}
            transit = tuple(t if isinstance(t, int) else t.asn for t in world.cdn.transit)
            return Built(network, physical, world.cdn.asn, transit, capacity)
        case GraphNetwork() as spec:
            return _graph(document, spec, seed, problems, inputs)


def _graph(
    document: Scenario, spec: GraphNetwork, seed: int, problems: Problems, inputs: dict[str, str]
) -> Built:
    """An AS graph: as it is, or made into routers and links."""
    graph = build_graph(document, spec, seed, problems, inputs)
    if graph is None:
        return _NOTHING
    cdn_asn = None if graph.cdn is None else graph.cdn.asn
    if graph.cdn is None:
        names = GraphNames(graph.graph).router_by_name
        announcing = dict.fromkeys([*spec.prefixes, *(getattr(e, "router", None) for e in document.timeline)])
        found = [(name, names[name].index) for name in announcing if name is not None and name in names]
        graph = replace(graph, pops=tuple(Pop(i, name, "", node) for i, (name, node) in enumerate(found)))
    hint = seed_hint(spec)
    is_drawn = spec.cdn is not None and spec.cdn.transit is None and isinstance(spec.cdn.pops, int)
    hints = hint, hint if is_drawn else ""
    if spec.speakers == "compact":
        return Built(Network((), ()), None, cdn_asn, graph.transit, {}, graph, None, *hints)
    if len(graph.graph) > ROUTERS_MAX:
        problems.add(
            ("network", "speakers"),
            f"full speakers are for up to {ROUTERS_MAX:,} routers; this graph has {len(graph.graph):,}",
        )
        return _NOTHING
    if graph.prepend.any():
        problems.add(
            ("network", "cdn", "pops"),
            "full speakers take no `prepend` of a POP: leave it out, or say `speakers: compact`",
        )
    network = as_network(graph.graph, graph.delays, graph.pops, graph.groups, graph.cdn)
    return Built(network, None, cdn_asn, graph.transit, {}, None, graph, *hints)


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
