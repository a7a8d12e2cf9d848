"""Numbers of the protocol that only the wire knows: https://www.iana.org/assignments/bgp-parameters/."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

MARKER: Final = b"\xff" * 16
HEADER_OCTETS: Final = 19
MESSAGE_OCTETS_MAX: Final = 4096
AS_TRANS: Final = 23456
"""RFC 6793: stands for an AS number that does not fit into two octets."""
AS_MAX_TWO_OCTETS: Final = 0xFFFF


class MessageType(IntEnum):
    """RFC 4271 section 4.1."""

    OPEN = 1
    UPDATE = 2
    NOTIFICATION = 3
    KEEPALIVE = 4
    ROUTE_REFRESH = 5
    """RFC 2918."""


class AttributeFlag(IntEnum):
    """RFC 4271 section 4.3; the four low bits are unused."""

    OPTIONAL = 0x80
    TRANSITIVE = 0x40
    PARTIAL = 0x20
    EXTENDED_LENGTH = 0x10


class AttributeCode(IntEnum):
    """Path attributes spoken here."""

    ORIGIN = 1
    AS_PATH = 2
    NEXT_HOP = 3
    MULTI_EXIT_DISC = 4
    LOCAL_PREF = 5
    ATOMIC_AGGREGATE = 6
    AGGREGATOR = 7
    COMMUNITIES = 8
    """RFC 1997."""
    ORIGINATOR_ID = 9
    """RFC 4456."""
    CLUSTER_LIST = 10
    """RFC 4456."""
    MP_REACH_NLRI = 14
    """RFC 4760."""
    MP_UNREACH_NLRI = 15
    """RFC 4760."""
    EXTENDED_COMMUNITIES = 16
    """RFC 4360."""
    AS4_PATH = 17
    """RFC 6793."""
    AS4_AGGREGATOR = 18
    """RFC 6793."""
    LARGE_COMMUNITIES = 32
    """RFC 8092."""
    ONLY_TO_CUSTOMER = 35
    """RFC 9234."""


class SegmentKind(IntEnum):
    """Segments of an AS_PATH: RFC 4271 section 4.3, RFC 5065 section 3."""

    AS_SET = 1
    AS_SEQUENCE = 2
    AS_CONFED_SEQUENCE = 3
    AS_CONFED_SET = 4


class OptionalParameter(IntEnum):
    """Optional parameters of OPEN (RFC 4271 section 4.2)."""

    CAPABILITIES = 2
    """RFC 5492."""
    EXTENDED_LENGTH = 255
    """RFC 9072."""


class CapabilityCode(IntEnum):
    """https://www.iana.org/assignments/capability-codes/; those spoken here."""

    MULTIPROTOCOL = 1
    """RFC 4760."""
    ROUTE_REFRESH = 2
    """RFC 2918."""
    ROLE = 9
    """RFC 9234."""
    GRACEFUL_RESTART = 64
    """RFC 4724."""
    FOUR_OCTET_AS = 65
    """RFC 6793."""
