"""MRT files (RFC 6396): messages and session states as a collector logs them, and tables of routes.

Octets in, octets out: a record's BGP message stays as it is, and times are
integer nanoseconds after 1970. Written are BGP4MP_ET (microseconds) with
four-octet AS numbers and TABLE_DUMP_V2; `emulator.wire.mrt_reader` reads them and
what daemons write. Types and subtypes: https://www.iana.org/assignments/mrt/
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from struct import Struct
from typing import TYPE_CHECKING, Final

from emulator.bgp.messages import Family
from emulator.units import MICROSECOND, SECOND
from emulator.wire.nlri import encode_prefixes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from emulator.wire.addresses import IPAddress
    from emulator.wire.messages import WirePrefix


class MrtType(IntEnum):
    """The record types spoken here (section 4)."""

    TABLE_DUMP_V2 = 13
    BGP4MP = 16
    BGP4MP_ET = 17


class Bgp4mp(IntEnum):
    """Subtypes of BGP4MP and BGP4MP_ET (section 4.4)."""

    STATE_CHANGE = 0
    MESSAGE = 1
    MESSAGE_AS4 = 4
    STATE_CHANGE_AS4 = 5
    MESSAGE_LOCAL = 6
    MESSAGE_AS4_LOCAL = 7


class TableDump(IntEnum):
    """Subtypes of TABLE_DUMP_V2 (section 4.3)."""

    PEER_INDEX_TABLE = 1
    RIB_IPV4_UNICAST = 2
    RIB_IPV6_UNICAST = 4


class State(IntEnum):
    """The states of a session as BGP4MP numbers them (section 4.4.1)."""

    IDLE = 1
    CONNECT = 2
    ACTIVE = 3
    OPEN_SENT = 4
    OPEN_CONFIRM = 5
    ESTABLISHED = 6


@dataclass(frozen=True, slots=True)
class Ends:
    """Whose session a record is about: the peer's and the router's own AS number and address."""

    peer_asn: int
    local_asn: int
    peer: IPAddress
    local: IPAddress


@dataclass(frozen=True, slots=True)
class LoggedMessage:
    """A BGP message with its header, ``at`` nanoseconds after 1970; ``sent`` by the router, not received."""

    at: int
    ends: Ends
    data: bytes
    sent: bool = False
    four_octet_as: bool = True
    """How AS numbers are written in ``data``."""


@dataclass(frozen=True, slots=True)
class StateChange:
    """The session went from ``old`` to ``new``."""

    at: int
    ends: Ends
    old: State
    new: State


@dataclass(frozen=True, slots=True)
class TablePeer:
    """A peer that a table's routes are from."""

    router_id: int
    address: IPAddress
    asn: int


@dataclass(frozen=True, slots=True)
class PeerTable:
    """The peers of a table dump: comes before its routes, which name peers by their place here."""

    at: int
    collector_id: int
    view: str
    peers: tuple[TablePeer, ...]


@dataclass(frozen=True, slots=True)
class TableRoute:
    """One peer's route: ``originated`` in nanoseconds after 1970, ``attributes`` in octets.

    AS numbers are of four octets; MP_REACH_NLRI is only the next hop (section 4.3.4).
    """

    peer: int
    originated: int
    attributes: bytes


@dataclass(frozen=True, slots=True)
class TableEntry:
    """All routes for one prefix."""

    at: int
    sequence: int
    prefix: WirePrefix
    routes: tuple[TableRoute, ...]


Record = LoggedMessage | StateChange | PeerTable | TableEntry

# The fixed parts of records, in octets.
HEADER: Final = Struct("!IHHI")
MICROSECONDS: Final = Struct("!I")
AS2: Final = Struct("!HHHH")
AS4: Final = Struct("!IIHH")
STATES: Final = Struct("!HH")
PEER_TABLE: Final = Struct("!IH")
COUNT: Final = Struct("!H")
SEQUENCE: Final = Struct("!I")
ROUTE: Final = Struct("!HIH")
_AFI: Final = {4: 1, 6: 2}
PEER_IPV6: Final = 0x01
PEER_AS4: Final = 0x02


def encode_record(record: Record) -> bytes:
    """Return ``record`` with its header."""
    match record:
        case LoggedMessage():
            if record.four_octet_as:
                kind = Bgp4mp.MESSAGE_AS4_LOCAL if record.sent else Bgp4mp.MESSAGE_AS4
            else:
                kind = Bgp4mp.MESSAGE_LOCAL if record.sent else Bgp4mp.MESSAGE
            return _extended(record.at, kind, _encode_ends(record.ends, kind) + record.data)
        case StateChange():
            kind = Bgp4mp.STATE_CHANGE_AS4
            states = STATES.pack(record.old, record.new)
            return _extended(record.at, kind, _encode_ends(record.ends, kind) + states)
        case PeerTable():
            return _plain(record.at, TableDump.PEER_INDEX_TABLE, _encode_peers(record))
        case TableEntry():
            is_v4 = record.prefix.family is Family.IPV4
            kind_of_table = TableDump.RIB_IPV4_UNICAST if is_v4 else TableDump.RIB_IPV6_UNICAST
            return _plain(record.at, kind_of_table, _encode_entry(record))


def _extended(at: int, subtype: int, body: bytes) -> bytes:
    """Section 3: the extended header; its length counts the microseconds."""
    seconds, rest = divmod(at, SECOND)
    header = HEADER.pack(seconds, MrtType.BGP4MP_ET, subtype, MICROSECONDS.size + len(body))
    return header + MICROSECONDS.pack(rest // MICROSECOND) + body


def _plain(at: int, subtype: int, body: bytes) -> bytes:
    return HEADER.pack(at // SECOND, MrtType.TABLE_DUMP_V2, subtype, len(body)) + body


def _encode_ends(ends: Ends, subtype: Bgp4mp) -> bytes:
    """Interface index 0: the emulator's routers have none."""
    numbers = AS2 if subtype in {Bgp4mp.MESSAGE, Bgp4mp.MESSAGE_LOCAL} else AS4
    fields = numbers.pack(ends.peer_asn, ends.local_asn, 0, _AFI[ends.peer.version])
    return fields + ends.peer.packed + ends.local.packed


def _encode_peers(table: PeerTable) -> bytes:
    view = table.view.encode()
    parts = [PEER_TABLE.pack(table.collector_id, len(view)), view, COUNT.pack(len(table.peers))]
    for peer in table.peers:
        kind = PEER_AS4 | (PEER_IPV6 if peer.address.version == 6 else 0)  # noqa: PLR2004 - IP's version
        parts += [
            bytes((kind,)) + SEQUENCE.pack(peer.router_id),
            peer.address.packed,
            SEQUENCE.pack(peer.asn),
        ]
    return b"".join(parts)


def _encode_entry(entry: TableEntry) -> bytes:
    parts = [SEQUENCE.pack(entry.sequence), encode_prefixes((entry.prefix,)), COUNT.pack(len(entry.routes))]
    for route in entry.routes:
        parts.append(ROUTE.pack(route.peer, route.originated // SECOND, len(route.attributes)))
        parts.append(route.attributes)
    return b"".join(parts)


def encode_file(records: Iterable[Record]) -> bytes:
    """All ``records``, one after the other."""
    return b"".join(encode_record(record) for record in records)
