"""Link-state routing inside one AS: advertisements, flooding, SPF with throttling.

Pure like the speaker: the sim carries advertisements from router to router and
calls `LinkStateRouter.spf` when `SpfThrottle` says so. A link counts as up when
both of its ends say so (OSPF's two-way check, RFC 2328 16.1). Equal-cost paths
are resolved to the lowest link number; load sharing is not modelled.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING

from emulator.network.model import Relationship
from emulator.units import LONG_AGO, MILLISECOND, SECOND, Duration

if TYPE_CHECKING:
    from emulator.network.model import Network


@dataclass(frozen=True, slots=True)
class IgpConfig:
    """Timers of the IGP; defaults are those of a tuned backbone."""

    detection: Duration = Duration(10 * MILLISECOND)
    """From loss of light to the router knowing."""
    flood_processing: Duration = Duration(1 * MILLISECOND)
    """Spent by each router before it floods on."""
    spf_initial: Duration = Duration(50 * MILLISECOND)
    spf_hold: Duration = Duration(200 * MILLISECOND)
    spf_max: Duration = Duration(5 * SECOND)
    fib_install: Duration = Duration(50 * MILLISECOND)


@dataclass(frozen=True, slots=True)
class Advertisement:
    """A link-state advertisement: ``links`` masks those of the area's links that are up at ``origin``."""

    origin: int
    sequence: int
    links: int


@dataclass(frozen=True, slots=True)
class Routes:
    """One router's SPF result: for every router reached its cost, first link and one-way delay (ns)."""

    cost: dict[int, int]
    first_link: dict[int, int]
    delay: dict[int, int]


class Area:
    """The routers and internal links of one AS, with SPF results shared between equal views."""

    def __init__(self, network: Network, asn: int) -> None:
        """Number the INTERNAL links between the routers of ``asn``."""
        self.routers = network.routers_of[asn]
        self.links = tuple(
            link
            for link in network.links
            if link.relationship is Relationship.INTERNAL and network.routers[link.ends[0]].asn == asn
        )
        self.bit_of = {link.index: 1 << bit for bit, link in enumerate(self.links)}
        self.incident: dict[int, int] = dict.fromkeys(self.routers, 0)
        self._edges: dict[int, list[tuple[int, int, int, int, int]]] = {r: [] for r in self.routers}
        for link in self.links:
            bit = self.bit_of[link.index]
            for end in link.ends:
                self.incident[end] |= bit
                self._edges[end].append((bit, link.other(end), link.index, link.igp_cost, link.delay))
        self._cache: dict[tuple[int, int], Routes] = {}

    def links_at(self, router: int) -> list[int]:
        """Indices of the area's links at ``router``."""
        return [link for _, _, link, _, _ in self._edges[router]]

    def spf(self, root: int, up: int) -> Routes:
        """Dijkstra from ``root`` over the links in bit mask ``up``."""
        routes = self._cache.get((root, up))
        if routes is None:
            routes = self._cache[root, up] = self._dijkstra(root, up)
        return routes

    def _dijkstra(self, root: int, up: int) -> Routes:
        cost: dict[int, int] = {}
        first: dict[int, int] = {}
        delay: dict[int, int] = {}
        queue = [(0, -1, root, 0)]
        while queue:
            so_far, link, router, ns = heapq.heappop(queue)
            if router in cost:
                continue
            cost[router], delay[router] = so_far, ns
            if link >= 0:
                first[router] = link
            for bit, other, index, metric, hop in self._edges[router]:
                if up & bit and other not in cost:
                    heapq.heappush(queue, (so_far + metric, index if link < 0 else link, other, ns + hop))
        return Routes(cost, first, delay)


class LinkStateRouter:
    """One router's link-state database and its view of the area."""

    def __init__(self, area: Area, router: int) -> None:
        """Start synchronised, with every link up: the settled state."""
        self.area = area
        self.router = router
        self.database = {r: Advertisement(r, 0, mask) for r, mask in area.incident.items()}

    def local_change(self, link: int, *, is_up: bool) -> Advertisement:
        """Our own link changed: the advertisement to flood."""
        own, bit = self.database[self.router], self.area.bit_of[link]
        links = own.links | bit if is_up else own.links & ~bit
        new = Advertisement(self.router, own.sequence + 1, links)
        self.database[self.router] = new
        return new

    def look_around(self, up: int) -> Advertisement:
        """Look at all our links anew, ``up`` masks those that carry light: the advertisement to flood."""
        links = self.area.incident[self.router] & up
        new = Advertisement(self.router, self.database[self.router].sequence + 1, links)
        self.database[self.router] = new
        return new

    def receive(self, advertisement: Advertisement) -> bool:
        """Take a neighbour's advertisement; True when it is news, to be flooded on."""
        if advertisement.sequence <= self.database[advertisement.origin].sequence:
            return False
        self.database[advertisement.origin] = advertisement
        return True

    def view(self) -> int:
        """Bit mask of the links that both ends advertise."""
        once = both = 0
        for advertisement in self.database.values():
            both |= once & advertisement.links
            once |= advertisement.links
        return both

    def spf(self) -> Routes:
        """Shortest paths over the view."""
        return self.area.spf(self.router, self.view())


@dataclass(slots=True)
class SpfThrottle:
    """When the next SPF may run: after ``spf_initial``, then at growing intervals under churn."""

    config: IgpConfig
    due: int | None = None
    _hold: int = 0
    _last: int = LONG_AGO

    def trigger(self, now: int) -> int | None:
        """Something changed: the instant to run at, None where a run is already due."""
        if self.due is not None:
            return None
        since = now - self._last
        if since > 2 * max(self._hold, self.config.spf_hold):
            self._hold = 0
        wait = max(self.config.spf_initial, self._hold - since)
        self.due = now + wait
        return self.due

    def ran(self, now: int) -> None:
        """SPF ran at ``now``: double the hold."""
        self.due = None
        self._last = now
        self._hold = min(max(self.config.spf_hold, 2 * self._hold), self.config.spf_max)
