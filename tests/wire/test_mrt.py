"""MRT: records in octets and back, and what three other readers make of them."""

from __future__ import annotations

import contextlib
import shutil
import struct
import subprocess
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING, Any

import pytest

from emulator.bgp.attributes import Origin
from emulator.bgp.messages import Family, Keepalive
from emulator.errors import InputError
from emulator.wire.attributes import encode_attribute, encode_attributes
from emulator.wire.codec import encode
from emulator.wire.iana import SegmentKind
from emulator.wire.messages import PathAttributes, Segment, UpdateMessage, parse_address, parse_prefix
from emulator.wire.mrt import (
    Ends,
    LoggedMessage,
    PeerTable,
    State,
    StateChange,
    TableEntry,
    TablePeer,
    TableRoute,
    encode_file,
    encode_record,
)
from emulator.wire.mrt_reader import read_records
from emulator.wire.session import Session

if TYPE_CHECKING:
    from pathlib import Path

    from emulator.wire.mrt import Record

NOON = 1_704_110_400 * 10**9
LOCAL = IPv4Address("100.64.0.1")
PEER = IPv4Address("100.64.0.0")
ENDS = Ends(4_200_000_003, 65_001, PEER, LOCAL)
ENDS_V6 = Ends(65_000, 65_001, IPv6Address("3fff::"), IPv6Address("3fff::1"))
ATTRIBUTES = PathAttributes(
    origin=Origin.IGP,
    as_path=(Segment(SegmentKind.AS_SEQUENCE, (4_200_000_003, 65_010)),),
    next_hop=parse_address("100.64.0.0"),
    med=7,
    communities=(0xFDE90001,),
    large_communities=((65_001, 2, 3),),
)
ANNOUNCEMENT = encode(UpdateMessage((), ATTRIBUTES, (parse_prefix("192.0.2.0/24"),)))
WITHDRAWAL = encode(UpdateMessage((parse_prefix("192.0.2.0/24"),)))
LOG: tuple[Record, ...] = (
    StateChange(NOON, ENDS, State.OPEN_CONFIRM, State.ESTABLISHED),
    LoggedMessage(NOON + 1_000, ENDS, encode(Keepalive())),
    LoggedMessage(NOON + 2_345_678_000, ENDS, ANNOUNCEMENT),
    LoggedMessage(NOON + 3_000_000_000, ENDS, WITHDRAWAL),
    StateChange(NOON + 4_000_000_000, ENDS, State.ESTABLISHED, State.IDLE),
)
V6_NEXT_HOP = encode_attribute(14, b"\x10" + IPv6Address("3fff::").packed, 0x80)
TABLE: tuple[Record, ...] = (
    PeerTable(NOON, 9, "Adj-RIB-In", (TablePeer(1, PEER, 4_200_000_003), TablePeer(2, ENDS_V6.peer, 65_000))),
    TableEntry(
        NOON,
        0,
        parse_prefix("192.0.2.0/24"),
        (TableRoute(0, NOON - 60 * 10**9, encode_attributes(ATTRIBUTES, Session())),),
    ),
    TableEntry(NOON, 1, parse_prefix("0.0.0.0/0"), (TableRoute(1, NOON, encode_attributes(ATTRIBUTES)),)),
    TableEntry(
        NOON,
        2,
        parse_prefix("2001:db8:1::/48"),
        (
            TableRoute(
                0,
                NOON,
                encode_attributes(
                    PathAttributes(Origin.IGP, (Segment(SegmentKind.AS_SEQUENCE, (65_000,)),)), Session()
                )
                + V6_NEXT_HOP,
            ),
        ),
    ),
)


@pytest.mark.parametrize("records", [LOG, TABLE], ids=["log", "table"])
def test_records_are_read_back_as_they_were_written(records: tuple[Record, ...]) -> None:
    """Reading is the reverse of writing."""
    assert list(records) == list(read_records(encode_file(records)))


def test_the_layout_of_an_extended_message_record() -> None:
    """RFC 6396 sections 3 and 4.4.3, octet by octet: the microseconds count in the length."""
    record = encode_record(LoggedMessage(NOON + 2_345_678_999, ENDS, b"BGP"))

    body = struct.pack("!IIHH4s4s", 4_200_000_003, 65_001, 0, 1, PEER.packed, LOCAL.packed) + b"BGP"
    assert struct.pack("!IHHII", 1_704_110_402, 17, 4, len(body) + 4, 345_678) + body == record


def test_messages_sent_have_a_subtype_of_their_own_and_six_takes_addresses_of_sixteen_octets() -> None:
    """BGP4MP_MESSAGE_AS4_LOCAL is 7 (section 4.4.5); AFI 2 stands before IPv6 addresses."""
    record = LoggedMessage(NOON, ENDS_V6, ANNOUNCEMENT, sent=True)
    octets = encode_record(record)

    assert struct.unpack_from("!HH", octets, 4) == (17, 7)
    assert struct.unpack_from("!H", octets, 26) == (2,)
    assert [record] == list(read_records(octets))


def test_the_older_forms_of_daemons_are_read() -> None:
    """BGP4MP in whole seconds with two-octet AS numbers, as daemons have it; unknown types are skipped."""
    body = struct.pack("!HHHH4s4s", 65_000, 65_001, 0, 1, PEER.packed, LOCAL.packed)
    old = struct.pack("!IHHI", 1_704_110_400, 16, 1, len(body) + 3) + body + b"BGP"
    state = struct.pack("!IHHI", 1_704_110_401, 16, 0, len(body) + 4) + body + struct.pack("!HH", 6, 1)
    unknown = struct.pack("!IHHI", 1_704_110_401, 48, 1, 4) + b"OSPF"

    ends = Ends(65_000, 65_001, PEER, LOCAL)
    assert list(read_records(unknown + old + state)) == [
        LoggedMessage(NOON, ends, b"BGP", four_octet_as=False),
        StateChange(NOON + 10**9, ends, State.ESTABLISHED, State.IDLE),
    ]


