"""Captures: TCP segments in IPv4 in Ethernet, in a pcap file with nanosecond times.

Scapy builds the first packet of each direction; the others are that packet with
its numbers and checksums changed, which gives the same octets a hundred times
as fast. File format: https://datatracker.ietf.org/doc/draft-ietf-opsawg-pcap/
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct
from typing import TYPE_CHECKING, Final

from emulator.units import SECOND
from emulator.wire.addresses import mac_text
from emulator.wire.tcp import ACK, MSS, SYN, Segment

if TYPE_CHECKING:
    from collections.abc import Iterable
    from ipaddress import IPv4Address

BGP_PORT: Final = 179
_WINDOW: Final = 65535
_FILE_HEADER: Final = Struct("<IHHiIII")
_RECORD_HEADER: Final = Struct("<IIII")
_NANOSECONDS: Final = 0xA1B23C4D
_ETHERNET: Final = 1
_LONGEST: Final = 262144
_CLASS: Final = 0xC0
"""DSCP CS6, network control (RFC 4594 section 3.1), as routers mark BGP."""
_ETHERNET_OCTETS: Final = 14
_IP_OCTETS: Final = 20
_TCP: Final = _ETHERNET_OCTETS + _IP_OCTETS
_DATA: Final = _TCP + 20
_WORD: Final = 0xFFFF
_NUMBER: Final = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One end of a TCP connection; ``initial`` is its initial sequence number, ``ttl`` of what it sends."""

    mac: bytes
    address: IPv4Address
    port: int
    initial: int
    ttl: int


class Direction:
    """Makes the frames that ``source`` sends to ``target``."""

    def __init__(self, source: Endpoint, target: Endpoint) -> None:
        """Have scapy build the packet that the others are made from."""
        self.source = source
        self.target = target
        self._count = 0
        self._template = bytearray(scapy_frame(source, target, Segment(0, 0, 0, 0, ACK, b""), 0))
        self._ip_sum = _ones_sum(self._template[_ETHERNET_OCTETS:_TCP], without=10)
        pseudo = source.address.packed + target.address.packed
        self._tcp_sum = _ones_sum(pseudo) + 6 + _ones_sum(self._template[_TCP : _TCP + 4])

    def frame(self, segment: Segment) -> bytes:
        """The Ethernet frame of ``segment``; frames are numbered (IPv4 identification) in call order."""
        self._count = (self._count + 1) & _WORD
        if segment.flags & SYN:  # has an option more
            return scapy_frame(self.source, self.target, segment, self._count)
        seq, ack = _numbers(self.source, self.target, segment)
        frame, data = bytearray(self._template), segment.data
        total = _IP_OCTETS + 20 + len(data)
        frame[16:20] = total.to_bytes(2, "big") + self._count.to_bytes(2, "big")
        checksum = _folded(self._ip_sum - (_IP_OCTETS + 20) + total + self._count)
        frame[24:26] = checksum.to_bytes(2, "big")
        fields = seq.to_bytes(4, "big") + ack.to_bytes(4, "big") + bytes((0x50, segment.flags))
        frame[_TCP + 4 : _TCP + 14] = fields
        length = 20 + len(data)
        checksum = _folded(self._tcp_sum + length + _ones_sum(fields) + _WINDOW + _ones_sum(data))
        frame[_TCP + 16 : _TCP + 18] = checksum.to_bytes(2, "big")
        return bytes(frame + data)


def _numbers(source: Endpoint, target: Endpoint, segment: Segment) -> tuple[int, int]:
    """The sequence and acknowledgement numbers as they are sent."""
    seq = (source.initial + segment.seq) & _NUMBER
    return seq, (target.initial + segment.ack) & _NUMBER if segment.flags & ACK else 0


def scapy_frame(source: Endpoint, target: Endpoint, segment: Segment, identification: int) -> bytes:
    """One frame as scapy builds it; a SYN offers our MSS."""
    import logging

    logging.getLogger("scapy").setLevel(logging.ERROR)  # it warns of a host without a default route
    from scapy.layers.inet import IP, TCP
    from scapy.layers.l2 import Ether
    from scapy.packet import Raw

    seq, ack = _numbers(source, target, segment)
    tcp = TCP(sport=source.port, dport=target.port, seq=seq, ack=ack, flags=segment.flags, window=_WINDOW)
    if segment.flags & SYN:
        tcp.options = [("MSS", MSS)]
    ip = IP(src=str(source.address), dst=str(target.address), ttl=source.ttl, tos=_CLASS)
    ip.id, ip.flags = identification, "DF"
    packet = Ether(src=mac_text(source.mac), dst=mac_text(target.mac)) / ip / tcp
    return bytes(packet / Raw(segment.data) if segment.data else packet)


def _ones_sum(data: bytes | bytearray, *, without: int | None = None) -> int:
    """Sum of the 16-bit words of ``data`` (RFC 1071), without the one at octet ``without``."""
    padded = bytes(data) + b"\0" * (len(data) % 2)
    # 2**16 is 1 modulo 0xFFFF: the number that the octets spell is congruent to the sum of its words
    total = int.from_bytes(padded, "big") % _WORD
    if without is not None:
        total -= int.from_bytes(padded[without : without + 2], "big")
    return total


def _folded(total: int) -> int:
    """The checksum for a sum of words: the complement of its 16-bit ones' complement sum."""
    return _WORD - (total % _WORD or _WORD)


def pcap_file(frames: Iterable[tuple[int, bytes]]) -> bytes:
    """The file for ``frames``: (nanoseconds after 1970, octets), in order."""
    parts = [_FILE_HEADER.pack(_NANOSECONDS, 2, 4, 0, 0, _LONGEST, _ETHERNET)]
    for at, frame in frames:
        seconds, nanoseconds = divmod(at, SECOND)
        parts.append(_RECORD_HEADER.pack(seconds, nanoseconds, len(frame), len(frame)))
        parts.append(frame)
    return b"".join(parts)
