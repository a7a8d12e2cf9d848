"""What TCP makes of a BGP connection, as one end of the wire sees it.

The emulator delivers messages; a capture wants segments with sequence numbers,
acknowledgements and the opening and closing of the connection. They follow from
when messages were sent and arrived. The model is TCP without loss on a lit
link: nothing is retransmitted. What was sent while the link was dark and arrived
after its repair is shown once, an acknowledgement is late by as much.

Acknowledgements (RFC 1122 4.2.3.2): with data that goes back anyway, else for
every second segment, else after 40 ms. Nagle's algorithm is off.
"""

from __future__ import annotations

import heapq
from bisect import bisect_right
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from emulator.units import MILLISECOND

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MSS: Final = 1460
"""Octets of data in a segment: Ethernet's 1500 less the headers of IPv4 and TCP."""
ACK_DELAY: Final = 40 * MILLISECOND
"""Linux's least; RFC 1122 allows up to half a second."""
_SEGMENTS_PER_ACK: Final = 2
_ARRIVAL, _WRITE, _TIMER = range(3)
"""Order at one instant: what arrives may be what makes an end write; a write saves an acknowledgement."""

FIN: Final = 0x01
SYN: Final = 0x02
RST: Final = 0x04
PSH: Final = 0x08
ACK: Final = 0x10


@dataclass(frozen=True, slots=True)
class Write:
    """What ``side`` (0 or 1) gave to TCP at ``sent``: octets, or ``flags`` (SYN, FIN, RST, or ACK alone).

    ``arrived`` None: when the line has it, after a repair if need be.
    """

    side: int
    sent: int
    data: bytes = b""
    arrived: int | None = None
    flags: int = 0
    is_lost: bool = False
    """It never arrives."""


@dataclass(frozen=True, slots=True)
class Connection:
    """One TCP connection between side 0 and side 1; ``writes`` begin with a SYN, those of a side in order.

    ``dark`` are the times [from, until) when nothing got through, in order.
    ``feels_dark`` says of each side whether its own interface is down then, so
    that it sends nothing.
    """

    delay: int
    writes: tuple[Write, ...]
    dark: tuple[tuple[int, int], ...] = ()
    feels_dark: tuple[bool, bool] = (True, True)


class Segment(NamedTuple):
    """A segment that ``side`` sent, seen at ``at``; ``seq`` and ``ack`` count from 0, the SYN is octet 0."""

    at: int
    side: int
    seq: int
    ack: int
    flags: int
    data: bytes


class _End:
    """What one end knows."""

    __slots__ = ("is_open", "last_arrival", "received", "sent", "timer", "unacknowledged")

    def __init__(self) -> None:
        self.sent = 0
        """Octets sent, SYN and FIN among them: the next sequence number."""
        self.received = 0
        """Octets of the other end received, in order."""
        self.unacknowledged = 0
        """Segments with data that wait for an acknowledgement of ours."""
        self.timer = 0
        """Number of the delayed acknowledgement that is meant, if any."""
        self.last_arrival: int | None = None
        """Of what this end sent, at the other."""
        self.is_open = True


def segments(connection: Connection, vantage: int) -> list[Segment]:
    """All segments of ``connection`` that pass side ``vantage``, in the order they do.

    The wire adds acknowledgements; opening and closing are the ends' own writes.
    """
    return _Play(connection, vantage).run()


