"""Who peers with whom: eBGP over every link between two ASes, iBGP in a full mesh or by route reflectors.

Where an AS has route reflectors (RFC 4456), each peers with its clients, and
all routers that are nobody's client peer with each other, reflectors included.
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
    from collections.abc import Mapping

    from emulator.network.model import Link, Network

    Clients = Mapping[int, frozenset[int]]


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


def wire(network: Network, clients: Clients | None = None) -> Wiring:
    """List the sessions of ``network``; a router numbers its peers by router, then link.

    ``clients`` are those of each route reflector, by router index.
    """
    clients = clients or {}
    pairs = [(*sorted(link.ends), link.index) for link in network.links if _is_external(link)]
    pairs += [(first, second, -1) for first, second in _interior(network, clients)]
    pairs.sort()
    peers: list[list[PeerConfig]] = [[] for _ in network.routers]
    wires = []
    for first, second, index in pairs:
        link = network.links[index] if index >= 0 else None
        numbers = len(peers[first]), len(peers[second])
        peers[first].append(_peer(network, link, first, second, clients))
        peers[second].append(_peer(network, link, second, first, clients))
        wires.append(Wire((first, second), numbers, None if link is None else link.index))
    return Wiring(tuple(tuple(each) for each in peers), tuple(wires))


def _is_external(link: Link) -> bool:
    return link.relationship is not Relationship.INTERNAL


def _peer(network: Network, link: Link | None, own: int, far: int, clients: Clients) -> PeerConfig:
    router = network.routers[far]
    if link is None:
        relation = Relation.INTERNAL
    elif link.relationship is Relationship.PEER:
        relation = Relation.PEER
    elif link.relationship is Relationship.CUSTOMER_PROVIDER:
        relation = Relation.PROVIDER if link.ends[0] == own else Relation.CUSTOMER
    else:
        relation = Relation.NONE
    is_client = link is None and far in clients.get(own, ())
    return PeerConfig(router.asn, far, router.router_id, relation, is_client=is_client)


def _interior(network: Network, clients: Clients) -> list[tuple[int, int]]:
    """Every two routers of an AS that internal links join and that have an iBGP session."""
    island = _islands(network)
    served = frozenset(client for each in clients.values() for client in each)
    return [
        (first, second)
        for members in network.routers_of.values()
        for place, first in enumerate(members)
        for second in members[place + 1 :]
        if island[first] == island[second]
        and (
            not (first in served or second in served)
            or second in clients.get(first, ())
            or first in clients.get(second, ())
        )
    ]


def _islands(network: Network) -> list[int]:
    """For each router the least one that internal links join it to."""
    island = list(range(len(network.routers)))

    def root(router: int) -> int:
        while island[router] != router:
            island[router] = router = island[island[router]]
        return router

    for link in network.links:
        if not _is_external(link):
            first, second = sorted(map(root, link.ends))
            island[second] = first
    return [root(router) for router in range(len(island))]
