"""The KEEPALIVEs of one end of a session: no events, but known to whoever asks when they were sent."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from emulator.bgp.liveness import Keepalives
from emulator.units import LONG_AGO

if TYPE_CHECKING:
    from collections.abc import Iterator

    from emulator.bgp.negotiation import Negotiated
    from emulator.sim.half import Half


class Heartbeat:
    """Of each time that the end was Established: its keepalives, and until when they were sent."""

    __slots__ = ("_half", "_is_phase_open", "_spans")

    def __init__(self, half: Half) -> None:
        """Never Established."""
        self._half = half
        self._spans: list[tuple[Keepalives, int | None]] = []
        self._is_phase_open = False
        """Established before anybody looked, with a phase of keepalives still to be drawn."""

    def rest(self, *, is_up: bool) -> None:
        """Nothing has happened for long: whatever was sent is past."""
        self._spans.clear()
        self._is_phase_open = is_up

    def begin(self, first: int, interval: int) -> None:
        """Established: the first KEEPALIVE of the session's own is sent at ``first``."""
        seeded = partial(self._half.seeded, f"keepalive/{len(self._spans)}")
        clock = Keepalives(first, interval, self._half.config.keepalive_jitter, seeded)
        self._spans.append((clock, None))

    def present(self, agreed: Negotiated | None) -> Keepalives | None:
        """What is sent in the present session, which goes by ``agreed``."""
        if self._is_phase_open:
            self._draw_phase(agreed)
        return self._spans[-1][0] if self._spans and self._spans[-1][1] is None else None

    def end(self, agreed: Negotiated | None, now: int) -> None:
        """The session, which went by ``agreed``, is over."""
        clock = self.present(agreed)
        if clock is not None:
            self._spans[-1] = (clock, now)

    def _draw_phase(self, agreed: Negotiated | None) -> None:
        """Give a session that has been up for long a phase; a starved one has just been Established."""
        self._is_phase_open = False
        if agreed is None or agreed.keepalive == 0:
            return
        phase = self._half.seeded("keepalive").randrange(agreed.keepalive)
        is_starved = agreed.keepalive * self._half.config.keepalive_jitter[1] > agreed.hold_time
        self.begin(agreed.keepalive if is_starved else phase - agreed.keepalive + 1, agreed.keepalive)

    def times(self, since: int, until: int) -> Iterator[int]:
        """The instants in [``since``, ``until``) of all times that it was Established."""
        for clock, ended in self._spans:
            stop = until if ended is None else min(until, ended)
            yield from clock.times(max(since, LONG_AGO), stop)


def keepalive_times(half: Half, since: int, until: int) -> Iterator[int]:
    """The instants in [``since``, ``until``) at which ``half`` sends the KEEPALIVEs that are no events.

    Those of its Established sessions, past and present. The ones that answer an
    OPEN are messages like others (`Session.tap`). Also while the transport is
    dead and the end has not noticed: TCP then holds them back.
    """
    half.keepalives()  # their phase may still have to be drawn
    return half.heartbeat.times(since, until)
