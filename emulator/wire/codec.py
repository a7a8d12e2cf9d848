"""Messages in octets and back (RFC 4271 section 4): the door of this package.

`decode` takes whatever a peer sent: it returns a message or raises `PeerError`
with the NOTIFICATION that RFC 4271 section 6 asks for, and never anything else.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from emulator.bgp.messages import EndOfRib, Family, Keepalive, Notification, Open, RouteRefresh
from emulator.bgp.notification import ErrorCode, HeaderError
from emulator.wire.capabilities import decode_open, encode_open
from emulator.wire.errors import EncodingError, PeerError
from emulator.wire.iana import HEADER_OCTETS, MARKER, MESSAGE_OCTETS_MAX, MessageType
from emulator.wire.messages import Message, OtherRouteRefresh, UpdateMessage
from emulator.wire.session import DEFAULT_SESSION, DEFAULT_STYLE
from emulator.wire.update import decode_update, encode_update, end_of_rib

if TYPE_CHECKING:
    from emulator.wire.session import Session, Style

_FAMILIES: Final = {family.value: family for family in Family}
_OCTETS_MIN: Final = {
    MessageType.OPEN: 29,
    MessageType.UPDATE: 23,
    MessageType.NOTIFICATION: 21,
    MessageType.KEEPALIVE: 19,
    MessageType.ROUTE_REFRESH: 23,
}
"""RFC 4271 section 6.1, RFC 2918."""
_LENGTH_AND_TYPE: Final = struct.Struct("!HB")
_KEEPALIVE: Final = MARKER + _LENGTH_AND_TYPE.pack(HEADER_OCTETS, MessageType.KEEPALIVE)
_KEEPALIVE_MESSAGE: Final = Keepalive()
_INVALID_MESSAGE_LENGTH: Final = 1
"""RFC 7313 section 5."""
_SUBTYPES_OF_FIXED_LENGTH: Final = (1, 2)


def encode(message: Message, session: Session = DEFAULT_SESSION, style: Style = DEFAULT_STYLE) -> bytes:
    """``message`` with its header; EncodingError beyond 4096 octets, or where a value does not fit."""
    if isinstance(message, UpdateMessage):
        return _framed(MessageType.UPDATE, encode_update(message, session, style))
    if isinstance(message, Keepalive):
        return _KEEPALIVE
    try:
        return _framed(*_type_and_body(message, style))
    except (struct.error, ValueError) as error:
        if isinstance(error, EncodingError):
            raise
        reason = f"a value beyond its field: {message}"
        raise EncodingError(reason) from None


def _type_and_body(
    message: Open | Notification | RouteRefresh | EndOfRib | OtherRouteRefresh, style: Style
) -> tuple[MessageType, bytes]:
    """What goes behind the header's marker, but for the length."""
    if isinstance(message, EndOfRib):
        return MessageType.UPDATE, end_of_rib(message.family)
    if isinstance(message, Open):
        return MessageType.OPEN, encode_open(message, style)
    if isinstance(message, Notification):
        return MessageType.NOTIFICATION, bytes((message.code, message.subcode)) + message.data
    if isinstance(message, RouteRefresh):
        afi, safi = message.family.value
        return MessageType.ROUTE_REFRESH, struct.pack("!HBB", afi, 0, safi)
    return MessageType.ROUTE_REFRESH, struct.pack("!HBB", message.afi, message.subtype, message.safi)


def _framed(kind: MessageType, body: bytes) -> bytes:
    """``body`` behind its header."""
    size = HEADER_OCTETS + len(body)
    if size > MESSAGE_OCTETS_MAX:
        reason = f"{kind.name} of {size} octets; {MESSAGE_OCTETS_MAX} at most"
        raise EncodingError(reason)
    return MARKER + _LENGTH_AND_TYPE.pack(size, kind) + body


def decode(data_untrusted: bytes, session: Session = DEFAULT_SESSION) -> Message:
    """The one message that ``data_untrusted`` is, header included.

    Raises PeerError, and nothing else, where RFC 4271 section 6 ends the
    session; an UPDATE with errors that RFC 7606 lets live lists them.
    """
    kind, size = _header(data_untrusted)
    if size != len(data_untrusted):
        raise _length_error(size)
    if kind == MessageType.UPDATE:
        return decode_update(data_untrusted, session)
    if kind == MessageType.KEEPALIVE:
        return _KEEPALIVE_MESSAGE
    body = data_untrusted[HEADER_OCTETS:]
    if kind == MessageType.OPEN:
        return decode_open(body)
    if kind == MessageType.NOTIFICATION:
        return Notification(body[0], body[1], body[2:])
    return _route_refresh(data_untrusted)


def split(buffer_untrusted: bytes) -> tuple[tuple[bytes, ...], bytes]:
    """The complete messages at the start of a stream, and what is left of it.

    A wrong header raises PeerError once it stands first: what came before is
    handed out by the call before.
    """
    messages = []
    at = 0
    while len(buffer_untrusted) - at >= HEADER_OCTETS:
        try:
            _, size = _header(buffer_untrusted, at)
        except PeerError:
            if not at:
                raise
            break
        if len(buffer_untrusted) - at < size:
            break
        messages.append(buffer_untrusted[at : at + size])
        at += size
    return tuple(messages), buffer_untrusted[at:]


def _header(data: bytes, at: int = 0) -> tuple[int, int]:
    """Type and length of the message at ``at``, checked after RFC 4271 section 6.1."""
    if len(data) < at + HEADER_OCTETS:
        raise _length_error(len(data) - at)
    if not data.startswith(MARKER, at):
        error = Notification(ErrorCode.MESSAGE_HEADER, HeaderError.CONNECTION_NOT_SYNCHRONIZED)
        raise PeerError(error, "the marker is not all ones")
    size, kind = _LENGTH_AND_TYPE.unpack_from(data, at + len(MARKER))
    if not HEADER_OCTETS <= size <= MESSAGE_OCTETS_MAX:
        raise _length_error(size)
    size_min = _OCTETS_MIN.get(kind)
    if size_min is None:
        error = Notification(ErrorCode.MESSAGE_HEADER, HeaderError.BAD_MESSAGE_TYPE, bytes((kind,)))
        raise PeerError(error, f"message type {kind}")
    if size < size_min or (kind == MessageType.KEEPALIVE and size != HEADER_OCTETS):
        raise _length_error(size)
    return kind, size


def _length_error(size: int) -> PeerError:
    """Bad Message Length, with the length that was bad."""
    data = struct.pack("!H", min(size, 0xFFFF))
    error = Notification(ErrorCode.MESSAGE_HEADER, HeaderError.BAD_MESSAGE_LENGTH, data)
    return PeerError(error, f"a message of {size} octets")


def _route_refresh(data: bytes) -> RouteRefresh | OtherRouteRefresh:
    """RFC 2918; the subtypes of RFC 7313 and other families are to be passed over."""
    afi, subtype, safi = struct.unpack_from("!HBB", data, HEADER_OCTETS)
    if len(data) != _OCTETS_MIN[MessageType.ROUTE_REFRESH]:
        if subtype in _SUBTYPES_OF_FIXED_LENGTH:
            error = Notification(ErrorCode.ROUTE_REFRESH, _INVALID_MESSAGE_LENGTH, data)
            raise PeerError(error, f"a ROUTE-REFRESH of {len(data)} octets")
        raise _length_error(len(data))
    family = _FAMILIES.get((afi, safi))
    if family is None or subtype:
        return OtherRouteRefresh(afi, safi, subtype)
    return RouteRefresh(family)
