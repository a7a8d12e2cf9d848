"""Applies timeline events to a fleet, and takes them back; `emulator.sim.faults` does it for routers.

Causes add up: a link is dark while any cut on it lasts or a router at its end
is down. Sessions open and close as `emulator.sim.session` has them: four
one-way delays from light until the end with the higher identifier is
Established, five for the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.bgp.liveness import Detection
from emulator.fleet.chance import uniform
from emulator.fleet.draws import key_of
from emulator.fleet.fleet import link_slots
from emulator.sim.fleet.ends import Ends
from emulator.timeline import (
    Blackhole,
    Degrade,
    Leak,
    LinksDown,
    Originate,
    ResetSession,
    RoutersDown,
    StopExporting,
    StopOriginating,
)

if TYPE_CHECKING:
    from emulator.fleet.fleet import Fleet
    from emulator.network.asgraph.graph import AsGraph
    from emulator.scenario.plan import FleetPlan
    from emulator.sim.fleet.physical import Physical
    from emulator.timeline import Action, Event

SUPPORTED = (
    Originate,
    StopOriginating,
    StopExporting,
    LinksDown,
    RoutersDown,
    Blackhole,
    Degrade,
    ResetSession,
    Leak,
)
"""The actions that a fleet knows; others need full speakers."""


class FleetFaults:
    """What is broken at the moment."""

    def __init__(self, plan: FleetPlan, fleet: Fleet, physical: Physical) -> None:
        """Nothing is broken; ``physical`` is told of what forwarding meets."""
        self._plan = plan
        self._fleet = fleet
        self._physical = physical
        self._cuts: dict[int, int] = {}
        self._outages: dict[int, int] = {}
        self._blackholes: dict[int, int] = {}
        self._leaks: dict[int, int] = {}
        self._mutes: dict[tuple[int, int], int] = {}
        self._dark: dict[int, bool] = {}
        self._ends = Ends()
        self._key = key_of(plan.seed, "fleet/detection")

    def apply(self, event: Event) -> None:
        """Do everything that ``event`` consists of, at its instant."""
        for action in event.actions:
            match action:
                case Originate(router, prefix, only_to):
                    self._fleet.announce(router, prefix, only_to)
                case StopOriginating(router, prefix):
                    self._fleet.withdraw(router, prefix)
                case StopExporting(routers, asn, repair):
                    self._mute(routers, asn, -1 if repair else 1)
                case LinksDown() | RoutersDown() | Blackhole() | Leak():
                    self._break(action, event.at)
                case ResetSession(routers):
                    self._reset(routers, event.at)
                case Degrade():
                    self._physical.degrade(action, event)

    def _mute(self, routers: tuple[int, ...], asn: int, step: int) -> None:
        for router in routers:
            count = max(0, self._mutes.get((router, asn), 0) + step)
            self._mutes[router, asn] = count
            self._fleet.mute(router, asn, is_muted=count > 0)

    def _break(self, action: Action, at: int) -> None:
        match action:
            case LinksDown(links, repair):
                for link in links:
                    self._cuts[link] = max(0, self._cuts.get(link, 0) + (-1 if repair else 1))
                    self._refresh(link, at)
            case RoutersDown(routers, repair):
                self._outage(routers, -1 if repair else 1, at)
            case Blackhole(routers, repair):
                for router in routers:
                    count = max(0, self._blackholes.get(router, 0) + (-1 if repair else 1))
                    self._blackholes[router] = count
                    self._physical.set_blackhole(at, router, is_on=count > 0)
            case Leak(router, repair):
                count = max(0, self._leaks.get(router, 0) + (-1 if repair else 1))
                self._leaks[router] = count
                self._fleet.leak(router, is_on=count > 0)

    def _outage(self, routers: tuple[int, ...], step: int, at: int) -> None:
        """Fail or revive routers, all at once, then their links."""
        graph = self._plan.graph
        for router in routers:
            self._outages[router] = max(0, self._outages.get(router, 0) + step)
            self._physical.set_router(at, router, is_up=not self._outages[router])
        for router in routers:
            if self._outages[router]:
                for slot in _in_order(graph, router):
                    self._lose(slot, at)
            for slot in _in_order(graph, router):
                self._refresh(int(graph.link[slot]), at)

    def _refresh(self, link: int, at: int) -> None:
        """Bring a link's light in line with its cuts and the routers at its ends."""
        ends = [int(end) for end in self._plan.graph.link_ends[link]]
        is_dark = self._cuts.get(link, 0) > 0 or any(self._outages.get(end, 0) for end in ends)
        if is_dark == self._dark.get(link, False):
            return
        self._dark[link] = is_dark
        self._physical.set_link(at, link, is_up=not is_dark)
        slots = link_slots(self._plan.graph, (link,))[link]
        self._fleet.set_dark(slots, is_dark=is_dark)
        if is_dark:
            self._fleet.lose_messages(slots)
            self._fleet.stop_opening(slots)
            self._ends.take_back(slots, at, is_up=True)
            for slot in slots:
                noticed = self._detection(slot, at)
                if noticed is not None:
                    self._lose(slot, at + noticed)
            return
        self._fleet.keep_sessions(slots)
        self._ends.take_back(slots, at, is_up=False)
        still_up = [slot for slot in slots if self._ends.is_up(slot, at)]
        if len(still_up) < len(slots):
            for slot in still_up:  # it had not noticed yet, and does when it is called
                self._lose(slot, at)
            self._open(slots, at + self._plan.sessions.reconnect_delay)

    def _open(self, slots: tuple[int, ...], at: int) -> None:
        """A connection is opened at ``at``: the end with the higher identifier is Established first."""
        graph = self._plan.graph
        delay = int(self._plan.delays[graph.link[slots[0]]])
        low, high = sorted(slots, key=lambda slot: int(graph.neighbor[graph.reverse[slot]]))
        for slot, opened in ((high, at + 4 * delay), (low, at + 5 * delay)):
            self._ends.turn(slot, opened, is_up=True)
            self._fleet.session_up(slot, opened)

    def _lose(self, slot: int, at: int) -> None:
        """This end loses its session at the instant ``at``."""
        self._ends.turn(slot, at, is_up=False)
        self._fleet.session_down(slot, at)

    def _reset(self, routers: tuple[int, int], at: int) -> None:
        """A NOTIFICATION from the first router; the other end opens the session again, or its own does."""
        graph = self._plan.graph
        slot = graph.slot(*routers)
        if slot is None or not self._ends.is_up(slot, at):
            return
        far = int(graph.reverse[slot])
        delay = int(self._plan.delays[graph.link[slot]])
        self._fleet.lose_messages((slot,))
        self._lose(slot, at)
        self._lose(far, at + delay)
        self._open((slot, far), at + (delay if routers[0] < routers[1] else 0))

    def _detection(self, slot: int, at: int) -> int | None:
        """How long until this end notices that its link is dark; None: never."""
        config = self._plan.sessions
        chance = float(uniform(self._key, slot, at))
        match config.detection:
            case Detection.INTERFACE:
                return config.interface_delay
            case Detection.BFD:
                return config.bfd_interval * config.bfd_multiplier - int(chance * config.bfd_interval)
            case Detection.HOLD_TIMER:
                if not config.hold_time:
                    return None
                keepalive = config.keepalive or config.hold_time // 3
                return config.hold_time - int(chance * keepalive)


def _in_order(graph: AsGraph, node: int) -> list[int]:
    """The node's slots in the order of its neighbours, as routers number their sessions."""
    return sorted(graph.slots(node), key=lambda slot: int(graph.neighbor[slot]))
