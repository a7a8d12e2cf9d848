"""The value of each path attribute in octets, and what is wrong with it (RFC 7606 section 7).

How attributes make a list is the business of `emulator.wire.attributes`.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from emulator.bgp.attributes import Origin
from emulator.wire.aspath import PathError, decode_path, encode_path, needs_as4, without_confederation
from emulator.wire.iana import AS_MAX_TWO_OCTETS, AS_TRANS, AttributeCode
from emulator.wire.messages import Aggregator, Approach

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator.wire.messages import PathAttributes, Segment

_WELL_KNOWN: Final = 0x40
_OPTIONAL: Final = 0x80
_OPTIONAL_TRANSITIVE: Final = 0xC0
_FIRST_MULTICAST: Final = 0xE0000000
_ORIGINS: Final = {bytes((origin,)): origin for origin in Origin}
_WORD: Final = struct.Struct("!I")
_LARGE: Final = struct.Struct("!III")
_AGGREGATOR_2: Final = struct.Struct("!HI")
_AGGREGATOR_4: Final = struct.Struct("!II")


class MalformedError(Exception):
    """Inside the decoder: what is wrong with the attribute at hand."""

    approach: Approach


class WithdrawError(MalformedError):
    """The attribute makes the UPDATE a withdrawal."""

    approach = Approach.TREAT_AS_WITHDRAW


class DiscardError(MalformedError):
    """The attribute does not count."""

    approach = Approach.ATTRIBUTE_DISCARD


# Decoders of a value: (value, AS numbers have four octets, the peer is external) -> value of the field.


def _origin(value: bytes, _four: bool, _ebgp: bool) -> Origin:
    origin = _ORIGINS.get(value)
    if origin is None:
        message = f"no ORIGIN: {value.hex()}"
        raise WithdrawError(message)  # RFC 7606 7.1
    return origin


def _as_path(value: bytes, four: bool, _ebgp: bool) -> tuple[Segment, ...]:
    try:
        return decode_path(value, 4 if four else 2)
    except PathError as error:
        raise WithdrawError(str(error)) from None  # RFC 7606 7.2, RFC 7607


def _next_hop(value: bytes, _four: bool, _ebgp: bool) -> int:
    next_hop = _word(value, _four, _ebgp)
    if next_hop == 0 or next_hop >= _FIRST_MULTICAST:
        message = f"no address of a host: {next_hop:#010x}"
        raise WithdrawError(message)  # RFC 4271 6.3, RFC 7606 3 (e)
    return next_hop


def _word(value: bytes, _four: bool, _ebgp: bool) -> int:
    if len(value) != _WORD.size:
        message = f"{len(value)} octets instead of 4"
        raise WithdrawError(message)  # RFC 7606 7.3-7.5, 7.9, RFC 9234 5
    return int.from_bytes(value, "big")


def _internal_word(value: bytes, four: bool, ebgp: bool) -> int:
    if ebgp:
        message = "from an external peer"
        raise DiscardError(message)  # RFC 7606 7.5, 7.9
    return _word(value, four, ebgp)


def _words(value: bytes, _four: bool, _ebgp: bool) -> tuple[int, ...]:
    return struct.unpack(f"!{_count(value, 4)}I", value)  # RFC 7606 7.8


def _internal_words(value: bytes, four: bool, ebgp: bool) -> tuple[int, ...]:
    if ebgp:
        message = "from an external peer"
        raise DiscardError(message)  # RFC 7606 7.10
    return _words(value, four, ebgp)


def _extended_communities(value: bytes, _four: bool, _ebgp: bool) -> tuple[int, ...]:
    return struct.unpack(f"!{_count(value, 8)}Q", value)  # RFC 7606 7.14


def _large_communities(value: bytes, _four: bool, _ebgp: bool) -> tuple[tuple[int, int, int], ...]:
    _count(value, 12)  # RFC 8092 5
    return tuple(struct.iter_unpack("!III", value))


def _count(value: bytes, octets: int) -> int:
    count, rest = divmod(len(value), octets)
    if rest or not count:
        message = f"{len(value)} octets are not a multiple of {octets}"
        raise WithdrawError(message)
    return count


def _atomic_aggregate(value: bytes, _four: bool, _ebgp: bool) -> bool:
    if value:
        message = f"{len(value)} octets instead of none"
        raise DiscardError(message)  # RFC 7606 7.6
    return True


def _aggregator(value: bytes, four: bool, _ebgp: bool) -> Aggregator:
    form = _AGGREGATOR_4 if four else _AGGREGATOR_2
    if len(value) != form.size:
        message = f"{len(value)} octets instead of {form.size}"
        raise DiscardError(message)  # RFC 7606 7.7
    aggregator = Aggregator(*form.unpack(value))
    if not aggregator.asn:
        message = "AS 0"
        raise DiscardError(message)  # RFC 7607
    return aggregator


def _as4_path(value: bytes, four: bool, _ebgp: bool) -> tuple[Segment, ...]:
    if four:
        message = "from a four-octet speaker"
        raise DiscardError(message)  # RFC 6793 4.1
    try:
        return without_confederation(decode_path(value, 4))
    except PathError as error:
        raise DiscardError(str(error)) from None  # RFC 6793 6


def _as4_aggregator(value: bytes, four: bool, ebgp: bool) -> Aggregator:
    if four:
        message = "from a four-octet speaker"
        raise DiscardError(message)
    return _aggregator(value, True, ebgp)  # whoever sends it


DECODERS: Final[dict[int, tuple[int, str, Callable[[bytes, bool, bool], object]]]] = {
    AttributeCode.ORIGIN: (_WELL_KNOWN, "origin", _origin),
    AttributeCode.AS_PATH: (_WELL_KNOWN, "as_path", _as_path),
    AttributeCode.NEXT_HOP: (_WELL_KNOWN, "next_hop", _next_hop),
    AttributeCode.MULTI_EXIT_DISC: (_OPTIONAL, "med", _word),
    AttributeCode.LOCAL_PREF: (_WELL_KNOWN, "local_pref", _internal_word),
    AttributeCode.ATOMIC_AGGREGATE: (_WELL_KNOWN, "atomic_aggregate", _atomic_aggregate),
    AttributeCode.AGGREGATOR: (_OPTIONAL_TRANSITIVE, "aggregator", _aggregator),
    AttributeCode.COMMUNITIES: (_OPTIONAL_TRANSITIVE, "communities", _words),
    AttributeCode.ORIGINATOR_ID: (_OPTIONAL, "originator_id", _internal_word),
    AttributeCode.CLUSTER_LIST: (_OPTIONAL, "cluster_list", _internal_words),
    AttributeCode.EXTENDED_COMMUNITIES: (_OPTIONAL_TRANSITIVE, "extended_communities", _extended_communities),
    AttributeCode.AS4_PATH: (_OPTIONAL_TRANSITIVE, "as4_path", _as4_path),
    AttributeCode.AS4_AGGREGATOR: (_OPTIONAL_TRANSITIVE, "as4_aggregator", _as4_aggregator),
    AttributeCode.LARGE_COMMUNITIES: (_OPTIONAL_TRANSITIVE, "large_communities", _large_communities),
    AttributeCode.ONLY_TO_CUSTOMER: (_OPTIONAL_TRANSITIVE, "only_to_customer", _word),
}
"""Code -> what its Optional and Transitive bits must be, field, decoder of the value."""
USUAL_DECODERS: Final = {
    bytes((flags, code)): (field, decoder)
    for code, (flags, field, decoder) in DECODERS.items()
    if not field.startswith("as4_")
}
"""Flags and code, the way they mostly come -> field, decoder; not those that are merged into others."""


def values(attributes: PathAttributes, *, four: bool) -> list[tuple[int, int, bytes]]:
    """Code, flags and value of what ``attributes`` has, ascending, then the unknown ones.

    Raises EncodingError for a wrong path, and struct.error or ValueError for
    another value that does not fit its field.
    """
    sent: list[tuple[int, int, bytes]] = []
    if attributes.origin is not None:
        sent.append((1, _WELL_KNOWN, bytes((attributes.origin,))))
    if attributes.as_path is not None:
        sent.append((2, _WELL_KNOWN, encode_path(attributes.as_path, 4 if four else 2)))
    if attributes.next_hop is not None:
        sent.append((3, _WELL_KNOWN, _WORD.pack(attributes.next_hop)))
    if attributes.med is not None:
        sent.append((4, _OPTIONAL, _WORD.pack(attributes.med)))
    if attributes.local_pref is not None:
        sent.append((5, _WELL_KNOWN, _WORD.pack(attributes.local_pref)))
    if attributes.atomic_aggregate:
        sent.append((6, _WELL_KNOWN, b""))
    if attributes.aggregator is not None:
        sent.append((7, _OPTIONAL_TRANSITIVE, _aggregator_octets(attributes.aggregator, four=four)))
    if attributes.communities:
        sent.append((8, _OPTIONAL_TRANSITIVE, _pack_all("I", attributes.communities)))
    sent += _rarer_values(attributes, four=four)
    return sent


def _rarer_values(attributes: PathAttributes, *, four: bool) -> list[tuple[int, int, bytes]]:
    """The same of the attributes behind COMMUNITIES."""
    sent: list[tuple[int, int, bytes]] = []
    if attributes.originator_id is not None:
        sent.append((9, _OPTIONAL, _WORD.pack(attributes.originator_id)))
    if attributes.cluster_list:
        sent.append((10, _OPTIONAL, _pack_all("I", attributes.cluster_list)))
    if attributes.extended_communities:
        sent.append((16, _OPTIONAL_TRANSITIVE, _pack_all("Q", attributes.extended_communities)))
    if not four:
        sent += _as4_values(attributes)
    if attributes.large_communities:
        packed = b"".join([_LARGE.pack(*large) for large in attributes.large_communities])
        sent.append((32, _OPTIONAL_TRANSITIVE, packed))
    if attributes.only_to_customer is not None:
        sent.append((35, _OPTIONAL_TRANSITIVE, _WORD.pack(attributes.only_to_customer)))
    sent += [(code, flags, value) for flags, code, value in attributes.unknown]
    return sent


def _as4_values(attributes: PathAttributes) -> list[tuple[int, int, bytes]]:
    """What an old speaker passes on without understanding it (RFC 6793 section 4.2.2)."""
    sent: list[tuple[int, int, bytes]] = []
    if attributes.as_path is not None and needs_as4(attributes.as_path):
        path = encode_path(without_confederation(attributes.as_path), 4)
        sent.append((AttributeCode.AS4_PATH, _OPTIONAL_TRANSITIVE, path))
    if attributes.aggregator is not None and attributes.aggregator.asn > AS_MAX_TWO_OCTETS:
        packed = _AGGREGATOR_4.pack(*attributes.aggregator)
        sent.append((AttributeCode.AS4_AGGREGATOR, _OPTIONAL_TRANSITIVE, packed))
    return sent


def _pack_all(code: str, numbers: tuple[int, ...]) -> bytes:
    """Numbers of one size behind each other."""
    return struct.pack(f"!{len(numbers)}{code}", *numbers)


def _aggregator_octets(aggregator: Aggregator, *, four: bool) -> bytes:
    """AGGREGATOR, with AS_TRANS where the AS number is too long."""
    asn, router_id = aggregator
    if four:
        return _AGGREGATOR_4.pack(asn, router_id)
    return _AGGREGATOR_2.pack(asn if asn <= AS_MAX_TWO_OCTETS else AS_TRANS, router_id)
