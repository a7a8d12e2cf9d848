"""A TCP connection between two routers, as far as BGP can tell: segments in order, or not at all.

What is in flight when only the transport dies waits, with what is sent
meanwhile, for its return, when TCP sends it again; what is in flight when an
end closes the connection is lost at that end.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from emulator.bgp.messages import Update
from emulator.units import LONG_AGO

if TYPE_CHECKING:
    from emulator.bgp.messages import Message
    from emulator.sim.attempt import Attempt
    from emulator.sim.session import Session


class Segment(Enum):
    """TCP's own segments."""

    SYN = "SYN"
    SYN_ACK = "SYN-ACK"
    ACK = "ACK"
    FIN = "FIN"
    RST = "RST"


class _Lane:
    """One direction."""

    __slots__ = ("is_cut", "last_arrival", "overtaken", "stalled")

    def __init__(self) -> None:
        self.last_arrival: int = LONG_AGO
        self.stalled: list[Segment | Message] = []
        """Sent, and not arrived before the transport died, in order."""
        self.overtaken = 0
        """How many of them were in flight then."""
        self.is_cut = False
        """The sender has lost its memory: nothing is sent again."""


class Connection:
    """From the opener's SYN until both ends have let go of it."""

    __slots__ = ("_lanes", "_session", "begun_at", "opener", "users")

    def __init__(self, session: Session, opener: int) -> None:
        """``opener`` is the side that sends the SYN."""
        self._session = session
        self._lanes = (_Lane(), _Lane())
        self.opener = opener
        self.begun_at = session.engine.now
        self.users: list[Attempt | None] = [None, None]
        """Who holds each end; None before it is accepted and after it is closed."""

    @property
    def is_answered(self) -> bool:
        """Whether the far end has accepted it."""
        return self.users[1 - self.opener] is not None

    @property
    def is_under_way(self) -> bool:
        """Whether the opener's SYN met a transport that lived."""
        return self._lanes[self.opener].last_arrival != LONG_AGO

    def send(self, side: int, what: Segment | Message) -> None:
        """Send from ``side``; wait in TCP's buffer while the transport is dead."""
        session, lane = self._session, self._lanes[side]
        if session.tap is not None:
            session.tap.sent(self, side, what)
        if not session.is_alive:
            if what is not Segment.SYN:  # its repetition is its sender's business
                lane.stalled.append(what)
            return
        now = session.engine.now
        lane.last_arrival = arrival = max(now + session.delay, lane.last_arrival)
        session.engine.after(arrival - now, self._arrive, side, what)

    def _arrive(self, side: int, what: Segment | Message) -> None:
        """Something from ``side`` reaches the other end, unless the transport died meanwhile."""
        lane = self._lanes[side]
        if lane.is_cut:
            return
        if not self._session.is_alive:  # before everything that was sent after the transport died
            if what is not Segment.SYN:
                lane.stalled.insert(lane.overtaken, what)
                lane.overtaken += 1
            return
        user = self.users[1 - side]
        if self._session.tap is not None:
            self._session.tap.arrived(self, side, what, is_heard=user is not None)
        if user is None:
            self._unexpected(side, what)
        elif type(what) is Update:
            user.heard(what)
        elif isinstance(what, Segment):
            user.segment(what)
        else:
            user.message(what)

    def _unexpected(self, side: int, what: Segment | Message) -> None:
        """Nobody holds the end that ``what`` reaches: a SYN knocks, anything else is reset."""
        if what is Segment.SYN:
            if self.users[side] is not None:
                self._session.halves[1 - side].knock(self)
        elif not isinstance(what, Segment) and self._lanes[1 - side].is_cut:
            self.refuse(1 - side)

    def refuse(self, side: int) -> None:
        """``side`` answers with RST."""
        self._lanes[side].is_cut = False
        self.send(side, Segment.RST)

    def resume(self) -> None:
        """The transport is back: TCP sends again what has not arrived."""
        for side, lane in enumerate(self._lanes):
            waiting, lane.stalled, lane.overtaken = lane.stalled, [], 0
            session = self._session
            for what in waiting:
                lane.last_arrival = max(session.engine.now + session.delay, lane.last_arrival)
                session.engine.after(lane.last_arrival - session.engine.now, self._arrive, side, what)

    def close(self, side: int) -> None:
        """``side`` closes its end: FIN follows what it has sent."""
        if self.users[side] is not None:
            self.users[side] = None
            self.send(side, Segment.FIN)
            self._forget()

    def vanish(self, side: int) -> None:
        """``side`` has lost power: it sends nothing more, and what comes is answered with RST one day."""
        self.users[side] = None
        lane = self._lanes[side]
        lane.is_cut = True
        lane.stalled.clear()
        self._forget()

    def _forget(self) -> None:
        if self.users == [None, None] and self in self._session.connections:
            self._session.connections.remove(self)
