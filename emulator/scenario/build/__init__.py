"""A document's meaning: every name resolved, every cross-reference checked, all problems at once."""

from __future__ import annotations

import hashlib
from pathlib import PurePath
from typing import TYPE_CHECKING, Final

from emulator.bgp.wiring import wire
from emulator.errors import ScenarioError
from emulator.scenario.build.clients import build_clients
from emulator.scenario.build.events import build_timeline, check_cables
from emulator.scenario.build.fleet import build_fleet_plan
from emulator.scenario.build.network import build_network
from emulator.scenario.build.operations import check_operations
from emulator.scenario.build.prefixes import build_addressing
from emulator.scenario.build.problems import Problems
from emulator.scenario.build.protocol import build_protocol
from emulator.scenario.plan import Ases, FleetPlan, Plan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emulator.scenario.build.graph import BuiltGraph
    from emulator.scenario.build.prefixes import Addressing
    from emulator.scenario.findings import Finding
    from emulator.scenario.loader import Loaded
    from emulator.units import Duration

ROUTES_LISTED_MAX = 1000
"""Networks of more routers list their routes in summary.json only where asked."""
_APART: Final = (("timeline",), ("strategies",), ("expect",), ("igp",))
"""Parts of a document whose mistakes leave the others' meaning as it is."""


def build(
    loaded: Loaded, *, seed: int | None = None, allow_code: bool = False, routes: bool = False
) -> Plan | FleetPlan:
    """Resolve ``loaded`` into a `Plan`, or a `FleetPlan` where speakers are to be compact.

    ``seed`` overrides the file's. ``allow_code`` permits strategies that import
    a user's class: a scenario from a stranger must not run code. Raises
    `ScenarioError` with every problem, located.
    """
    return _resolved(loaded, Problems(loaded), seed=seed, allow_code=allow_code, routes=routes)


def review(loaded: Loaded, findings: Sequence[Finding] = ()) -> None:
    """Raise `ScenarioError` with all that is wrong: ``findings`` of `loader.examine`, and what `build` finds.

    Names are looked up in the network, so where that itself is wrong only it is
    reported. The code of strategies is not looked at.
    """
    problems = Problems(loaded, findings)
    if any(path[:1] not in _APART for path, _ in findings):
        problems.raise_if_any()
    _resolved(loaded, problems, seed=None, allow_code=None, routes=False)


def _resolved(
    loaded: Loaded, problems: Problems, *, seed: int | None, allow_code: bool | None, routes: bool
) -> Plan | FleetPlan:
    """Resolve ``loaded``; raise where there are ``problems``, old or new ones."""
    document = loaded.document
    number = document.seed if seed is None else seed
    inputs = {PurePath(loaded.file).name: hashlib.sha256(loaded.data).hexdigest()}
    world = build_network(document, number, problems, inputs)
    if problems.concern("network") or problems.concern("clients"):  # names are looked up in it
        check_cables(document, world, problems)
        problems.raise_if_any()
    addressing = build_addressing(document, world, problems)
    timeline = build_timeline(document, world, addressing, problems)
    clients = build_clients(document, world, addressing, timeline, problems, allow_code=allow_code)
    if world.graph is not None:
        fleet = build_fleet_plan(
            document,
            world.graph,
            addressing,
            timeline,
            clients=clients,
            problems=problems,
            seed=number,
            routes=routes or len(world.graph.graph) <= ROUTES_LISTED_MAX,
            inputs=inputs,
        )
        problems.raise_if_any()
        return fleet
    protocol = build_protocol(document, world.network, addressing, problems, seed=number, inputs=inputs)
    if not any(problems.concern(section) for section in ("network", "bgp", "policies")):
        wiring = protocol.wiring or wire(world.network)
        check_operations(world.network, wiring, timeline, len(document.timeline), problems)
    problems.raise_if_any()
    return Plan(
        name=document.name,
        seed=number,
        network=world.network,
        prefixes=addressing.prefixes,
        destinations=addressing.destinations,
        originations=addressing.originations,
        protocol=protocol,
        timeline=timeline,
        duration=document.duration,
        settle_by_messages=document.settle == "simulate",
        clients=clients,
        expectations=document.expect,
        list_routes=routes or len(world.network.routers) <= ROUTES_LISTED_MAX,
        inputs=inputs,
        ases=_ases(world.under, addressing, document.duration),
    )


def _ases(graph: BuiltGraph | None, addressing: Addressing, duration: Duration) -> Ases | None:
    if graph is None:
        return None
    destinations = addressing.destinations
    return Ases(graph.graph, graph.delays, graph.pops, graph.collectors, graph.weight, destinations, duration)


__all__ = ["ScenarioError", "build", "review"]
