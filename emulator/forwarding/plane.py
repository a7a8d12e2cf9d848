"""The forwarding plane in time: told of every data-plane change, it keeps each client group's path.

RFC 4271 leaves forwarding to the router; here a packet is looked up anew at
every hop, longest prefix first, so that loops and blackholes appear while
routers disagree, as in a network without tunnels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emulator.errors import InvariantError
from emulator.forwarding.fib import DELIVERED, NO_ROUTE, FibEntry, Fibs
from emulator.forwarding.history import Fate, ForwardingHistory, PathState, PathTimeline
from emulator.forwarding.walk import Walks
from emulator.units import Duration

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from emulator.forwarding.history import Destination
    from emulator.forwarding.walk import Path
    from emulator.network.model import Network

__all__ = ["FibEntry", "ForwardingPlane"]


class ForwardingPlane:
    """Data-plane changes in, the `ForwardingHistory` out.

    Every setter takes ``now``, an instant in ns that never goes back
    (`InvariantError`). All changes of one instant count together: what held
    within it is not seen. Everything up to and including t = 0 makes the state
    that the history starts with. Setting what is already so is no change.
    """

    def __init__(self, network: Network, destinations: Sequence[Destination]) -> None:
        """All FIBs empty, all links and routers up.

        The client groups and POPs are the network's. Destinations are numbered
        as `Destination.index` says, in order.
        """
        pop_at = [-1] * len(network.routers)
        for pop in reversed(network.pops):  # the first POP of a router that hosts several
            pop_at[pop.router] = pop.index
        self._network = network
        self._destinations = tuple(destinations)
        self._fibs = Fibs(network, self._destinations)
        self._walks = [Walks(self._fibs, each.prefixes, pop_at) for each in self._destinations]
        self._walks_of: dict[int, list[Walks]] = {}
        for destination, walks in zip(self._destinations, self._walks, strict=True):
            for prefix in destination.prefixes:
                self._walks_of.setdefault(prefix, []).append(walks)
        origins = dict.fromkeys(group.router for group in network.groups)
        self._changes: list[dict[int, tuple[list[int], list[int]]]] = [
            {router: ([], []) for router in origins} for _ in self._destinations
        ]
        self._state_of: dict[Path, int] = {}
        self._now: int | None = None
        self._is_started = False

    def set_route(self, now: int, router: int, prefix: int, entry: FibEntry | None) -> None:
        """Install ``entry`` for ``prefix`` in the router's FIB, or remove it (None)."""
        self._advance(now)
        if self._fibs.set_route(router, prefix, entry):
            for walks in self._walks_of[prefix]:
                walks.touch(router)

    def set_igp(self, now: int, router: int, next_hops: Mapping[int, int]) -> None:
        """Replace the router's IGP FIB: egress router -> link to cross. It is copied."""
        self._advance(now)
        if self._fibs.set_igp(router, next_hops):
            self._touch(router)

    def set_link(self, now: int, link: int, up: bool) -> None:
        """Whether ``link`` carries packets; whether routers know is another matter."""
        self._advance(now)
        if self._fibs.set_link(link, up=up):
            for end in self._network.links[link].ends:
                self._touch(end)

    def set_router(self, now: int, router: int, up: bool) -> None:
        """Whether ``router`` handles packets; a dead one drops all, also those for itself."""
        self._advance(now)
        if self._fibs.set_router(router, up=up):
            self._touch(router)

    def set_blackhole(self, now: int, router: int, drops: bool) -> None:
        """Whether ``router`` silently drops what it would forward, its own clients' packets too."""
        self._advance(now)
        if self._fibs.set_blackhole(router, drops=drops):
            self._touch(router)

    def set_degradation(self, now: int, directed_link: int, extra_delay_ns: int, loss: float) -> None:
        """Set one direction's extra delay (ns) and loss probability; (0, 0) mends it.

        Raises `InvariantError` for a negative delay or a loss outside [0, 1].
        """
        self._advance(now)
        if self._fibs.set_degradation(directed_link, extra_delay_ns, loss):
            for walks in self._walks:
                walks.touch_link(directed_link)

    def trace(self, router: int, destination: int) -> tuple[tuple[int, ...], Fate]:
        """Walk a packet from ``router`` as things stand now: the routers it passes, and its fate.

        In a loop the last router is one that came before.
        """
        prefixes = self._destinations[destination].prefixes
        passed = {router: None}
        while True:
            hop = self._fibs.next_hop(router, prefixes)
            if hop < 0:
                ends = {DELIVERED: Fate.DELIVERED, NO_ROUTE: Fate.NO_ROUTE}
                return tuple(passed), ends.get(hop, Fate.BLACKHOLE)
            router = self._fibs.target[hop]
            if router in passed:
                return (*passed, router), Fate.LOOP
            passed[router] = None

    def finish(self, end: int) -> ForwardingHistory:
        """Close the books: the history up to ``end`` (ns), complete over destinations and client groups."""
        self._advance(end)
        self._commit()
        timelines: dict[tuple[int, int], PathTimeline] = {}
        for index, changes in enumerate(self._changes):
            at_router = {router: _timeline(*change) for router, change in changes.items()}
            for group in self._network.groups:
                timelines[index, group.index] = at_router[group.router]
        states = tuple(
            PathState(Fate(fate), pop, Duration(one_way), loss, links)
            for fate, pop, one_way, loss, links in self._state_of
        )
        return ForwardingHistory(self._destinations, states, timelines, end)

    def _touch(self, router: int) -> None:
        for walks in self._walks:
            walks.touch(router)

    def _advance(self, now: int) -> None:
        """Come to ``now``: what was set at an earlier instant after 0, or up to 0, is complete."""
        if now == self._now:
            return
        if self._now is not None and now < self._now:
            message = f"a data-plane change at {now} ns after one at {self._now} ns"
            raise InvariantError(message)
        if now > 0:
            self._commit()
        self._now = now

    def _commit(self) -> None:
        """Walk what changed, and note the paths that are different."""
        start = max(self._now or 0, 0)
        for walks, changes in zip(self._walks, self._changes, strict=True):
            routers: Sequence[int] = walks.stale() if self._is_started else tuple(changes)
            for router in routers:
                if router not in changes:
                    continue
                state = self._state_of.setdefault(walks.path(router), len(self._state_of))
                starts, states = changes[router]
                if not states or states[-1] != state:
                    starts.append(start)
                    states.append(state)
        self._is_started = True


def _timeline(starts: list[int], states: list[int]) -> PathTimeline:
    """Arrays that groups of one router share, hence read-only."""
    timeline = PathTimeline(np.array(starts, dtype=np.int64), np.array(states, dtype=np.int32))
    timeline.starts.flags.writeable = False
    timeline.states.flags.writeable = False
    return timeline
