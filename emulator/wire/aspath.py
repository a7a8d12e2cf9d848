"""AS_PATH in octets, with AS numbers of two or four octets (RFC 4271 section 4.3, RFC 5065, RFC 6793)."""

from __future__ import annotations

import struct
from typing import Final

from emulator.wire.errors import EncodingError
from emulator.wire.iana import AS_MAX_TWO_OCTETS, AS_TRANS, SegmentKind
from emulator.wire.messages import Segment

_KINDS: Final = {int(kind): kind for kind in SegmentKind}
_CONFEDERATION: Final = (SegmentKind.AS_CONFED_SEQUENCE, SegmentKind.AS_CONFED_SET)
_ASNS_MAX: Final = 255
"""Of one segment: its count is an octet."""
_FOUR: Final = 4
_FORMS: Final = {
    2: [struct.Struct(f"!{count}H") for count in range(_ASNS_MAX + 1)],
    4: [struct.Struct(f"!{count}I") for count in range(_ASNS_MAX + 1)],
}
_ASN_MAX: Final = 0xFFFFFFFF


class PathError(ValueError):
    """Octets that are no AS_PATH (RFC 7606 section 7.2)."""


def decode_path(data: bytes, octets: int) -> tuple[Segment, ...]:
    """The segments of a path whose AS numbers have ``octets`` octets.

    Raises PathError for an unknown kind, an empty segment, one that runs over
    the end, a lone last octet, and AS 0 (RFC 7607).
    """
    size = len(data)
    segments = []
    at = 0
    while at < size:
        if at + 2 > size:
            message = "an octet is left over"
            raise PathError(message)
        kind = _KINDS.get(data[at])
        count = data[at + 1]
        end = at + 2 + count * octets
        if kind is None:
            message = f"no kind of segment: {data[at]}"
            raise PathError(message)
        if not count:
            message = "an empty segment"
            raise PathError(message)
        if end > size:
            message = "the last segment runs over the end"
            raise PathError(message)
        asns = _FORMS[octets][count].unpack_from(data, at + 2)
        if 0 in asns:
            message = "AS 0"
            raise PathError(message)
        segments.append(Segment(kind, asns))
        at = end
    return tuple(segments)


def encode_path(segments: tuple[Segment, ...], octets: int) -> bytes:
    """The reverse; in two octets a longer AS number becomes AS_TRANS.

    A sequence of more than 255 ASes becomes several segments; a set cannot be cut.
    """
    parts = []
    for kind, asns in segments:
        if not asns:
            message = "an empty segment of an AS_PATH"
            raise EncodingError(message)
        if len(asns) > _ASNS_MAX and kind in (SegmentKind.AS_SET, SegmentKind.AS_CONFED_SET):
            message = f"a set of {len(asns)} ASes; {_ASNS_MAX} at most"
            raise EncodingError(message)
        if min(asns) < 1 or max(asns) > _ASN_MAX:
            message = f"no AS numbers: {asns}"
            raise EncodingError(message)
        sent = asns if octets == _FOUR else two_octet(asns)
        while sent:
            piece, sent = sent[:_ASNS_MAX], sent[_ASNS_MAX:]
            parts.append(bytes((kind, len(piece))) + _FORMS[octets][len(piece)].pack(*piece))
    return b"".join(parts)


def two_octet(asns: tuple[int, ...]) -> tuple[int, ...]:
    """AS numbers as an old speaker sees them (RFC 6793 section 4.2.2)."""
    return tuple(asn if asn <= AS_MAX_TWO_OCTETS else AS_TRANS for asn in asns)


def needs_as4(segments: tuple[Segment, ...]) -> bool:
    """Whether the path has to go along as AS4_PATH to an old speaker."""
    return any(
        asn > AS_MAX_TWO_OCTETS for kind, asns in segments if kind not in _CONFEDERATION for asn in asns
    )


def without_confederation(segments: tuple[Segment, ...]) -> tuple[Segment, ...]:
    """What AS4_PATH may hold (RFC 6793 sections 3 and 6)."""
    return tuple(segment for segment in segments if segment.kind not in _CONFEDERATION)


def path_length(segments: tuple[Segment, ...]) -> int:
    """A set counts one (RFC 4271 section 9.1.2.2), a confederation segment nothing (RFC 5065 section 5.3)."""
    return sum(
        1 if kind is SegmentKind.AS_SET else len(asns)
        for kind, asns in segments
        if kind not in _CONFEDERATION
    )


def reconcile(as_path: tuple[Segment, ...], as4_path: tuple[Segment, ...]) -> tuple[Segment, ...]:
    """The path an old speaker sent, its AS_TRANS replaced from AS4_PATH (RFC 6793 section 4.2.3).

    AS4_PATH covers the end of the path; the ASes before it come from AS_PATH,
    with the confederation segments next to them. A longer AS4_PATH is not believed.
    """
    missing = path_length(as_path) - path_length(as4_path)
    if missing < 0:
        return as_path
    leading: list[Segment] = []
    for segment in as_path:
        kind, asns = segment
        if kind in _CONFEDERATION:
            leading.append(segment)
        elif missing == 0:
            break
        elif kind is SegmentKind.AS_SET:
            leading.append(segment)
            missing -= 1
        elif missing < len(asns):
            leading.append(Segment(kind, asns[:missing]))
            break
        else:
            leading.append(segment)
            missing -= len(asns)
    return _joined(tuple(leading), as4_path)


def _joined(front: tuple[Segment, ...], back: tuple[Segment, ...]) -> tuple[Segment, ...]:
    """One path of two, as one segment where a sequence meets a sequence and its count fits."""
    if front and back and front[-1].kind is back[0].kind is SegmentKind.AS_SEQUENCE:
        asns = front[-1].asns + back[0].asns
        if len(asns) <= _ASNS_MAX:
            return (*front[:-1], Segment(SegmentKind.AS_SEQUENCE, asns), *back[1:])
    return front + back
