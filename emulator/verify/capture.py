"""What tcpdump wrote, back to BGP messages: packets, then TCP streams, then messages with their times."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final, NamedTuple

from emulator.errors import InputError
from emulator.wire.codec import split
from emulator.wire.errors import PeerError

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAGIC_MICROSECONDS: Final = 0xA1B2C3D4
_MAGIC_NANOSECONDS: Final = 0xA1B23C4D
_FILE_HEADER: Final = 24
_PACKET_HEADER: Final = 16
# https://www.tcpdump.org/linktypes.html: octets before the network layer, and where the Ethernet type is.
_LINK_LAYERS: Final = {1: (14, 12), 113: (16, 14), 276: (20, 0)}
_IPV4: Final = 0x0800
_IPV6: Final = 0x86DD
_TCP: Final = 6
_SYN: Final = 0x02
_SEQUENCES: Final = 1 << 32


class CapturedMessage(NamedTuple):
    """A BGP message: when its last octet was sent (ns since the epoch), between whom, and its octets."""

    at_ns: int
    source: str
    target: str
    octets: bytes


class _Segment(NamedTuple):
    at_ns: int
    flow: tuple[bytes, bytes, int, int]
    sequence: int
    flags: int
    payload: bytes


@dataclass(slots=True)
class _Stream:
    """One direction of a connection: what sequence number comes next, and what came too early."""

    wanted: int | None = None
    early: dict[int, tuple[int, bytes]] = field(default_factory=dict)
    rest: bytes = b""


def messages(data: bytes, name: str) -> Iterator[CapturedMessage]:
    """Read the BGP messages in a capture file.

    Octets sent again are taken once. A stream that begins in the middle, or lacks
    a segment, is left off where it breaks. Raises `InputError` for what is no capture.
    """
    streams: dict[tuple[bytes, bytes, int, int], _Stream] = {}
    for segment in _segments(data, name):
        stream = streams.setdefault(segment.flow, _Stream())
        if segment.flags & _SYN:
            streams[segment.flow] = _Stream((segment.sequence + 1) % _SEQUENCES)
            continue
        if stream.wanted is None or not segment.payload:
            continue
        stream.early[segment.sequence] = (segment.at_ns, segment.payload)
        yield from _advance(stream, segment.flow)


def _advance(stream: _Stream, flow: tuple[bytes, bytes, int, int]) -> Iterator[CapturedMessage]:
    """Take what now follows on without a gap, and cut messages from it."""
    while stream.wanted is not None and (found := _next(stream)) is not None:
        at_ns, payload = found
        stream.wanted = (stream.wanted + len(payload)) % _SEQUENCES
        try:
            complete, stream.rest = split(stream.rest + payload)
        except PeerError:  # not BGP, or a fault of the sender: nothing more to be had from this stream
            stream.wanted = None
            return
        for octets in complete:
            yield CapturedMessage(at_ns, str(ip_address(flow[0])), str(ip_address(flow[1])), octets)


def _next(stream: _Stream) -> tuple[int, bytes] | None:
    """The payload that starts at, or overlaps, the sequence number wanted."""
    for sequence in list(stream.early):
        at_ns, payload = stream.early[sequence]
        known = ((stream.wanted or 0) - sequence) % _SEQUENCES
        if known >= _SEQUENCES // 2:  # still too early
            continue
        del stream.early[sequence]
        if known < len(payload):
            return at_ns, payload[known:]
    return None


def _segments(data: bytes, name: str) -> Iterator[_Segment]:
    for at_ns, kind, packet in _packets(data, name):
        if kind == _IPV4 and packet[9] == _TCP:
            size = (packet[0] & 0x0F) * 4
            source, target = packet[12:16], packet[16:20]
            tcp = packet[size : int.from_bytes(packet[2:4])]
        elif kind == _IPV6 and packet[6] == _TCP:  # BGP's packets have no extension headers
            source, target = packet[8:24], packet[24:40]
            tcp = packet[40 : 40 + int.from_bytes(packet[4:6])]
        else:
            continue
        ports = struct.unpack_from("!HH", tcp)
        sequence, offset, flags = int.from_bytes(tcp[4:8]), (tcp[12] >> 4) * 4, tcp[13]
        yield _Segment(at_ns, (source, target, *ports), sequence, flags, tcp[offset:])


def _packets(data: bytes, name: str) -> Iterator[tuple[int, int, bytes]]:
    """Time, Ethernet type and network-layer octets of every packet; a last one cut off is left out."""
    if not data:
        return
    for order in ("<", ">"):
        magic = struct.unpack_from(f"{order}I", data.ljust(4, b"\0"))[0]
        if magic in {_MAGIC_MICROSECONDS, _MAGIC_NANOSECONDS}:
            break
    else:
        message = f"{name} is not a capture file"
        raise InputError(message)
    scale = 1 if magic == _MAGIC_NANOSECONDS else 1000
    link = struct.unpack_from(f"{order}I", data, 20)[0] & 0x0FFFFFFF
    if link not in _LINK_LAYERS:
        message = f"{name} has packets of link type {link}, which is not known here"
        raise InputError(message)
    skip, where = _LINK_LAYERS[link]
    at = _FILE_HEADER
    while at + _PACKET_HEADER <= len(data):
        whole, part, size, _ = struct.unpack_from(f"{order}IIII", data, at)
        at += _PACKET_HEADER
        packet = data[at : at + size]
        at += size
        if len(packet) == size and size > skip:
            kind = int.from_bytes(packet[where : where + 2])
            yield whole * 1_000_000_000 + part * scale, kind, packet[skip:]
