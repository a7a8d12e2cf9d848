"""What must hold once a network is quiet, checked from outside.

Sessions agree with the transport under them, both ends of a session agree on
what was sent, every Loc-RIB is the fixed point that `fixed_point` works out on
its own, packets follow the AS paths that the routers believe in, and nothing is
faster than light in fibre.
"""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, Final, NoReturn

from emulator.errors import InvariantError
from emulator.forwarding.history import Fate
from emulator.sim.fixed_point import Choices, Judge, Route, is_sellable

if TYPE_CHECKING:
    from emulator.bgp.decision import Candidate
    from emulator.forwarding.history import ForwardingHistory
    from emulator.network.model import City
    from emulator.sim.emulation import Emulation
    from emulator.sim.session import Session

_FIBRE_NS_PER_KM: Final = 1e6 * 0.979 / 200
"""One way, group index 1.468: a round trip over 100 km takes 0.979 ms."""
_EARTH_KM: Final = 6371.0
_ROUNDING: Final = 0.993
"""The Earth is no sphere (0.6 %), and 0.979 is rounded."""


def check_quiet(emulation: Emulation) -> None:
    """Raise `InvariantError` unless everything that must hold of a quiet network holds.

    Also when the network is not quiet. A session whose hold timer is shorter
    than its peer's keepalive interval never is.
    """
    if emulation.engine.pending:
        _fail(emulation, f"not quiet: {emulation.engine.pending} things are still to happen")
    judge = Judge(emulation.plan, emulation.engine.now)
    nobody_is_fooled = check_sessions(emulation, judge)
    check_adjacent_ribs(emulation)
    if nobody_is_fooled:
        check_fixed_point(emulation, judge)
        check_forwarding(emulation, judge)
    check_fibre_bound(emulation)


def check_sessions(emulation: Emulation, judge: Judge) -> bool:
    """A session is up at both ends where its routers can reach each other, else at none.

    Also at none where it is shut down, or was given up over what the peer sent.

    With hold time 0 (RFC 4271 4.2) an end never learns that the other is gone;
    False when there is such an end.
    """
    nobody_is_fooled = True
    for session in emulation.sessions:
        can_be_up = _can_be_up(emulation, judge, session)
        for half in session.halves:
            is_patient = half.config.hold_time == 0 and half.router.is_up
            if half.is_up and not can_be_up and is_patient:
                nobody_is_fooled = False
            elif half.is_up != can_be_up:
                state = "up" if half.is_up else "down"
                at = _name(half.router.index, emulation)
                _fail(emulation, f"the session {_ends(emulation, session)} is {state} at {at}")
    return nobody_is_fooled


def _can_be_up(emulation: Emulation, judge: Judge, session: Session) -> bool:
    first, second = (half.router.index for half in session.halves)
    if judge.standing.shut.get((first, second)) or judge.standing.shut.get((second, first)):
        return False
    if any(half.is_given_up for half in session.halves):
        return False
    if session.link is not None:
        return judge.standing.is_lit(emulation.plan.network.links[session.link])
    return first in judge.distance and second in judge.distance[first]


def check_adjacent_ribs(emulation: Emulation) -> None:
    """What one end of a session has sent is what the other end holds of it."""
    for session in emulation.sessions:
        if not all(half.is_up for half in session.halves):
            continue
        for near, far in (session.halves, session.halves[::-1]):
            sent = near.router.speaker.peers[near.peer].adj_rib_out
            held = far.router.speaker.peers[far.peer].adj_rib_in
            for prefix in sorted({**sent, **held}):
                if sent.get(prefix) != held.get(prefix):
                    _fail(
                        emulation,
                        f"{_name(near.router.index, emulation)} sent {_name(far.router.index, emulation)} "
                        f"{sent.get(prefix)} and it holds {held.get(prefix)}",
                        prefix,
                    )


def check_fixed_point(emulation: Emulation, judge: Judge) -> None:
    """Every Loc-RIB reproduces itself; where there is one solution only, it is that one.

    Nothing is said where damping is on or the oldest route is preferred: there
    the past decides.
    """
    if not judge.knows_the_policies:
        return
    for prefix in emulation.plan.prefixes:
        chosen = _chosen(emulation, judge, prefix.index)
        _compare(emulation, chosen, judge.next_round(chosen, prefix.index), prefix.index)
        if judge.has_one_solution:
            _compare(emulation, chosen, judge.solve(prefix.index), prefix.index)


