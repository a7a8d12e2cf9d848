"""Whether ``timeline:`` fits the network, and itself: things that exist, at times that come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emulator.errors import suggest
from emulator.scenario.check_graph import check_name, pops_of
from emulator.scenario.check_network import neighbours, networks_of, transit_of
from emulator.scenario.schema_network import (
    BuiltinSpec,
    GenerateSpec,
    GraphNetwork,
    LabNetwork,
    WorldNetwork,
)
from emulator.scenario.schema_timeline import (
    AnnounceEvent,
    BlackholeEvent,
    CableCut,
    CutEvent,
    DegradeEvent,
    DrainEvent,
    LeakEvent,
    OutageEvent,
    ProviderSessions,
    RefreshEvent,
    RepairEvent,
    ResetEvent,
    RestartEvent,
    SegmentCut,
    ShutdownEvent,
    WithdrawEvent,
    repaired_at,
    verb,
)
from emulator.units import format_duration

if TYPE_CHECKING:
    from collections.abc import Iterator

    from emulator.scenario.findings import Finding
    from emulator.scenario.schema import Scenario

_SHOWN = 20


def check_timeline(document: Scenario) -> Iterator[Finding]:
    """Everything wrong with the events."""
    for index, event in enumerate(document.timeline):
        path = ("timeline", index)
        end = format_duration(document.duration)
        if event.at >= document.duration:
            yield (*path, "at"), f"expected a time before the end at {end}, got {format_duration(event.at)!r}"
        elif (repair := repaired_at(event)) is not None and repair >= document.duration:
            message = f"the repair would come at {format_duration(repair)}, after the end at {end}"
            yield (*path, "repair_after"), message
        yield from _check_event(document, path, event)
    yield from _check_originations(document)
    yield from _check_repairs(document)


def _check_event(  # noqa: C901 - one case a verb
    document: Scenario,
    path: tuple[str | int, ...],
    event: Any,  # noqa: ANN401
) -> Iterator[Finding]:
    what = verb(event)
    target, place = getattr(event, what), (*path, what)
    match event:
        case AnnounceEvent() | WithdrawEvent() if isinstance(target, ProviderSessions):
            yield from _check_sessions(document, place, target)
        case AnnounceEvent(router=str(router)) | WithdrawEvent(router=str(router)):
            yield from _check_router(document, (*path, "router"), router)
            if isinstance(document.network, GraphNetwork) and router in document.network.collectors:
                yield (*path, "router"), f"{router!r} is a collector, which only listens"
        case CutEvent() | RepairEvent():
            yield from _check_cut(document, place, target)
        case OutageEvent() | BlackholeEvent():
            yield from _check_place(document, place, target)
        case DegradeEvent():
            yield from _check_place(document, place, target)
            if target.link is not None:
                yield from _check_link(document, (*place, "link"), target.link)
            if target.between is not None and isinstance(document.network, GraphNetwork):
                message = "an AS graph has no cities: leave `between` out, for every link into the AS"
                yield (*place, "between"), message
        case ResetEvent() | ShutdownEvent() | RefreshEvent():
            yield from _check_session(document, place, target)
        case RestartEvent(restart=router):
            yield from _check_router(document, place, router)
        case LeakEvent():
            yield from _check_router(document, (*place, "router"), target.router)
        case DrainEvent():
            yield from _check_drain(document, path, event)


def _check_drain(document: Scenario, path: tuple[str | int, ...], event: DrainEvent) -> Iterator[Finding]:
    place, target = (*path, "drain"), event.drain
    if target.router is not None:
        yield from _check_router(document, (*place, "router"), target.router)
    if target.session is not None:
        yield from _check_session(document, (*place, "session"), target.session)
    if event.shut_after is None:
        return
    if event.at + event.shut_after >= document.duration:
        end = format_duration(document.duration)
        yield (*path, "shut_after"), f"the shutdown would come after the end at {end}"
    if event.repair_after is not None and event.repair_after <= event.shut_after:
        yield (*path, "repair_after"), "the repair would come before the shutdown of `shut_after`"


def _check_session(
    document: Scenario, path: tuple[str | int, ...], ends: tuple[str, str]
) -> Iterator[Finding]:
    """Two routers that speak BGP with each other: neighbours, or of one AS."""
    network = document.network
    if isinstance(network, LabNetwork) and all(name in network.routers for name in ends):
        first, second = (network.routers[name] for name in ends)
        if ends[0] != ends[1] and first.asn == second.asn:
            return
    yield from _check_link(document, path, ends)


def _check_router(document: Scenario, path: tuple[str | int, ...], name: str) -> Iterator[Finding]:
    network = document.network
    if isinstance(network, LabNetwork) and name not in network.routers:
        yield path, f"unknown router {name!r}{suggest(name, network.routers)}"
    if isinstance(network, GraphNetwork):
        yield from check_name(network, path, name)


def _check_link(document: Scenario, path: tuple[str | int, ...], ends: tuple[str, str]) -> Iterator[Finding]:
    found = [
        finding
        for position, name in enumerate(ends)
        for finding in _check_router(document, (*path, position), name)
    ]
    yield from found
    network = document.network
    if ends[0] == ends[1]:
        yield path, f"expected two routers, got {ends[0]!r} twice"
    elif isinstance(network, LabNetwork) and not found and ends[1] not in neighbours(network)[ends[0]]:
        yield path, f"there is no link between {ends[0]!r} and {ends[1]!r}"


def _check_cut(document: Scenario, path: tuple[str | int, ...], target: Any) -> Iterator[Finding]:  # noqa: ANN401
    if not isinstance(target, (CableCut, SegmentCut)):
        yield from _check_link(document, path, target)
        return
    kind, cities = ("cable", target.between) if isinstance(target, CableCut) else ("segment", target.segment)
    if not isinstance(document.network, WorldNetwork):
        yield (*path, kind), "only the world has cables and segments: cut a link [router, router]"
    elif cities is not None and cities[0] == cities[1]:
        where = "between" if kind == "cable" else "segment"
        yield (*path, where), f"expected two cities, got {cities[0]!r} twice"


def _check_pop(document: Scenario, path: tuple[str | int, ...], pop: str) -> Iterator[Finding]:
    network = document.network
    if isinstance(network, GraphNetwork) and network.cdn is not None:
        codes = pops_of(network)
        if pop not in codes:
            known = f"; known: {', '.join(codes)}" if len(codes) <= _SHOWN else ""
            yield path, f"unknown POP {pop!r}{suggest(pop, codes)}{known}"
    elif not isinstance(network, WorldNetwork):
        yield path, "only a CDN has POPs: name a router"
    elif not isinstance(network.cdn.pops, str) and pop not in network.cdn.pops:
        yield path, f"unknown POP {pop!r}{suggest(pop, network.cdn.pops)}"


def _check_place(document: Scenario, path: tuple[str | int, ...], target: Any) -> Iterator[Finding]:  # noqa: ANN401
    """Check the ``pop``, ``network`` or ``router`` of an outage, blackhole or degradation."""
    if getattr(target, "pop", None) is not None:
        yield from _check_pop(document, (*path, "pop"), target.pop)
    router = getattr(target, "router", None)
    if router is not None:
        yield from _check_router(document, (*path, "router"), router)
    network = document.network
    if target.network is None or isinstance(network, GraphNetwork):
        return
    generated = isinstance(network, WorldNetwork) and any(
        isinstance(one, (BuiltinSpec, GenerateSpec)) for one in network.networks
    )
    if not generated and target.network not in networks_of(network):
        yield (*path, "network"), f"there is no AS {target.network} in this scenario"


def _check_sessions(
    document: Scenario, path: tuple[str | int, ...], target: ProviderSessions
) -> Iterator[Finding]:
    network = document.network
    if isinstance(network, GraphNetwork) and network.cdn is not None:
        if target.pop is not None:
            yield from _check_pop(document, (*path, "pop"), target.pop)
        return
    if not isinstance(network, WorldNetwork):
        yield (*path, "provider"), "only a CDN has providers: name a prefix and its router"
        return
    providers = transit_of(network.cdn)
    if target.provider not in providers:
        listed = ", ".join(map(str, providers))
        yield (*path, "provider"), f"AS {target.provider} is no provider of the CDN; known: {listed}"
    if target.pop is not None:
        yield from _check_pop(document, (*path, "pop"), target.pop)


def _check_originations(document: Scenario) -> Iterator[Finding]:
    """Check that prefixes are announced before they are withdrawn."""
    network = document.network
    if isinstance(network, WorldNetwork) or getattr(network, "cdn", None) is not None:
        return
    routers = network.routers.items() if isinstance(network, LabNetwork) else ()
    announced = {(name, each.prefix) for name, router in routers for each in router.originated}
    if isinstance(network, GraphNetwork):
        announced |= {(name, text) for name, texts in network.prefixes.items() for text in texts}
    ever = announced | {
        (event.router, str(event.announce)) for event in document.timeline if isinstance(event, AnnounceEvent)
    }
    former: dict[int, bool] = {}
    for index, event, is_repair in _changes_in_time(document):
        is_announced = isinstance(event, AnnounceEvent)
        key = event.router or "", str(event.announce if isinstance(event, AnnounceEvent) else event.withdraw)
        if is_repair:
            is_announced = former[index]
        else:
            former[index] = key in announced
            if not is_announced and key not in announced:
                message = f"router {key[0]!r} has not announced {key[1]} by then"
                if key in ever:
                    message = f"router {key[0]!r} does not announce {key[1]} at that time"
                yield ("timeline", index, "withdraw"), message
        (announced.add if is_announced else announced.discard)(key)


def _changes_in_time(document: Scenario) -> list[tuple[int, AnnounceEvent | WithdrawEvent, bool]]:
    """Announcements and withdrawals of prefixes by their place, and their repairs (True), as they come."""
    found = []
    for index, event in enumerate(document.timeline):
        if isinstance(event, (AnnounceEvent, WithdrawEvent)) and event.router is not None:
            found.append((event.at, False, index, event))
            until = repaired_at(event)
            if until is not None:
                found.append((until, True, index, event))
    in_time = sorted(found, key=lambda each: each[:3])
    return [(index, event, is_repair) for _, is_repair, index, event in in_time]


def _check_repairs(document: Scenario) -> Iterator[Finding]:
    """Check that what is repaired was cut."""
    cuts = [(_severed(event.cut), event.at) for event in document.timeline if isinstance(event, CutEvent)]
    for index, event in enumerate(document.timeline):
        if isinstance(event, RepairEvent):
            wanted = _severed(event.repair)
            if not any(what == wanted and at < event.at for what, at in cuts):
                yield ("timeline", index, "repair"), "nothing of that name is cut before"


def _severed(target: Any) -> tuple[str, ...]:  # noqa: ANN401 - a union
    """Return what a cut and its repair have in common."""
    if isinstance(target, CableCut):
        return ("cable", target.cable)
    if isinstance(target, SegmentCut):
        return ("segment", *sorted(target.segment))
    return ("link", *sorted(target))
