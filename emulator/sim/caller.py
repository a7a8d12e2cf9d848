"""When one end of a session leaves Idle, and when it calls a peer that has not answered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.bgp.fsm import Event, State, Timer
from emulator.bgp.liveness import next_attempt

if TYPE_CHECKING:
    from emulator.sim.engine import Call
    from emulator.sim.half import Half

_CALLING = (State.CONNECT, State.ACTIVE)


class Caller:
    """The wait in Idle, and the attempts that are events because somebody might answer."""

    __slots__ = ("_half", "_waiting")

    def __init__(self, half: Half) -> None:
        """Nothing is waited for."""
        self._half = half
        self._waiting: Call | None = None

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

    def resume(self) -> None:
        """Somebody might answer again: arrange for the next attempt."""
        half = self._half
        attempt, now = half.attempt, half.now
        machine, connection = attempt.machine, attempt.connection
        retry_at = machine.timers.get(Timer.CONNECT_RETRY)
        if attempt.state not in _CALLING or retry_at is None or half.config.passive:
            return
        earliest = now
        if attempt.state is State.ACTIVE:
            since = retry_at
            if retry_at > now:
                attempt.arm(Timer.CONNECT_RETRY, retry_at)
                return
            retry_at += machine.connect_retry_interval()
        elif connection is None or connection.is_answered:
            return
        else:
            since = connection.begun_at
            if connection.is_under_way:  # so that the SYN of this very instant is not due again
                earliest = max(now, since + 1)
        syn_at, _ = next_attempt(since, retry_at, earliest, machine.connect_retry_interval)
        attempt.arm(Timer.CONNECT_RETRY, syn_at)

    def pause(self) -> None:
        """Nobody can answer: attempts are no events any more."""
        if self._half.attempt.state in _CALLING:
            self._half.attempt.stop_timer(Timer.CONNECT_RETRY)