def _chosen(emulation: Emulation, judge: Judge, prefix: int) -> Choices:
    """The Loc-RIBs of the living, in the fixed point's terms."""
    choices: Choices = {}
    interior: dict[int, Candidate] = {}
    for router in judge.alive:
        best = emulation.speakers[router].loc_rib.get(prefix)
        if best is None:
            continue
        if best.is_ebgp:
            link = emulation.plan.network.links[emulation.routers[router].lines[best.peer].session.link or 0]
            choices[router, prefix] = _route(best, link.index, is_sellable(router, link), None)
        elif best.peer < 0:
            choices[router, prefix] = _route(best, -1, True, judge.standing.origins.get((router, prefix)))
        else:
            interior[router] = best
    borders = dict(choices)
    for router, best in interior.items():
        border = borders.get((best.attributes.next_hop, prefix))
        if border is None:
            _fail(emulation, f"{_name(router, emulation)} uses an exit that has no route", prefix)
        route = _route(best, -1, border.is_sellable, border.only_to)
        choices[router, prefix] = replace(route, is_interior=True)
    return choices


def _route(best: Candidate, link: int, sellable: bool, only_to: frozenset[int] | None) -> Route:
    it = best.attributes
    return Route(it.as_path, it.local_pref, it.next_hop, link, False, sellable, only_to)


def _compare(emulation: Emulation, chosen: Choices, right: Choices, prefix: int) -> None:
    for router in range(len(emulation.speakers)):
        has, should = chosen.get((router, prefix)), right.get((router, prefix))
        if has != should:
            _fail(emulation, f"{_name(router, emulation)} chose {has}, the fixed point is {should}", prefix)


def check_forwarding(emulation: Emulation, judge: Judge) -> None:
    """No loops; packets follow the AS path of the Loc-RIB that they started from, to the end.

    Except into a blackhole on that path, and where `Judge.packets_follow_paths` says so.
    """
    if not judge.packets_follow_paths:
        return
    holes = judge.standing.blackholes
    for destination in emulation.plan.destinations:
        for router in judge.alive:
            passed, fate = emulation.plane.trace(router, destination.index)
            loc_rib = emulation.speakers[router].loc_rib
            best = next((loc_rib[prefix] for prefix in destination.prefixes if prefix in loc_rib), None)
            if fate is Fate.BLACKHOLE and holes.get(passed[-1]):
                continue
            if best is None:
                right = fate is Fate.NO_ROUTE and passed == (router,)
            else:
                asns = [emulation.speakers[each].asn for each in passed]
                ways = [asn for asn, _ in groupby(asns)][1:]
                as_path = [asn for asn, _ in groupby(best.attributes.as_path)]  # less what was prepended
                right = fate is Fate.DELIVERED and ways == as_path
            if not right:
                way = " ".join(_name(each, emulation) for each in passed)
                _fail(emulation, f"packets to {destination.name} go {way}: {fate.name}, against {best}")


def check_fibre_bound(emulation: Emulation) -> None:
    """No link is quicker than light in a straight fibre between its cities.

    The segments it rides on are no bound: their lengths include the branches
    to landings that an express link passes by.
    """
    network = emulation.plan.network
    for link in network.links:
        first, second = (network.cities.get(network.routers[end].city or "") for end in link.ends)
        bound = 0.0 if first is None or second is None else _apart_km(first, second)
        if link.delay < bound * _FIBRE_NS_PER_KM * _ROUNDING:
            names = " - ".join(_name(end, emulation) for end in link.ends)
            _fail(emulation, f"the link {names} takes {link.delay} ns for {bound:.0f} km")


def check_paths_bound(emulation: Emulation, history: ForwardingHistory) -> None:
    """No client group was ever served sooner than light in fibre gets from its city to the POP's.

    Nothing degraded shortens a path, so this holds of the whole history.
    """
    network = emulation.plan.network
    for (destination, group), timeline in sorted(history.timelines.items()):
        start = network.cities.get(network.groups[group].city)
        for index in timeline.states.tolist():
            state = history.states[index]
            if state.fate is not Fate.DELIVERED or start is None:
                continue
            end = network.cities.get(network.pops[state.pop].city)
            if end is not None and state.one_way < _apart_km(start, end) * _FIBRE_NS_PER_KM * _ROUNDING:
                name = history.destinations[destination].name
                _fail(
                    emulation,
                    f"{network.groups[group].name} reaches {name} at {end.name} in {state.one_way} ns",
                )


def _apart_km(first: City, second: City) -> float:
    """Great circle by the angle between two unit vectors."""
    vectors = []
    for city in (first, second):
        latitude, longitude = math.radians(city.latitude), math.radians(city.longitude)
        across = math.cos(latitude)
        vectors.append((across * math.cos(longitude), across * math.sin(longitude), math.sin(latitude)))
    return 2 * _EARTH_KM * math.asin(min(1.0, math.dist(*vectors) / 2))


def _name(router: int, emulation: Emulation) -> str:
    return emulation.plan.network.routers[router].name


def _ends(emulation: Emulation, session: Session) -> str:
    return " - ".join(_name(half.router.index, emulation) for half in session.halves)


def _fail(emulation: Emulation, what: str, prefix: int | None = None) -> NoReturn:
    plan = emulation.plan
    of = "" if prefix is None else f" for {plan.prefixes[prefix].text}"
    message = f"{what}{of} (scenario {plan.name}, seed {plan.seed}, at {emulation.engine.now} ns)"
    raise InvariantError(message)
