"""UPDATE in octets: withdrawn routes, path attributes, NLRI (RFC 4271 section 4.3, RFC 4760)."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from emulator.bgp.messages import EndOfRib, Family
from emulator.bgp.notification import UpdateError
from emulator.wire.attributes import (
    decode_attributes,
    encode_attribute,
    raw_attributes,
    split_attributes,
    update_error,
)
from emulator.wire.errors import EncodingError
from emulator.wire.iana import HEADER_OCTETS, AttributeCode, AttributeFlag
from emulator.wire.messages import (
    BITS,
    Approach,
    MalformedAttribute,
    MpReach,
    MpUnreach,
    PathAttributes,
    UpdateMessage,
)
from emulator.wire.nlri import NlriError, decode_prefixes, encode_prefixes

if TYPE_CHECKING:
    from emulator.wire.messages import WirePrefix
    from emulator.wire.session import Session, Style

_IPV4: Final = Family.IPV4
_FAMILIES: Final = {family.value: family for family in Family}
_TOO_SHORT: Final = "the attribute is too short"
_NEXT_HOP: Final = "the next hop has a wrong length"
_SIZE: Final = struct.Struct("!H")
_MP_OCTETS: Final = (b"\x0e", b"\x0f")
_MP_CODES: Final = (AttributeCode.MP_REACH_NLRI, AttributeCode.MP_UNREACH_NLRI)
_REACH_OCTETS_MIN: Final = 5
_UNREACH_OCTETS_MIN: Final = 3
_OPTIONAL: Final = int(AttributeFlag.OPTIONAL)
_EXTENDED: Final = int(AttributeFlag.EXTENDED_LENGTH)
_KIND_BITS: Final = 0xC0


def encode_update(message: UpdateMessage, session: Session, style: Style) -> bytes:
    """The body of an UPDATE."""
    withdrawn = encode_prefixes(message.withdrawn)
    attributes = b""
    if message.attributes is not None:
        before, after = split_attributes(message.attributes, session, style)
        attributes = before + _mp_attributes(message, style) + after
    elif message.reach is not None or message.unreach is not None:
        attributes = _mp_attributes(message, style)
    nlri = encode_prefixes(message.nlri)
    for prefix in (*message.withdrawn, *message.nlri):
        if prefix.family is not Family.IPV4:
            reason = f"{prefix.family.name} prefixes go into MP_REACH_NLRI and MP_UNREACH_NLRI"
            raise EncodingError(reason)
    try:
        return b"".join(
            (_SIZE.pack(len(withdrawn)), withdrawn, _SIZE.pack(len(attributes)), attributes, nlri)
        )
    except struct.error:
        reason = "an UPDATE of more than 65535 octets"
        raise EncodingError(reason) from None


def _mp_attributes(message: UpdateMessage, style: Style) -> bytes:
    """MP_REACH_NLRI and MP_UNREACH_NLRI, where there are any."""
    parts = b""
    if message.reach is not None:
        parts = _sent(AttributeCode.MP_REACH_NLRI, mp_reach_value(message.reach), style)
    if message.unreach is not None:
        afi, safi = message.unreach.family.value
        value = struct.pack("!HB", afi, safi) + _of_family(message.unreach.prefixes, message.unreach.family)
        parts += _sent(AttributeCode.MP_UNREACH_NLRI, value, style)
    return parts


def _sent(code: AttributeCode, value: bytes, style: Style) -> bytes:
    """One of the two attributes."""
    return encode_attribute(
        code, value, _OPTIONAL | _EXTENDED if code in style.extended_length else _OPTIONAL
    )


def mp_reach_value(reach: MpReach) -> bytes:
    """The value of MP_REACH_NLRI (RFC 4760 section 3)."""
    family, next_hops, prefixes = reach
    octets = BITS[family] >> 3
    if len(next_hops) not in _next_hop_counts(family):
        reason = f"{len(next_hops)} next hops of {family.name} prefixes"
        raise EncodingError(reason)
    try:
        hops = b"".join([hop.to_bytes(octets, "big") for hop in next_hops])
    except OverflowError:
        reason = f"no {family.name} next hop: {next_hops}"
        raise EncodingError(reason) from None
    afi, safi = family.value
    return struct.pack("!HBB", afi, safi, len(hops)) + hops + b"\0" + _of_family(prefixes, family)


def _next_hop_counts(family: Family) -> tuple[int, ...]:
    """How many addresses a next hop may have (RFC 2545 section 3)."""
    return (1, 2) if family is Family.IPV6 else (1,)


def _of_family(prefixes: tuple[WirePrefix, ...], family: Family) -> bytes:
    """The prefixes, which must be of ``family``."""
    for prefix in prefixes:
        if prefix.family is not family:
            reason = f"a prefix of {prefix.family.name} among those of {family.name}"
            raise EncodingError(reason)
    return encode_prefixes(prefixes)


def end_of_rib(family: Family) -> bytes:
    """The body of an End-of-RIB (RFC 4724 section 2)."""
    if family is Family.IPV4:
        return bytes(4)
    afi, safi = family.value
    attribute = encode_attribute(
        AttributeCode.MP_UNREACH_NLRI, struct.pack("!HB", afi, safi), AttributeFlag.OPTIONAL
    )
    return bytes(2) + _SIZE.pack(len(attribute)) + attribute


def decode_update(data: bytes, session: Session) -> UpdateMessage | EndOfRib:
    """The UPDATE in ``data``, which is the whole message of at least 23 octets.

    Raises PeerError where RFC 7606 still ends the session: the prefixes cannot
    be told apart from the rest (sections 3 and 5), or a well-known attribute is unknown.
    """
    size = len(data)
    attributes_at = HEADER_OCTETS + 4 + (data[19] << 8) + data[20]
    if attributes_at > size:
        raise update_error(UpdateError.MALFORMED_ATTRIBUTE_LIST, "the withdrawn routes run over the end")
    nlri_at = attributes_at + (data[attributes_at - 2] << 8) + data[attributes_at - 1]
    if nlri_at > size:
        raise update_error(UpdateError.MALFORMED_ATTRIBUTE_LIST, "the path attributes run over the end")
    try:
        withdrawn = decode_prefixes(data[21 : attributes_at - 2], _IPV4)
        nlri = decode_prefixes(data[nlri_at:], _IPV4)
    except NlriError as error:
        raise update_error(UpdateError.INVALID_NETWORK_FIELD, str(error)) from None
    if attributes_at == nlri_at and not nlri:
        return UpdateMessage(withdrawn) if withdrawn else EndOfRib(Family.IPV4)
    return _with_attributes(withdrawn, data[attributes_at:nlri_at], nlri, session)


def _with_attributes(
    withdrawn: tuple[WirePrefix, ...], block: bytes, nlri: tuple[WirePrefix, ...], session: Session
) -> UpdateMessage | EndOfRib:
    """The UPDATE of these fields; ``block`` is the list of path attributes."""
    reach: MpReach | None = None
    unreach: MpUnreach | None = None
    noted: tuple[MalformedAttribute, ...] = ()
    if _MP_OCTETS[0] in block or _MP_OCTETS[1] in block:
        block, reach, unreach, noted = _take_mp(block, session)
        is_alone = not (block or withdrawn or nlri or reach or noted)
        if is_alone and unreach is not None and not unreach.prefixes:
            return EndOfRib(unreach.family)
    attributes = None
    if block or nlri or reach is not None:
        attributes, malformed = decode_attributes(block, session)
        noted += malformed
        if nlri or reach is not None:
            noted += _missing(attributes, noted, has_nlri=bool(nlri))
    message = UpdateMessage(withdrawn, attributes, nlri, reach, unreach, noted)
    if noted and not nlri and message.is_treated_as_withdraw and not _has_reach(message):
        # RFC 7606 5.2: what is to be withdrawn may be what could not be read
        raise update_error(UpdateError.MALFORMED_ATTRIBUTE_LIST, noted[0].reason)
    return message


def _has_reach(message: UpdateMessage) -> bool:
    """Whether there was an MP_REACH_NLRI, be it of a family that was not negotiated."""
    return message.reach is not None or any(
        each.code == AttributeCode.MP_REACH_NLRI for each in message.malformed
    )


def _missing(
    attributes: PathAttributes, noted: tuple[MalformedAttribute, ...], *, has_nlri: bool
) -> tuple[MalformedAttribute, ...]:
    """Mandatory attributes that are not there (RFC 7606 section 3 (d)) and are not noted already."""
    if (
        attributes.origin is not None
        and attributes.as_path is not None
        and (attributes.next_hop is not None or not has_nlri)
    ):
        return ()
    mandatory = [
        (AttributeCode.ORIGIN, attributes.origin),
        (AttributeCode.AS_PATH, attributes.as_path),
        (AttributeCode.NEXT_HOP, attributes.next_hop if has_nlri else 0),
    ]
    codes = [each.code for each in noted]
    return tuple(
        MalformedAttribute(code, Approach.TREAT_AS_WITHDRAW, "missing")
        for code, value in mandatory
        if value is None and code not in codes
    )


def _take_mp(
    block: bytes, session: Session
) -> tuple[bytes, MpReach | None, MpUnreach | None, tuple[MalformedAttribute, ...]]:
    """The two attributes with prefixes, and the list without them."""
    rest: list[bytes] = []
    noted: list[MalformedAttribute] = []
    reach: MpReach | None = None
    unreach: MpUnreach | None = None
    seen: list[int] = []
    last = end = 0
    for flags, code, value, start, end in raw_attributes(block):
        if code not in _MP_CODES:
            continue
        rest.append(block[last:start])
        last = end
        if code in seen:  # RFC 7606 3 (g)
            raise update_error(UpdateError.MALFORMED_ATTRIBUTE_LIST, f"attribute {code} is there twice")
        seen.append(code)
        if flags & _KIND_BITS != _OPTIONAL:
            reason = f"flags {flags:#04x}"
            noted.append(MalformedAttribute(code, Approach.TREAT_AS_WITHDRAW, reason, flags, value))
        found = _decode_mp(code, value, flags)
        if found is None or found.family not in session.families:
            reason = "a family that was not negotiated"
            noted.append(MalformedAttribute(code, Approach.ATTRIBUTE_DISCARD, reason, flags, value))
        elif isinstance(found, MpReach):
            reach = found
        else:
            unreach = found
    rest.append(block[last:])
    return b"".join(rest), reach, unreach, tuple(noted)


def _decode_mp(code: int, value: bytes, flags: int) -> MpReach | MpUnreach | None:
    """The value of one of the two attributes; None for a family that is not spoken.

    Errors end the session (RFC 7606 sections 5.3 and 7.11, RFC 4760 section 7).
    """
    try:
        if code == AttributeCode.MP_REACH_NLRI:
            return _decode_reach(value)
        return _decode_unreach(value)
    except NlriError as error:
        raise update_error(
            UpdateError.OPTIONAL_ATTRIBUTE,
            f"attribute {code}: {error}",
            encode_attribute(code, value, flags),
        ) from None


def _decode_family(value: bytes, octets_min: int) -> Family | None:
    """The family that either begins with; NlriError where it is cut off."""
    if len(value) < octets_min:
        raise NlriError(_TOO_SHORT)
    afi, safi = struct.unpack_from("!HB", value)
    return _FAMILIES.get((afi, safi))


def _decode_unreach(value: bytes) -> MpUnreach | None:
    """MP_UNREACH_NLRI (RFC 4760 section 4)."""
    family = _decode_family(value, _UNREACH_OCTETS_MIN)
    return None if family is None else MpUnreach(family, decode_prefixes(value[3:], family))


def _decode_reach(value: bytes) -> MpReach | None:
    """MP_REACH_NLRI (RFC 4760 section 3); NlriError where the next hop is not of the family."""
    family = _decode_family(value, _REACH_OCTETS_MIN)
    if family is None:
        return None
    octets = BITS[family] >> 3
    count, rest = divmod(value[3], octets)
    nlri_at = _REACH_OCTETS_MIN + value[3]
    if rest or count not in _next_hop_counts(family) or nlri_at > len(value):
        raise NlriError(_NEXT_HOP)
    starts = range(4, nlri_at - 1, octets)
    hops = tuple([int.from_bytes(value[at : at + octets], "big") for at in starts])
    return MpReach(family, hops, decode_prefixes(value[nlri_at:], family))