class _Play:
    """A connection's events in their order."""

    def __init__(self, connection: Connection, vantage: int) -> None:
        self.it = connection
        self.vantage = vantage
        self.ends = (_End(), _End())
        self.seen: list[Segment] = []
        self._events: list[tuple[int, int, int, Callable[[int], None]]] = []
        self._count = 0
        self._resets = {(write.side, write.sent) for write in connection.writes if write.flags & RST}
        """A reset is all that an end without a memory of the connection says."""
        self._starts = [start for start, _ in connection.dark]

    def run(self) -> list[Segment]:
        for write in _flights(self.it.writes, self._really_sent):
            for first in range(0, len(write.data) or 1, MSS):
                piece = write.data[first : first + MSS]
                flags = write.flags or ACK | (PSH if first + MSS >= len(write.data) else 0)
                send = partial(self._send, write.side, flags, data=piece, arrived=write.arrived)
                self._at(write.sent, _WRITE, partial(send, is_lost=write.is_lost))
        while self._events:
            now, _, _, action = heapq.heappop(self._events)
            action(now)
        return self.seen

    def _at(self, instant: int, kind: int, action: Callable[[int], None]) -> None:
        self._count += 1
        heapq.heappush(self._events, (instant, kind, self._count, action))

    def _lit_again(self, instant: int) -> int | None:
        """The end of the darkness at ``instant``; None where the link is lit."""
        place = bisect_right(self._starts, instant) - 1
        return self.it.dark[place][1] if place >= 0 and instant < self.it.dark[place][1] else None

    def _really_sent(self, write: Write) -> int | None:
        """When ``write`` goes onto the wire: with the interface down that is after the repair, if ever."""
        until = self._lit_again(write.sent)
        if until is None or not self.it.feels_dark[write.side]:
            return write.sent
        if write.is_lost:
            return None
        return until if write.arrived is None else max(write.sent, write.arrived - self.it.delay)

    def _arrival(self, side: int, now: int, *, again: bool) -> int | None:
        """When what ``side`` sends now arrives: in order, with ``again`` after a repair; None for never."""
        arrival = now + self.it.delay
        last = self.ends[side].last_arrival
        if last is not None:
            arrival = max(arrival, last)
        until = self._lit_again(arrival)
        if until is None:
            until = self._lit_again(now)
        if until is not None:
            if not again:
                return None
            arrival = max(arrival, until + self.it.delay)
        return arrival

    def _send(
        self,
        side: int,
        flags: int,
        now: int,
        *,
        data: bytes = b"",
        arrived: int | None = None,
        is_lost: bool = False,
    ) -> None:
        end = self.ends[side]
        if not end.is_open:
            return
        end.is_open = not flags & RST
        segment = Segment(now, side, end.sent, end.received, flags, data)
        end.sent += len(data) + bool(flags & (SYN | FIN))
        end.unacknowledged = end.timer = 0
        if side == self.vantage:
            self.seen.append(segment)
        if arrived is None:
            arrived = self._arrival(side, now, again=bool(data))
        if arrived is not None and not is_lost:
            end.last_arrival = arrived
            self._at(arrived, _ARRIVAL, partial(self._receive, segment))

    def _receive(self, segment: Segment, now: int) -> None:
        side = 1 - segment.side
        end = self.ends[side]
        if segment.seq > end.received:
            return  # something before it was lost for good
        if side == self.vantage:
            self.seen.append(segment._replace(at=now))
        length = len(segment.data) + bool(segment.flags & (SYN | FIN))
        end.received = max(end.received, segment.seq + length)
        end.is_open &= not segment.flags & RST
        if segment.flags & FIN:
            self._acknowledge(side, now)
        elif segment.data:
            end.unacknowledged += 1
            if end.unacknowledged >= _SEGMENTS_PER_ACK:
                self._acknowledge(side, now)
            else:
                end.timer = self._count + 1
                self._at(now + ACK_DELAY, _TIMER, partial(self._timeout, side, end.timer))

    def _timeout(self, side: int, number: int, now: int) -> None:
        if self.ends[side].timer == number:
            self._acknowledge(side, now)

    def _acknowledge(self, side: int, now: int) -> None:
        is_lit = self._lit_again(now) is None or not self.it.feels_dark[side]
        if is_lit and (side, now) not in self._resets:
            self._send(side, ACK, now)


def _flights(writes: Sequence[Write], really_sent: Callable[[Write], int | None]) -> list[Write]:
    """What goes onto the wire, and when; octets that go and arrive together joined."""
    flights: list[Write] = []
    open_at: dict[int, int] = {}
    for write in writes:
        sent = really_sent(write)
        if sent is None:
            continue
        place = open_at.get(write.side)
        last = None if place is None else flights[place]
        if (
            place is not None
            and last is not None
            and (last.sent, last.arrived, last.flags, write.flags) == (sent, write.arrived, 0, 0)
        ):
            flights[place] = replace(last, data=last.data + write.data)
        else:
            open_at[write.side] = len(flights)
            flights.append(replace(write, sent=sent))
    return flights
