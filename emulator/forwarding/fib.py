"""What each router does with a packet at this moment: FIBs, IGP next hops, and what is broken.

One table of the whole network's data plane. `Fibs.next_hop` is the only place
that says what happens to a packet at a router; walks are built on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from emulator.errors import InvariantError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from emulator.forwarding.history import Destination
    from emulator.network.model import Network

DELIVERED: Final = -1
"""`Fibs.next_hop`: the packet is for this router's own POP."""
NO_ROUTE: Final = -2
"""`Fibs.next_hop`: no FIB entry matches."""
DROPPED: Final = -3
"""`Fibs.next_hop`: it would go over something dead, or the router drops what it forwards."""


@dataclass(frozen=True, slots=True)
class FibEntry:
    """How a router forwards one prefix: over an eBGP link, towards an egress, or no further.

    At most one of them is set; with none the packet is delivered here.
    """

    link: int | None = None
    """Index of the eBGP link to cross."""
    egress: int | None = None
    """Index of the router of the same AS to reach by the IGP (RFC 4271 5.1.3, next-hop-self)."""
    discard: bool = False
    """Drop it here: nothing more specific than our own aggregate is known, or the prefix is blackholed."""


class Fibs:
    """The data plane of every router, as it stands now.

    The setters return whether anything changed. Directed links are numbered
    ``2 * link.index``, one more when crossed from ``ends[1]`` to ``ends[0]``.
    """

    def __init__(self, network: Network, destinations: Sequence[Destination]) -> None:
        """Nothing is routed yet; every link and router works."""
        count = len(network.routers)
        used = dict.fromkeys(prefix for destination in destinations for prefix in destination.prefixes)
        self._entries: dict[int, list[FibEntry | None]] = {prefix: [None] * count for prefix in used}
        self._igp: list[dict[int, int]] = [{} for _ in range(count)]
        self._link_up = [True] * len(network.links)
        self._router_up = [True] * count
        self._blackhole = [False] * count
        self._base_delay = [int(link.delay) for link in network.links for _ in link.ends]
        self.source = [end for link in network.links for end in link.ends]
        """Directed link -> router it leaves."""
        self.target = [end for link in network.links for end in reversed(link.ends)]
        """Directed link -> router it enters."""
        self.delay = list(self._base_delay)
        """Directed link -> one-way delay now, ns, degradation included."""
        self.loss = [0.0] * len(self.delay)
        """Directed link -> probability that it loses a packet."""

    def next_hop(self, router: int, prefixes: Sequence[int]) -> int:
        """Directed link that a packet leaves ``router`` over, or one of the negative constants.

        ``prefixes`` are those that cover its address, longest first. The lookup
        comes before a blackhole: such a router still accepts what is for itself.
        """
        if not self._router_up[router]:
            return DROPPED
        for prefix in prefixes:
            entry = self._entries[prefix][router]
            if entry is not None:
                break
        else:
            return NO_ROUTE
        link = entry.link
        if link is None:
            if entry.egress is None:
                return DROPPED if entry.discard else DELIVERED
            link = self._igp[router].get(entry.egress)
        if link is None or self._blackhole[router] or not self._link_up[link]:
            return DROPPED
        return self.directed(router, link)

    def directed(self, router: int, link: int) -> int:
        """``link`` crossed away from ``router``; an end of it, else `InvariantError`."""
        crossing = 2 * link
        if self.source[crossing] == router:
            return crossing
        if self.source[crossing + 1] == router:
            return crossing + 1
        message = f"router {router} forwards over link {link}, which it has no end of"
        raise InvariantError(message)

    def set_route(self, router: int, prefix: int, entry: FibEntry | None) -> bool:
        """Install ``entry``, or remove what is there. A prefix that covers no destination is ignored."""
        entries = self._entries.get(prefix)
        if entries is None or entries[router] == entry:
            return False
        entries[router] = entry
        return True

    def set_igp(self, router: int, next_hops: Mapping[int, int]) -> bool:
        """Replace the router's IGP FIB: egress router -> link to cross."""
        if self._igp[router] == next_hops:
            return False
        self._igp[router] = dict(next_hops)
        return True

    def set_link(self, link: int, *, up: bool) -> bool:
        """Whether ``link`` carries packets, both ways."""
        changed, self._link_up[link] = self._link_up[link] != up, up
        return changed

    def set_router(self, router: int, *, up: bool) -> bool:
        """Whether ``router`` handles packets at all."""
        changed, self._router_up[router] = self._router_up[router] != up, up
        return changed

    def set_blackhole(self, router: int, *, drops: bool) -> bool:
        """Whether ``router`` drops what it would forward."""
        changed, self._blackhole[router] = self._blackhole[router] != drops, drops
        return changed

    def set_degradation(self, directed_link: int, extra_delay_ns: int, loss: float) -> bool:
        """Set extra delay (ns) and loss of one direction of a link, in place of what was set before."""
        if extra_delay_ns < 0 or not 0 <= loss <= 1:
            message = f"a degradation of {extra_delay_ns} ns and loss {loss} cannot be"
            raise InvariantError(message)
        delay = self._base_delay[directed_link] + extra_delay_ns
        if self.delay[directed_link] == delay and self.loss[directed_link] == loss:
            return False
        self.delay[directed_link] = delay
        self.loss[directed_link] = loss
        return True
