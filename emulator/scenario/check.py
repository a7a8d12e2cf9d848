"""What the keys of a scenario mean together, as far as the document alone can tell.

Each check yields a document path and a message; all of them run, so that one
reading shows every mistake.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from emulator.errors import suggest
from emulator.expectation import SUMMARY_HEADS
from emulator.scenario.check_bgp import check_bgp
from emulator.scenario.check_network import check_network
from emulator.scenario.check_policies import check_policies
from emulator.scenario.check_timeline import check_timeline
from emulator.scenario.schema_clients import IpaStrategy, Population
from emulator.scenario.schema_network import GraphNetwork, LabNetwork, WorldNetwork
from emulator.units import format_duration

if TYPE_CHECKING:
    from collections.abc import Iterator

    from emulator.scenario.findings import Finding
    from emulator.scenario.schema import Scenario
    from emulator.scenario.schema_clients import ClientsSpec


def check(document: Scenario) -> Iterator[Finding]:
    """Everything wrong with a document of the right form."""
    yield from check_network(document.network)
    yield from check_bgp(document)
    yield from check_policies(document)
    yield from _check_igp(document)
    yield from check_timeline(document)
    yield from _check_strategies(document)
    yield from _check_clients(document)
    yield from _check_expectations(document)


def _check_igp(document: Scenario) -> Iterator[Finding]:
    igp = document.igp
    for name in ("spf_initial", "spf_hold"):
        if getattr(igp, name) > igp.spf_max:
            yield ("igp", name), f"expected at most `spf_max`, {format_duration(igp.spf_max)}"


def _check_strategies(document: Scenario) -> Iterator[Finding]:
    network = document.network
    providers = len(network.cdn.transit) if isinstance(network, WorldNetwork) else 0
    for name, strategy in document.strategies.items():
        if name in SUMMARY_HEADS:
            yield ("strategies", name), f"{name!r} means something else in `expect`: choose another name"
        if not isinstance(strategy, IpaStrategy):
            continue
        path = ("strategies", name)
        if strategy.floor > strategy.cap:
            yield (*path, "floor"), f"expected at most `cap`, {strategy.cap:g}; got {strategy.floor:g}"
        elif providers > 1 and strategy.floor * providers > 1:
            most = f"{providers} providers leave each at most {1 / providers:.1%}"
            yield (*path, "floor"), f"{most}, got a floor of {strategy.floor:.1%}"
        elif providers > 1 and strategy.cap * providers < 1:
            least = f"{providers} providers must take at least {1 / providers:.1%} each"
            yield (*path, "cap"), f"{least}, got a cap of {strategy.cap:.1%}"


def _check_clients(document: Scenario) -> Iterator[Finding]:
    clients, network = document.clients, document.network
    is_lab = isinstance(network, LabNetwork)
    if document.strategies and is_lab and (clients is None or not clients.groups):
        yield ("strategies",), "nobody would ask: a lab with strategies needs `clients.groups`"
    if clients is None:
        return
    for index, group in enumerate(clients.groups):
        if isinstance(network, LabNetwork) and group.router not in network.routers:
            hint = suggest(group.router, network.routers)
            yield ("clients", "groups", index, "router"), f"unknown router {group.router!r}{hint}"
    yield from _check_groups(document, clients)
    if clients.hosts == "pypi":
        return
    total = sum(host.share for host in clients.hosts)
    if not math.isclose(total, 1, abs_tol=1e-9):
        yield ("clients", "hosts"), f"expected shares that add up to 100%, got {total:.6%}"
    first: dict[str, int] = {}
    for index, host in enumerate(clients.hosts):
        if first.setdefault(host.name, index) != index:
            yield ("clients", "hosts", index, "name"), f"{host.name!r} is given twice"


def _check_groups(document: Scenario, clients: ClientsSpec) -> Iterator[Finding]:
    """Each form of network has its own way to groups."""
    network = document.network
    if isinstance(network, WorldNetwork) and clients.groups:
        yield (
            ("clients", "groups"),
            "the world makes its own groups, from the access networks and their cities",
        )
    if isinstance(network, GraphNetwork) and clients.groups:
        yield ("clients", "groups"), "an AS graph draws its groups: say `population`"
    if not isinstance(network, GraphNetwork) and clients.population != Population():
        yield ("clients", "population"), "only an AS graph draws its groups"


def _check_expectations(document: Scenario) -> Iterator[Finding]:
    strategies = document.strategies
    events = len(document.timeline) + sum(
        getattr(event, later, None) is not None
        for event in document.timeline
        for later in ("repair_after", "shut_after")
    )
    for index, expectation in enumerate(document.expect):
        for path in filter(None, (expectation.path, expectation.other)):
            head = path[0]
            if head == "event" and (len(path) < 2 or not isinstance(path[1], int)):  # noqa: PLR2004
                yield ("expect", index), "expected an event's number in brackets, such as event[0]"
            elif head == "event" and isinstance(path[1], int) and path[1] >= events:
                most = f"the last one is event[{events - 1}]" if events else "the timeline is empty"
                yield ("expect", index), f"there is no event[{path[1]}]: {most}"
            elif head not in strategies and head not in SUMMARY_HEADS:
                known = (*strategies, *SUMMARY_HEADS)
                hint = suggest(str(head), known)
                listed = ", ".join(known)
                yield (
                    ("expect", index),
                    f"{head!r} is neither a strategy nor event[...]{hint}; known: {listed}",
                )
