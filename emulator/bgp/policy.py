"""Import and export policy: permit-all, Gao-Rexford relationships, ranked paths.

A policy maps attributes to attributes or to None (refused). Relationships
follow Gao and Rexford (IEEE/ACM ToN 2001): customers before peers before
providers, and only customer routes and one's own are exported to peers and
providers. Inside an AS a route's origin travels as a large community
(``asn:1:relation``), as operators do it, and is removed at the border; so does
whom a route originated here may be announced to (``asn:2:neighbor``). Any other
large community of the AS is its operator's, and leaves it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

    from emulator.bgp.attributes import Attributes, LargeCommunity
    from emulator.bgp.peer import PeerConfig


class Relation(IntEnum):
    """What the peer is to this speaker."""

    NONE = 0
    PROVIDER = 1
    PEER = 2
    CUSTOMER = 3
    INTERNAL = 4
    """The same AS: an iBGP session."""


LOCAL_PREF_OF: Final = {Relation.PROVIDER: 100, Relation.PEER: 200, Relation.CUSTOMER: 300}
_HEARS_ALL: Final = (Relation.CUSTOMER, Relation.NONE, Relation.INTERNAL)
_TAGGED: Final = (Relation.PROVIDER, Relation.PEER, Relation.CUSTOMER)
_TAG: Final = 1
_ONLY_TO: Final = 2


class Policy(Protocol):
    """What a speaker asks before it accepts an eBGP route and before it sends one."""

    def accept(self, attributes: Attributes, prefix: int, peer: PeerConfig, asn: int) -> Attributes | None:
        """Post-policy attributes of a route that ``peer`` sent, or None to refuse it.

        ``asn`` is the speaker's own AS.
        """

    def export(self, attributes: Attributes, prefix: int, peer: PeerConfig, asn: int) -> Attributes | None:
        """What of a Loc-RIB route goes to ``peer``, or None for nothing.

        ``attributes`` are as in the Loc-RIB: the speaker adds its AS and next hop afterwards.
        """


@dataclass(frozen=True, slots=True)
class PermitAll:
    """Everything is accepted and sent on: the convergence literature's clique."""

    def accept(self, attributes: Attributes, prefix: int, peer: PeerConfig, asn: int) -> Attributes | None:
        """Take the route as it is."""
        del prefix, peer, asn
        return attributes

    def export(self, attributes: Attributes, prefix: int, peer: PeerConfig, asn: int) -> Attributes | None:
        """Send to all."""
        del prefix, peer, asn
        return attributes


@dataclass(frozen=True, slots=True)
class GaoRexford:
    """Prefer customers, then peers, then providers; export valley-free."""

    def accept(self, attributes: Attributes, prefix: int, peer: PeerConfig, asn: int) -> Attributes | None:
        """Set LOCAL_PREF by relationship and remember it as a community that only we may set."""
        del prefix
        relation = peer.relation
        communities = _without_tags(attributes.large_communities, asn)
        if relation is Relation.NONE:
            if communities == attributes.large_communities:
                return attributes
            return replace(attributes, large_communities=communities)
        if relation is Relation.INTERNAL:
            return attributes
        return replace(
            attributes,
            local_pref=LOCAL_PREF_OF[relation],
            large_communities=tuple(sorted((*communities, own_tag(asn, relation)))),
        )

    def export(self, attributes: Attributes, prefix: int, peer: PeerConfig, asn: int) -> Attributes | None:
        """To customers everything; to peers and providers only what customers announced."""
        del prefix
        if peer.relation in _HEARS_ALL or not _is_from_above(attributes, asn):
            return attributes
        return None