def test_a_file_that_ends_within_a_record_is_read_up_to_it() -> None:
    """A daemon that is killed leaves half a record behind."""
    data = encode_file(LOG)

    assert list(LOG[:-1]) == list(read_records(data[:-1]))


@pytest.mark.parametrize("place", range(12, 60))
def test_damaged_octets_are_records_or_an_input_error(place: int) -> None:
    """No other exception, whichever octet of a table is damaged."""
    data = bytearray(encode_file(TABLE))
    for value in (0, 1, 0x7F, 0xFF):
        data[place] = value
        with contextlib.suppress(InputError):
            list(read_records(bytes(data), "dump.mrt"))


def test_what_is_no_mrt_file_is_refused_by_name_and_octet() -> None:
    """Text as a header would make a record of gigabytes."""
    with pytest.raises(InputError, match=r"notes\.txt: no MRT record at octet 0"):
        list(read_records(b"dear diary, this is not MRT", "notes.txt"))


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """The log and the table as files."""
    written = {}
    for name, records in (("log", LOG), ("table", TABLE)):
        written[name] = tmp_path / f"{name}.mrt"
        written[name].write_bytes(encode_file(records))
    return written


@pytest.mark.skipif(shutil.which("bgpdump") is None, reason="bgpdump is not installed")
def test_bgpdump_reads_both(files: dict[str, Path]) -> None:
    """Instants to the microsecond, states, announcement and withdrawal; all routes of the table."""
    log, table = (
        subprocess.run(["bgpdump", "-m", files[name]], capture_output=True, text=True, check=True).stdout
        for name in ("log", "table")
    )

    path = "4200000003 65010|IGP|100.64.0.0|0|7|65001:1|NAG|||"
    assert [line.rstrip("|") for line in log.splitlines()] == [
        "BGP4MP_ET|1704110400.000000|STATE|100.64.0.0|4200000003|5|6",
        f"BGP4MP_ET|1704110402.345678|A|100.64.0.0|4200000003|192.0.2.0/24|{path}".rstrip("|"),
        "BGP4MP_ET|1704110403.000000|W|100.64.0.0|4200000003|192.0.2.0/24",
        "BGP4MP_ET|1704110404.000000|STATE|100.64.0.0|4200000003|6|1",
    ]
    assert [line.split("|")[3:7] for line in table.splitlines()] == [
        ["100.64.0.0", "4200000003", "192.0.2.0/24", "4200000003 65010"],
        ["3fff::", "65000", "0.0.0.0/0", "4200000003 65010"],
        ["100.64.0.0", "4200000003", "2001:db8:1::/48", "65000"],
    ]


def test_mrtparse_reads_both(files: dict[str, Path]) -> None:
    """Every record without an error, of the types that were written."""
    mrtparse = pytest.importorskip("mrtparse", reason="mrtparse is not installed")

    def kinds(name: str) -> list[Any]:
        found = []
        for record in mrtparse.Reader(str(files[name])):
            assert record.err is None
            found.append(next(iter(record.data["subtype"].values())))
        return found

    assert kinds("log") == [
        "BGP4MP_STATE_CHANGE_AS4",
        "BGP4MP_MESSAGE_AS4",
        "BGP4MP_MESSAGE_AS4",
        "BGP4MP_MESSAGE_AS4",
        "BGP4MP_STATE_CHANGE_AS4",
    ]
    assert kinds("table") == [
        "PEER_INDEX_TABLE",
        "RIB_IPV4_UNICAST",
        "RIB_IPV4_UNICAST",
        "RIB_IPV6_UNICAST",
    ]


def test_bgpkit_reads_both(files: dict[str, Path]) -> None:
    """What is announced and withdrawn, with large communities and the IPv6 next hop."""
    bgpkit = pytest.importorskip("pybgpkit_parser", reason="pybgpkit-parser is not installed")

    log, table = (list(bgpkit.Parser(url=str(files[name]))) for name in ("log", "table"))

    assert [(each.elem_type, each.peer_asn, each.prefix, each.as_path) for each in log] == [
        ("A", 4_200_000_003, "192.0.2.0/24", "4200000003 65010"),
        ("W", 4_200_000_003, "192.0.2.0/24", None),
    ]
    assert log[0].timestamp == pytest.approx(1_704_110_402.345678, abs=1e-6)
    assert {"65001:1", "65001:2:3"} <= {each.removeprefix("lg:") for each in log[0].communities}
    assert [(each.prefix, each.next_hop) for each in table] == [
        ("192.0.2.0/24", "100.64.0.0"),
        ("0.0.0.0/0", "100.64.0.0"),
        ("2001:db8:1::/48", "3fff::"),
    ]


def test_a_prefix_keeps_its_family() -> None:
    """RIB_IPV6_UNICAST is subtype 4."""
    octets = encode_record(TABLE[3])

    assert struct.unpack_from("!HH", octets, 4) == (13, 4)
    entry = next(read_records(octets))
    assert isinstance(entry, TableEntry)
    assert Family.IPV6 is entry.prefix.family
