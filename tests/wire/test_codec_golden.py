"""Messages octet by octet: one constant for both directions, worked out by hand from the RFCs."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from emulator.bgp.attributes import Origin
from emulator.bgp.messages import (
    Capabilities,
    EndOfRib,
    Family,
    GracefulRestart,
    Keepalive,
    Notification,
    Open,
    Role,
    RouteRefresh,
)
from emulator.wire.codec import decode, encode
from emulator.wire.iana import SegmentKind
from emulator.wire.messages import (
    Aggregator,
    Message,
    MpReach,
    MpUnreach,
    OtherRouteRefresh,
    PathAttributes,
    Segment,
    UnknownAttribute,
    UpdateMessage,
    parse_address,
    parse_prefix,
)
from emulator.wire.session import DEFAULT_STYLE, Session, Style

MARKER = "ff" * 16
INTERNAL = Session(is_ebgp=False)
OLD = Session(four_octet_as=False)
EACH = Style(one_parameter=False)
IPV4, IPV6 = Family.IPV4, Family.IPV6


@dataclass(frozen=True)
class Golden:
    """A message, its body in hexadecimal (spaces do not count), and the session and style it belongs to."""

    name: str
    kind: int
    body: str
    message: Message
    session: Session = INTERNAL
    style: Style = DEFAULT_STYLE

    @property
    def octets(self) -> bytes:
        """The message with its header."""
        body = bytes.fromhex(self.body)
        return bytes.fromhex(f"{MARKER}{19 + len(body):04x}{self.kind:02x}") + body


def sequence(*asns: int) -> Segment:
    """An AS_SEQUENCE."""
    return Segment(SegmentKind.AS_SEQUENCE, asns)


def an_open(capabilities: Capabilities) -> Open:
    """AS 65001 with a hold time of 90 s and identifier 10.0.0.1."""
    return Open(65001, 90, parse_address("10.0.0.1"), capabilities)


def update(attributes: PathAttributes) -> UpdateMessage:
    """An UPDATE of nothing but ``attributes``: as a golden, one attribute at a time."""
    return UpdateMessage(attributes=attributes)


def attribute(name: str, octets: str, attributes: PathAttributes, session: Session = INTERNAL) -> Golden:
    """An UPDATE of one attribute."""
    size = len(bytes.fromhex(octets))
    return Golden(name, 2, f"0000 {size:04x} {octets}", update(attributes), session)


FIXED = "04 fde9 005a 0a000001"
ALL = Capabilities(
    families=(IPV4, IPV6),
    four_octet_as=65001,
    route_refresh=True,
    graceful_restart=GracefulRestart(
        120, restarting=True, preserved=(IPV4,), not_preserved=(IPV6,), notification=True
    ),
    role=Role.CUSTOMER,
    unknown=((70, b""), (71, b"\1\2")),
)
MULTI4, MULTI6, REFRESH, ROLE = "0104 00010001", "0104 00020001", "0200", "0901 03"
RESTART, AS4, OTHERS = "400a c078 0001 01 80 0002 01 00", "4104 0000fde9", ("4600", "4702 0102")

OPENS = [
    Golden("open without capabilities", 1, f"{FIXED} 00", an_open(Capabilities())),
    Golden("multiprotocol", 1, f"{FIXED} 08 0206 {MULTI6}", an_open(Capabilities((IPV6,)))),
    Golden("route refresh", 1, f"{FIXED} 04 0202 {REFRESH}", an_open(Capabilities(route_refresh=True))),
    Golden("four-octet AS", 1, f"{FIXED} 08 0206 {AS4}", an_open(Capabilities(four_octet_as=65001))),
    Golden("role", 1, f"{FIXED} 05 0203 {ROLE}", an_open(Capabilities(role=Role.CUSTOMER))),
    Golden(
        "graceful restart",
        1,
        f"{FIXED} 06 0204 4002 0078",
        an_open(Capabilities(graceful_restart=GracefulRestart(120))),
    ),
    Golden(
        "all capabilities in one parameter",
        1,
        f"{FIXED} 2b 0229 {MULTI4} {MULTI6} {REFRESH} {ROLE} {RESTART} {AS4} {' '.join(OTHERS)}",
        an_open(ALL),
    ),
    Golden(
        "a parameter for each capability",
        1,
        f"{FIXED} 39 0206 {MULTI4} 0206 {MULTI6} 0202 {REFRESH} 0203 {ROLE} 020c {RESTART} 0206 {AS4} "
        f"0202 {OTHERS[0]} 0204 {OTHERS[1]}",
        an_open(ALL),
        style=EACH,
    ),
    Golden(
        "AS_TRANS for a long AS number",
        1,
        "04 5ba0 005a 0a000001 08 0206 4104 fa56ea00",
        Open(23456, 90, parse_address("10.0.0.1"), Capabilities(four_octet_as=4_200_000_000)),
    ),
]
SHORT = [
    Golden("keepalive", 4, "", Keepalive()),
    Golden("cease, administrative shutdown", 3, "06 02 03 627965", Notification(6, 2, b"\3bye")),
    Golden("hold timer expired", 3, "04 00", Notification(4)),
    Golden("route refresh of IPv6", 5, "0002 00 01", RouteRefresh(IPV6)),
    Golden("beginning of a refresh (RFC 7313)", 5, "0001 01 01", OtherRouteRefresh(1, 1, 1)),
    Golden("route refresh of VPNv4", 5, "0001 00 80", OtherRouteRefresh(1, 128, 0)),
    Golden("end of RIB, IPv4", 2, "0000 0000", EndOfRib(IPV4)),
    Golden("end of RIB, IPv6", 2, "0000 0006 80 0f 03 0002 01", EndOfRib(IPV6)),
]
ATTRIBUTES = [
    attribute("ORIGIN", "40 01 01 02", PathAttributes(Origin.INCOMPLETE)),
    attribute("empty AS_PATH", "40 02 00", PathAttributes(as_path=())),
    attribute(
        "AS_PATH of all kinds",
        "40 02 18 0301 0000fe01 0401 0000fe02 0201 fa56ea00 0101 0000fde9",
        PathAttributes(
            as_path=(
                Segment(SegmentKind.AS_CONFED_SEQUENCE, (65025,)),
                Segment(SegmentKind.AS_CONFED_SET, (65026,)),
                sequence(4_200_000_000),
                Segment(SegmentKind.AS_SET, (65001,)),
            )
        ),
    ),
    attribute(
        "AS_PATH of two octets",
        "40 02 06 0202 fde9 fdea",
        PathAttributes(as_path=(sequence(65001, 65002),)),
        OLD,
    ),
    attribute(
        "AS_PATH and AS4_PATH",
        "40 02 06 0202 fde9 5ba0  c0 11 0a 0202 0000fde9 fa56ea00",
        PathAttributes(as_path=(sequence(65001, 4_200_000_000),)),
        OLD,
    ),
    attribute("NEXT_HOP", "40 03 04 c0000201", PathAttributes(next_hop=parse_address("192.0.2.1"))),
    attribute("MULTI_EXIT_DISC", "80 04 04 0000000a", PathAttributes(med=10)),
    attribute("LOCAL_PREF", "40 05 04 00000064", PathAttributes(local_pref=100)),
    attribute("ATOMIC_AGGREGATE", "40 06 00", PathAttributes(atomic_aggregate=True)),
    attribute(
        "AGGREGATOR",
        "c0 07 08 fa56ea00 0a000001",
        PathAttributes(aggregator=Aggregator(4_200_000_000, 0x0A000001)),
    ),
    attribute(
        "AGGREGATOR of two octets",
        "c0 07 06 fde9 0a000001",
        PathAttributes(aggregator=Aggregator(65001, 0x0A000001)),
        OLD,
    ),
    attribute(
        "AGGREGATOR and AS4_AGGREGATOR",
        "c0 07 06 5ba0 0a000001  c0 12 08 fa56ea00 0a000001",
        PathAttributes(aggregator=Aggregator(4_200_000_000, 0x0A000001)),
        OLD,
    ),
    attribute(
        "COMMUNITIES", "c0 08 08 fde90001 ffffff01", PathAttributes(communities=(0xFDE90001, 0xFFFFFF01))
    ),
    attribute("ORIGINATOR_ID", "80 09 04 0a000001", PathAttributes(originator_id=0x0A000001)),
    attribute(
        "CLUSTER_LIST", "80 0a 08 0a000001 0a000002", PathAttributes(cluster_list=(0x0A000001, 0x0A000002))
    ),
    attribute(
        "EXTENDED_COMMUNITIES",
        "c0 10 08 0002fde800000064",
        PathAttributes(extended_communities=(0x0002FDE800000064,)),
    ),
    attribute(
        "LARGE_COMMUNITIES",
        "c0 20 0c fa56ea00 00000001 00000002",
        PathAttributes(large_communities=((4_200_000_000, 1, 2),)),
    ),
    attribute("ONLY_TO_CUSTOMER", "c0 23 04 0000fde9", PathAttributes(only_to_customer=65001)),
    attribute(
        "an unknown one", "e0 63 02 6f6b", PathAttributes(unknown=(UnknownAttribute(0xE0, 99, b"ok"),))
    ),
    attribute("the Partial bit", "e0 08 04 00000001", PathAttributes(communities=(1,), partial=(8,))),
    attribute(
        "a length of two octets",
        "d0 08 0104" + "00000001" * 65,
        PathAttributes(communities=(1,) * 65),
    ),
]
ROUTE = PathAttributes(Origin.IGP, (sequence(65001),), parse_address("192.0.2.1"))
IPV6_ROUTE = PathAttributes(Origin.IGP, (sequence(65001),))
ORIGIN_AND_PATH = "40 01 01 00  40 02 06 0201 0000fde9"
UPDATES = [
    Golden(
        "an announcement",
        2,
        f"0000 0014 {ORIGIN_AND_PATH} 40 03 04 c0000201  18 c63364",
        UpdateMessage((), ROUTE, (parse_prefix("198.51.100.0/24"),)),
    ),
    Golden(
        "prefixes of all widths",
        2,
        f"0000 0014 {ORIGIN_AND_PATH} 40 03 04 c0000201  00  08 0a  09 0a80  19 cb007180  20 c0000201",
        UpdateMessage(
            (),
            ROUTE,
            tuple(
                map(
                    parse_prefix,
                    ("0.0.0.0/0", "10.0.0.0/8", "10.128.0.0/9", "203.0.113.128/25", "192.0.2.1/32"),
                )
            ),
        ),
    ),
    Golden("a withdrawal", 2, "0004 18 c63364 0000", UpdateMessage((parse_prefix("198.51.100.0/24"),))),
    Golden(
        "IPv6 with a link-local next hop",
        2,
        f"0000 003a 80 0e 2a 0002 01 20 20010db8{'00' * 11}01 fe80{'00' * 13}01 00  20 20010db8"
        f" {ORIGIN_AND_PATH}",
        UpdateMessage(
            attributes=IPV6_ROUTE,
            reach=MpReach(
                IPV6,
                (parse_address("2001:db8::1"), parse_address("fe80::1")),
                (parse_prefix("2001:db8::/32"),),
            ),
        ),
    ),
    Golden(
        "IPv4 in MP_REACH_NLRI",
        2,
        f"0000 001d 80 0e 0d 0001 01 04 c0000201 00 18 c63364 {ORIGIN_AND_PATH}",
        UpdateMessage(
            attributes=IPV6_ROUTE,
            reach=MpReach(IPV4, (parse_address("192.0.2.1"),), (parse_prefix("198.51.100.0/24"),)),
        ),
    ),
    Golden(
        "an IPv6 withdrawal",
        2,
        "0000 000b 80 0f 08 0002 01 20 20010db8",
        UpdateMessage(unreach=MpUnreach(IPV6, (parse_prefix("2001:db8::/32"),))),
    ),
]
GOLDEN = [*OPENS, *SHORT, *ATTRIBUTES, *UPDATES]


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda golden: golden.name)
def test_encoding(golden: Golden) -> None:
    """The message becomes these octets."""
    assert encode(golden.message, golden.session, golden.style).hex() == golden.octets.hex()


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda golden: golden.name)
def test_decoding(golden: Golden) -> None:
    """The octets become this message."""
    assert decode(golden.octets, golden.session) == golden.message


def open_with(parameters: str) -> bytes:
    """An OPEN with these optional parameters, the octet of their length included."""
    return Golden("", 1, f"{FIXED} {parameters}", Keepalive()).octets


@pytest.mark.parametrize(
    "parameters",
    [
        f"ff ff 000b 02 0008 {AS4} {REFRESH}",
        f"0e ff 000b 02 0008 {AS4} {REFRESH}",
        f"ff ff 000e 02 0006 {AS4} 02 0002 {REFRESH}",
    ],
)
def test_extended_optional_parameters(parameters: str) -> None:
    """RFC 9072: type 255 in front and lengths of two octets; the old length only must not be 0."""
    assert decode(open_with(parameters)) == an_open(Capabilities(route_refresh=True, four_octet_as=65001))


def test_a_capability_given_twice() -> None:
    """RFC 5492 section 4: of the same family it is no news; of two AS numbers the last one counts."""
    twice = open_with(f"1c 020c {MULTI4} {MULTI4} 020c {AS4} 4104 00000007")

    assert decode(twice) == an_open(Capabilities((IPV4,), four_octet_as=7))


def test_reserved_octets_and_unused_flags_are_passed_over() -> None:
    """RFC 4760 section 3 (the octet before the NLRI) and RFC 4271 4.3 (the four low flag bits)."""
    body = "0000 001d 80 0e 0d 0001 01 04 c0000201 ff 18 c63364 47 01 01 00  40 02 06 0201 0000fde9"
    plain, odd = UPDATES[4].octets, Golden("", 2, body, Keepalive()).octets

    assert (odd != plain, decode(odd)) == (True, decode(plain))


def test_host_bits_are_cleared() -> None:
    """RFC 4271 4.3: trailing bits of a prefix have no meaning."""
    octets = Golden("", 2, "0003 09 0aff 0000", Keepalive()).octets

    assert decode(octets) == UpdateMessage((parse_prefix("10.128.0.0/9"),))


def test_a_long_path_is_cut_into_segments() -> None:
    """A segment counts its ASes in one octet: 300 of them are 255 and 45 (RFC 4271 5.1.2)."""
    path = tuple(range(1, 301))
    decoded = decode(encode(update(PathAttributes(as_path=(sequence(*path),)))))

    assert isinstance(decoded, UpdateMessage)
    assert decoded.attributes == PathAttributes(as_path=(sequence(*path[:255]), sequence(*path[255:])))


@pytest.mark.parametrize(
    ("as_path", "as4_path", "expected"),
    [
        ("0203 0001 5ba0 0003", "0202 00010000 00000003", (sequence(1, 65536, 3),)),
        ("0202 5ba0 0003", "0203 00000009 00010000 00000003", (sequence(23456, 3),)),
        (
            "0301 0009 0202 5ba0 0003",
            "0202 00010000 00000003",
            (Segment(SegmentKind.AS_CONFED_SEQUENCE, (9,)), sequence(65536, 3)),
        ),
        (
            "0102 0007 0008 0202 5ba0 0003",
            "0202 00010000 00000003",
            (Segment(SegmentKind.AS_SET, (7, 8)), sequence(65536, 3)),
        ),
        ("0203 0001 0002 5ba0", "0301 00000009 0201 00010000", (sequence(1, 2, 65536),)),
    ],
    ids=[
        "shorter",
        "longer: not believed",
        "confederation in front",
        "a set in front",
        "confederation in AS4",
    ],
)
def test_as4_path_is_merged(as_path: str, as4_path: str, expected: tuple[Segment, ...]) -> None:
    """RFC 6793 section 4.2.3: what AS4_PATH lacks comes from the front of AS_PATH."""
    first, second = bytes.fromhex(as_path), bytes.fromhex(as4_path)
    block = f"40 02 {len(first):02x} {as_path} c0 11 {len(second):02x} {as4_path}"
    decoded = decode(attribute("", block, PathAttributes()).octets, OLD)

    assert isinstance(decoded, UpdateMessage)
    assert decoded.attributes == PathAttributes(as_path=expected)


def test_as4_path_goes_with_as4_aggregator() -> None:
    """RFC 6793 4.2.3: where AGGREGATOR is not AS_TRANS, an old speaker aggregated; the AS4 ones are stale."""
    block = "40 02 04 0201 5ba0 c0 07 06 0001 0a000001 c0 11 06 0201 00010000 c0 12 08 00010000 0a000001"
    decoded = decode(attribute("", block, PathAttributes()).octets, OLD)

    assert isinstance(decoded, UpdateMessage)
    assert decoded.attributes == PathAttributes(
        as_path=(sequence(23456),), aggregator=Aggregator(1, 0x0A000001)
    )
