"""The messages of a session (RFC 4271 section 4), as the speaker and the FSM see them.

One `Update` carries one prefix: the emulator counts NLRI, not packets. Octets
are `emulator.wire`'s business.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from emulator.bgp.attributes import Attributes


class Family(Enum):
    """AFI and SAFI (https://www.iana.org/assignments/address-family-numbers/); only unicast is spoken."""

    IPV4 = (1, 1)
    IPV6 = (2, 1)


BOTH_FAMILIES: Final = (Family.IPV4, Family.IPV6)


class Role(IntEnum):
    """What a speaker is to its peer (RFC 9234 4.1): its own role, not the peer's."""

    PROVIDER = 0
    RS = 1
    RS_CLIENT = 2
    CUSTOMER = 3
    PEER = 4


@dataclass(frozen=True, slots=True)
class GracefulRestart:
    """The graceful restart capability (RFC 4724 section 3).

    ``restart_time`` is in seconds, 0..4095; ``preserved`` the families whose
    forwarding state outlived the restart, ``not_preserved`` those that graceful
    restart is spoken for all the same.
    """

    restart_time: int
    restarting: bool = False
    preserved: tuple[Family, ...] = ()
    not_preserved: tuple[Family, ...] = ()
    notification: bool = False
    """NOTIFICATIONs are survived too (RFC 8538 section 2)."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a speaker can do (RFC 5492); the default is a speaker that sends no capability at all.

    ``unknown`` keeps what we do not speak: code and value, in order.
    """

    families: tuple[Family, ...] = ()
    """Multiprotocol (RFC 4760). None at all means IPv4 unicast."""
    four_octet_as: int | None = None
    """RFC 6793: the speaker's AS number in full."""
    route_refresh: bool = False
    """RFC 2918."""
    graceful_restart: GracefulRestart | None = None
    role: Role | None = None
    unknown: tuple[tuple[int, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class Open:
    """OPEN (4.2). ``asn`` is the two-octet field: 23456 (AS_TRANS) where the number is longer."""

    asn: int
    hold_time: int
    """Seconds: 0, or at least 3."""
    router_id: int
    capabilities: Capabilities
    version: int = 4


@dataclass(frozen=True, slots=True)
class Keepalive:
    """KEEPALIVE (4.4)."""


@dataclass(frozen=True, slots=True)
class Notification:
    """NOTIFICATION (4.5): the session is closed. Codes are in `emulator.bgp.notification`."""

    code: int
    subcode: int = 0
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class RouteRefresh:
    """ROUTE-REFRESH (RFC 2918): send everything of ``family`` again."""

    family: Family


@dataclass(frozen=True, slots=True)
class EndOfRib:
    """End-of-RIB (RFC 4724 section 2): everything of ``family`` has been sent once."""

    family: Family


@dataclass(frozen=True, slots=True)
class Update:
    """An announcement, or with ``attributes`` None a withdrawal, of one prefix."""

    prefix: int
    attributes: Attributes | None

    @property
    def is_withdrawal(self) -> bool:
        """Whether the prefix is withdrawn."""
        return self.attributes is None


Message = Open | Keepalive | Notification | RouteRefresh | EndOfRib | Update
