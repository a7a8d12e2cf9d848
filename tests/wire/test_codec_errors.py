"""What is wrong in a message and what follows: RFC 4271 section 6 and RFC 7606, one row a rule."""

from __future__ import annotations

import pytest

from emulator.bgp.messages import Capabilities, Family, Keepalive, Notification, Open
from emulator.wire.codec import decode, encode, split
from emulator.wire.errors import EncodingError, PeerError
from emulator.wire.iana import SegmentKind
from emulator.wire.messages import (
    Approach,
    MpReach,
    PathAttributes,
    Segment,
    UpdateMessage,
    WirePrefix,
    parse_prefix,
    prefix_text,
)
from emulator.wire.session import Session

MARKER = "ff" * 16
OPEN = "04 fde9 005a 0a000001"
PREFIX = parse_prefix("198.51.100.0/24")
NLRI = "18 c63364"
ORIGIN, PATH, NEXT_HOP = "40 01 01 00", "40 02 06 0201 0000fde9", "40 03 04 c0000201"
INTERNAL, OLD = Session(is_ebgp=False), Session(four_octet_as=False)
WITHDRAW, DISCARD = Approach.TREAT_AS_WITHDRAW, Approach.ATTRIBUTE_DISCARD


def framed(kind: int, body: str) -> bytes:
    """A message with a right header."""
    octets = bytes.fromhex(body)
    return bytes.fromhex(f"{MARKER}{19 + len(octets):04x}{kind:02x}") + octets


def an_update(attributes: str, nlri: str = NLRI) -> bytes:
    """An UPDATE of these attributes and prefixes."""
    return framed(2, f"0000 {len(bytes.fromhex(attributes)):04x} {attributes} {nlri}")


def refused(data: bytes, session: Session = Session()) -> tuple[int, int, str]:  # noqa: B008
    """Code, subcode and data of the NOTIFICATION that ``data`` earns."""
    with pytest.raises(PeerError) as caught:
        decode(data, session)
    error = caught.value.notification
    return error.code, error.subcode, error.data.hex()


def header(size: int, kind: int, marker: str = MARKER) -> bytes:
    """A header with nothing behind it but zeros to make up ``size``."""
    return bytes.fromhex(f"{marker}{size:04x}{kind:02x}") + bytes(max(0, size - 19))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (header(19, 4, "ff" * 15 + "fe"), (1, 1, "")),
        (header(18, 4), (1, 2, "0012")),
        (header(4097, 2), (1, 2, "1001")),
        (header(28, 1), (1, 2, "001c")),
        (header(22, 2), (1, 2, "0016")),
        (header(20, 3), (1, 2, "0014")),
        (header(20, 4), (1, 2, "0014")),
        (header(22, 5), (1, 2, "0016")),
        (header(24, 5), (1, 2, "0018")),
        (framed(5, "0001 01 01 00"), (7, 1, framed(5, "0001 01 01 00").hex())),
        (header(19, 6), (1, 3, "06")),
        (header(19, 0), (1, 3, "00")),
        (b"", (1, 2, "0000")),
        (header(19, 4) + b"x", (1, 2, "0013")),
    ],
)
def test_header(data: bytes, expected: tuple[int, int, str]) -> None:
    """RFC 4271 6.1 and RFC 7313 section 5: marker, length of each type with the length as data, type."""
    assert refused(data) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("03 fde9 005a 0a000001 00", (2, 1, "0004")),
        ("04 0000 005a 0a000001 00", (2, 2, "")),
        (f"{OPEN} 08 0206 4104 00000000", (2, 2, "")),
        ("04 fde9 005a 00000000 00", (2, 3, "")),
        (f"{OPEN} 02 0100", (2, 4, "")),
        ("04 fde9 0001 0a000001 00", (2, 6, "")),
        ("04 fde9 0002 0a000001 00", (2, 6, "")),
        (f"{OPEN} 08 0206 0901 00 0901 01", (2, 11, "")),
        (f"{OPEN} 01", (2, 0, "")),
        (f"{OPEN} 00 00", (2, 0, "")),
        (f"{OPEN} 02 0201", (2, 0, "")),
        (f"{OPEN} 04 0202 4104", (2, 0, "")),
        (f"{OPEN} 06 0204 4102 0001", (2, 0, "")),
        (f"{OPEN} 05 0203 0101 00", (2, 0, "")),
        (f"{OPEN} 05 0203 4001 00", (2, 0, "")),
        (f"{OPEN} ff ff 00", (2, 0, "")),
        (f"{OPEN} ff ff 0001 02", (2, 0, "")),
    ],
)
def test_open(body: str, expected: tuple[int, int, str]) -> None:
    """RFC 4271 6.2, 6286, 7607, 9234: version, AS 0, identifier 0, parameters, hold time, roles, lengths."""
    assert refused(framed(1, body)) == expected


REACH_HEADER = "0002 01 10" + "20010db8" + "00" * 12 + "00"


