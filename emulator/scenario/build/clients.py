"""``strategies:``, ``clients:`` and ``health_checks:`` to what the clients' side is told."""

from __future__ import annotations

import importlib
import sys
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from emulator.clients.config import (
    Address,
    ClientConfig,
    Demand,
    Fault,
    HealthChecks,
    Host,
    Kind,
    Phases,
    Resolvers,
    Retry,
    Strategy,
    pypi_hosts,
)
from emulator.scenario.schema_clients import (
    AnycastStrategy,
    ClientsSpec,
    IpaStrategy,
    RetrySpec,
    UnicastStrategy,
    UserStrategy,
)
from emulator.scenario.schema_network import GraphNetwork

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator.scenario.build.network import Built
    from emulator.scenario.build.prefixes import Addressing
    from emulator.scenario.build.problems import Problems
    from emulator.scenario.schema import Scenario
    from emulator.timeline import Event


def build_clients(
    document: Scenario,
    world: Built,
    addressing: Addressing,
    timeline: tuple[Event, ...],
    problems: Problems,
    *,
    allow_code: bool | None,
) -> ClientConfig | None:
    """Resolve the clients' side; None where nobody asks.

    Without ``allow_code`` a strategy that runs code is a problem; None leaves its code alone.
    """
    if not document.strategies or not world.names.groups:
        if document.strategies and world.cdn_asn is None and not isinstance(document.network, GraphNetwork):
            problems.add(
                ("strategies",),
                "a lab needs `clients: {groups: [{router: ...}]}` for its strategies to serve",
            )
        return None
    if not addressing.destinations:
        if world.graph is None:  # of compact speakers it is said for the network
            problems.add(("strategies",), "nothing is announced that clients could ask for")
        return None
    spec = document.clients or ClientsSpec()
    strategies = []
    for name, given in document.strategies.items():
        if world.cdn_asn is None and not isinstance(given, AnycastStrategy):
            message = (
                "expected `anycast` without a CDN: the others need `network: {cdn: ...}`"
                if isinstance(document.network, GraphNetwork)
                else "expected `anycast` in a lab: the others need a world with providers"
            )
            problems.add(("strategies", name, "kind"), message)
            continue
        strategy = _strategy(name, given, world, addressing)
        if isinstance(given, UserStrategy):
            user_class = _user_class(given.class_, name, problems, allow_code=allow_code)
            strategy = replace(strategy, user_class=user_class)
        strategies.append(strategy)
    retry = _retry(spec)
    return ClientConfig(
        strategies=tuple(strategies),
        phases=_phases(document, timeline),
        faults=_fault_windows(document, timeline),
        hosts=_hosts(spec, addressing),
        resolvers=Resolvers(
            spec.resolvers.per_group,
            spec.resolvers.ttl_violators,
            spec.resolvers.violator_factor,
            spec.resolvers.skew,
        ),
        retry=retry,
        health=_health(document),
        demand=Demand(spec.demand, spec.response_size, spec.diurnal),
        validation=spec.validation_time,
    )


def _strategy(name: str, given: Any, world: Built, addressing: Addressing) -> Strategy:  # noqa: ANN401
    match given:
        case IpaStrategy():
            return Strategy(
                name,
                Kind.IPA,
                _provider_addresses(world, addressing, cover=given.cover),
                ttl=given.ttl,
                bias=given.bias if given.ranking == "wan" else 0.0,
                floor=given.floor,
                cap=given.cap,
                cover=given.cover,
                shrinkage=given.shrinkage,
                window=given.window,
                reevaluate_every=given.reevaluate,
                samples_per_s=given.samples,
            )
        case UnicastStrategy():
            addresses = tuple(
                Address(pop.code, addressing.destination(f"pop {pop.code}")) for pop in world.names.pops
            )
            kind = Kind.UNICAST
        case UserStrategy():
            addresses = _provider_addresses(world, addressing, cover=given.cover)
            kind = Kind.USER
        case _:
            shared = (Address("shared", addressing.shared),)
            return Strategy(name, Kind.ANYCAST, shared, ttl=given.ttl)
    return Strategy(
        name,
        kind,
        addresses,
        ttl=given.ttl,
        window=given.window,
        reevaluate_every=given.reevaluate,
        samples_per_s=given.samples,
        cover=getattr(given, "cover", False),
    )


def _provider_addresses(world: Built, addressing: Addressing, *, cover: bool) -> tuple[Address, ...]:
    suffix = " with cover" if cover else ""
    return tuple(
        Address(
            world.names.system_by_asn[asn].name,
            addressing.destination(f"AS{asn}{suffix}"),
            asn,
            capacity_bps=world.capacity.get(asn, float("inf")),
        )
        for asn in world.transit
    )


def _user_class(
    path: str, name: str, problems: Problems, *, allow_code: bool | None
) -> Callable[..., Any] | None:
    where = ("strategies", name, "class")
    if allow_code is None:
        return None
    if not allow_code:
        problems.add(where, f"this strategy runs code ({path}); say --allow-code if you trust it")
        return None
    module, _, attribute = path.partition(":")
    beside = str(problems.folder.resolve())  # a module next to the scenario is found first
    sys.path.insert(0, beside)
    try:
        found: Callable[..., Any] = getattr(importlib.import_module(module), attribute)
    except Exception as error:  # noqa: BLE001 - a user's module may fail in any way
        problems.add(where, f"{path!r} cannot be loaded: {type(error).__name__}: {error}")
        return None
    finally:
        sys.path.remove(beside)
    return found


def _faults(document: Scenario, timeline: tuple[Event, ...]) -> list[Event]:
    return sorted(
        (event for event in timeline if event.is_fault and event.at < document.duration),
        key=lambda event: (event.at, event.index),
    )


def _fault_windows(document: Scenario, timeline: tuple[Event, ...]) -> tuple[Fault, ...]:
    """Each instant at which something breaks, until whatever happens next; events of one instant are one."""
    instants: list[int] = sorted({event.at for event in timeline})
    first: dict[int, int] = {}
    for event in _faults(document, timeline):
        first.setdefault(event.at, event.index)
    after = dict(pairwise(instants))
    return tuple(
        Fault(index, at, after[at]) if at in after else Fault(index, at) for at, index in first.items()
    )


def _phases(document: Scenario, timeline: tuple[Event, ...]) -> Phases:
    faults = _faults(document, timeline)
    if not faults:
        return Phases(document.duration)
    first = faults[0].at
    return Phases(document.duration, first, min(first + document.phases.during, document.duration))


def _hosts(spec: ClientsSpec, addressing: Addressing) -> tuple[Host, ...]:
    shared = addressing.shared
    if isinstance(spec.hosts, str):
        return pypi_hosts(shared)
    return tuple(
        Host(
            host.name,
            host.share,
            host.steered,
            host.ttl,
            None if host.steered else shared,
            host.response_size,
        )
        for host in spec.hosts
    )


def _retry(spec: ClientsSpec) -> Retry:
    if spec.retry == "pip":
        return Retry()
    if isinstance(spec.retry, RetrySpec):
        given = spec.retry
        sleeps = tuple(0 if i == 0 else given.backoff * 2**i for i in range(given.retries))
        return Retry(timeout=given.timeout, sleeps=sleeps)
    return Retry(sleeps=())


def _health(document: Scenario) -> HealthChecks | None:
    given = document.health_checks
    if isinstance(given, str):
        return None
    return HealthChecks(given.interval, given.failures, given.timeout, given.successes)
