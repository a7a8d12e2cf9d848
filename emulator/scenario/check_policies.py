"""Whether ``policies:`` and the routers' BGP settings fit together: names that exist, rules that can work."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from emulator.errors import suggest
from emulator.scenario.schema_bgp import OriginValidation
from emulator.scenario.schema_network import LabNetwork

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from emulator.scenario.findings import Finding
    from emulator.scenario.schema import Scenario
    from emulator.scenario.schema_bgp import SpeakerSpec
    from emulator.scenario.schema_network import RouterSpec

Path = tuple[str | int, ...]


def check_policies(document: Scenario) -> Iterator[Finding]:
    """Everything wrong with rule lists and where they are used."""
    for path, names, is_import in _uses(document):
        for index, name in enumerate(names):
            if name not in document.policies:
                known = ", ".join(document.policies) or "none, as there is no `policies`"
                hint = suggest(name, document.policies)
                yield (*path, index), f"unknown policy {name!r}{hint}; known: {known}"
            elif is_import and any(rule.set_.prepend for rule in document.policies[name]):
                message = f"policy {name!r} prepends, which only an export can: use it under `export`"
                yield (*path, index), message
    yield from _check_validity(document)
    if isinstance(document.network, LabNetwork):
        for name, router in document.network.routers.items():
            place: Path = ("network", "routers", name)
            yield from _check_router(document, place, name, router)
            yield from _check_reflector(document.network, place, name, router)
            yield from _check_aggregates(place, router)


def _uses(document: Scenario) -> Iterator[tuple[Path, Iterable[str], bool]]:
    """Every list of policy names: where it is, what it names, whether it is for imports."""
    holders: list[tuple[Path, object]] = [(("bgp",), document.bgp)]
    if isinstance(document.network, LabNetwork):
        for name, router in document.network.routers.items():
            path: Path = ("network", "routers", name)
            holders.append((path, router))
            holders += [((*path, "neighbors", far), each) for far, each in router.neighbors.items()]
    for path, holder in holders:
        yield (*path, "import"), getattr(holder, "import_") or (), True  # noqa: B009 - two shapes
        yield (*path, "export"), getattr(holder, "export") or (), False  # noqa: B009


def _settings(document: Scenario) -> Iterator[tuple[Path, SpeakerSpec]]:
    """Every set of speaker's settings."""
    yield ("bgp",), document.bgp
    if isinstance(document.network, LabNetwork):
        for name, router in document.network.routers.items():
            if router.bgp is not None:
                yield ("network", "routers", name, "bgp"), router.bgp


def _check_validity(document: Scenario) -> Iterator[Finding]:
    if any(isinstance(spec.rov, OriginValidation) for _, spec in _settings(document)):
        return
    for name, rules in document.policies.items():
        for index, rule in enumerate(rules):
            if rule.match.validity is not None:
                message = "nobody validates origins: give `rov` in `bgp` or in a router's `bgp`"
                yield ("policies", name, index, "match", "validity"), message


def _check_router(document: Scenario, path: Path, name: str, router: RouterSpec) -> Iterator[Finding]:
    network = document.network
    if not isinstance(network, LabNetwork):
        return
    others = [other for other in network.routers if other != name]
    for far, neighbor in router.neighbors.items():
        place = (*path, "neighbors", far)
        if far not in others:
            yield place, f"unknown router {far!r}{suggest(far, others)}" if far != name else "that is itself"
            continue
        is_internal = network.routers[far].asn == router.asn
        if far in router.local_pref and neighbor.local_pref is not None:
            yield (
                (*place, "local_pref"),
                f"`local_pref` of {name!r} sets it for {far!r} too: give one of them",
            )
        if is_internal and neighbor.role is not None:
            yield (*place, "role"), "roles are for eBGP sessions; both routers are in one AS (RFC 9234 4)"
        if not is_internal and not neighbor.next_hop_self:
            yield (*place, "next_hop_self"), "over eBGP the next hop is always our own: it is for iBGP"
    if router.bgp is not None and isinstance(router.bgp.mrai, dict):
        yield (*path, "bgp", "mrai"), "shares of speakers make no sense for one router: give a duration"


def _check_reflector(network: LabNetwork, path: Path, name: str, router: RouterSpec) -> Iterator[Finding]:
    if router.cluster_id is not None and not router.is_reflector:
        yield (*path, "cluster_id"), "only a reflector has a cluster: say `reflector: true` or give `clients`"
    for index, client in enumerate(router.clients or ()):
        place = (*path, "clients", index)
        if client not in network.routers or client == name:
            others = [n for n, r in network.routers.items() if r.asn == router.asn and n != name]
            why = "a router is not its own client" if client == name else f"unknown router {client!r}"
            yield place, why + suggest(client, others)
        elif network.routers[client].asn != router.asn:
            yield place, f"{client!r} is in AS {network.routers[client].asn}, not in AS {router.asn}"
        elif name in (network.routers[client].clients or ()):
            yield place, f"{name!r} is a client of {client!r}: each would be the other's"


def _check_aggregates(path: Path, router: RouterSpec) -> Iterator[Finding]:
    own = {each.prefix for each in router.originated}
    for index, aggregate in enumerate(router.aggregate):
        place = (*path, "aggregate", index)
        if aggregate.prefix in own:
            yield (*place, "prefix"), f"{aggregate.prefix} is among `prefixes`, and so always originated"
        if aggregate.prefix in {each.prefix for each in router.aggregate[:index]}:
            yield (*place, "prefix"), f"{aggregate.prefix} is given twice"
        around = ipaddress.ip_network(aggregate.prefix)
        for position, text in enumerate(aggregate.contributors or ()):
            each = ipaddress.ip_network(text)
            is_inside = each.version == around.version and each.subnet_of(around)  # type: ignore[arg-type]
            if not is_inside or each == around:
                message = f"expected a more specific prefix inside {aggregate.prefix}, got {text}"
                yield (*place, "contributors", position), message