@dataclass(frozen=True, slots=True)
class RankedPaths:
    """A node of a stable-paths problem (Griffin, Shepherd, Wilfong, ToN 2002).

    ``paths`` are AS paths as received, best first; a path that is not listed is
    refused. This is how the gadgets are written down.
    """

    paths: tuple[tuple[int, ...], ...]

    def accept(self, attributes: Attributes, prefix: int, peer: PeerConfig, asn: int) -> Attributes | None:
        """LOCAL_PREF falls with the rank."""
        del prefix, peer, asn
        if attributes.as_path not in self.paths:
            return None
        rank = self.paths.index(attributes.as_path)
        return replace(attributes, local_pref=1000 - rank)

    def export(self, attributes: Attributes, prefix: int, peer: PeerConfig, asn: int) -> Attributes | None:
        """Send to all."""
        del prefix, peer, asn
        return attributes


@dataclass(frozen=True, slots=True)
class LocalPrefByNeighbor:
    """Another policy, with LOCAL_PREF set by the neighbour router that the route comes from."""

    base: Policy
    preferences: tuple[tuple[int, int], ...]
    """Router index and LOCAL_PREF."""

    def accept(self, attributes: Attributes, prefix: int, peer: PeerConfig, asn: int) -> Attributes | None:
        """The base policy's attributes with our LOCAL_PREF; NEXT_HOP names the neighbour on arrival."""
        accepted = self.base.accept(attributes, prefix, peer, asn)
        for router, preference in self.preferences:
            if accepted is not None and attributes.next_hop == router:
                return replace(accepted, local_pref=preference)
        return accepted

    def export(self, attributes: Attributes, prefix: int, peer: PeerConfig, asn: int) -> Attributes | None:
        """As the base policy says."""
        return self.base.export(attributes, prefix, peer, asn)


def own_tag(asn: int, relation: Relation) -> LargeCommunity:
    """The community by which ``asn`` remembers that a route came from a customer, peer or provider."""
    return asn, _TAG, int(relation)


def own_tags(asn: int) -> tuple[LargeCommunity, ...]:
    """All that `own_tag` may give, in order."""
    return tuple(own_tag(asn, relation) for relation in _TAGGED)


def learned_from(attributes: Attributes, asn: int) -> Relation:
    """Where ``asn`` learned the route, by its own community; NONE for its own routes."""
    for relation in _TAGGED:
        if own_tag(asn, relation) in attributes.large_communities:
            return relation
    return Relation.NONE


def _is_from_above(attributes: Attributes, asn: int) -> bool:
    """Whether a provider or a peer brought the route."""
    return any(
        administrator == asn and kind == _TAG and value in (Relation.PROVIDER, Relation.PEER)
        for administrator, kind, value in attributes.large_communities
    )


def _without_tags(communities: tuple[LargeCommunity, ...], asn: int) -> tuple[LargeCommunity, ...]:
    """``communities`` less the AS's own tags, which only the AS itself may set."""
    if not communities:
        return communities
    tags = own_tags(asn)
    return tuple(dict.fromkeys(each for each in communities if each not in tags))


def announce_only_to(asn: int, neighbors: Iterable[int]) -> tuple[LargeCommunity, ...]:
    """Communities by which all border routers of ``asn`` announce a route to ``neighbors`` (ASes) alone."""
    return tuple((asn, _ONLY_TO, neighbor) for neighbor in (0, *sorted(neighbors)))


def announced_to(attributes: Attributes, asn: int) -> frozenset[int] | None:
    """The ASes that ``asn`` announces the route to, None where there is no such limit."""
    neighbors = frozenset(c[2] for c in attributes.large_communities if c[:2] == (asn, _ONLY_TO))
    return neighbors or None


def marks(asn: int) -> tuple[tuple[int, int, int | None], ...]:
    """The large communities that stay inside ``asn``: `own_tags`, and any of `announce_only_to` (None)."""
    return (*own_tags(asn), (asn, _ONLY_TO, None))


def is_mark(community: LargeCommunity, asn: int) -> bool:
    """Whether it is one of `marks`."""
    administrator, kind, value = community
    return administrator == asn and (kind == _ONLY_TO or (kind == _TAG and value in _TAGGED))


def strip_own(attributes: Attributes, asn: int) -> tuple[LargeCommunity, ...]:
    """The large communities that may leave the AS: all but its `marks`."""
    return tuple(c for c in attributes.large_communities if not is_mark(c, asn))
