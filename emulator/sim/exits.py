"""Where a NEXT_HOP beyond the AS's border is left for, in ASes whose routers do not set next-hop-self.

Such a NEXT_HOP is the eBGP neighbour's router (RFC 4271 5.1.3). Border routers
are taken to carry the subnets of their eBGP links in the IGP, at no cost and for
as long as the session over the link is up, so it is as far as the nearest border
router that has a session with it. All routers of the AS know of a change at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.network.model import Relationship

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from emulator.bgp.wiring import Wiring
    from emulator.network.model import Network
    from emulator.sim.interior import Interior
    from emulator.sim.session import Session


class Exits:
    """The ways out of each AS that needs to know them, as things stand."""

    def __init__(
        self,
        network: Network,
        wiring: Wiring,
        interiors: Mapping[int, Interior],
        session_over: Callable[[int], Session],
    ) -> None:
        """``session_over`` gives the eBGP session over a link."""
        self._network = network
        self._interiors = interiors
        self._session_over = session_over
        self._ways: dict[tuple[int, int], list[tuple[int, int]]] = {}
        for router, asn in enumerate(each.asn for each in network.routers):
            if any(peer.asn == asn and not peer.next_hop_self for peer in wiring.peers[router]):
                for index in network.links_of[router]:
                    link = network.links[index]
                    if link.relationship is not Relationship.INTERNAL:
                        self._ways.setdefault((asn, link.other(router)), []).append((router, index))
        self._systems = frozenset(asn for asn, _ in self._ways)

    def are_known_to(self, router: int) -> bool:
        """Whether the router may be given a NEXT_HOP outside its AS over iBGP."""
        return self._network.routers[router].asn in self._systems

    def nearest(self, router: int, target: int) -> tuple[int, int, int] | None:
        """Cost, border router and link of the nearest way out of ``router``'s AS to ``target``, if any."""
        asn = self._network.routers[router].asn
        found = []
        for border, link in self._ways.get((asn, target), ()):
            cost = self._interiors[asn].cost(router, border)
            halves = self._session_over(link).halves
            if cost is not None and any(half.is_up for half in halves if half.router.index == border):
                found.append((cost, border, link))
        return min(found, default=None)

    def cost(self, router: int) -> Callable[[int], int | None]:
        """`Interior.cost` from ``router``, to routers beyond the border as well."""
        interior = self._interiors[self._network.routers[router].asn]

        def cost(target: int) -> int | None:
            inside = interior.cost(router, target)
            if inside is not None:
                return inside
            nearest = self.nearest(router, target)
            return None if nearest is None else nearest[0]

        return cost
