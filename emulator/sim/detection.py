"""How one end of a session finds out that its transport died, and that it is back.

By its interface, by BFD, or because its hold timer expires; for the last two
the instant is worked out when the transport dies (`emulator.bgp.liveness`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.bgp.fsm import Event, State, Timer
from emulator.bgp.liveness import Detection, Keepalives, bfd_detection, hold_expiry
from emulator.bgp.messages import Notification
from emulator.bgp.notification import CeaseError, ErrorCode

if TYPE_CHECKING:
    from emulator.sim.half import Half

_OPENING = (State.OPEN_SENT, State.OPEN_CONFIRM)


class Detector:
    """What one end knows of its transport."""

    __slots__ = ("_half", "is_dark")

    def __init__(self, half: Half) -> None:
        """All is well."""
        self._half = half
        self.is_dark = False
        """The interface, or for iBGP the way to the peer, is known to be gone."""

    def transport_lost(self) -> None:
        """The transport died: find out in time."""
        half = self._half
        half.caller.reach_changed()
        if half.is_off or not half.router.is_up:
            return
        outage, engine = half.session.outage, half.session.engine
        if half.config.detection is Detection.INTERFACE:
            if not half.follows_routes:
                engine.after(half.config.interface_delay, self.interface_down, outage)
            return
        for attempt in (half.attempt, half.second):
            if attempt is not None and attempt.state in _OPENING and Timer.HOLD in attempt.machine.timers:
                attempt.arm(Timer.HOLD, attempt.machine.timers[Timer.HOLD])
        agreed = half.negotiated
        if agreed is None:
            return
        if half.config.detection is Detection.BFD:
            engine.after(bfd_detection(half.config, half.rng), self._bfd_down, outage)
        elif agreed.hold_time:
            engine.after(self.hold_expires_at() - half.now, self._hold_expired, outage)

    def hold_expires_at(self) -> int:
        """When this end's hold timer expires if nothing arrives any more from now on."""
        half = self._half
        agreed, keepalives = half.negotiated, half.far.keepalives()
        if agreed is None:
            return half.now
        hold_time = round(agreed.hold_time * self._factor(half.config.hold_jitter))
        silent = keepalives or Keepalives(0, 0)
        return hold_expiry(
            silent,
            delay=half.session.delay,
            lost_at=half.now,
            heard=half.last_heard,
            hold_time=hold_time,
        )

    def _factor(self, bounds: tuple[float, float]) -> float:
        half = self._half
        return bounds[0] if bounds[0] == bounds[1] else half.draw(*bounds)

    def _is_over(self, outage: int) -> bool:
        half = self._half
        return outage != half.session.outage or half.session.is_alive

    def interface_down(self, outage: int) -> None:
        """The interface, or for iBGP the way to the peer, is known to be gone."""
        half = self._half
        if self._is_over(outage) or not half.router.is_up:
            return
        self.is_dark = True
        half.caller.stop_waiting()
        half.reason = "interface down" if half.session.link is not None else "no route to the peer"
        for attempt in (half.second, half.attempt):
            if attempt is not None and attempt.state is not State.IDLE:
                attempt.feed(Event.TCP_CONNECTION_FAILS)

    def _bfd_down(self, outage: int) -> None:
        half = self._half
        if not self._is_over(outage):
            half.attempt.feed(Event.AUTOMATIC_STOP, Notification(ErrorCode.CEASE, CeaseError.BFD_DOWN))

    def _hold_expired(self, outage: int) -> None:
        half = self._half
        if not self._is_over(outage):
            half.attempt.feed(Event.HOLD_TIMER_EXPIRES)

    def transport_restored(self) -> None:
        """The transport is back: an interface that was down calls at once, others go on calling."""
        half = self._half
        half.caller.reach_changed()
        if not self.is_dark:
            return
        self.is_dark = False
        wait, outage = half.config.reconnect_delay, half.session.outage
        if wait:
            half.session.engine.after(wait, self._interface_up, outage)
        else:
            self._interface_up(outage)

    def _interface_up(self, outage: int) -> None:
        half = self._half
        if outage != half.session.outage or not half.session.is_alive or half.is_off:
            return
        if half.attempt.state is State.IDLE:
            half.caller.start()
        elif half.attempt.state is State.ACTIVE and half.attempt.connection is None:
            half.attempt.feed(Event.CONNECT_RETRY_TIMER_EXPIRES)
