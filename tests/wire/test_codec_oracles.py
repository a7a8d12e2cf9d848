"""The codec beside two others: scapy, where that is right, and tshark."""

from __future__ import annotations

import random
import shutil
import struct
import subprocess
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from test_codec_golden import OPENS

from emulator.bgp.attributes import Origin
from emulator.bgp.messages import Family, Keepalive, Notification, RouteRefresh
from emulator.wire.codec import decode, encode
from emulator.wire.iana import SegmentKind
from emulator.wire.messages import (
    Aggregator,
    MpReach,
    MpUnreach,
    PathAttributes,
    Segment,
    UpdateMessage,
    WirePrefix,
    address_text,
    parse_address,
    parse_prefix,
    prefix_text,
)
from emulator.wire.session import Session, Style

if TYPE_CHECKING:
    from pathlib import Path

INTERNAL = Session(is_ebgp=False)


def random_update(rng: random.Random) -> UpdateMessage:
    """An UPDATE of what scapy reads rightly: no default route (taken for ADD-PATH), at most one community."""

    def prefix() -> WirePrefix:
        length = rng.randint(1, 32)
        return WirePrefix(Family.IPV4, rng.randrange(1, 2**length) << (32 - length), length)

    attributes = PathAttributes(
        origin=rng.choice(list(Origin)),
        as_path=(Segment(SegmentKind.AS_SEQUENCE, tuple(rng.randrange(1, 2**32) for _ in range(4))),),
        next_hop=rng.randrange(1, 0xE0000000),
        med=rng.choice((None, rng.randrange(2**32))),
        local_pref=rng.choice((None, rng.randrange(2**32))),
        atomic_aggregate=rng.random() < 0.5,
        communities=rng.choice(((), (rng.randrange(2**32),))),
    )
    withdrawn = tuple(prefix() for _ in range(rng.randrange(3)))
    return UpdateMessage(withdrawn, attributes, tuple(prefix() for _ in range(rng.randint(1, 4))))


@cache
def scapy_bgp() -> Any:  # noqa: ANN401 - scapy has no types
    """The BGP of scapy, told that AS numbers have four octets."""
    pytest.importorskip("scapy", reason="scapy is not installed")
    from scapy.contrib import bgp

    bgp.bgp_module_conf.use_2_bytes_asn = False
    return bgp


def read_by_scapy(octets: bytes) -> dict[str, object]:
    """The fields of an UPDATE as scapy sees them."""
    bgp = scapy_bgp()
    update = bgp.BGPHeader(octets)[bgp.BGPUpdate]
    fields: dict[str, object] = {
        "withdrawn": [route.prefix for route in update.withdrawn_routes],
        "nlri": [route.prefix for route in update.nlri],
    }
    for each in update.path_attr:
        value = each.attribute
        if each.type_code == 1:
            fields["origin"] = value.origin
        elif each.type_code == 2:
            fields["as_path"] = [(s.segment_type, tuple(s.segment_value)) for s in value.segments]
        elif each.type_code == 3:
            fields["next_hop"] = value.next_hop
        elif each.type_code == 4:
            fields["med"] = value.med
        elif each.type_code == 5:
            fields["local_pref"] = value.local_pref
        elif each.type_code == 6:
            fields["atomic_aggregate"] = True
        elif each.type_code == 8:
            fields["communities"] = value.community
    return fields


def expected_of_scapy(update: UpdateMessage) -> dict[str, object]:
    """The same fields of our message."""
    attributes = update.attributes
    assert attributes is not None
    assert attributes.as_path is not None
    assert attributes.next_hop is not None
    fields = {
        "withdrawn": [prefix_text(prefix) for prefix in update.withdrawn],
        "nlri": [prefix_text(prefix) for prefix in update.nlri],
        "origin": attributes.origin,
        "as_path": [(int(kind), asns) for kind, asns in attributes.as_path],
        "next_hop": address_text(Family.IPV4, attributes.next_hop),
        "med": attributes.med,
        "local_pref": attributes.local_pref,
        "atomic_aggregate": attributes.atomic_aggregate or None,
        "communities": attributes.communities[0] if attributes.communities else None,
    }
    return {name: value for name, value in fields.items() if value is not None}


