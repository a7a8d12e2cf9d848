"""``timeline:`` to events: names resolved to routers, links and fibre; repairs made events of their own."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from emulator.errors import InputError, suggest
from emulator.network.model import Kind
from emulator.network.physical import UnknownNameError
from emulator.scenario.build.prefixes import carried
from emulator.scenario.schema_network import GraphNetwork
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
from emulator.timeline import (
    Action,
    Blackhole,
    Degrade,
    Drain,
    Event,
    Leak,
    LinksDown,
    Originate,
    RefreshSession,
    ResetSession,
    RestartBgp,
    RoutersDown,
    ShutSessions,
    StopExporting,
    StopOriginating,
)
from emulator.units import Duration, Instant

if TYPE_CHECKING:
    from emulator.network.model import Pop
    from emulator.scenario.build.names import Names
    from emulator.scenario.build.network import Built
    from emulator.scenario.build.prefixes import Addressing
    from emulator.scenario.build.problems import Problems
    from emulator.scenario.schema import Scenario

Path = tuple[str | int, ...]
_SHOWN: Final = 40
"""ASes named in a message: all the transit networks of the world."""


def build_timeline(
    document: Scenario, world: Built, addressing: Addressing, problems: Problems
) -> tuple[Event, ...]:
    """Resolve every event; those with `repair_after` are followed by their repairs."""
    resolver = _Resolver(world, addressing, problems)
    events: list[Event] = []
    repairs: list[Event] = []
    for index, spec in enumerate(document.timeline):
        path: Path = ("timeline", index, verb(spec))
        kind = verb(spec)
        # names that are known to be wrong are not looked up again
        actions, label = ((), kind) if problems.concern(*path[:2]) else resolver.resolve(spec, path)
        events.append(Event(index, Instant(spec.at), kind, label, actions))
        if isinstance(spec, DrainEvent) and spec.shut_after is not None:
            shut = resolver.shut_drained(actions)
            at, number = Instant(spec.at + spec.shut_after), len(document.timeline) + len(repairs)
            repairs.append(Event(number, at, "shutdown", f"shutdown after {label}", shut))
            actions = (*shut, *actions)
        until = repaired_at(spec)
        if until is not None:
            undone = tuple(_undo(action) for action in actions)
            number = len(document.timeline) + len(repairs)
            repairs.append(Event(number, Instant(until), "repair", f"repair of {label}", undone, index))
    found = _with_former_routes((*events, *repairs), addressing.originations)
    if isinstance(document.network, GraphNetwork) and not problems.concern("timeline"):
        _check_withdrawn(document, found, addressing, world.names, problems)
    return found


def check_cables(document: Scenario, world: Built, problems: Problems) -> None:
    """Note cables that are not in the world, which can be told where its network is wrong."""
    for index, spec in enumerate(document.timeline):
        target = getattr(spec, verb(spec))
        if isinstance(target, CableCut) and not problems.concern("timeline", index):
            find_cable(target, world, ("timeline", index, verb(spec)), problems)


def find_cable(target: CableCut, world: Built, path: Path, problems: Problems) -> tuple[int, ...]:
    """The segments of a cable between the cities said; none after a problem, and none without a world."""
    if world.physical is None:
        return ()
    try:
        if target.between is None:
            return world.physical.segments_of(target.cable)
        return world.physical.segments_between(target.cable, *target.between)
    except InputError as error:
        key = "cable" if isinstance(error, UnknownNameError) and error.what == "cable" else "between"
        problems.add((*path, key), str(error))
        return ()


def _check_withdrawn(
    document: Scenario, events: tuple[Event, ...], addressing: Addressing, names: Names, problems: Problems
) -> None:
    """Note withdrawals of what the router does not announce at that time."""
    announced = {(o.router, o.prefix) for o in addressing.originations}
    for event in sorted(events, key=lambda each: (each.at, each.index)):
        for action in event.actions:
            match action:
                case Originate(router, prefix):
                    announced.add((router, prefix))
                case StopOriginating(router, prefix) if (router, prefix) in announced:
                    announced.remove((router, prefix))
                case StopOriginating(_, prefix) if event.repairs is None:
                    what = addressing.prefixes[prefix].text
                    name = getattr(document.timeline[event.index], "router", "")
                    if name in names.router_by_name:
                        message = f"router {name!r} does not announce {what} at that time"
                        problems.add(("timeline", event.index, "withdraw"), message)


def _with_former_routes(events: tuple[Event, ...], originations: tuple[Originate, ...]) -> tuple[Event, ...]:
    """``events``, whose repairs announce again what was announced just before the events they repair.

    With all that it carried; a prefix that was not announced then is withdrawn.
    """
    announced: dict[tuple[int, int], Originate | None] = {(o.router, o.prefix): o for o in originations}
    former: dict[int, dict[tuple[int, int], Originate | None]] = {}
    found = list(events)
    for event in sorted(events, key=lambda each: (each.at, each.index)):
        before = former.setdefault(event.index if event.repairs is None else event.repairs, {})
        actions: list[Action] = []
        for each in event.actions:
            action = each
            if isinstance(action, (Originate, StopOriginating)):
                key = action.router, action.prefix
                if event.repairs is None:
                    before[key] = announced.get(key)
                else:
                    action = before[key] or StopOriginating(*key)
                announced[key] = action if isinstance(action, Originate) else None
            actions.append(action)
        found[event.index] = replace(event, actions=tuple(actions))
    return tuple(found)


def _undo(action: Action) -> Action:
    """The action that takes ``action`` back; which route is announced again is seen to later."""
    match action:
        case Originate(router, prefix):
            return StopOriginating(router, prefix)
        case StopOriginating(router, prefix):
            return Originate(router, prefix)
        case ResetSession() | RefreshSession() | RestartBgp():
            return action
        case _:
            return replace(action, repair=True)


class _Resolver:
    """Looks names up, and says what they might have been where they are not found."""

    def __init__(self, world: Built, addressing: Addressing, problems: Problems) -> None:
        self.world = world
        self.network = world.names
        self.addressing = addressing
        self.problems = problems

    def resolve(self, spec: Any, path: Path) -> tuple[tuple[Action, ...], str]:  # noqa: ANN401, PLR0911
        """The event's actions, and its label for people."""
        match spec:
            case AnnounceEvent() | WithdrawEvent():
                return self._origination(spec, path)
            case CutEvent(cut=target):
                return self._cut(target, path, repair=False)
            case RepairEvent(repair=target):
                return self._cut(target, path, repair=True)
            case OutageEvent(outage=target):
                routers, label = self._routers(target, path)
                return (RoutersDown(routers),), f"outage of {label}"
            case BlackholeEvent(blackhole=target):
                routers, label = self._routers(target, path)
                self._check_forwards(routers, path)
                return (Blackhole(routers),), f"{label} drops everything"
            case DegradeEvent():
                return self._degrade(spec, path)
            case (
                ResetEvent() | ShutdownEvent() | RefreshEvent() | RestartEvent() | DrainEvent() | LeakEvent()
            ):
                return self._operation(spec, path)
        message = f"no meaning for {spec!r}"
        raise AssertionError(message)

    # What operators do to sessions ----------------------------------------------

    def _operation(self, spec: Any, path: Path) -> tuple[tuple[Action, ...], str]:  # noqa: ANN401, PLR0911
        match spec:
            case ResetEvent(reset=ends):
                pair = self._pair(ends, path)
                if self.world.graph is not None:  # full speakers' sessions are looked at later
                    self._links(ends, pair, path)
                return (ResetSession(pair),), f"session reset {ends[0]} - {ends[1]}"
            case ShutdownEvent(shutdown=ends, message=message):
                action: Action = ShutSessions((self._pair(ends, path),), message)
                return (action,), f"session shutdown {ends[0]} - {ends[1]}"
            case RefreshEvent(refresh=ends):
                return (RefreshSession(self._pair(ends, path)),), f"{ends[0]} asks {ends[1]} for a refresh"
            case RestartEvent(restart=name, takes=takes):
                return (RestartBgp(self._router(name, path), takes),), f"BGP restart at {name}"
            case LeakEvent(leak=target):
                return (
                    Leak(self._router(target.router, (*path, "router"))),
                ), f"route leak at {target.router}"
        target = spec.drain
        if target.session is None:
            router = self._router(target.router, (*path, "router"))
            return (Drain(router),), f"drain of {target.router}"
        first, second = self._pair(target.session, (*path, "session"))
        return (Drain(first, second),), f"drain of {target.session[0]} - {target.session[1]}"

    def _pair(self, ends: tuple[str, str], path: Path) -> tuple[int, int]:
        first, second = (self._router(name, (*path, i)) for i, name in enumerate(ends))
        return first, second

    def shut_drained(self, actions: tuple[Action, ...]) -> tuple[Action, ...]:
        """The shutdown of the sessions that ``actions`` drain: eBGP only, as the drain is."""
        shut: list[Action] = []
        for action in actions:
            if isinstance(action, Drain) and self.world.graph is None:  # compact speakers drain nothing
                peers = (action.peer,) if action.peer is not None else self._external(action.router)
                shut.append(ShutSessions(tuple((action.router, peer) for peer in peers)))
        return tuple(shut)

    def _external(self, router: int) -> tuple[int, ...]:
        """Neighbours of ``router`` in other ASes, each once."""
        network = self.network
        own = network.routers[router].asn
        return tuple(other for other in network.neighbors(router) if network.routers[other].asn != own)

    # Announcements --------------------------------------------------------------

    def _origination(self, spec: AnnounceEvent | WithdrawEvent, path: Path) -> tuple[tuple[Action, ...], str]:
        is_announce = isinstance(spec, AnnounceEvent)
        what = spec.announce if isinstance(spec, AnnounceEvent) else spec.withdraw
        said = "announce" if is_announce else "withdraw"
        if isinstance(what, ProviderSessions):
            routers, label = self._sessions_with(what, path)
            return (StopExporting(routers, what.provider, repair=is_announce),), f"{said} {label}"
        known = {prefix.text for prefix in self.addressing.prefixes}
        if what not in known:
            self.problems.add(
                path,
                f"unknown prefix {what!r}{suggest(what, known)}; the world's prefixes are made for its "
                "strategies: say {provider: ASN} for a provider's",
            )
            return (), ""
        router = self._router(spec.router or "", (*path[:2], "router"))
        prefix = self.addressing.prefix(what).index
        action: Action = StopOriginating(router, prefix)
        if isinstance(spec, AnnounceEvent):
            action = Originate(router, prefix, carrying=carried(spec, router))
        return (action,), f"{said} {what} at {spec.router}"

    def _sessions_with(self, what: ProviderSessions, path: Path) -> tuple[tuple[int, ...], str]:
        if what.provider not in self.world.transit:
            known = ", ".join(map(str, self.world.transit)) or "none: a lab has no CDN"
            self.problems.add(
                (*path, "provider"),
                f"AS{what.provider} is no provider of the CDN; they are: {known}{self.world.transit_hint}",
            )
        pops = [pop for pop in self.network.pops if what.pop is None or pop.code == what.pop]
        if not pops:
            self._unknown_pop(what.pop or "", (*path, "pop"))
        elif what.provider in self.world.transit and not self._is_neighbor(pops, what.provider):
            self.problems.add(
                path, f"POP {what.pop!r} has no session with AS{what.provider}{self.world.seed_hint}"
            )
        where = "everywhere" if what.pop is None else f"at {what.pop}"
        return tuple(pop.router for pop in pops), f"{self._name(what.provider)} {where}"

    def _is_neighbor(self, pops: list[Pop], asn: int) -> bool:
        """Whether one of ``pops`` has a session with the AS; the world is taken at its word."""
        theirs = self.network.routers_of.get(asn, ())
        return self.world.physical is not None or any(
            neighbor in theirs for pop in pops for neighbor in self.network.neighbors(pop.router)
        )

    # What breaks ------------------------------------------------------------------

    def _cut(self, target: Any, path: Path, *, repair: bool) -> tuple[tuple[Action, ...], str]:  # noqa: ANN401
        said = "repair" if repair else "cut"
        match target:
            case CableCut(cable=cable, between=between):
                segments = find_cable(target, self.world, path, self.problems)
                label = cable if between is None else f"{cable} ({between[0]} - {between[1]})"
            case SegmentCut(segment=ends):
                segments = self._land_segments(ends, (*path, "segment"))
                label = f"{ends[0]} - {ends[1]}"
            case (first, second):
                return self._link_cut((first, second), path, repair=repair)
        riding = dict.fromkeys(
            link for segment in segments for link in self.network.links_on_segment[segment]
        )
        return (LinksDown(tuple(riding), repair, segments),), f"{said} {label}"

    def _link_cut(self, ends: tuple[str, str], path: Path, *, repair: bool) -> tuple[tuple[Action, ...], str]:
        between = self._links(ends, self._pair(ends, path), path)
        said = "repair" if repair else "cut"
        return (LinksDown(between, repair),), f"{said} {ends[0]} - {ends[1]}"

    def _land_segments(self, ends: tuple[str, str], path: Path) -> tuple[int, ...]:
        found = tuple(s.index for s in self.network.segments if s.cable is None and {*s.ends} == {*ends})
        if not found:
            neighbours = sorted(
                {
                    city
                    for s in self.network.segments
                    if s.cable is None and ends[0] in s.ends
                    for city in s.ends
                }
                - {ends[0]}
            )
            hint = f"; from {ends[0]} land routes lead to {', '.join(neighbours)}" if neighbours else ""
            self.problems.add(path, f"no land route joins {ends[0]!r} and {ends[1]!r} directly{hint}")
        return found

    def _routers(self, target: Any, path: Path) -> tuple[tuple[int, ...], str]:  # noqa: ANN401
        """The routers of a POP, a network or one by name."""
        if getattr(target, "pop", None) is not None:
            routers = tuple(pop.router for pop in self.network.pops if pop.code == target.pop)
            if not routers:
                self._unknown_pop(target.pop, (*path, "pop"))
            return routers, target.pop if target.pop.startswith("POP") else f"POP {target.pop}"
        if target.network is not None:
            return self.network.routers_of.get(self._asn(target.network, (*path, "network")), ()), self._name(
                target.network
            )
        return (self._router(target.router, (*path, "router")),), target.router

    def _check_forwards(self, routers: tuple[int, ...], path: Path) -> None:
        """A blackhole drops what passes: at a site of the CDN everything has arrived."""
        sites = {pop.router for pop in self.network.pops}
        if self.world.cdn_asn is not None and routers and sites.issuperset(routers):
            self.problems.add(
                path,
                "a blackhole drops what passes by, and a POP of the CDN is where it arrives: take `outage`",
            )

    def _degrade(self, spec: DegradeEvent, path: Path) -> tuple[tuple[Action, ...], str]:
        it = spec.degrade
        delay, loss = it.delay or Duration(0), it.loss or 0.0
        how = " and ".join(
            filter(
                None, (f"+{delay / 1e6:g} ms" if delay else "", f"{loss * 100:.4g} % loss" if loss else "")
            )
        )
        if it.link is not None:
            place = (*path, "link")
            links = self._links(it.link, self._pair(it.link, place), place)
            return (Degrade(0, None, delay, loss, links=links),), f"{it.link[0]} - {it.link[1]}: {how}"
        asn = self._asn(it.network or 0, (*path, "network"))
        label = f"{self._name(asn)}: {how}"
        if it.between is None:
            return (Degrade(asn, None, delay, loss),), label
        ends = [self._presence(asn, city, (*path, "between", i)) for i, city in enumerate(it.between)]
        between = (ends[0], ends[1])
        return (Degrade(asn, between, delay, loss),), f"{label} between {it.between[0]} and {it.between[1]}"

    # Names ------------------------------------------------------------------------

    def _links(self, ends: tuple[str, str], pair: tuple[int, int], path: Path) -> tuple[int, ...]:
        """The links between the routers ``pair``, which ``ends`` name; a problem where there are none."""
        found = self.network.links_between(*pair)
        if not found and ends[0] != ends[1] and all(name in self.network.router_by_name for name in ends):
            self.problems.add(path, f"no link joins {ends[0]!r} and {ends[1]!r}{self.world.seed_hint}")
        return found

    def _router(self, name: str, path: Path) -> int:
        router = self.network.router_by_name.get(name)
        if router is None:
            hint = suggest(name, self.network.router_by_name)
            self.problems.add(path, f"unknown router {name!r}{hint}{self.world.seed_hint}")
            return 0
        return router.index

    def _asn(self, asn: int, path: Path) -> int:
        if asn not in self.network.routers_of:
            known = [str(s.asn) for s in self.network.systems if s.kind is not Kind.ACCESS]
            others = f"; among others it has: {', '.join(known[:_SHOWN])}" if known else ""
            self.problems.add(path, f"AS{asn} is not in this network{others}{self.world.seed_hint}")
        return asn

    def _presence(self, asn: int, city: str, path: Path) -> int:
        there = {self.network.routers[r].city or "": r for r in self.network.routers_of.get(asn, ())}
        if city not in there:
            message = f"AS{asn} is not present in {city!r}{suggest(city, there)}"
            self.problems.add(path, f"{message}; its cities: {', '.join(sorted(there))}")
            return 0
        return there[city]

    def _unknown_pop(self, code: str, path: Path) -> None:
        codes = [pop.code for pop in self.network.pops]
        self.problems.add(
            path, f"unknown POP {code!r}{suggest(code, codes)}; known: {', '.join(codes) or 'none'}"
        )

    def _name(self, asn: int) -> str:
        system = self.network.system_by_asn.get(asn)
        return f"AS{asn}" if system is None or system.name == f"AS{asn}" else f"{system.name} (AS{asn})"
