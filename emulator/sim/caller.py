"""When one end of a session leaves Idle, and when it calls a peer that has not answered."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING

from emulator.bgp.fsm import Event, State, Timer
from emulator.bgp.liveness import Calling

if TYPE_CHECKING:
    from emulator.sim.engine import Call
    from emulator.sim.half import Half

_CALLING = (State.CONNECT, State.ACTIVE)


class _Silence(Enum):
    """Why nobody accepts a call."""

    LOST = auto()
    """The transport is dead: a SYN is repeated, and the ConnectRetryTimer runs on."""
    REFUSED = auto()
    """The router is there and its BGP does not listen: RST."""


class Caller:
    """The wait in Idle, and the attempts that are events because somebody might answer.

    Those that nobody accepts are worked out when somebody might accept one
    again, or when it changes why nobody does.
    """

    __slots__ = ("_call", "_half", "_silence", "_since", "_waiting")

    def __init__(self, half: Half) -> None:
        """Nothing is waited for."""
        self._half = half
        self._waiting: Call | None = None
        self._silence: _Silence | None = None
        self._since = 0
        """From when on it is like that."""
        self._call: Calling | None = None
        """As worked out last; holds while the machine's timer says the same."""

    def start(self, event: Event = Event.AUTOMATIC_START) -> None:
        """Leave Idle, unless something keeps the end there."""
        self.stop_waiting()
        half = self._half
        if half.may_start and half.attempt.state is State.IDLE:
            passive = Event.MANUAL_START_PASSIVE, Event.AUTOMATIC_START_PASSIVE
            half.attempt.feed(passive[event is Event.AUTOMATIC_START] if half.config.passive else event)

    def start_in(self, wait: int) -> None:
        """Leave Idle in ``wait`` ns; at once where that is nothing."""
        if wait == 0:
            self.start()
        else:
            self._waiting = self._half.session.engine.after(wait, self._waited)

    def stop_waiting(self) -> None:
        """Do not start later."""
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _waited(self) -> None:
        self._waiting = None
        self.start()

    def reach_changed(self) -> None:
        """Something changed in whether, or how, the peer answers: call it, or stop calling."""
        self._catch_up()
        half = self._half
        self._silence, self._since = _silence_at(half), half.now
        if not half.session.is_reachable:
            if half.attempt.state in _CALLING:
                half.attempt.stop_timer(Timer.CONNECT_RETRY)
            return
        call = self._standing()
        if call is not None:
            half.attempt.arm(Timer.CONNECT_RETRY, call.next_syn(half.now + self._is_just_sent(call)))

    def _standing(self) -> Calling | None:
        """How far its calls have come; None where it does not call, or somebody has answered."""
        attempt = self._half.attempt
        retry_at = attempt.machine.timers.get(Timer.CONNECT_RETRY)
        if attempt.state not in _CALLING or retry_at is None or self._half.config.passive:
            return None
        begun_at = None
        if attempt.state is State.CONNECT:
            connection = attempt.connection
            if connection is None or connection.is_answered:
                return None
            begun_at = connection.begun_at
        if self._call is None or self._call.retry_at != retry_at:
            self._call = Calling(begun_at, retry_at)
        return self._call

    def _is_just_sent(self, call: Calling) -> bool:
        """Whether a SYN left at this very instant, and met a transport that lived: it is not due again."""
        connection = self._half.attempt.connection
        return connection is not None and connection.is_under_way and self._half.now == call.begun_at

    def _catch_up(self) -> None:
        """Let pass what its calls have met since the peer stopped answering.

        A SYN on its way while the peer begins to listen would be accepted: it is
        not counted as refused, and goes out at that instant, late by less than a
        one-way.
        """
        half, call = self._half, self._standing()
        if call is None or self._silence is None:
            return
        delay, interval = half.session.delay, half.attempt.machine.connect_retry_interval
        if self._silence is _Silence.LOST:
            call = call.unanswered(half.now, interval)
        else:
            call = call.refused(self._since, half.now - delay, 2 * delay, interval)
        self._call = call
        half.attempt.machine.timers[Timer.CONNECT_RETRY] = call.retry_at


def _silence_at(half: Half) -> _Silence | None:
    """What becomes of a SYN that is sent now, if it is not accepted."""
    if not half.session.is_alive:
        return _Silence.LOST
    return _Silence.REFUSED if half.far.is_closed else None
