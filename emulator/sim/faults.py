"""Applies timeline events to a running network, and takes them back.

Causes add up: a link is dark while any cut on it lasts or a router at its end
is down, a router drops while any blackhole on it lasts. A repair of what is whole does nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.sim.operations import Operations
from emulator.sim.restarts import power_off, power_on
from emulator.timeline import (
    Blackhole,
    Degrade,
    LinksDown,
    Originate,
    RoutersDown,
    StopExporting,
    StopOriginating,
)

if TYPE_CHECKING:
    from emulator.sim.emulation import Emulation
    from emulator.timeline import Event


class Faults:
    """What is broken at the moment."""

    def __init__(self, emulation: Emulation) -> None:
        """Nothing is broken."""
        self._emulation = emulation
        self._operations = Operations(emulation)
        network = emulation.plan.network
        self._cuts = [0] * len(network.links)
        self._outages = [0] * len(network.routers)
        self._blackholes = [0] * len(network.routers)
        self._mutes: dict[tuple[int, int], int] = {}
        self._is_lit = [True] * len(network.links)
        self._degraded: dict[int, dict[int, tuple[int, float]]] = {}

    def apply(self, event: Event) -> None:
        """Do everything that ``event`` consists of."""
        for action in event.actions:
            match action:
                case Degrade():
                    self._degrade(action, event.index if event.repairs is None else event.repairs)
                case Originate() | StopOriginating() | StopExporting():
                    self._speak(action)
                case LinksDown() | RoutersDown() | Blackhole():
                    self._break(action)
                case _:
                    self._operations.apply(action)

    def _speak(self, action: Originate | StopOriginating | StopExporting) -> None:
        """Change what is announced."""
        emulation = self._emulation
        match action:
            case Originate():
                emulation.announce(action)
            case StopOriginating(router, prefix):
                emulation.withdraw(router, prefix)
            case StopExporting(routers, asn, repair):
                for router in routers:
                    count = self._mutes[router, asn] = max(
                        0, self._mutes.get((router, asn), 0) + (-1 if repair else 1)
                    )
                    emulation.mute(router, asn, is_muted=count > 0)

    def _break(self, action: LinksDown | RoutersDown | Blackhole) -> None:
        """Break links or routers, or mend them."""
        step = -1 if action.repair else 1
        match action:
            case LinksDown(links):
                for link in links:
                    self._cuts[link] = max(0, self._cuts[link] + step)
                    self._refresh(link)
            case RoutersDown(routers):
                self._outage(routers, step)
            case Blackhole(routers):
                plane, now = self._emulation.plane, self._emulation.engine.now
                for router in routers:
                    self._blackholes[router] = max(0, self._blackholes[router] + step)
                    plane.set_blackhole(now, router, self._blackholes[router] > 0)

    def _refresh(self, link: int) -> None:
        """Bring a link's light in line with its cuts and the routers at its ends."""
        ends = self._emulation.plan.network.links[link].ends
        is_lit = not self._cuts[link] and not any(self._outages[end] > 0 for end in ends)
        if is_lit != self._is_lit[link]:
            self._is_lit[link] = is_lit
            self._emulation.light(link, is_on=is_lit)

    def _outage(self, routers: tuple[int, ...], step: int) -> None:
        """Fail or revive routers, all at once, then their links."""
        emulation = self._emulation
        for router in routers:
            self._outages[router] = max(0, self._outages[router] + step)
            is_up = not self._outages[router]
            emulation.routers[router].is_up = is_up
            emulation.plane.set_router(emulation.engine.now, router, is_up)
            if is_up:
                for half in emulation.routers[router].ends():
                    power_on(half)
        for router in routers:
            for link in emulation.plan.network.links_of[router]:
                self._refresh(link)
            if self._outages[router]:  # also sessions over links that were dark already
                for half in emulation.routers[router].ends():
                    power_off(half)
            elif (interior := emulation.interiors.get(emulation.routers[router].speaker.asn)) is not None:
                interior.router_restarted(router)

    def _degrade(self, action: Degrade, event: int) -> None:
        """Set or clear one event's delay and loss on the directed links that it bears upon."""
        if action.repair:
            pieces = {link: (0, 0.0) for link, causes in self._degraded.items() if event in causes}
        elif action.links:
            pieces = {
                2 * link + side: (action.delay, action.loss) for link in action.links for side in (0, 1)
            }
        elif action.between is None:
            pieces = dict.fromkeys(self._entrances(action.asn), (action.delay, action.loss))
        else:
            pieces = self._spread(action)
        for link, piece in pieces.items():
            causes = self._degraded.setdefault(link, {})
            if action.repair:
                del causes[event]
            else:
                causes[event] = piece
            delay = sum(each for each, _ in causes.values())
            kept = 1.0
            for _, loss in causes.values():
                kept *= 1.0 - loss
            emulation = self._emulation
            emulation.plane.set_degradation(emulation.engine.now, link, delay, 1.0 - kept)

    def _entrances(self, asn: int) -> list[int]:
        """Directed links from other ASes into ``asn``."""
        network = self._emulation.plan.network
        return [
            2 * link.index + side
            for link in network.links
            for side in (0, 1)
            if network.routers[link.ends[1 - side]].asn == asn and network.routers[link.ends[side]].asn != asn
        ]

    def _spread(self, action: Degrade) -> dict[int, tuple[int, float]]:
        """Share the degradation out over the path in use between two routers, both ways."""
        network = self._emulation.plan.network
        interior = self._emulation.interiors[action.asn]
        pieces: dict[int, tuple[int, float]] = {}
        first, second = action.between or (0, 0)
        for path in (interior.path(first, second), interior.path(second, first)):
            total = sum(network.links[link // 2].delay for link in path) or 1
            for link in path:
                part = network.links[link // 2].delay / total
                pieces[link] = (round(action.delay * part), 1.0 - (1.0 - action.loss) ** part)
        return pieces
