"""The IGP of one AS at work: detection, flooding hop by hop, SPF, FIB install.

Tells each router's speaker when its interior costs changed (hot potato), the
forwarding plane when its next hops did, and iBGP sessions when the routers they
join can, or can no longer, reach each other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from emulator.igp import Advertisement, Area, IgpConfig, LinkStateRouter, Routes, SpfThrottle

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from emulator.network.model import Network
    from emulator.sim.engine import Engine
    from emulator.sim.router import RouterProcess
    from emulator.sim.sessions import Sessions


class InteriorObserver(Protocol):
    """Who is told of interior routes."""

    def costs_changed(self, router: int) -> None:
        """The router's interior costs are new, as `Interior.cost` gives them."""

    def interior_changed(self, router: int, next_hops: Mapping[int, int]) -> None:
        """The router's IGP FIB is now ``next_hops``: egress router -> link."""


class Interior:
    """One AS's IGP: what is really up, and what each router believes."""

    def __init__(
        self,
        engine: Engine,
        network: Network,
        asn: int,
        config: IgpConfig,
        observer: InteriorObserver,
    ) -> None:
        """Start synchronised with everything up."""
        self.engine = engine
        self.config = config
        self.observer = observer
        self.area = Area(network, asn)
        self._sessions: Sessions | None = None
        self._wires: tuple[tuple[int, int, int], ...] = ()
        self._wires_at: dict[int, list[tuple[int, int]]] = {r: [] for r in self.area.routers}
        self._routers: dict[int, RouterProcess] = {}
        self._up = (1 << len(self.area.links)) - 1
        self._nodes = {r: LinkStateRouter(self.area, r) for r in self.area.routers}
        self._throttles = {r: SpfThrottle(config) for r in self.area.routers}
        self._routes: dict[int, Routes] = {r: self.area.spf(r, self._up) for r in self.area.routers}
        self._links = {link.index: link for link in self.area.links}

    def join(
        self, routers: Mapping[int, RouterProcess], wires: Iterable[tuple[int, int, int]], sessions: Sessions
    ) -> None:
        """Set the routers whose speakers hear of changes, and the iBGP sessions between them.

        ``wires`` are number, first and second router of each of ``sessions`` that the IGP carries.
        """
        self._routers = {r: routers[r] for r in self.area.routers}
        self._wires, self._sessions = tuple(wires), sessions
        for number, first, second in self._wires:
            self._wires_at[first].append((number, second))
            self._wires_at[second].append((number, first))

    def cost(self, router: int, target: int) -> int | None:
        """Interior cost as ``router`` believes it, None when it knows no way."""
        return self._routes[router].cost.get(target)

    def next_hops(self, router: int) -> Mapping[int, int]:
        """Egress router -> first link, as ``router`` believes."""
        return self._routes[router].first_link

    def delay(self, router: int, target: int) -> int | None:
        """One-way delay between two routers over what is really up, None when parted."""
        return self.area.spf(router, self._up).delay.get(target)

    def path(self, router: int, target: int) -> tuple[int, ...]:
        """The directed links that packets from ``router`` to ``target`` cross as things are believed now."""
        crossed = []
        while router != target:
            index = self._routes[router].first_link.get(target)
            if index is None:
                return ()
            link = self._links[index]
            crossed.append(2 * index + (router != link.ends[0]))
            router = link.other(router)
        return tuple(crossed)

    # What happens to it -------------------------------------------------------

    def link_changed(self, link: int, *, is_up: bool) -> None:
        """A link's light went out or came back (call once for each change)."""
        bit, before = self.area.bit_of[link], self._up
        self._up = self._up | bit if is_up else self._up & ~bit
        for end in self._links[link].ends:
            self.engine.after(self.config.detection, self._detected, end, link, is_up)
        self._check_sessions(before)

    def router_restarted(self, router: int) -> None:
        """A router is back after an outage: links may have changed while it could not notice."""
        self.engine.after(self.config.detection, self._look_around, router)

    def _look_around(self, router: int) -> None:
        if self._routers[router].is_up:
            self._flood(router, self._nodes[router].look_around(self._up), None)
            self._trigger(router)

    def _check_sessions(self, before: int) -> None:
        """IBGP sessions ride on the IGP: dead while no path joins their routers.

        ``before`` is what was up until now. One that is not made yet has always
        had a path, and learns its delay when it is made.
        """
        sessions = self._sessions
        if sessions is None:
            return
        for number, first, second in self._wires:
            delay = self.delay(first, second)
            session = sessions.made(number)
            if delay is None or not (self._routers[first].is_up and self._routers[second].is_up):
                if session is None:
                    session = sessions[number]
                    session.delay = self.area.spf(first, before).delay[second]
                session.transport_lost()
            elif session is not None:
                session.delay = delay
                session.transport_restored()

    def _tell_sessions(self, router: int) -> None:
        """Tell the router's iBGP sessions whose far ends it knows no way to."""
        cost, sessions = self._routes[router].cost, self._sessions
        for number, other in self._wires_at[router]:
            session = sessions.made(number) if sessions is not None and other not in cost else None
            if session is not None:
                session.route_lost(router)

    def _detected(self, router: int, link: int, is_up: bool) -> None:
        node = self._nodes[router]
        if bool(self._up & self.area.bit_of[link]) != is_up or not self._routers[router].is_up:
            return  # it changed again before the router noticed
        self._flood(router, node.local_change(link, is_up=is_up), None)
        if is_up:  # a new adjacency: the databases are exchanged (RFC 2328 10.8)
            for advertisement in list(node.database.values()):
                self._send(router, link, advertisement)
        self._trigger(router)

    def _flood(self, router: int, advertisement: Advertisement, came_over: int | None) -> None:
        for link in self.area.links_at(router):
            if link != came_over:
                self._send(router, link, advertisement)

    def _send(self, router: int, link: int, advertisement: Advertisement) -> None:
        if self._up & self.area.bit_of[link]:
            far = self._links[link].other(router)
            delay = self._links[link].delay + self.config.flood_processing
            self.engine.after(delay, self._arrived, far, link, advertisement)

    def _arrived(self, router: int, link: int, advertisement: Advertisement) -> None:
        is_deaf = not self._up & self.area.bit_of[link] or not self._routers[router].is_up
        if not is_deaf and self._nodes[router].receive(advertisement):
            self._flood(router, advertisement, link)
            self._trigger(router)

    def _trigger(self, router: int) -> None:
        now = self.engine.now
        due = self._throttles[router].trigger(now)
        if due is not None:
            self.engine.after(due - now, self._spf, router)

    def _spf(self, router: int) -> None:
        self._throttles[router].ran(self.engine.now)
        old, new = self._routes[router], self._nodes[router].spf()
        self._routes[router] = new
        if new.cost != old.cost:
            self.observer.costs_changed(router)
        self._tell_sessions(router)
        if new is old:
            return
        if new.first_link != old.first_link:
            self.engine.after(self.config.fib_install, self._install, router, new)
        if new.cost != old.cost:
            process = self._routers[router]
            process.put(process.speaker.igp_changed)

    def _install(self, router: int, routes: Routes) -> None:
        self.observer.interior_changed(router, routes.first_link)
