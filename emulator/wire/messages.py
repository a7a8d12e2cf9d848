"""Messages with real addresses: UPDATE as it is sent, with any number of prefixes.

The others are those of `emulator.bgp.messages`. Addresses are integers of 32 or
128 bits, which is what comparing and sorting wants; the functions at the end
turn them into text and back.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final, NamedTuple

from emulator.bgp.messages import EndOfRib, Family, Keepalive, Notification, Open, RouteRefresh

if TYPE_CHECKING:
    from emulator.bgp.attributes import Community, ExtendedCommunity, LargeCommunity, Origin
    from emulator.wire.iana import SegmentKind

BITS: Final = {Family.IPV4: 32, Family.IPV6: 128}


class WirePrefix(NamedTuple):
    """A prefix; ``network`` has its host bits zero."""

    family: Family
    network: int
    length: int


class Segment(NamedTuple):
    """A piece of an AS_PATH (RFC 4271 section 4.3), the neighbor AS first."""

    kind: SegmentKind
    asns: tuple[int, ...]


class UnknownAttribute(NamedTuple):
    """An optional attribute that is not spoken here, as it came."""

    flags: int
    code: int
    value: bytes


class Aggregator(NamedTuple):
    """AGGREGATOR: who formed the aggregate (RFC 4271 section 5.1.7)."""

    asn: int
    router_id: int


@dataclass(frozen=True, slots=True)
class PathAttributes:
    """The path attributes that all prefixes of an UPDATE share; None or empty where absent.

    MP_REACH_NLRI and MP_UNREACH_NLRI are not among them: they are fields of the
    `UpdateMessage`. Of a two-octet session, ``as_path`` and ``aggregator`` are what
    RFC 6793 section 4.2.3 makes of them with AS4_PATH and AS4_AGGREGATOR. Communities
    keep the order they were sent in.
    """

    origin: Origin | None = None
    as_path: tuple[Segment, ...] | None = None
    next_hop: int | None = None
    """Of the prefixes in ``nlri`` (IPv4)."""
    med: int | None = None
    local_pref: int | None = None
    atomic_aggregate: bool = False
    aggregator: Aggregator | None = None
    communities: tuple[Community, ...] = ()
    originator_id: int | None = None
    cluster_list: tuple[int, ...] = ()
    extended_communities: tuple[ExtendedCommunity, ...] = ()
    large_communities: tuple[LargeCommunity, ...] = ()
    only_to_customer: int | None = None
    unknown: tuple[UnknownAttribute, ...] = ()
    partial: tuple[int, ...] = ()
    """Codes of attributes that came with the Partial bit, also of AS4 ones merged into others; ascending."""


class MpReach(NamedTuple):
    """MP_REACH_NLRI (RFC 4760 section 3): prefixes of any family, and their next hop.

    ``next_hops`` is one address, or for IPv6 the global and the link-local one (RFC 2545 section 3).
    """

    family: Family
    next_hops: tuple[int, ...]
    prefixes: tuple[WirePrefix, ...]


class MpUnreach(NamedTuple):
    """MP_UNREACH_NLRI (RFC 4760 section 4)."""

    family: Family
    prefixes: tuple[WirePrefix, ...]


class Approach(Enum):
    """What RFC 7606 section 2 does about a malformed attribute, the session staying up."""

    ATTRIBUTE_DISCARD = "attribute discard"
    TREAT_AS_WITHDRAW = "treat-as-withdraw"


@dataclass(frozen=True, slots=True)
class MalformedAttribute:
    """An attribute that was not taken, and why; ``code`` 0 stands for the list as a whole."""

    code: int
    approach: Approach
    reason: str
    flags: int = 0
    value: bytes = b""


@dataclass(frozen=True, slots=True)
class UpdateMessage:
    """UPDATE (RFC 4271 section 4.3).

    ``withdrawn`` and ``nlri`` are the two fields of IPv4 prefixes. ``attributes``
    is None where the message has none but MP_UNREACH_NLRI.
    """

    withdrawn: tuple[WirePrefix, ...] = ()
    attributes: PathAttributes | None = None
    nlri: tuple[WirePrefix, ...] = ()
    reach: MpReach | None = None
    unreach: MpUnreach | None = None
    malformed: tuple[MalformedAttribute, ...] = ()
    """What was wrong with a received message, in its order; never sent."""

    @property
    def is_treated_as_withdraw(self) -> bool:
        """Whether an error takes back what the message announces (RFC 7606 section 2)."""
        return any(each.approach is Approach.TREAT_AS_WITHDRAW for each in self.malformed)

    @property
    def announced(self) -> tuple[WirePrefix, ...]:
        """Prefixes that now have the message's attributes."""
        return () if self.malformed and self.is_treated_as_withdraw else self._reachable

    @property
    def all_withdrawn(self) -> tuple[WirePrefix, ...]:
        """Prefixes that are now gone, those of a message treated as withdraw among them."""
        gone = self.withdrawn if self.unreach is None else self.withdrawn + self.unreach.prefixes
        return gone + self._reachable if self.malformed and self.is_treated_as_withdraw else gone

    @property
    def _reachable(self) -> tuple[WirePrefix, ...]:
        """Both places an announced prefix can be in."""
        return self.nlri if self.reach is None else self.nlri + self.reach.prefixes

    def next_hops(self, prefix: WirePrefix) -> tuple[int, ...]:
        """The next hop of an announced ``prefix``, and a link-local one if given; empty if there is none."""
        if self.reach is not None and prefix in self.reach.prefixes:
            return self.reach.next_hops
        next_hop = None if self.attributes is None else self.attributes.next_hop
        return () if next_hop is None else (next_hop,)


@dataclass(frozen=True, slots=True)
class OtherRouteRefresh:
    """A ROUTE-REFRESH to be passed over: a family or a subtype (RFC 7313) that is not spoken here."""

    afi: int
    safi: int
    subtype: int


Message = Open | Keepalive | Notification | RouteRefresh | EndOfRib | UpdateMessage | OtherRouteRefresh


def parse_prefix(text: str) -> WirePrefix:
    """``192.0.2.0/24`` or ``2001:db8::/32``; ValueError where that is no prefix or has host bits."""
    import ipaddress

    network = ipaddress.ip_network(text)
    family = Family.IPV4 if network.version == 4 else Family.IPV6  # noqa: PLR2004 - IP's version number
    return WirePrefix(family, int(network.network_address), network.prefixlen)


def prefix_text(prefix: WirePrefix) -> str:
    """The prefix as people write it (RFC 5952)."""
    return f"{address_text(prefix.family, prefix.network)}/{prefix.length}"


def parse_address(text: str) -> int:
    """An IPv4 or IPv6 address as a number; ValueError where it is none."""
    import ipaddress

    return int(ipaddress.ip_address(text))


def address_text(family: Family, address: int) -> str:
    """The address as people write it (RFC 5952)."""
    import ipaddress

    kind = ipaddress.IPv4Address if family is Family.IPV4 else ipaddress.IPv6Address
    return str(kind(address))
