"""TCP around BGP: what passes one end of a wire, in frames that other programs read without complaint."""

from __future__ import annotations

import random
import shutil
import struct
import subprocess
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

import pytest

from emulator.wire.pcap import Direction, Endpoint, pcap_file, scapy_frame
from emulator.wire.tcp import ACK, ACK_DELAY, FIN, MSS, PSH, RST, SYN, Connection, Segment, Write, segments

if TYPE_CHECKING:
    from pathlib import Path

MS = 1_000_000
COMPLAINTS = (
    "tcp.analysis.flags || _ws.expert.severity >= 0x600000 || _ws.malformed || "
    "tcp.checksum.status == 0 || ip.checksum.status == 0"
)
"""What tshark says of a capture that is not as it should be: 0x600000 is a warning."""
KEEPALIVE = b"\xff" * 16 + b"\x00\x13\x04"
FIRST = Endpoint(bytes.fromhex("020100000000"), IPv4Address("100.64.0.0"), 49152, 2**32 - 300, 255)
SECOND = Endpoint(bytes.fromhex("020200000000"), IPv4Address("100.64.0.1"), 179, 7, 255)
DELAY = 10 * MS


def opening(delay: int = DELAY) -> tuple[Write, ...]:
    """Side 0 opens at 0; the handshake is over at both ends after three one-ways."""
    return (
        Write(0, 0, flags=SYN),
        Write(1, delay, flags=SYN | ACK),
        Write(0, 2 * delay, flags=ACK),
    )


def shown(seen: list[Segment]) -> list[tuple[int, int, int, int, int, int]]:
    """Instant, side, numbers, flags and length."""
    return [(each.at, each.side, each.seq, each.ack, each.flags, len(each.data)) for each in seen]


def test_one_message_each_way_seen_at_either_end() -> None:
    """The sender's end sees a segment when it leaves, the other one a one-way later.

    19 octets at 30 ms from side 0, answered at once by 19 from side 1, which
    acknowledges them (SYN 1 + 19 = 20) on the way; side 0 acknowledges 40 ms later.
    """
    writes = (*opening(), Write(0, 3 * DELAY, KEEPALIVE), Write(1, 4 * DELAY, KEEPALIVE))
    connection = Connection(DELAY, writes)

    at_first = shown(segments(connection, 0))
    at_second = shown(segments(connection, 1))

    late = 5 * DELAY + ACK_DELAY
    assert at_first == [
        (0, 0, 0, 0, SYN, 0),
        (2 * DELAY, 1, 0, 1, SYN | ACK, 0),
        (2 * DELAY, 0, 1, 1, ACK, 0),
        (3 * DELAY, 0, 1, 1, PSH | ACK, 19),
        (5 * DELAY, 1, 1, 20, PSH | ACK, 19),
        (late, 0, 20, 20, ACK, 0),
    ]
    assert [each[1:] for each in at_second] == [each[1:] for each in at_first]
    assert [DELAY, DELAY, 3 * DELAY, 4 * DELAY, 4 * DELAY, late + DELAY] == [each[0] for each in at_second]


def test_messages_of_one_instant_share_segments_of_the_maximum_size() -> None:
    """Three times 1,000 octets at once are two full segments and one of 80; the last one is pushed."""
    writes = (*opening(), *(Write(0, 3 * DELAY, bytes(1000)) for _ in range(3)))

    data = [each for each in segments(Connection(DELAY, writes), 0) if each.data]

    assert [(len(each.data), each.flags) for each in data] == [(MSS, ACK), (MSS, ACK), (80, PSH | ACK)]


def test_every_second_segment_is_acknowledged_at_once() -> None:
    """RFC 1122 4.2.3.2: of three the second is acknowledged on arrival, the third after the delay."""
    writes = (*opening(), *(Write(0, (30 + number) * MS, KEEPALIVE) for number in range(3)))

    acks = [each for each in segments(Connection(DELAY, writes), 1) if each.side == 1 and each.flags == ACK]

    assert [(each.at, each.ack) for each in acks] == [(41 * MS, 39), (42 * MS + ACK_DELAY, 58)]


def test_what_is_sent_while_the_interface_is_down_passes_after_the_repair() -> None:
    """Dark from 100 to 200 ms: a message written at 150 ms is delivered at 210 ms, so it leaves at 200 ms."""
    message = Write(0, 150 * MS, KEEPALIVE, arrived=210 * MS)
    dark = ((100 * MS, 200 * MS),)

    feels = segments(Connection(DELAY, (*opening(), message), dark), 0)
    blind = segments(Connection(DELAY, (*opening(), message), dark, feels_dark=(False, False)), 0)

    assert [each.at for each in feels if each.data] == [200 * MS]
    assert [each.at for each in blind if each.data] == [150 * MS]


