"""Many prefixes in few messages, and back to one a message."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.bgp.attributes import Origin
from emulator.bgp.messages import Family
from emulator.wire.codec import decode, encode
from emulator.wire.errors import EncodingError
from emulator.wire.iana import MESSAGE_OCTETS_MAX, SegmentKind
from emulator.wire.messages import (
    Approach,
    MalformedAttribute,
    MpReach,
    MpUnreach,
    PathAttributes,
    Segment,
    UpdateMessage,
    WirePrefix,
    parse_prefix,
)
from emulator.wire.packing import one_by_one, pack_updates

from wire_messages import updates

if TYPE_CHECKING:
    from collections.abc import Iterable

ROUTE = PathAttributes(Origin.IGP, (Segment(SegmentKind.AS_SEQUENCE, (65001,)),), 0xC0000201)
ONE, TWO = parse_prefix("192.0.2.0/24"), parse_prefix("198.51.100.0/24")


def slash24(number: int) -> WirePrefix:
    """One of 65,536 prefixes that take four octets each."""
    return WirePrefix(Family.IPV4, (10 << 24) + (number << 8), 24)


def rib_of(messages: Iterable[UpdateMessage]) -> dict[WirePrefix, object]:
    """What a receiver holds after ``messages``: None where the last word was a withdrawal."""
    rib: dict[WirePrefix, object] = {}
    for message in messages:
        for prefix in message.all_withdrawn:
            rib[prefix] = None
        for prefix in message.announced:
            rib[prefix] = (message.attributes or PathAttributes(), message.next_hops(prefix))
    return rib


@settings(max_examples=60, deadline=None)
@given(st.lists(updates(), max_size=6))
def test_the_receiver_ends_up_the_same(messages: list[UpdateMessage]) -> None:
    """Packed, or one prefix a message: every prefix has the same attributes and next hop, or none."""
    packed = pack_updates(messages)

    assert rib_of(packed) == rib_of(messages)
    assert rib_of(one for message in messages for one in one_by_one(message)) == rib_of(messages)
    assert all(len(encode(message)) <= MESSAGE_OCTETS_MAX for message in packed)


@pytest.mark.parametrize(
    ("count", "expected"), [(1, [1]), (1013, [1013]), (1014, [1013, 1]), (3000, [1013, 1013, 974])]
)
def test_as_few_messages_as_fit(count: int, expected: list[int]) -> None:
    """Header and lengths take 23 octets and ROUTE's attributes 20, a /24 four: (4096 - 43) / 4 = 1013 fit."""
    packed = pack_updates(UpdateMessage((), ROUTE, (slash24(number),)) for number in range(count))

    assert [len(message.nlri) for message in packed] == expected


def test_ipv6_is_packed_to_the_brim() -> None:
    """A /48 takes 7 octets, MP_REACH_NLRI 4 + 5 + 16, the rest 23 + 13: (4096 - 61) / 7 = 576 fit."""
    attributes = replace(ROUTE, next_hop=None)
    prefixes = [WirePrefix(Family.IPV6, (0x20010DB8 << 96) + (number << 80), 48) for number in range(577)]
    packed = pack_updates(
        UpdateMessage((), attributes, reach=MpReach(Family.IPV6, (1,), (prefix,))) for prefix in prefixes
    )

    assert [len(message.reach.prefixes) for message in packed if message.reach] == [576, 1]
    assert [len(encode(message)) for message in packed] == [61 + 576 * 7, 61 + 7 - 1]


def test_the_last_word_counts() -> None:
    """Announced, withdrawn, announced again: one announcement, after the withdrawals of others."""
    other = replace(ROUTE, med=5)
    packed = pack_updates(
        [UpdateMessage((), ROUTE, (ONE, TWO)), UpdateMessage((ONE,)), UpdateMessage((), other, (ONE,)),
         UpdateMessage((TWO,))]
    )  # fmt: skip

    assert packed == (UpdateMessage((TWO,)), UpdateMessage((), other, (ONE,)))


def test_one_by_one_carries_out_treat_as_withdraw() -> None:
    """A malformed announcement becomes withdrawals."""
    wrong = (MalformedAttribute(1, Approach.TREAT_AS_WITHDRAW, "wrong"),)
    message = UpdateMessage((), ROUTE, (ONE, TWO), malformed=wrong)

    assert one_by_one(message) == (UpdateMessage((ONE,)), UpdateMessage((TWO,)))


def test_one_by_one_keeps_each_prefix_in_its_field() -> None:
    """IPv4 in the UPDATE's own fields, what came in MP_REACH_NLRI and MP_UNREACH_NLRI there again."""
    six, gone = parse_prefix("2001:db8::/32"), parse_prefix("2001:db9::/32")
    reach, unreach = MpReach(Family.IPV6, (1,), (six,)), MpUnreach(Family.IPV6, (gone,))
    message = UpdateMessage((ONE,), ROUTE, (TWO,), reach, unreach)

    assert one_by_one(message) == (
        UpdateMessage((ONE,)),
        UpdateMessage(unreach=unreach),
        UpdateMessage((), ROUTE, (TWO,)),
        UpdateMessage((), ROUTE, reach=reach),
    )


def test_attributes_that_leave_no_room() -> None:
    """RFC 4271 section 9.2: such a route is not advertised; here the caller is told."""
    full = replace(ROUTE, communities=tuple(range(1013)))
    with pytest.raises(EncodingError):
        pack_updates([UpdateMessage((), full, (ONE,))])


def test_packed_messages_are_real() -> None:
    """They are decoded as they were packed."""
    packed = pack_updates(UpdateMessage((), ROUTE, (slash24(number),)) for number in range(1500))

    assert tuple(decode(encode(message)) for message in packed) == packed
