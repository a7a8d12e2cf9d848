"""From the emulator's numbers to addresses and back."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.bgp.attributes import Attributes, Origin
from emulator.bgp.messages import EndOfRib, Family, Keepalive, Update
from emulator.wire.codec import decode, encode
from emulator.wire.convert import AddressTable, from_wire, to_wire
from emulator.wire.iana import SegmentKind
from emulator.wire.messages import (
    Approach,
    MalformedAttribute,
    OtherRouteRefresh,
    PathAttributes,
    Segment,
    UpdateMessage,
    parse_address,
    parse_prefix,
)
from emulator.wire.session import Session

FOUR, SIX = parse_prefix("192.0.2.0/24"), parse_prefix("2001:db8::/32")
PLAN = AddressTable(
    {0: FOUR, 1: SIX},
    {
        (7, Family.IPV4): (parse_address("10.0.0.7"),),
        (7, Family.IPV6): (parse_address("2001:db8::7"), parse_address("fe80::7")),
    },
)
INTERNAL = Session(is_ebgp=False)
WORDS = st.integers(0, 0xFFFFFFFF)
ROUTES = st.builds(
    Attributes,
    as_path=st.lists(st.integers(1, 0xFFFFFFFF), max_size=300).map(tuple),
    next_hop=st.just(7),
    local_pref=WORDS,
    med=st.none() | WORDS,
    origin=st.sampled_from(Origin),
    communities=st.lists(WORDS, unique=True, max_size=4).map(lambda words: tuple(sorted(words))),
    large_communities=st.lists(st.tuples(WORDS, WORDS, WORDS), unique=True, max_size=3).map(
        lambda larges: tuple(sorted(larges))
    ),
    extended_communities=st.lists(st.integers(0, 2**64 - 1), unique=True, max_size=3).map(
        lambda longs: tuple(sorted(longs))
    ),
    originator_id=st.none() | WORDS,
    cluster_list=st.lists(WORDS, max_size=3).map(tuple),
    only_to_customer=st.none() | WORDS,
    aggregator=st.none() | st.tuples(st.integers(1, 0xFFFFFFFF), WORDS),
    atomic_aggregate=st.booleans(),
)
ROUTE = Attributes(as_path=(65001, 65002), next_hop=7, local_pref=200, originator_id=1, cluster_list=(2,))


@given(st.builds(Update, st.integers(0, 1), st.none() | ROUTES), st.booleans())
def test_there_and_back_inside_an_as(update: Update, four: bool) -> None:
    """Nothing is lost between two routers of an AS, whatever the family and the size of AS numbers."""
    session = Session(four_octet_as=four, is_ebgp=False)
    octets = encode(to_wire(update, PLAN, session), session)

    assert from_wire(decode(octets, session), PLAN) == (update,)


@given(ROUTES)
def test_what_stays_inside_is_not_sent_out(route: Attributes) -> None:
    """LOCAL_PREF (RFC 4271 5.1.5), ORIGINATOR_ID and CLUSTER_LIST (RFC 4456) do not reach another AS."""
    octets = encode(to_wire(Update(0, route), PLAN))
    expected = replace(route, local_pref=100, originator_id=None, cluster_list=())

    assert from_wire(decode(octets), PLAN) == (Update(0, expected),)


def test_ipv4_is_in_the_update_and_ipv6_in_the_attributes() -> None:
    """RFC 4271 for the one, RFC 4760 with global and link-local next hop for the other."""
    four, six = to_wire(Update(0, ROUTE), PLAN), to_wire(Update(1, ROUTE), PLAN)

    assert isinstance(four, UpdateMessage)
    assert isinstance(six, UpdateMessage)
    assert (four.nlri, four.reach, four.next_hops(FOUR)) == ((FOUR,), None, (parse_address("10.0.0.7"),))
    assert (six.nlri, six.next_hops(SIX)) == ((), (parse_address("2001:db8::7"), parse_address("fe80::7")))
    assert six.attributes is not None
    assert six.attributes.next_hop is None


@pytest.mark.parametrize(
    "kind", [SegmentKind.AS_SET, SegmentKind.AS_CONFED_SEQUENCE, SegmentKind.AS_CONFED_SET]
)
def test_paths_that_are_not_spoken_withdraw(kind: SegmentKind) -> None:
    """RFC 9774 for sets, RFC 5065 section 4.1 for confederation segments from outside."""
    attributes = PathAttributes(Origin.IGP, (Segment(kind, (65001,)),), parse_address("10.0.0.7"))

    assert from_wire(UpdateMessage((), attributes, (FOUR,)), PLAN) == (Update(0, None),)


def test_malformed_attributes_withdraw() -> None:
    """RFC 7606: treat-as-withdraw reaches the speaker as a withdrawal."""
    sent = to_wire(Update(0, ROUTE), PLAN)
    assert isinstance(sent, UpdateMessage)
    wrong = replace(sent, malformed=(MalformedAttribute(1, Approach.TREAT_AS_WITHDRAW, "wrong"),))
    harmless = replace(sent, malformed=(MalformedAttribute(6, Approach.ATTRIBUTE_DISCARD, "wrong"),))

    assert from_wire(wrong, PLAN) == (Update(0, None),)
    assert from_wire(harmless, PLAN) == from_wire(sent, PLAN)


def test_other_messages_are_the_same_on_both_sides() -> None:
    """They hold no numbers; a refresh that is not spoken is nothing to the speaker."""
    for message in (Keepalive(), EndOfRib(Family.IPV6)):
        assert to_wire(message, PLAN) == message
        assert from_wire(message, PLAN) == (message,)
    assert from_wire(OtherRouteRefresh(1, 128, 0), PLAN) == ()


def test_an_unknown_address_is_told() -> None:
    """The plan decides: this one raises KeyError."""
    attributes = PathAttributes(Origin.IGP, (), parse_address("10.0.0.8"))
    with pytest.raises(KeyError):
        from_wire(UpdateMessage((), attributes, (FOUR,)), PLAN)
