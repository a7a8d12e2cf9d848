"""Whether ``network:`` fits together: names that exist, paths that are paths."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.errors import suggest
from emulator.scenario.check_graph import check_graph, pops_of
from emulator.scenario.schema_network import (
    BuiltinSpec,
    GraphNetwork,
    LabNetwork,
    NetworkSpec,
    TransitSpec,
    WorldNetwork,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from emulator.scenario.findings import Finding
    from emulator.scenario.schema_network import CdnSpec, RouterSpec


def check_network(network: LabNetwork | GraphNetwork | WorldNetwork) -> Iterator[Finding]:
    """Everything that one form of network can have wrong without looking at its data."""
    if isinstance(network, LabNetwork):
        yield from _check_links(network)
        yield from _check_router_ids(network)
        yield from _check_policies(network)
    elif isinstance(network, WorldNetwork):
        yield from _check_networks(network)
        yield from _check_cdn(network.cdn, network)
    else:
        yield from check_graph(network)


def sites_of(network: GraphNetwork) -> tuple[str, ...]:
    """Names of the POPs and collectors that the document lists, or counts."""
    return (*pops_of(network), *network.collectors)


def neighbours(network: LabNetwork) -> dict[str, list[str]]:
    """For each router of a lab the routers at the other ends of its links, in order."""
    around: dict[str, list[str]] = {name: [] for name in network.routers}
    for link in network.links:
        first, second = link.ends
        around.setdefault(first, []).append(second)
        around.setdefault(second, []).append(first)
    return around


def networks_of(network: LabNetwork | WorldNetwork) -> tuple[int, ...]:
    """Return the AS numbers that the document names, in order."""
    if isinstance(network, LabNetwork):
        return tuple(dict.fromkeys(router.asn for router in network.routers.values()))
    named = [one.asn for one in network.networks if isinstance(one, NetworkSpec)]
    return tuple(dict.fromkeys([*named, network.cdn.asn]))


def has_builtin(network: LabNetwork | WorldNetwork) -> bool:
    """Whether the world's own table adds networks that the document does not name."""
    return isinstance(network, WorldNetwork) and any(isinstance(one, BuiltinSpec) for one in network.networks)


def transit_of(cdn: CdnSpec) -> tuple[int, ...]:
    """Return the AS numbers of the CDN's providers."""
    return tuple(one.asn if isinstance(one, TransitSpec) else one for one in cdn.transit)


def _check_links(network: LabNetwork) -> Iterator[Finding]:
    for index, link in enumerate(network.links):
        path = ("network", "links", index)
        missing = [(end, name) for end, name in enumerate(link.ends) if name not in network.routers]
        for end, name in missing:
            yield (*path, "ends", end), f"unknown router {name!r}{suggest(name, network.routers)}"
        if missing:
            continue
        first, second = link.ends
        if first == second:
            yield (*path, "ends"), f"expected two routers, got {first!r} twice"
            continue
        is_internal = network.routers[first].asn == network.routers[second].asn
        if is_internal and link.relationship:
            message = (
                f"both ends are in AS {network.routers[first].asn}, which has no relationship with itself"
            )
            yield (*path, "relationship"), message
        if link.igp_cost is not None and not is_internal:
            yield (*path, "igp_cost"), "only a link inside an AS has an IGP cost; these ends are in two"


def _check_router_ids(network: LabNetwork) -> Iterator[Finding]:
    holders: dict[int, str] = {}
    for name, router in network.routers.items():
        if router.router_id is None:
            continue
        if router.router_id in holders:
            message = (
                f"router {holders[router.router_id]!r} has the same identifier: ties could not be broken"
            )
            yield ("network", "routers", name, "router_id"), message
        holders.setdefault(router.router_id, name)


def _check_policies(network: LabNetwork) -> Iterator[Finding]:
    around = neighbours(network)
    asns = [router.asn for router in network.routers.values()]
    for name, router in network.routers.items():
        path = ("network", "routers", name)
        for neighbour in router.local_pref:
            if neighbour not in around[name]:
                hint = suggest(neighbour, around[name])
                yield (*path, "local_pref", neighbour), f"{neighbour!r} is no neighbour of {name!r}{hint}"
        if router.rank_paths is not None and len(set(asns)) < len(asns):
            yield (
                (*path, "rank_paths"),
                "needs a network of one router an AS, so that routers can name AS paths",
            )
        yield from _check_ranking(name, router, around)


def _check_ranking(name: str, router: RouterSpec, around: dict[str, list[str]]) -> Iterator[Finding]:
    ranking = router.rank_paths or ()
    for index, ranked in enumerate(ranking):
        path = ("network", "routers", name, "rank_paths", index)
        if ranked in ranking[:index]:
            yield path, "this path is given twice"
        if name in ranked or len(set(ranked)) < len(ranked):
            yield path, "expected a path without loops, from the next router to the origin"
            continue
        here = name
        for step, following in enumerate(ranked):
            if following not in around:
                yield (*path, step), f"unknown router {following!r}{suggest(following, around)}"
                break
            if following not in around[here]:
                yield (*path, step), f"there is no link between {here!r} and {following!r}"
                break
            here = following


def _check_networks(network: WorldNetwork) -> Iterator[Finding]:
    known = None if has_builtin(network) else networks_of(network)
    first: dict[int, int] = {}
    for index, one in enumerate(network.networks):
        if not isinstance(one, NetworkSpec):
            continue
        path = ("network", "networks", index)
        if one.kind == "access" and one.cables is not None:
            yield (*path, "cables"), "only a transit network has cables of its own"
        if one.kind == "access" and one.cities is None:
            yield path, "an access network needs its `cities`"
        if one.kind == "transit" and one.weight is not None:
            yield (*path, "weight"), "only an access network has users: say `kind: access`"
        if first.setdefault(one.asn, index) != index:
            yield (*path, "asn"), f"AS {one.asn} is given twice"
        if one.asn == network.cdn.asn:
            yield (*path, "asn"), f"AS {one.asn} is the CDN"
        for position, upstream in enumerate(one.upstreams or ()):
            if upstream == one.asn or (known is not None and upstream not in known):
                message = f"AS {upstream} is not among the other networks"
                yield (*path, "upstreams", position), message


def _check_cdn(cdn: CdnSpec, network: WorldNetwork) -> Iterator[Finding]:
    path = ("network", "cdn")
    pops = None if isinstance(cdn.pops, str) else cdn.pops
    for index, pop in enumerate(pops or ()):
        if pop in cdn.pops[:index]:
            yield (*path, "pops", index), f"POP {pop!r} is given twice"
    known = [one.asn for one in network.networks if isinstance(one, NetworkSpec)]
    providers = transit_of(cdn)
    for index, asn in enumerate(providers):
        if asn in providers[:index]:
            yield (*path, "transit", index), f"AS {asn} is given twice"
        if asn not in known and not has_builtin(network):
            yield (*path, "transit", index), f"AS {asn} is not in `network.networks`"
        spec = cdn.transit[index]
        for position, pop in enumerate((isinstance(spec, TransitSpec) and spec.pops) or ()):
            if pops is not None and pop not in pops:
                yield (*path, "transit", index, "pops", position), f"unknown POP {pop!r}{suggest(pop, pops)}"