def test_what_is_lost_is_seen_by_its_sender_alone_and_only_where_the_interface_is_up() -> None:
    """A NOTIFICATION into a dead link, its hold timer having expired, and the end of the connection."""
    writes = (
        *opening(),
        Write(0, 150 * MS, KEEPALIVE, is_lost=True),
        Write(0, 150 * MS, flags=FIN | ACK, is_lost=True),
    )
    dark = ((100 * MS, 900 * MS),)

    seen = [
        [each.flags for each in segments(Connection(DELAY, writes, dark, feels_dark), vantage)][3:]
        for feels_dark in ((False, False), (True, True))
        for vantage in (0, 1)
    ]

    assert seen == [[PSH | ACK, FIN | ACK], [], [], []]


def test_an_end_that_resets_says_nothing_else() -> None:
    """Side 1 has lost its memory: to the second of two segments it answers RST and nothing else."""
    writes = (
        *opening(),
        Write(0, 30 * MS, KEEPALIVE),
        Write(0, 31 * MS, KEEPALIVE),
        Write(1, 41 * MS, flags=RST | ACK),
    )

    answers = [each.flags for each in segments(Connection(DELAY, writes), 1) if each.side == 1]

    assert answers == [SYN | ACK, RST | ACK]


@pytest.mark.parametrize("length", [0, 1, 19, 20, 4096 % MSS, MSS])
def test_frames_are_octet_for_octet_scapys(length: int) -> None:
    """A frame made from the template is the one that scapy builds, checksums and wrapped numbers included."""
    rng = random.Random(length)
    direction = Direction(FIRST, SECOND)
    for number in range(1, 40):
        segment = Segment(
            0, 0, rng.choice((0, 299, 300, rng.getrandbits(31))), rng.getrandbits(20),
            rng.choice((SYN, SYN | ACK, ACK, PSH | ACK, FIN | ACK, RST | ACK)), rng.randbytes(length),
        )  # fmt: skip
        if segment.flags & SYN:
            segment = segment._replace(data=b"")

        assert scapy_frame(FIRST, SECOND, segment, number) == direction.frame(segment)


def test_times_are_exact_nanoseconds() -> None:
    """1,704,067,200.123456789 s is written as two integers; a float would be 100 ns off."""
    data = pcap_file([(1_704_067_200_123_456_789, b"frame")])

    assert struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262144, 1) == data[:24]
    assert struct.unpack_from("<IIII", data, 24) == (1_704_067_200, 123_456_789, 5, 5)
    assert data.endswith(b"frame")


def _random_connection(seed: int) -> Connection:
    """Messages at random instants, with and without delay, darkness and an end."""
    rng = random.Random(seed)
    delay = (0, DELAY, 3 * MS)[seed % 3]
    writes = [
        Write(rng.randrange(2), rng.randrange(3 * delay, 10_000 * MS), KEEPALIVE * rng.choice((1, 1, 2, 200)))
        for _ in range(120)
    ]
    writes.sort(key=lambda each: each.sent)
    if seed % 2:
        near = rng.randrange(2)
        writes.append(Write(near, 11_000 * MS, flags=FIN | ACK))
        writes.append(Write(1 - near, 11_000 * MS + rng.choice((0, delay)), flags=FIN | ACK))
    dark = ((4000 * MS, 6000 * MS), (7000 * MS, 7100 * MS)) if seed % 5 else ()
    return Connection(delay, (*opening(delay), *writes), dark, (seed % 4 < 2, seed % 4 < 3))


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
@pytest.mark.parametrize("seed", range(6))
def test_tshark_finds_nothing_wrong_with_either_end(seed: int, tmp_path: Path) -> None:
    """No TCP analysis flag, no expert warning, no bad checksum, and as many frames as were written."""
    connection = _random_connection(seed)
    for vantage in (0, 1):
        directions = Direction(FIRST, SECOND), Direction(SECOND, FIRST)
        seen = segments(connection, vantage)
        path = tmp_path / f"{vantage}.pcap"
        path.write_bytes(pcap_file((10**18 + each.at, directions[each.side].frame(each)) for each in seen))

        assert [each.at for each in seen] == sorted(each.at for each in seen)
        assert not _tshark(path, "-Y", COMPLAINTS)
        assert len(seen) == len(_tshark(path).splitlines())


def _tshark(path: Path, *arguments: str) -> str:
    options = ("-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE", *arguments)
    done = subprocess.run(["tshark", "-n", "-r", path, *options], capture_output=True, text=True, check=True)
    return done.stdout
