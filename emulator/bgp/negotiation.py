"""OPEN: what a speaker offers, and what two offers come to (RFC 4271 4.2 and 6.2, 5492).

`negotiate` looks at a peer's OPEN the way `6.2` orders it and answers with what
the session will be like, or with the NOTIFICATION that refuses it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from emulator.bgp.liveness import keepalive_interval
from emulator.bgp.messages import Capabilities, Family, Notification, Open, Role
from emulator.bgp.notification import ErrorCode, OpenError
from emulator.units import SECOND, Duration

if TYPE_CHECKING:
    from emulator.bgp.liveness import SessionConfig
    from emulator.bgp.messages import GracefulRestart
    from emulator.bgp.peer import PeerConfig

VERSION: Final = 4
AS_TRANS: Final = 23456
"""Stands in the two-octet field for a longer AS number (RFC 6793)."""
_MULTIPROTOCOL: Final = 1
"""Capability code (https://www.iana.org/assignments/capability-codes/)."""
_TWO_OCTETS: Final = 65_535
_HOLD_TIME_SHORTEST_S: Final = 3

_PAIRS: Final = {
    (Role.PROVIDER, Role.CUSTOMER),
    (Role.CUSTOMER, Role.PROVIDER),
    (Role.RS, Role.RS_CLIENT),
    (Role.RS_CLIENT, Role.RS),
    (Role.PEER, Role.PEER),
}
"""Roles that go together (RFC 9234 4.2)."""


@dataclass(frozen=True, slots=True)
class Negotiated:
    """What both ends of a session go by. ``hold_time`` 0: no keepalives, no hold timer."""

    hold_time: Duration
    keepalive: Duration
    """Between our KEEPALIVEs; 0 without a hold time."""
    send_hold_time: Duration
    families: tuple[Family, ...]
    four_octet_as: bool
    route_refresh: bool
    graceful_restart: GracefulRestart | None = None
    """The peer's, where both ends have the capability."""
    role: Role | None = None
    """The peer's."""

    @property
    def retains_routes(self) -> bool:
        """Whether the peer's routes outlive a connection that breaks without NOTIFICATION (RFC 4724 4.2)."""
        return self.graceful_restart is not None and bool(self.graceful_restart.preserved)


def make_open(
    asn: int, router_id: int, config: SessionConfig, peer: PeerConfig, *, restarting: bool = False
) -> Open:
    """Our OPEN towards ``peer``; ``restarting`` after a graceful restart of ours (RFC 4724 section 3)."""
    graceful = config.graceful_restart
    if graceful is not None:
        preserved = tuple(family for family in graceful.preserved if family in peer.families)
        graceful = replace(graceful, restarting=restarting, preserved=preserved)
    return Open(
        asn=asn if asn <= _TWO_OCTETS else AS_TRANS,
        hold_time=min(config.hold_time // SECOND, _TWO_OCTETS),
        router_id=router_id,
        capabilities=Capabilities(
            families=peer.families,
            four_octet_as=asn,
            route_refresh=True,
            graceful_restart=graceful,
            role=peer.role if peer.asn != asn else None,
        ),
        version=VERSION,
    )


def negotiate(ours: Open, theirs: Open, config: SessionConfig, peer: PeerConfig) -> Negotiated | Notification:
    """What ``ours`` and ``theirs`` agree on, as seen from the sender of ``ours``, or why they do not.

    ``config`` is our own, ``peer`` what we were told to expect of the other end.
    """
    refused = _refused(ours, theirs, peer)
    if refused is not None:
        return refused
    mine, its = ours.capabilities, theirs.capabilities
    hold_time = Duration(min(ours.hold_time, theirs.hold_time) * SECOND)
    return Negotiated(
        hold_time=hold_time,
        keepalive=keepalive_interval(config, hold_time),
        send_hold_time=config.send_hold(hold_time),
        families=_common(ours, theirs),
        four_octet_as=mine.four_octet_as is not None and its.four_octet_as is not None,
        route_refresh=mine.route_refresh and its.route_refresh,
        graceful_restart=its.graceful_restart if mine.graceful_restart is not None else None,
        role=its.role,
    )


def as_number(message: Open) -> int:
    """The sender's AS number: in full where it says so (RFC 6793 4.1)."""
    in_full = message.capabilities.four_octet_as
    return message.asn if in_full is None else in_full


def _refused(ours: Open, theirs: Open, peer: PeerConfig) -> Notification | None:  # noqa: PLR0911
    """What is wrong with ``theirs``, in the order of RFC 4271 6.2."""
    if theirs.version != VERSION:
        return _error(OpenError.UNSUPPORTED_VERSION, VERSION.to_bytes(2, "big"))
    # 23456 says "see the capability"; without one, or as a number in it, it is nobody's (RFC 6793, 7607).
    asn = as_number(theirs)
    if 0 in (asn, theirs.asn) or asn == AS_TRANS or asn != peer.asn:
        return _error(OpenError.BAD_PEER_AS)
    if 0 < theirs.hold_time < _HOLD_TIME_SHORTEST_S:
        return _error(OpenError.UNACCEPTABLE_HOLD_TIME)
    is_internal = asn == as_number(ours)
    if theirs.router_id == 0 or (is_internal and theirs.router_id == ours.router_id):  # RFC 6286 2.2
        return _error(OpenError.BAD_BGP_IDENTIFIER)
    if not _common(ours, theirs):
        return _error(OpenError.UNSUPPORTED_CAPABILITY, _listed(ours.capabilities.families))
    if not is_internal and not _roles_agree(ours.capabilities.role, theirs.capabilities.role, peer):
        return _error(OpenError.ROLE_MISMATCH)
    return None


def _roles_agree(ours: Role | None, theirs: Role | None, peer: PeerConfig) -> bool:
    """RFC 9234 4.2: a missing role is forgiven, unless the strict mode asks for one."""
    if ours is None:
        return True
    if theirs is None:
        return not peer.strict_role
    return (ours, theirs) in _PAIRS


def _common(ours: Open, theirs: Open) -> tuple[Family, ...]:
    """What both speak; a speaker that lists nothing speaks IPv4 unicast (RFC 4760 section 8)."""
    its = theirs.capabilities.families or (Family.IPV4,)
    return tuple(family for family in ours.capabilities.families or (Family.IPV4,) if family in its)


def _listed(families: tuple[Family, ...]) -> bytes:
    """The capabilities that were missed, as they stand in an OPEN (RFC 5492 section 5)."""
    return b"".join(
        bytes([_MULTIPROTOCOL, 4, 0, family.value[0], 0, family.value[1]])
        for family in families or (Family.IPV4,)
    )


def _error(subcode: OpenError, data: bytes = b"") -> Notification:
    return Notification(ErrorCode.OPEN_MESSAGE, subcode, data)
