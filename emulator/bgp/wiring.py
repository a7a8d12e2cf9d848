"""Who peers with whom: eBGP over every link between two ASes, iBGP in a full mesh.

Routers of one AS that no internal link joins (a CDN's POPs without a backbone)
have no iBGP session: they are islands that share an AS number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from emulator.bgp.peer import PeerConfig
from emulator.bgp.policy import Relation
from emulator.network.model import Relationship

if TYPE_CHECKING:
    from emulator.network.model import Link, Network


@dataclass(frozen=True, slots=True)
class Wire:
    """A session: each end's router and its number for the session; ``link`` is None for iBGP."""

    routers: tuple[int, int]
    peers: tuple[int, int]
    link: int | None


@dataclass(frozen=True, slots=True)
class Wiring:
    """All sessions, and for each router its peers in the order of their numbers."""

    peers: tuple[tuple[PeerConfig, ...], ...]
    wires: tuple[Wire, ...]


def wire(network: Network) -> Wiring:
    """List the sessions of ``network``; a router numbers its peers by router, then link."""
    pairs = [(*sorted(link.ends), link.index) for link in network.links if _is_external(link)]
    pairs += [(first, second, -1) for first, second in _full_mesh(network)]
    pairs.sort()
    peers: list[list[PeerConfig]] = [[] for _ in network.routers]
    wires = []
    for first, second, index in pairs:
        link = network.links[index] if index >= 0 else None
        numbers = len(peers[first]), len(peers[second])
        peers[first].append(_peer(network, link, first, second))
        peers[second].append(_peer(network, link, second, first))
        wires.append(Wire((first, second), numbers, None if link is None else link.index))
    return Wiring(tuple(tuple(each) for each in peers), tuple(wires))


def _is_external(link: Link) -> bool:
    return link.relationship is not Relationship.INTERNAL


def _peer(network: Network, link: Link | None, own: int, far: int) -> PeerConfig:
    router = network.routers[far]
    if link is None:
        relation = Relation.INTERNAL
    elif link.relationship is Relationship.PEER:
        relation = Relation.PEER
    elif link.relationship is Relationship.CUSTOMER_PROVIDER:
        relation = Relation.PROVIDER if link.ends[0] == own else Relation.CUSTOMER
    else:
        relation = Relation.NONE
    return PeerConfig(router.asn, far, router.router_id, relation)


def _full_mesh(network: Network) -> list[tuple[int, int]]:
    """Every two routers of an AS that internal links join."""
    island = list(range(len(network.routers)))

    def root(router: int) -> int:
        while island[router] != router:
            island[router] = router = island[island[router]]
        return router

    for link in network.links:
        if not _is_external(link):
            first, second = sorted(map(root, link.ends))
            island[second] = first
    return [
        (first, second)
        for members in network.routers_of.values()
        for place, first in enumerate(members)
        for second in members[place + 1 :]
        if root(first) == root(second)
    ]
