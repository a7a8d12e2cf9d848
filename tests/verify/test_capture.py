"""Captures come back as the messages that were sent, whatever TCP made of them."""

from __future__ import annotations

import pytest
from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Ether

from emulator.bgp.messages import Keepalive, Notification
from emulator.errors import InputError
from emulator.verify.capture import messages
from emulator.wire.codec import encode
from emulator.wire.pcap import pcap_file

FIRST = encode(Keepalive())
SECOND = encode(Notification(6, 4, b"reset"))
STREAM = FIRST + SECOND
START = 2**32 - 10
"""Sequence number of the SYN: those of the data run past the end of the range."""


def packet(offset: int, payload: bytes, flags: str = "A") -> bytes:
    """A segment whose first octet is number ``offset`` of the stream; the SYN's is -1."""
    sequence = (START + 1 + offset) % 2**32
    frame = (
        Ether()
        / IP(src="100.64.0.0", dst="100.64.0.1")
        / TCP(sport=4000, dport=179, seq=sequence, flags=flags)
    )
    return bytes(frame / payload)


def read(*frames: bytes) -> list[tuple[int, bytes]]:
    """Times and octets of the messages in a capture, one packet a microsecond."""
    data = pcap_file((1_700_000_000_000_000_000 + 1000 * i, frame) for i, frame in enumerate(frames))
    found = list(messages(data, "test.pcap"))
    assert all((each.source, each.target) == ("100.64.0.0", "100.64.0.1") for each in found)
    return [(each.at_ns - 1_700_000_000_000_000_000, each.octets) for each in found]


SYN = packet(-1, b"", "S")


def test_a_message_is_dated_by_its_last_octet() -> None:
    """Of two messages in two packets, the second cut in two, each is complete with a packet of its own."""
    assert read(SYN, packet(0, STREAM[:25]), packet(25, STREAM[25:])) == [(1000, FIRST), (2000, SECOND)]


def test_segments_out_of_order_and_sent_again() -> None:
    """The end before the start, then the start twice, overlapping: each octet is taken once."""
    assert read(SYN, packet(25, STREAM[25:]), packet(0, STREAM[:25]), packet(0, STREAM)) == [
        (2000, FIRST),
        (1000, SECOND),
    ]


def test_a_stream_that_lacks_its_beginning_is_left_off() -> None:
    """Without the SYN nobody knows where messages start."""
    assert read(packet(0, STREAM)) == []


def test_nothing_is_made_up_where_a_segment_is_missing() -> None:
    """After a gap there are no messages."""
    assert read(SYN, packet(0, FIRST), packet(len(FIRST) + 1, SECOND[1:])) == [(1000, FIRST)]


def test_a_file_that_is_no_capture() -> None:
    """It is named."""
    with pytest.raises(InputError, match=r"notes\.txt is not a capture file"):
        list(messages(b"hello, world, this is no capture", "notes.txt"))
