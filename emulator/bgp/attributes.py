"""Path attributes (RFC 4271 section 4.3, 5) as the speaker sees them.

Prefixes are small integers handed out by the scenario and next hops are router
indices; the speaker never looks inside either. Addresses appear only in
`emulator.wire`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final


class Origin(IntEnum):
    """ORIGIN (RFC 4271 5.1.1); the lower is preferred."""

    IGP = 0
    EGP = 1
    INCOMPLETE = 2


Community = int
"""RFC 1997: 32 bits, by convention the AS number in the upper half."""
ExtendedCommunity = int
"""RFC 4360: 64 bits, the type in the upper octets."""
LargeCommunity = tuple[int, int, int]
"""RFC 8092: global administrator (an AS number) and two local data parts."""

DEFAULT_LOCAL_PREF: Final = 100
OWN_LOCAL_PREF: Final = 400
"""Of routes originated here: the whole AS prefers them to a customer's, as operators set it."""

# Well-known communities: https://www.iana.org/assignments/bgp-well-known-communities/
GRACEFUL_SHUTDOWN: Final = 0xFFFF0000
"""RFC 8326: the sender is about to go; receivers lower LOCAL_PREF to 0."""
BLACKHOLE: Final = 0xFFFF029A
"""RFC 7999: discard traffic to the prefix."""
NO_EXPORT: Final = 0xFFFFFF01
"""RFC 1997: not beyond the AS (or confederation)."""
NO_ADVERTISE: Final = 0xFFFFFF02
"""RFC 1997: not to any peer."""
NO_EXPORT_SUBCONFED: Final = 0xFFFFFF03
"""RFC 1997: not to any eBGP peer, confederation members included."""


@dataclass(frozen=True, slots=True)
class Attributes:
    """What a route says of itself.

    ``next_hop`` is the index of the router whose address it is: the eBGP
    neighbour's, or with next-hop-self that of the border router. ``local_pref``
    is meaningful inside an AS only (RFC 4271 5.1.5). ``med`` is None where the
    attribute is absent. AS_SET is not spoken (RFC 9774), so ``as_path`` is a
    plain sequence, the neighbour first. Community lists are sorted.
    """

    as_path: tuple[int, ...]
    next_hop: int
    local_pref: int = DEFAULT_LOCAL_PREF
    med: int | None = None
    origin: Origin = Origin.IGP
    communities: tuple[Community, ...] = ()
    large_communities: tuple[LargeCommunity, ...] = ()
    extended_communities: tuple[ExtendedCommunity, ...] = ()
    originator_id: int | None = None
    """RFC 4456: BGP identifier of the router that brought the route into the AS."""
    cluster_list: tuple[int, ...] = ()
    """RFC 4456: the clusters it was reflected through, the last one first."""
    only_to_customer: int | None = None
    """OTC (RFC 9234): the AS after which the route may only go down to customers."""
    aggregator: tuple[int, int] | None = None
    """AGGREGATOR: AS number and BGP identifier of who formed the aggregate."""
    atomic_aggregate: bool = False
