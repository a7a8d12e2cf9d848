"""MRT files read: records of `emulator.wire.mrt`, also in the older forms that daemons write.

BGP4MP with second resolution, two-octet AS numbers. The octets are not trusted.
"""

from __future__ import annotations

import struct
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING, Final

from emulator.bgp.messages import Family
from emulator.errors import InputError
from emulator.units import MICROSECOND, SECOND
from emulator.wire.messages import BITS, WirePrefix
from emulator.wire.mrt import (
    AS2,
    AS4,
    COUNT,
    HEADER,
    MICROSECONDS,
    PEER_AS4,
    PEER_IPV6,
    PEER_TABLE,
    ROUTE,
    SEQUENCE,
    STATES,
    Bgp4mp,
    Ends,
    LoggedMessage,
    MrtType,
    PeerTable,
    State,
    StateChange,
    TableDump,
    TableEntry,
    TablePeer,
    TableRoute,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from emulator.wire.addresses import IPAddress
    from emulator.wire.mrt import Record

_LENGTH: Final = {1: 4, 2: 16}
_RECORD_MAX: Final = 1 << 24
"""No writer comes near: a length above means that this is no MRT file."""
_SPOKEN: Final = frozenset(Bgp4mp)


def read_records(data: bytes, name: str = "<MRT>") -> Iterator[Record]:
    """Yield the records of a file's octets; kinds not in `Record` are passed over.

    A last record that was cut off, as a killed daemon leaves it, ends the file.
    Raises `InputError` (with ``name`` and the octet) for anything that is not MRT.
    """
    offset = 0
    while offset + HEADER.size <= len(data):
        seconds, kind, subtype, length = HEADER.unpack_from(data, offset)
        start = offset + HEADER.size
        if length > _RECORD_MAX:
            message = f"{name}: no MRT record at octet {offset}: its length would be {length}"
            raise InputError(message)
        if start + length > len(data):
            return
        body = data[start : start + length]
        try:
            record = _decode(seconds * SECOND, kind, subtype, body)
        except (struct.error, ValueError, IndexError) as error:
            message = f"{name}: damaged MRT record at octet {offset}: {error}"
            raise InputError(message) from error
        if record is not None:
            yield record
        offset = start + length


def _decode(at: int, kind: int, subtype: int, body: bytes) -> Record | None:
    """One record; None for a kind that is passed over."""
    if kind == MrtType.TABLE_DUMP_V2:
        return _decode_table(at, subtype, body)
    if kind == MrtType.BGP4MP_ET:
        at += MICROSECONDS.unpack_from(body)[0] * MICROSECOND
        body = body[MICROSECONDS.size :]
    elif kind != MrtType.BGP4MP:
        return None
    return _decode_bgp4mp(at, Bgp4mp(subtype), body) if subtype in _SPOKEN else None


def _decode_table(at: int, subtype: int, body: bytes) -> Record | None:
    if subtype == TableDump.PEER_INDEX_TABLE:
        return _decode_peers(at, body)
    if subtype == TableDump.RIB_IPV4_UNICAST:
        return _decode_entry(at, body, Family.IPV4)
    return _decode_entry(at, body, Family.IPV6) if subtype == TableDump.RIB_IPV6_UNICAST else None


def _decode_bgp4mp(at: int, subtype: Bgp4mp, body: bytes) -> Record:
    is_wide = subtype in {Bgp4mp.MESSAGE_AS4, Bgp4mp.MESSAGE_AS4_LOCAL, Bgp4mp.STATE_CHANGE_AS4}
    numbers = AS4 if is_wide else AS2
    peer_asn, local_asn, _, afi = numbers.unpack_from(body)
    if afi not in _LENGTH:
        message = f"unknown address family {afi}"
        raise ValueError(message)
    middle = numbers.size + _LENGTH[afi]
    end = middle + _LENGTH[afi]
    ends = Ends(peer_asn, local_asn, _address(body[numbers.size : middle]), _address(body[middle:end]))
    if subtype in {Bgp4mp.STATE_CHANGE, Bgp4mp.STATE_CHANGE_AS4}:
        old, new = STATES.unpack_from(body, end)
        return StateChange(at, ends, State(old), State(new))
    is_sent = subtype in {Bgp4mp.MESSAGE_LOCAL, Bgp4mp.MESSAGE_AS4_LOCAL}
    return LoggedMessage(at, ends, body[end:], is_sent, is_wide)


def _address(packed: bytes) -> IPAddress:
    """Four or sixteen octets; ValueError otherwise."""
    return IPv4Address(packed) if len(packed) == _LENGTH[1] else IPv6Address(packed)


def _decode_peers(at: int, body: bytes) -> PeerTable:
    collector, length = PEER_TABLE.unpack_from(body)
    offset = PEER_TABLE.size + length
    view = body[PEER_TABLE.size : offset].decode()
    (count,) = COUNT.unpack_from(body, offset)
    offset += COUNT.size
    peers = []
    for _ in range(count):
        kind = body[offset]
        (router_id,) = SEQUENCE.unpack_from(body, offset + 1)
        end = offset + 5 + _LENGTH[2 if kind & PEER_IPV6 else 1]
        address = _address(body[offset + 5 : end])
        numbers = SEQUENCE if kind & PEER_AS4 else COUNT
        (asn,) = numbers.unpack_from(body, end)
        offset = end + numbers.size
        peers.append(TablePeer(router_id, address, asn))
    return PeerTable(at, collector, view, tuple(peers))


def _decode_entry(at: int, body: bytes, family: Family) -> TableEntry:
    (sequence,) = SEQUENCE.unpack_from(body)
    length = body[SEQUENCE.size]
    octets, offset = (length + 7) // 8, SEQUENCE.size + 1
    bits = BITS[family]
    if length > bits:
        message = f"a prefix length of {length}"
        raise ValueError(message)
    network = int.from_bytes(body[offset : offset + octets], "big") << (bits - 8 * octets)
    offset += octets
    (count,) = COUNT.unpack_from(body, offset)
    offset += COUNT.size
    routes = []
    for _ in range(count):
        peer, seconds, size = ROUTE.unpack_from(body, offset)
        offset += ROUTE.size
        if offset + size > len(body):
            message = "its attributes are cut off"
            raise ValueError(message)
        routes.append(TableRoute(peer, seconds * SECOND, body[offset : offset + size]))
        offset += size
    return TableEntry(at, sequence, WirePrefix(family, network, length), tuple(routes))
