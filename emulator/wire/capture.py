"""A session as a capture at one of its ends: `emulator.wire.conversation` on TCP, in a pcap file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from emulator.rng import stream
from emulator.sim.transport import Segment
from emulator.wire.conversation import conversations, session_address
from emulator.wire.pcap import BGP_PORT, Direction, Endpoint, pcap_file
from emulator.wire.tcp import ACK, FIN, RST, SYN, Connection, Write, segments

if TYPE_CHECKING:
    from emulator.scenario.plan import Plan
    from emulator.sim.notes import SessionNotes
    from emulator.wire.addresses import AddressPlan
    from emulator.wire.conversation import Said

_FLAGS: Final = {
    Segment.SYN: SYN,
    Segment.SYN_ACK: SYN | ACK,
    Segment.ACK: ACK,
    Segment.FIN: FIN | ACK,
    Segment.RST: RST | ACK,
}
_FIRST_PORT: Final = 49152
_PORTS: Final = 16384
"""IANA's dynamic ports (RFC 6335 section 6)."""
_TTL_EXTERNAL: Final = 255
"""What a neighbour that checks the hop count expects (RFC 5082)."""
_TTL_INTERNAL: Final = 64


def capture(notes: SessionNotes, plan: Plan, addresses: AddressPlan, *, vantage: int, epoch: int) -> bytes:
    """The pcap file of the session as seen at side ``vantage``; t = 0 is ``epoch`` nanoseconds after 1970.

    What that end sends appears when it is sent, what it receives when it arrives.
    """
    dark = tuple((start, plan.duration + 1 if end is None else end) for start, end in notes.recording.dark)
    seen: list[tuple[int, int, bytes]] = []
    for number, said in enumerate(conversations(notes, plan, addresses)):
        connection = Connection(
            notes.delay, tuple(_write(each, plan.duration) for each in said), dark, notes.feels_dark
        )
        ends = _endpoints(notes, plan, addresses, number, opener=said[0].side)
        directions = Direction(ends[0], ends[1]), Direction(ends[1], ends[0])
        seen += [
            (segment.at, number, directions[segment.side].frame(segment))
            for segment in segments(connection, vantage)
            if segment.at <= plan.duration
        ]
    seen.sort(key=lambda each: each[:2])
    return pcap_file((epoch + at, frame) for at, _, frame in seen)


def _write(said: Said, end: int) -> Write:
    """What arrives after the ``end`` of the run is not known; TCP is told that it is lost."""
    if isinstance(said.what, Segment):
        return Write(said.side, said.sent, b"", said.arrived, _FLAGS[said.what], said.arrived is None)
    arrived = said.arrived if said.arrived is None or said.arrived <= end else None
    return Write(said.side, said.sent, said.data, arrived, 0, arrived is None)


def _endpoints(
    notes: SessionNotes, plan: Plan, addresses: AddressPlan, number: int, *, opener: int
) -> tuple[Endpoint, Endpoint]:
    """Both ends of the session's connection ``number``: each has a port and sequence numbers of its own."""
    names = [plan.network.routers[router].name for router in notes.routers]
    rng = stream(plan.seed, f"capture/{names[0]}/{names[1]}/{notes.link}/{number}")
    first, second = (
        Endpoint(
            mac=_mac(notes, addresses, side),
            address=session_address(notes, addresses, side),
            port=_FIRST_PORT + number % _PORTS if side == opener else BGP_PORT,
            initial=rng.getrandbits(32),
            ttl=_TTL_INTERNAL if notes.link is None else _TTL_EXTERNAL,
        )
        for side in (0, 1)
    )
    return first, second


def _mac(notes: SessionNotes, addresses: AddressPlan, side: int) -> bytes:
    router = notes.routers[side]
    if notes.link is None:
        return addresses.router_mac(router)
    return addresses.mac(notes.link, addresses.side(notes.link, router))