def mp_reach(value: str, flags: str = "80") -> str:
    """MP_REACH_NLRI with this value."""
    return f"{flags} 0e {len(bytes.fromhex(value)):02x} {value}"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (framed(2, "0001 0000"), (3, 1, "")),
        (framed(2, "0000 0001"), (3, 1, "")),
        (framed(2, "ffff 0000"), (3, 1, "")),
        (framed(2, "0002 21 00 0000"), (3, 10, "")),
        (an_update(ORIGIN + PATH + NEXT_HOP, "18 c633"), (3, 10, "")),
        (an_update(ORIGIN + PATH + NEXT_HOP, "21 c633640000"), (3, 10, "")),
        (an_update("40 32 01 07"), (3, 2, "40320107")),
        (an_update(mp_reach(REACH_HEADER) * 2, ""), (3, 1, "")),
        (an_update("80 0f 03 0001 01" * 2, ""), (3, 1, "")),
        (an_update(mp_reach("0002 01"), ""), (3, 9, "800e03000201")),
        (an_update("80 0f 02 0002", ""), (3, 9, "800f020002")),
        (an_update(mp_reach("0001 01 10" + "00" * 17), ""), (3, 9, "800e15" + "00010110" + "00" * 17)),
        (
            an_update(mp_reach(REACH_HEADER + "81"), ""),
            (3, 9, "800e16" + REACH_HEADER.replace(" ", "") + "81"),
        ),
        (an_update("80 0f 05 0002 01 20 20", ""), (3, 9, "800f050002012020")),
        (an_update("40 01 01 07", ""), (3, 1, "")),
    ],
)
def test_update_that_ends_the_session(data: bytes, expected: tuple[int, int, str]) -> None:
    """RFC 7606 sections 3, 5 and 7.11: prefixes that cannot be told apart, an unknown well-known attribute.

    The last row is section 5.2: an error with no prefix to withdraw.
    """
    assert refused(data) == expected


@pytest.mark.parametrize(
    ("attribute", "session", "approach"),
    [
        ("40 01 01 03", INTERNAL, WITHDRAW),
        ("40 01 02 0000", INTERNAL, WITHDRAW),
        ("c0 01 01 00", INTERNAL, WITHDRAW),
        ("40 02 06 0501 0000fde9", INTERNAL, WITHDRAW),
        ("40 02 02 0200", INTERNAL, WITHDRAW),
        ("40 02 06 0202 0000fde9", INTERNAL, WITHDRAW),
        ("40 02 07 0201 0000fde9 02", INTERNAL, WITHDRAW),
        ("40 02 06 0201 00000000", INTERNAL, WITHDRAW),
        ("40 03 03 c00002", INTERNAL, WITHDRAW),
        ("40 03 04 00000000", INTERNAL, WITHDRAW),
        ("40 03 04 e0000001", INTERNAL, WITHDRAW),
        ("80 04 03 000000", INTERNAL, WITHDRAW),
        ("c0 04 04 00000000", INTERNAL, WITHDRAW),
        ("40 05 03 000000", INTERNAL, WITHDRAW),
        ("40 05 04 00000064", Session(), DISCARD),
        ("40 06 01 00", INTERNAL, DISCARD),
        ("c0 07 06 fde9 0a000001", INTERNAL, DISCARD),
        ("c0 07 08 0000fde9 0a000001", OLD, DISCARD),
        ("c0 07 08 00000000 0a000001", INTERNAL, DISCARD),
        ("c0 08 03 000000", INTERNAL, WITHDRAW),
        ("c0 08 00", INTERNAL, WITHDRAW),
        ("80 09 04 0a000001", Session(), DISCARD),
        ("80 09 03 0a0000", INTERNAL, WITHDRAW),
        ("80 0a 04 0a000001", Session(), DISCARD),
        ("80 0a 03 0a0000", INTERNAL, WITHDRAW),
        ("80 0a 00", INTERNAL, WITHDRAW),
        ("c0 10 07 00000000000000", INTERNAL, WITHDRAW),
        ("c0 11 06 0201 0000fde9", INTERNAL, DISCARD),
        ("c0 11 05 0201 0000fd", OLD, DISCARD),
        ("c0 12 08 0000fde9 0a000001", INTERNAL, DISCARD),
        ("c0 12 06 0000fde9 0a00", OLD, DISCARD),
        ("c0 20 08 0000000000000000", INTERNAL, WITHDRAW),
        ("c0 23 03 000000", INTERNAL, WITHDRAW),
        ("80 23 04 0000fde9", INTERNAL, WITHDRAW),
    ],
)
def test_malformed_attribute(attribute: str, session: Session, approach: Approach) -> None:
    """RFC 7606 section 7, RFC 6793, 7607, 8092, 9234: the session lives, route or attribute does not."""
    path = "40 02 04 0201 fde9" if session is OLD else PATH
    code = int(attribute.split()[1], 16)
    others = [each for each in (ORIGIN, path, NEXT_HOP) if int(each.split()[1], 16) != code]
    decoded = decode(an_update(" ".join([*others, attribute])), session)

    assert isinstance(decoded, UpdateMessage)
    assert [(each.code, each.approach) for each in decoded.malformed] == [(code, approach)]
    gone, kept = (decoded.nlri, ()) if approach is WITHDRAW else ((), decoded.nlri)
    assert (decoded.all_withdrawn, decoded.announced) == (gone, kept)
    assert decoded.nlri == (PREFIX,)


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        (f"{ORIGIN} {PATH}", [(3, WITHDRAW)]),
        (f"{ORIGIN} {NEXT_HOP}", [(2, WITHDRAW)]),
        ("", [(1, WITHDRAW), (2, WITHDRAW), (3, WITHDRAW)]),
        (f"{ORIGIN} {PATH} {NEXT_HOP} 40 01 01 01", [(1, DISCARD)]),
        (f"{ORIGIN} {PATH} {NEXT_HOP} 80 63 00 80 63 00", [(99, DISCARD)]),
        (f"{ORIGIN} {PATH} {NEXT_HOP} 80 04 05 00000000", [(0, WITHDRAW)]),
        (f"{ORIGIN} {PATH} {NEXT_HOP} 80", [(0, WITHDRAW)]),
        (f"{ORIGIN} {PATH} {NEXT_HOP} 90 04 00", [(0, WITHDRAW)]),
        (f"{ORIGIN} {PATH} {NEXT_HOP} {mp_reach('0019 41 00 00')}", [(14, DISCARD)]),
    ],
    ids=[
        "no NEXT_HOP",
        "no AS_PATH",
        "none",
        "twice",
        "unknown twice",
        "too long",
        "an octet over",
        "no length",
        "another family",
    ],
)
def test_malformed_list(attributes: str, expected: list[tuple[int, Approach]]) -> None:
    """RFC 7606 section 3 (d) and (g), section 4; RFC 4760: families not negotiated."""
    decoded = decode(an_update(attributes), INTERNAL)

    assert isinstance(decoded, UpdateMessage)
    assert [(each.code, each.approach) for each in decoded.malformed] == expected
    assert decoded.is_treated_as_withdraw == (WITHDRAW in [approach for _, approach in expected])


