"""What a run keeps for captures and MRT files: taps on chosen sessions, routes of chosen routers.

A session that is Established at t = 0 without a handshake in simulated time is
given one just before, so that whoever reads a capture can follow it from the
start: TCP's handshake, OPEN, KEEPALIVE, all routes that are advertised at t = 0,
End-of-RIB.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from emulator.bgp.liveness import Detection
from emulator.bgp.messages import EndOfRib, Keepalive, Update
from emulator.sim.heartbeat import keepalive_times
from emulator.sim.tap import Passage, Recording, SessionLog
from emulator.sim.transport import Segment
from emulator.units import SECOND

if TYPE_CHECKING:
    from collections.abc import Collection

    from emulator.bgp.attributes import Attributes
    from emulator.bgp.messages import Message, Open
    from emulator.sim.emulation import Emulation
    from emulator.sim.session import Session

PREAMBLE: Final = 10 * SECOND
"""From the SYN of a handshake that is made up to t = 0, besides ten one-way delays."""
_LONGEST_HANDSHAKE: Final = 10

Routes = dict[int, "dict[int, Attributes]"]
"""A router's Adj-RIB-In, as received: session number -> prefix number -> attributes. Sessions that are down
have none."""


@dataclass(frozen=True, slots=True)
class SessionNotes:
    """All that is known of one session after the run.

    ``number`` counts the wires of the plan's wiring, ``routers`` are the ends in
    the order of sides, ``link`` is None for iBGP. ``keepalives`` are for each side the
    instants of those that are no events.
    """

    number: int
    routers: tuple[int, int]
    link: int | None
    delay: int
    opens: tuple[Open, Open]
    feels_dark: tuple[bool, bool]
    recording: Recording
    keepalives: tuple[tuple[int, ...], tuple[int, ...]]


@dataclass(slots=True)
class Watch:
    """Attach it to a run with ``simulate(plan, watch=...)``; read it afterwards.

    ``sessions`` are numbers of wires, ``routers`` indices of routers whose
    routes at t = 0 and at the end are kept.
    """

    sessions: Collection[int]
    routers: Collection[int] = ()
    notes: dict[int, SessionNotes] = field(default_factory=dict)
    """By session number, after the run."""
    routes_at_start: dict[int, Routes] = field(default_factory=dict)
    routes_at_end: dict[int, Routes] = field(default_factory=dict)
    _logs: dict[int, SessionLog] = field(default_factory=dict)

    def built(self, emulation: Emulation) -> None:
        """Tap the sessions, before anything happens."""
        for number in sorted(self.sessions):
            log = self._logs[number] = SessionLog(emulation.engine)
            emulation.sessions[number].tap = log

    def settled(self, emulation: Emulation) -> None:
        """The network is handed to the timeline."""
        if not emulation.plan.settle_by_messages:
            for number, log in self._logs.items():
                session = emulation.sessions[number]
                if session.connections and all(half.is_up for half in session.halves):
                    log.settled(session.connections[0], preamble(session))
        self.routes_at_start = {router: _routes(emulation, router) for router in self.routers}

    def finished(self, emulation: Emulation) -> None:
        """The run is over."""
        self.routes_at_end = {router: _routes(emulation, router) for router in self.routers}
        end = emulation.plan.duration
        for number, log in self._logs.items():
            session = emulation.sessions[number]
            first, second = session.halves
            self.notes[number] = SessionNotes(
                number=number,
                routers=(first.router.index, second.router.index),
                link=session.link,
                delay=session.delay,
                opens=(first.open_message(), second.open_message()),
                feels_dark=(_feels_dark(session, 0), _feels_dark(session, 1)),
                recording=log.recording(),
                keepalives=(
                    tuple(keepalive_times(first, 0, end + 1)),
                    tuple(keepalive_times(second, 0, end + 1)),
                ),
            )


def _feels_dark(session: Session, side: int) -> bool:
    """Whether a dead link means that the interface is down at ``side``."""
    return session.link is not None and session.halves[side].config.detection is Detection.INTERFACE


def _routes(emulation: Emulation, router: int) -> Routes:
    numbers = {
        (end, peer): number
        for number, wire in enumerate(emulation.wiring.wires)
        for end, peer in zip(wire.routers, wire.peers, strict=True)
    }
    return {
        numbers[router, peer.index]: dict(peer.adj_rib_in)
        for peer in emulation.speakers[router].peers
        if peer.is_up
    }


def preamble(session: Session) -> list[Passage]:
    """What must have passed on a session that is Established with its routes exchanged, in time order.

    The end with the higher BGP identifier opens, as its connection would survive
    a collision (RFC 4271 6.8).
    """
    delay = session.delay
    opens = tuple(half.open_message() for half in session.halves)
    opener = 0 if opens[0].router_id > opens[1].router_id else 1
    start = -PREAMBLE - _LONGEST_HANDSHAKE * delay
    # The same one-ways that a simulated handshake takes.
    said: list[tuple[int, int, Segment | Message]] = [
        (0, opener, Segment.SYN),
        (1, 1 - opener, Segment.SYN_ACK),
        (2, opener, Segment.ACK),
        (2, opener, opens[opener]),
        (3, 1 - opener, opens[1 - opener]),
        (3, 1 - opener, Keepalive()),
        (4, opener, Keepalive()),
    ]
    for half in session.halves:
        agreed, sent = half.negotiated, half.router.speaker.peers[half.peer].adj_rib_out
        said += [(5, half.side, Update(prefix, sent[prefix])) for prefix in sorted(sent)]
        said += [(5, half.side, EndOfRib(family)) for family in (() if agreed is None else agreed.families)]
    return [
        Passage(side, what, start + turn * delay, start + (turn + 1) * delay, is_heard=True)
        for turn, side, what in said
    ]
