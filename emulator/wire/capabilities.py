"""OPEN in octets: capabilities and the optional parameters that carry them (RFC 4271 section 4.2, RFC 5492).

Capabilities come all in one parameter or in one each, and with RFC 9072 in
parameters whose lengths take two octets; all are read. What is not spoken is kept.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, Final

from emulator.bgp.messages import Capabilities, Family, GracefulRestart, Notification, Open, Role
from emulator.bgp.notification import ErrorCode, OpenError
from emulator.wire.errors import EncodingError, PeerError
from emulator.wire.iana import CapabilityCode, OptionalParameter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from emulator.wire.session import Style

_FIXED: Final = struct.Struct("!BHHIB")
_VERSION: Final = 4
_UNSPECIFIC: Final = 0
_HOLD_TIME_MIN: Final = 3
_OCTET_MAX: Final = 0xFF
_RESTARTING: Final = 0x8000
_SURVIVES_NOTIFICATION: Final = 0x4000
_RESTART_TIME: Final = 0x0FFF
_PRESERVED: Final = 0x80
_FAMILIES: Final = {family.value: family for family in Family}
_ROLES: Final = {bytes((role,)): role for role in Role}


def decode_open(body_untrusted: bytes) -> Open:
    """The OPEN in ``body_untrusted``, at least 10 octets; PeerError after RFC 4271 section 6.2."""
    version, asn, hold_time, router_id, size = _FIXED.unpack_from(body_untrusted)
    if version != _VERSION:
        raise open_error(OpenError.UNSUPPORTED_VERSION, f"version {version}", struct.pack("!H", _VERSION))
    capabilities = _capabilities(_all_capabilities(body_untrusted[_FIXED.size :], size))
    if asn == 0 or capabilities.four_octet_as == 0:
        raise open_error(OpenError.BAD_PEER_AS, "AS 0")  # RFC 7607
    if hold_time and hold_time < _HOLD_TIME_MIN:
        raise open_error(OpenError.UNACCEPTABLE_HOLD_TIME, f"hold time {hold_time} s")
    if router_id == 0:
        raise open_error(OpenError.BAD_BGP_IDENTIFIER, "BGP identifier 0")  # RFC 6286 2.2
    return Open(asn, hold_time, router_id, capabilities)


def open_error(subcode: int, reason: str, data: bytes = b"") -> PeerError:
    """The error of an OPEN that ends the session."""
    return PeerError(Notification(ErrorCode.OPEN_MESSAGE, subcode, data), reason)


def _malformed(what: str) -> PeerError:
    """RFC 4271 section 6.2: recognised, but not right."""
    return open_error(_UNSPECIFIC, what)


def _all_capabilities(data: bytes, size: int) -> Iterator[tuple[int, bytes]]:
    """Code and value of every capability in the optional parameters."""
    octets = 1
    if data and data[0] == OptionalParameter.EXTENDED_LENGTH and size:  # RFC 9072 2: whatever size says
        if len(data) < 3:  # noqa: PLR2004 - type and length
            message = "the extended optional parameters have no length"
            raise _malformed(message)
        octets, size, data = 2, (data[1] << 8) + data[2], data[3:]
    if size != len(data):
        message = f"{len(data)} octets of optional parameters, not {size}"
        raise _malformed(message)
    for kind, value in _triples(data, octets, "an optional parameter"):
        if kind != OptionalParameter.CAPABILITIES:
            raise open_error(OpenError.UNSUPPORTED_OPTIONAL_PARAMETER, f"optional parameter {kind}")
        yield from _triples(value, 1, "a capability")


def _triples(data: bytes, octets: int, what: str) -> Iterator[tuple[int, bytes]]:
    """Type and value of each; their lengths have so many ``octets``."""
    at = 0
    while at < len(data):
        start = at + 1 + octets
        if start > len(data):
            message = f"{what} has no length"
            raise _malformed(message)
        end = start + int.from_bytes(data[at + 1 : start], "big")
        if end > len(data):
            message = f"{what} runs over the end"
            raise _malformed(message)
        yield data[at], data[start:end]
        at = end


def _capabilities(sent: Iterator[tuple[int, bytes]]) -> Capabilities:
    """What the capabilities say together; of one given twice the last counts, but roles must agree."""
    fields: dict[str, Any] = {}
    families: list[Family] = []
    unknown: list[tuple[int, bytes]] = []
    for code, value in sent:
        if code == CapabilityCode.MULTIPROTOCOL:
            family = _family(value)
            if family is None:
                unknown.append((code, value))
            elif family not in families:
                families.append(family)
        elif code == CapabilityCode.FOUR_OCTET_AS:
            _check_size(code, value, 4)
            fields["four_octet_as"] = int.from_bytes(value, "big")
        elif code == CapabilityCode.ROUTE_REFRESH and not value:
            fields["route_refresh"] = True
        elif code == CapabilityCode.GRACEFUL_RESTART:
            fields["graceful_restart"] = _graceful_restart(value)
        elif code == CapabilityCode.ROLE and value in _ROLES:
            role = _ROLES[value]
            if fields.setdefault("role", role) is not role:
                raise open_error(OpenError.ROLE_MISMATCH, "two roles")  # RFC 9234 4.2
        else:
            unknown.append((code, value))
    return Capabilities(tuple(families), unknown=tuple(unknown), **fields)


def _check_size(code: int, value: bytes, octets: int) -> None:
    """A capability of fixed size has that size."""
    if len(value) != octets:
        message = f"capability {code} has {len(value)} octets instead of {octets}"
        raise _malformed(message)


def _family(value: bytes) -> Family | None:
    """AFI, a reserved octet, SAFI (RFC 4760 section 8); None for a family that is not spoken."""
    _check_size(CapabilityCode.MULTIPROTOCOL, value, 4)
    afi, _, safi = struct.unpack("!HBB", value)
    return _FAMILIES.get((afi, safi))


def _graceful_restart(value: bytes) -> GracefulRestart:
    """RFC 4724 section 3; families that are not spoken are passed over."""
    if len(value) % 4 != 2:  # noqa: PLR2004 - two octets, then four for each family
        message = f"capability {CapabilityCode.GRACEFUL_RESTART} has {len(value)} octets"
        raise _malformed(message)
    (first,) = struct.unpack_from("!H", value)
    preserved: list[Family] = []
    others: list[Family] = []
    for afi, safi, flags in struct.iter_unpack("!HBB", value[2:]):
        family = _FAMILIES.get((afi, safi))
        if family is not None and family not in preserved and family not in others:
            (preserved if flags & _PRESERVED else others).append(family)
    return GracefulRestart(
        restart_time=first & _RESTART_TIME,
        restarting=bool(first & _RESTARTING),
        preserved=tuple(preserved),
        not_preserved=tuple(others),
        notification=bool(first & _SURVIVES_NOTIFICATION),
    )


def encode_open(message: Open, style: Style) -> bytes:
    """The body of an OPEN; EncodingError for a value that does not fit its field."""
    order = style.capability_order
    sent = sorted(
        _sent(message.capabilities),
        key=lambda each: order.index(each[0]) if each[0] in order else len(order) + each[0],
    )
    try:
        capabilities = [struct.pack("!BB", code, len(value)) + value for code, value in sent]
        groups = [b"".join(capabilities)] if style.one_parameter and capabilities else capabilities
        parameters = b"".join(
            struct.pack("!BB", OptionalParameter.CAPABILITIES, len(group)) + group for group in groups
        )
        size = len(parameters)
        head = _FIXED.pack(message.version, message.asn, message.hold_time, message.router_id, size)
    except struct.error as error:
        reason = f"OPEN: a value beyond its field: {error}"
        raise EncodingError(reason) from None
    return head + parameters


def _sent(capabilities: Capabilities) -> Iterator[tuple[int, bytes]]:
    """Code and value of every capability."""
    for family in capabilities.families:
        afi, safi = family.value
        yield CapabilityCode.MULTIPROTOCOL, struct.pack("!HBB", afi, 0, safi)
    if capabilities.route_refresh:
        yield CapabilityCode.ROUTE_REFRESH, b""
    if capabilities.role is not None:
        yield CapabilityCode.ROLE, bytes((capabilities.role,))
    if capabilities.graceful_restart is not None:
        yield CapabilityCode.GRACEFUL_RESTART, _graceful_restart_octets(capabilities.graceful_restart)
    if capabilities.four_octet_as is not None:
        yield CapabilityCode.FOUR_OCTET_AS, struct.pack("!I", capabilities.four_octet_as)
    yield from capabilities.unknown


def _graceful_restart_octets(restart: GracefulRestart) -> bytes:
    """The value of the capability, its families in AFI order."""
    if not 0 <= restart.restart_time <= _RESTART_TIME:
        message = f"restart time {restart.restart_time} s; {_RESTART_TIME} at most"
        raise EncodingError(message)
    first = restart.restart_time
    first |= _RESTARTING if restart.restarting else 0
    first |= _SURVIVES_NOTIFICATION if restart.notification else 0
    flags = {**dict.fromkeys(restart.not_preserved, 0), **dict.fromkeys(restart.preserved, _PRESERVED)}
    families = sorted((*family.value, flag) for family, flag in flags.items())
    return struct.pack("!H", first) + b"".join(struct.pack("!HBB", *family) for family in families)