def test_scapy_reads_our_updates() -> None:
    """100 random UPDATEs: every field that scapy knows has the value we gave it."""
    rng = random.Random(1)
    updates = [random_update(rng) for _ in range(100)]

    found = [read_by_scapy(encode(update, INTERNAL)) for update in updates]
    assert found == [expected_of_scapy(update) for update in updates]


def test_we_read_what_scapy_builds() -> None:
    """An UPDATE, a KEEPALIVE and a NOTIFICATION put together by scapy."""
    bgp = scapy_bgp()
    attributes = [
        bgp.BGPPathAttr(type_flags=0x40, type_code=1, attribute=bgp.BGPPAOrigin(origin=2)),
        bgp.BGPPathAttr(
            type_flags=0x40,
            type_code=2,
            attribute=bgp.BGPPAAS4BytesPath(
                segments=[
                    bgp.BGPPAAS4BytesPath.ASPathSegment(segment_type=2, segment_value=[65001, 4200000000])
                ]
            ),
        ),
        bgp.BGPPathAttr(type_flags=0x40, type_code=3, attribute=bgp.BGPPANextHop(next_hop="192.0.2.1")),
    ]
    update = bgp.BGPUpdate(
        path_attr=attributes,
        withdrawn_routes=[bgp.BGPNLRI_IPv4(prefix="10.0.0.0/8")],
        nlri=[bgp.BGPNLRI_IPv4(prefix="198.51.100.0/24")],
    )
    notification = bgp.BGPNotification(error_code=6, error_subcode=4, data=b"")

    assert decode(bytes(bgp.BGPHeader() / update)) == UpdateMessage(
        (parse_prefix("10.0.0.0/8"),),
        PathAttributes(
            Origin.INCOMPLETE,
            (Segment(SegmentKind.AS_SEQUENCE, (65001, 4200000000)),),
            parse_address("192.0.2.1"),
        ),
        (parse_prefix("198.51.100.0/24"),),
    )
    assert decode(bytes(bgp.BGPHeader(type=3) / notification)) == Notification(6, 4)
    assert decode(bytes(bgp.BGPKeepAlive())) == Keepalive()


# tshark: one capture of all messages, read once. It takes a default route for ADD-PATH as well: none is sent.

FULL = PathAttributes(
    origin=Origin.EGP,
    as_path=(
        Segment(SegmentKind.AS_SEQUENCE, (65001, 4_200_000_000)),
        Segment(SegmentKind.AS_SET, (65010, 65011)),
    ),
    next_hop=parse_address("192.0.2.1"),
    med=50,
    local_pref=200,
    atomic_aggregate=True,
    aggregator=Aggregator(4_200_000_000, parse_address("10.0.0.9")),
    communities=((65001 << 16) + 7, 0xFFFFFF01),
    originator_id=parse_address("10.0.0.8"),
    cluster_list=(parse_address("10.0.0.6"), parse_address("10.0.0.5")),
    extended_communities=(0x0002FDE800000064,),
    large_communities=((4_200_000_000, 1, 2), (65001, 3, 4)),
    only_to_customer=65001,
)
SIX = WirePrefix(Family.IPV6, 0x20010DB8 << 96, 32)
REACH = MpReach(Family.IPV6, (parse_address("2001:db8::1"), parse_address("fe80::1")), (SIX,))
UPDATES = [
    UpdateMessage(
        (parse_prefix("10.0.0.0/8"),), FULL, tuple(map(parse_prefix, ("198.51.100.0/24", "203.0.113.128/25")))
    ),
    UpdateMessage(attributes=PathAttributes(Origin.IGP, FULL.as_path), reach=REACH),
    UpdateMessage(unreach=MpUnreach(Family.IPV6, (SIX,))),
]
SENT = [
    *(encode(golden.message, style=golden.style) for golden in OPENS),
    encode(Keepalive()),
    *(encode(update) for update in UPDATES),
    encode(UPDATES[0], style=Style(extended_length=(2,), attribute_order=(8, 2, 1))),
    encode(RouteRefresh(Family.IPV6)),
    encode(Notification(6, 2, b"\3bye")),
]