def test_wrong_flags_of_mp_reach_withdraw_its_prefixes() -> None:
    """RFC 7606 section 3 (c): the prefixes are still readable."""
    decoded = decode(an_update(f"{mp_reach(REACH_HEADER + '20 20010db8', 'c0')} {ORIGIN} {PATH}", ""))

    assert isinstance(decoded, UpdateMessage)
    assert [prefix_text(prefix) for prefix in decoded.all_withdrawn] == ["2001:db8::/32"]


def test_families_of_the_session() -> None:
    """MP_REACH_NLRI of IPv6 is passed over where only IPv4 was negotiated."""
    data = an_update(f"{mp_reach(REACH_HEADER + '20 20010db8')} {ORIGIN} {PATH}", "")
    decoded = decode(data, Session(families=(Family.IPV4,)))

    assert isinstance(decoded, UpdateMessage)
    assert (decoded.announced, decoded.all_withdrawn) == ((), ())


def test_a_stream_yields_what_came_before_a_wrong_header() -> None:
    """The error is raised once it stands first, so that no good message is lost."""
    keepalive = encode(Keepalive())
    complete, rest = split(keepalive * 2 + header(19, 9))

    assert (complete, rest) == ((keepalive, keepalive), header(19, 9))
    with pytest.raises(PeerError):
        split(rest)


@pytest.mark.parametrize(
    "message",
    [
        UpdateMessage(tuple(WirePrefix(Family.IPV4, i << 8, 24) for i in range(1020))),
        UpdateMessage((WirePrefix(Family.IPV4, 0, 33),)),
        UpdateMessage((WirePrefix(Family.IPV4, 1 << 32, 32),)),
        UpdateMessage((WirePrefix(Family.IPV6, 0, 0),)),
        UpdateMessage(attributes=PathAttributes(med=1 << 32)),
        UpdateMessage(attributes=PathAttributes(med=-1)),
        UpdateMessage(attributes=PathAttributes(large_communities=((1 << 32, 0, 0),))),
        UpdateMessage(attributes=PathAttributes(as_path=(Segment(SegmentKind.AS_SEQUENCE, (0,)),))),
        UpdateMessage(attributes=PathAttributes(as_path=(Segment(SegmentKind.AS_SEQUENCE, ()),))),
        UpdateMessage(
            attributes=PathAttributes(as_path=(Segment(SegmentKind.AS_SET, tuple(range(1, 257))),))
        ),
        UpdateMessage(reach=MpReach(Family.IPV6, (), ())),
        UpdateMessage(reach=MpReach(Family.IPV4, (1 << 32,), ())),
        UpdateMessage(reach=MpReach(Family.IPV6, (1,), (PREFIX,))),
        Open(70000, 90, 1, Capabilities()),
        Open(1, 90, 1, Capabilities(unknown=((77, bytes(256)),))),
        Open(1, 90, 1, Capabilities(unknown=((77, bytes(200)), (78, bytes(200))))),
        Notification(256),
        Notification(6, 2, bytes(5000)),
    ],
)
def test_what_cannot_be_said(message: UpdateMessage | Open | Notification) -> None:
    """A message beyond 4096 octets or a value beyond its field is refused, not cut."""
    with pytest.raises(EncodingError):
        encode(message)
