"""Lists of path attributes in octets (RFC 4271 section 4.3), but for the two that hold prefixes.

Errors follow RFC 7606: an attribute that is wrong is discarded, or the whole
UPDATE is treated as a withdrawal; `MalformedAttribute` says which. What still
ends the session raises `PeerError`. Both directions remember what they did
last, as routers keep one copy of attributes that many prefixes share.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from emulator.bgp.messages import Notification
from emulator.bgp.notification import ErrorCode, UpdateError
from emulator.wire.aspath import reconcile
from emulator.wire.attribute_values import (
    DECODERS,
    USUAL_DECODERS,
    DiscardError,
    MalformedError,
    WithdrawError,
    values,
)
from emulator.wire.errors import EncodingError, PeerError
from emulator.wire.iana import AS_TRANS, AttributeCode, AttributeFlag
from emulator.wire.messages import Approach, MalformedAttribute, PathAttributes, UnknownAttribute
from emulator.wire.session import DEFAULT_SESSION, DEFAULT_STYLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from emulator.wire.session import Session, Style

_REMEMBERED: Final = 1 << 14
_KIND_BITS: Final = 0xC0
_PARTIAL: Final = int(AttributeFlag.PARTIAL)
_EXTENDED: Final = int(AttributeFlag.EXTENDED_LENGTH)
_OPTIONAL: Final = int(AttributeFlag.OPTIONAL)
_OCTET_MAX: Final = 0xFF
_TWICE: Final = "given before"
"""RFC 7606 section 3 (g)."""
_FLAGS: Final = "its Optional and Transitive bits are wrong"
"""RFC 7606 section 3 (c)."""
_TOO_LONG: Final = "the last attribute runs over the end"
"""RFC 7606 section 4."""


def raw_attributes(block: bytes) -> Iterator[tuple[int, int, bytes, int, int]]:
    """Flags, code, value, start and end of each attribute of ``block``.

    Ends early where an attribute runs over the end of the block: the last end
    is then not the block's.
    """
    size = len(block)
    at = 0
    while at + 3 <= size:
        flags = block[at]
        if flags & _EXTENDED:
            start = at + 4
            end = start + (block[at + 2] << 8) + block[at + 3] if start <= size else size + 1
        else:
            start = at + 3
            end = start + block[at + 2]
        if end > size:
            return
        yield flags, block[at + 1], block[start:end], at, end
        at = end


def decode_attributes(
    block_untrusted: bytes, session: Session
) -> tuple[PathAttributes, tuple[MalformedAttribute, ...]]:
    """What a list of path attributes says, and which were malformed, in their order.

    Raises PeerError for a well-known attribute that nobody knows (RFC 4271
    section 6.3). Mandatory attributes may be missing: that depends on the rest
    of the UPDATE.
    """
    return _decode(block_untrusted, session.four_octet_as, session.is_ebgp)


@lru_cache(maxsize=_REMEMBERED)
def _decode(block: bytes, four: bool, ebgp: bool) -> tuple[PathAttributes, tuple[MalformedAttribute, ...]]:
    """See `decode_attributes`."""
    usual = _decode_usual(block, four, ebgp)
    return _decode_all(block, four, ebgp) if usual is None else (usual, ())


def _decode_usual(block: bytes, four: bool, ebgp: bool) -> PathAttributes | None:
    """What the list says if all of it is known, right and short, as nearly always; None otherwise."""
    fields: dict[str, Any] = {}
    size = len(block)
    at = count = 0
    try:
        while at < size:
            field, decoder = USUAL_DECODERS[block[at : at + 2]]
            start = at + 3
            at = start + block[at + 2]
            fields[field] = decoder(block[start:at], four, ebgp)
            count += 1
    except (KeyError, IndexError, MalformedError):
        return None
    return PathAttributes(**fields) if at == size and count == len(fields) else None


def _decode_all(
    block: bytes, four: bool, ebgp: bool
) -> tuple[PathAttributes, tuple[MalformedAttribute, ...]]:
    """The same for any list."""
    fields: dict[str, Any] = {}
    malformed: list[MalformedAttribute] = []
    unknown: list[UnknownAttribute] = []
    seen: list[int] = []
    partial: list[int] = []
    end = 0
    for flags, code, value, _, next_at in raw_attributes(block):
        end = next_at
        try:
            _check(flags, code, value, seen)
            known = DECODERS.get(code)
            if known is None:
                unknown.append(UnknownAttribute(flags, code, value))
                continue
            fields[known[1]] = known[2](value, four, ebgp)
            if flags & _PARTIAL:
                partial.append(code)
        except MalformedError as error:
            malformed.append(MalformedAttribute(code, error.approach, str(error), flags, value))
    if end != len(block):
        malformed.append(MalformedAttribute(0, Approach.TREAT_AS_WITHDRAW, _TOO_LONG, value=block[end:]))
    if unknown:
        fields["unknown"] = tuple(unknown)
    if partial:
        fields["partial"] = tuple(sorted(partial))
    if "as4_path" in fields or "as4_aggregator" in fields:
        _take_as4(fields)
    return PathAttributes(**fields), tuple(malformed)


def _check(flags: int, code: int, value: bytes, seen: list[int]) -> None:
    """What can be wrong with an attribute whatever its value, and note its ``code``."""
    if code in seen:
        raise DiscardError(_TWICE)
    seen.append(code)
    known = DECODERS.get(code)
    if known is not None:
        if flags & _KIND_BITS != known[0]:
            raise WithdrawError(_FLAGS)
    elif not flags & _OPTIONAL:
        raise update_error(
            UpdateError.UNRECOGNIZED_WELL_KNOWN_ATTRIBUTE,
            f"well-known attribute {code} is unknown",
            encode_attribute(code, value, flags),
        )


def update_error(subcode: UpdateError, reason: str, data: bytes = b"") -> PeerError:
    """The error of an UPDATE that ends the session."""
    return PeerError(Notification(ErrorCode.UPDATE_MESSAGE, subcode, data), reason)


def _take_as4(fields: dict[str, Any]) -> None:
    """Merge AS4_PATH and AS4_AGGREGATOR into the attributes they complete (RFC 6793 section 4.2.3)."""
    as4_path = fields.pop("as4_path", None)
    as4_aggregator = fields.pop("as4_aggregator", None)
    aggregator = fields.get("aggregator")
    if aggregator is not None and as4_aggregator is not None:
        if aggregator.asn != AS_TRANS:
            return
        fields["aggregator"] = as4_aggregator
    if as4_path and "as_path" in fields:
        fields["as_path"] = reconcile(fields["as_path"], as4_path)


def encode_attribute(code: int, value: bytes, flags: int) -> bytes:
    """One attribute; the Extended Length bit of ``flags`` is set where the value needs it."""
    size = len(value)
    if size > 0xFFFF:  # noqa: PLR2004 - the length has two octets at most
        message = f"attribute {code} has {size} octets"
        raise EncodingError(message)
    if size > _OCTET_MAX or flags & _EXTENDED:
        return struct.pack("!BBH", flags | _EXTENDED, code, size) + value
    return bytes((flags, code, size)) + value


def encode_attributes(
    attributes: PathAttributes, session: Session = DEFAULT_SESSION, style: Style = DEFAULT_STYLE
) -> bytes:
    """The list of path attributes, in the order of ``style``.

    Raises EncodingError for a value that does not fit its field. All that is
    given is sent: LOCAL_PREF to an external peer too.
    """
    before, after = split_attributes(attributes, session, style)
    return before + after


def split_attributes(attributes: PathAttributes, session: Session, style: Style) -> tuple[bytes, bytes]:
    """The list of path attributes, cut where MP_REACH_NLRI goes."""
    return _encode(attributes, session.four_octet_as, style.attribute_order, style.extended_length)


@lru_cache(maxsize=_REMEMBERED)
def _encode(
    attributes: PathAttributes,
    four: bool,
    order: tuple[int, ...],
    extended: tuple[int, ...],
) -> tuple[bytes, bytes]:
    """See `split_attributes`."""
    try:
        sent = values(attributes, four=four)
    except (struct.error, ValueError) as error:
        message = f"a value beyond its field: {error}"
        raise EncodingError(message) from None
    if attributes.partial:
        sent = [
            (code, flags | _PARTIAL if code in attributes.partial else flags, value)
            for code, flags, value in sent
        ]
    if order == DEFAULT_STYLE.attribute_order and not attributes.unknown:
        return b"", _joined(sent, extended)
    ranks = {code: rank for rank, code in enumerate(order)}
    cut = _rank(AttributeCode.MP_REACH_NLRI, ranks)
    sent.sort(key=lambda each: _rank(each[0], ranks))
    before = [each for each in sent if _rank(each[0], ranks) < cut]
    return _joined(before, extended), _joined(sent[len(before) :], extended)


def _rank(code: int, ranks: dict[int, int]) -> int:
    """The place of an attribute in an order; what that does not name is behind it, ascending."""
    return ranks.get(code, len(ranks) + code)


def _joined(sent: list[tuple[int, int, bytes]], extended: tuple[int, ...]) -> bytes:
    """Attributes behind each other."""
    if extended:
        sent = [
            (code, flags | _EXTENDED if code in extended else flags, value) for code, flags, value in sent
        ]
    return b"".join(
        [
            bytes((flags, code, len(value))) + value
            if len(value) <= _OCTET_MAX and not flags & _EXTENDED
            else encode_attribute(code, value, flags)
            for code, flags, value in sent
        ]
    )