def capture_file(messages: list[bytes]) -> bytes:
    """A pcap file: one TCP segment a message, from port 40000 to 179, over raw IPv4; no checksums."""
    packets = []
    sequence = 1
    for number, message in enumerate(messages):
        tcp = struct.pack("!HHIIBBHHH", 40000, 179, sequence, 1, 0x50, 0x18, 65535, 0, 0) + message
        ip = struct.pack("!BBHHHBBHII", 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0, 0x0A000001, 0x0A000002) + tcp
        packets.append(struct.pack("<IIII", number, 0, len(ip), len(ip)) + ip)
        sequence += len(message)
    return struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101) + b"".join(packets)


EXPECTED: list[tuple[int, dict[str, list[str]]]] = [
    (
        6,
        {
            "bgp.type": ["1"],
            "bgp.open.version": ["4"],
            "bgp.open.myas": ["65001"],
            "bgp.open.holdtime": ["90"],
            "bgp.open.identifier": ["10.0.0.1"],
            "bgp.cap.type": ["1", "1", "2", "9", "64", "65", "70", "71"],
            "bgp.cap.mp.afi": ["1", "2"],
            "bgp.cap.mp.safi": ["1", "1"],
            "bgp.cap.4as": ["65001"],
            "bgp.cap.gr.timers.restart_time": ["120"],
            "bgp.cap.gr.timers.restart_flag": ["1"],
            "bgp.cap.gr.afi": ["1", "2"],
            "bgp.cap.gr.flag.pfs": ["1", "0"],
        },
    ),
    (
        8,
        {
            "bgp.type": ["1"],
            "bgp.open.version": ["4"],
            "bgp.open.myas": ["23456"],
            "bgp.open.holdtime": ["90"],
            "bgp.open.identifier": ["10.0.0.1"],
            "bgp.cap.type": ["65"],
            "bgp.cap.4as": ["4200000000"],
        },
    ),
    (9, {"bgp.type": ["4"]}),
    (
        10,
        {
            "bgp.type": ["2"],
            "bgp.update.path_attribute.type_code": [*map(str, range(1, 11)), "16", "32", "35"],
            "bgp.update.path_attribute.origin": ["1"],
            "bgp.update.path_attribute.as_path_segment.type": ["2", "1"],
            "bgp.update.path_attribute.as_path_segment.as4": ["65001", "4200000000", "65010", "65011"],
            "bgp.update.path_attribute.next_hop": ["192.0.2.1"],
            "bgp.update.path_attribute.multi_exit_disc": ["50"],
            "bgp.update.path_attribute.local_pref": ["200"],
            "bgp.update.path_attribute.aggregator_as": ["4200000000"],
            "bgp.update.path_attribute.aggregator_origin": ["10.0.0.9"],
            "bgp.update.path_attribute.community_as": ["65001"],
            "bgp.update.path_attribute.community_value": ["7"],
            "bgp.update.path_attribute.community_wellknown": ["0xffffff01"],
            "bgp.update.path_attribute.originator_id": ["10.0.0.8"],
            "bgp.path_attribute.cluster_id": ["10.0.0.6", "10.0.0.5"],
            "bgp.ext_com.value_as2": ["65000"],
            "bgp.ext_com.value_an4": ["100"],
            "bgp.large_communities.ga": ["4200000000", "65001"],
            "bgp.large_communities.ldp1": ["1", "3"],
            "bgp.large_communities.ldp2": ["2", "4"],
            "bgp.withdrawn_prefix": ["10.0.0.0"],
            "bgp.nlri_prefix": ["198.51.100.0", "203.0.113.128"],
            "bgp.prefix_length": ["8", "24", "25"],
        },
    ),
    (
        11,
        {
            "bgp.type": ["2"],
            "bgp.update.path_attribute.type_code": ["14", "1", "2"],
            "bgp.update.path_attribute.origin": ["0"],
            "bgp.update.path_attribute.as_path_segment.type": ["2", "1"],
            "bgp.update.path_attribute.as_path_segment.as4": ["65001", "4200000000", "65010", "65011"],
            "bgp.update.path_attribute.mp_reach_nlri.next_hop.ipv6": ["2001:db8::1"],
            "bgp.update.path_attribute.mp_reach_nlri.next_hop.ipv6.link_local": ["fe80::1"],
            "bgp.mp_reach_nlri_ipv6_prefix": ["2001:db8::"],
            "bgp.prefix_length": ["32"],
        },
    ),
    (
        12,
        {
            "bgp.type": ["2"],
            "bgp.update.path_attribute.type_code": ["15"],
            "bgp.mp_unreach_nlri_ipv6_prefix": ["2001:db8::"],
            "bgp.prefix_length": ["32"],
        },
    ),
    (14, {"bgp.type": ["5"], "bgp.route_refresh.afi": ["2"], "bgp.route_refresh.safi": ["1"]}),
    (
        15,
        {
            "bgp.type": ["3"],
            "bgp.notify.major_error": ["6"],
            "bgp.notify.minor_error_cease": ["2"],
            "bgp.notify.communication": ["bye"],
        },
    ),
]
"""Place in `SENT` -> every one of the fields below that tshark finds in it."""
FIELDS = tuple(dict.fromkeys(name for _, fields in EXPECTED for name in fields))
COMPLAINTS = ("_ws.malformed", "_ws.expert.message", "bgp.cap.length.bad", "bgp.prefix_length.invalid")


