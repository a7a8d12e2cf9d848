"""Between the emulator's numbers and the wire's addresses.

The emulator knows prefixes and routers by number; what addresses they have is
the caller's plan, an `Addressing`. One plan may differ from session to session,
as a router's next hop does.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

from emulator.bgp.attributes import DEFAULT_LOCAL_PREF, Attributes, Origin
from emulator.bgp.messages import EndOfRib, Family, Keepalive, Notification, Open, RouteRefresh, Update
from emulator.wire.iana import SegmentKind
from emulator.wire.messages import (
    Aggregator,
    MpReach,
    MpUnreach,
    OtherRouteRefresh,
    PathAttributes,
    Segment,
    UpdateMessage,
)
from emulator.wire.session import DEFAULT_SESSION

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emulator.bgp.messages import Message as SpeakerMessage
    from emulator.wire.messages import Message, WirePrefix
    from emulator.wire.session import Session


class Addressing(Protocol):
    """Which address is whose; what it does not know raises KeyError."""

    def prefix(self, number: int) -> WirePrefix:
        """The prefix that the scenario gave ``number``."""

    def prefix_number(self, prefix: WirePrefix) -> int:
        """The reverse."""

    def next_hops(self, router: int, family: Family) -> tuple[int, ...]:
        """The address that ``router`` is reached at, and for IPv6 perhaps a link-local one behind it."""

    def router(self, family: Family, address: int) -> int:
        """Whose ``address`` is."""


class AddressTable:
    """An `Addressing` of two tables: prefix numbers and the routers' next hops."""

    def __init__(
        self,
        prefixes: Mapping[int, WirePrefix],
        next_hops: Mapping[tuple[int, Family], tuple[int, ...]],
    ) -> None:
        """``next_hops`` is by router and family; a router's first address is what it is known by."""
        self._prefixes = dict(prefixes)
        self._next_hops = dict(next_hops)
        self._numbers = {prefix: number for number, prefix in prefixes.items()}
        self._routers = {(family, hops[0]): router for (router, family), hops in next_hops.items()}

    def prefix(self, number: int) -> WirePrefix:
        """See `Addressing`."""
        return self._prefixes[number]

    def prefix_number(self, prefix: WirePrefix) -> int:
        """See `Addressing`."""
        return self._numbers[prefix]

    def next_hops(self, router: int, family: Family) -> tuple[int, ...]:
        """See `Addressing`."""
        return self._next_hops[router, family]

    def router(self, family: Family, address: int) -> int:
        """See `Addressing`."""
        return self._routers[family, address]


def to_wire(message: SpeakerMessage, addressing: Addressing, session: Session = DEFAULT_SESSION) -> Message:
    """The speaker's message as ``session`` has it: IPv4 in the UPDATE's own fields, IPv6 in MP_REACH_NLRI."""
    if not isinstance(message, Update):
        return message
    prefix = addressing.prefix(message.prefix)
    is_ipv4 = prefix.family is Family.IPV4
    if message.attributes is None:
        if is_ipv4:
            return UpdateMessage((prefix,))
        return UpdateMessage(unreach=MpUnreach(prefix.family, (prefix,)))
    hops = addressing.next_hops(message.attributes.next_hop, prefix.family)
    if is_ipv4:
        attributes = attributes_to_wire(message.attributes, hops[0], is_ebgp=session.is_ebgp)
        return UpdateMessage((), attributes, (prefix,))
    attributes = attributes_to_wire(message.attributes, None, is_ebgp=session.is_ebgp)
    return UpdateMessage((), attributes, reach=MpReach(prefix.family, hops, (prefix,)))


@lru_cache(maxsize=1 << 14)
def attributes_to_wire(attributes: Attributes, next_hop: int | None, *, is_ebgp: bool) -> PathAttributes:
    """The path attributes of a route; ``next_hop`` is the IPv4 address, None with MP_REACH_NLRI.

    LOCAL_PREF, ORIGINATOR_ID and CLUSTER_LIST stay within the AS (RFC 4271 section 5.1.5, RFC 4456).
    """
    path = attributes.as_path
    return PathAttributes(
        origin=Origin(attributes.origin),
        as_path=(Segment(SegmentKind.AS_SEQUENCE, path),) if path else (),
        next_hop=next_hop,
        med=attributes.med,
        local_pref=None if is_ebgp else attributes.local_pref,
        atomic_aggregate=attributes.atomic_aggregate,
        aggregator=None if attributes.aggregator is None else Aggregator(*attributes.aggregator),
        communities=attributes.communities,
        originator_id=None if is_ebgp else attributes.originator_id,
        cluster_list=() if is_ebgp else attributes.cluster_list,
        extended_communities=attributes.extended_communities,
        large_communities=attributes.large_communities,
        only_to_customer=attributes.only_to_customer,
    )


def from_wire(message: Message, addressing: Addressing) -> tuple[SpeakerMessage, ...]:
    """What the speaker is told, one `Update` a prefix, withdrawals first.

    Treat-as-withdraw is carried out: of malformed attributes (RFC 7606) and of a
    path with a set (RFC 9774) or confederation segments, which no neighbour of ours
    has reason to send (RFC 5065 section 4.1). A ROUTE-REFRESH that is not spoken gives nothing.
    """
    if isinstance(message, (Open, Keepalive, Notification, RouteRefresh, EndOfRib)):
        return (message,)
    if isinstance(message, OtherRouteRefresh):
        return ()
    gone = [Update(addressing.prefix_number(prefix), None) for prefix in message.all_withdrawn]
    if message.attributes is None or not message.announced:
        return tuple(gone)
    if not is_plain(message.attributes):
        return (*gone, *(Update(addressing.prefix_number(prefix), None) for prefix in message.announced))
    new: list[Update] = []
    if message.nlri and message.attributes.next_hop is not None:
        router = addressing.router(Family.IPV4, message.attributes.next_hop)
        attributes = attributes_from_wire(message.attributes, router)
        new += [Update(addressing.prefix_number(prefix), attributes) for prefix in message.nlri]
    if message.reach is not None:
        router = addressing.router(message.reach.family, message.reach.next_hops[0])
        attributes = attributes_from_wire(message.attributes, router)
        new += [Update(addressing.prefix_number(prefix), attributes) for prefix in message.reach.prefixes]
    return (*gone, *new)


def is_plain(attributes: PathAttributes) -> bool:
    """Whether the AS_PATH is nothing but sequences, as the emulator's are."""
    return all(segment.kind is SegmentKind.AS_SEQUENCE for segment in attributes.as_path or ())


@lru_cache(maxsize=1 << 14)
def attributes_from_wire(attributes: PathAttributes, router: int) -> Attributes:
    """The attributes as the speaker keeps them, ``router`` being the next hop; of plain paths only."""
    return Attributes(
        as_path=tuple(asn for segment in attributes.as_path or () for asn in segment.asns),
        next_hop=router,
        local_pref=DEFAULT_LOCAL_PREF if attributes.local_pref is None else attributes.local_pref,
        med=attributes.med,
        origin=Origin.INCOMPLETE if attributes.origin is None else attributes.origin,
        communities=tuple(sorted(set(attributes.communities))),
        large_communities=tuple(sorted(set(attributes.large_communities))),
        extended_communities=tuple(sorted(set(attributes.extended_communities))),
        originator_id=attributes.originator_id,
        cluster_list=attributes.cluster_list,
        only_to_customer=attributes.only_to_customer,
        aggregator=attributes.aggregator and (attributes.aggregator.asn, attributes.aggregator.router_id),
        atomic_aggregate=attributes.atomic_aggregate,
    )
