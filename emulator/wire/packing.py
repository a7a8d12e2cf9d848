"""Many prefixes in few messages, as routers send them, and one prefix a message, as the emulator counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from emulator.bgp.messages import Family
from emulator.wire.attributes import encode_attributes
from emulator.wire.errors import EncodingError
from emulator.wire.iana import HEADER_OCTETS, MESSAGE_OCTETS_MAX
from emulator.wire.messages import BITS, MpReach, MpUnreach, PathAttributes, UpdateMessage, WirePrefix
from emulator.wire.nlri import prefix_octets
from emulator.wire.session import DEFAULT_SESSION, DEFAULT_STYLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from emulator.wire.session import Session, Style

_EMPTY_UPDATE: Final = HEADER_OCTETS + 4
_ATTRIBUTE_HEADER: Final = 4
_REACH_HEADER: Final = 5
_UNREACH_HEADER: Final = 3


class _Way(NamedTuple):
    """What prefixes must have in common to share a message; no attributes is a withdrawal."""

    attributes: PathAttributes | None
    family: Family
    next_hops: tuple[int, ...] | None
    """Of MP_REACH_NLRI."""
    is_multiprotocol: bool


def pack_updates(
    updates: Iterable[UpdateMessage], session: Session = DEFAULT_SESSION, style: Style = DEFAULT_STYLE
) -> tuple[UpdateMessage, ...]:
    """Messages that leave a receiver where ``updates`` would, as few as 4096 octets each allow.

    Of a prefix that changes more than once only the last change is sent.
    Withdrawals come first and never share a message with announcements, as
    BIRD, FRR, GoBGP and OpenBGPD have it; then attributes in the order they were
    last used first. Raises EncodingError where attributes leave no room for a prefix.
    """
    latest: dict[WirePrefix, _Way] = {}
    for update in updates:
        for prefix, way in _changes(update):
            latest.pop(prefix, None)
            latest[prefix] = way
    groups: dict[_Way, list[WirePrefix]] = {}
    for prefix, way in latest.items():
        groups.setdefault(way, []).append(prefix)
    ordered = sorted(groups.items(), key=lambda group: group[0].attributes is not None)
    return tuple(
        _message(way, piece)
        for way, prefixes in ordered
        for piece in _pieces(prefixes, MESSAGE_OCTETS_MAX - _overhead(way, session, style))
    )


def one_by_one(update: UpdateMessage) -> tuple[UpdateMessage, ...]:
    """The same with one prefix a message, withdrawals first; treat-as-withdraw is carried out."""
    changes = list(_changes(update))
    return tuple(_message(way, (prefix,)) for prefix, way in changes)


def _changes(update: UpdateMessage) -> Iterator[tuple[WirePrefix, _Way]]:
    """What ``update`` does to each of its prefixes, withdrawals first.

    So a prefix that is in both fields ends up announced, as RFC 4271 section 4.3 wants it.
    """
    for prefix in update.withdrawn:
        yield prefix, _Way(None, Family.IPV4, None, is_multiprotocol=False)
    if update.unreach is not None:
        for prefix in update.unreach.prefixes:
            yield prefix, _Way(None, prefix.family, None, is_multiprotocol=True)
    attributes = None
    if not update.is_treated_as_withdraw:
        attributes = PathAttributes() if update.attributes is None else update.attributes
    for prefix in update.nlri:
        yield prefix, _Way(attributes, Family.IPV4, None, is_multiprotocol=False)
    if update.reach is not None:
        family, next_hops, prefixes = update.reach
        hops = None if attributes is None else next_hops
        for prefix in prefixes:
            yield prefix, _Way(attributes, family, hops, is_multiprotocol=True)


def _message(way: _Way, prefixes: tuple[WirePrefix, ...]) -> UpdateMessage:
    """The message that does so to ``prefixes``."""
    if way.next_hops is not None:
        return UpdateMessage(attributes=way.attributes, reach=MpReach(way.family, way.next_hops, prefixes))
    if way.is_multiprotocol:
        return UpdateMessage(unreach=MpUnreach(way.family, prefixes))
    if way.attributes is None:
        return UpdateMessage(prefixes)
    return UpdateMessage(attributes=way.attributes, nlri=prefixes)


def _overhead(way: _Way, session: Session, style: Style) -> int:
    """Octets of a message that are not prefixes."""
    octets = _EMPTY_UPDATE
    if way.attributes is not None:
        octets += len(encode_attributes(way.attributes, session, style))
    if way.next_hops is not None:
        octets += _ATTRIBUTE_HEADER + _REACH_HEADER + len(way.next_hops) * (BITS[way.family] >> 3)
    elif way.is_multiprotocol:
        octets += _ATTRIBUTE_HEADER + _UNREACH_HEADER
    return octets


def _pieces(prefixes: list[WirePrefix], room: int) -> Iterator[tuple[WirePrefix, ...]]:
    """``prefixes`` in pieces that fit into ``room`` octets each."""
    piece: list[WirePrefix] = []
    left = room
    for prefix in prefixes:
        octets = prefix_octets(prefix)
        if octets > room:
            message = "the path attributes leave no room for a prefix"
            raise EncodingError(message)
        if octets > left:
            yield tuple(piece)
            piece, left = [], room
        piece.append(prefix)
        left -= octets
    yield tuple(piece)