@pytest.fixture(scope="module")
def by_tshark(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, list[str]]]:
    """What tshark reads in each of `SENT`: field name -> values; absent fields are not there."""
    tshark = shutil.which("tshark")
    if tshark is None:
        pytest.skip("tshark is not installed")
    path: Path = tmp_path_factory.mktemp("tshark") / "messages.pcap"
    path.write_bytes(capture_file(SENT))
    names = FIELDS + COMPLAINTS
    options = [part for name in names for part in ("-e", name)]
    command = [tshark, "-r", str(path), "-T", "fields", "-E", "aggregator=|", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    return [{name: value.split("|") for name, value in zip(names, row, strict=True) if value} for row in rows]


def test_tshark_complains_of_nothing(by_tshark: list[dict[str, list[str]]]) -> None:
    """No malformed message and no warning, whatever the packing; one note on graceful restart."""
    notes = ["Graceful Restart Capability supported in Helper mode only"]
    found = [(name, row[name]) for row in by_tshark for name in COMPLAINTS if name in row]

    assert len(by_tshark) == len(SENT)
    assert found == [("_ws.expert.message", notes)]


@pytest.mark.parametrize(("place", "expected"), EXPECTED, ids=[str(place) for place, _ in EXPECTED])
def test_tshark_reads_what_we_say(
    by_tshark: list[dict[str, list[str]]], place: int, expected: dict[str, list[str]]
) -> None:
    """Every field has the value that was encoded, and no other field is there."""
    assert by_tshark[place] == expected


def test_tshark_sees_the_same_in_another_style(by_tshark: list[dict[str, list[str]]]) -> None:
    """Order and extended lengths change nothing; nor does a parameter for each capability."""

    def unordered(row: dict[str, list[str]]) -> dict[str, list[str]]:
        return {name: sorted(values) for name, values in row.items()}

    assert unordered(by_tshark[13]) == unordered(by_tshark[10])
    assert by_tshark[7] == by_tshark[6]
