"""A BGP session between two routers: its two ends, and the transport between.

Each end runs the FSM (`half`, `attempt`); opening a session is messages on the
simulated transport: three one-ways until the opener's OPEN arrives, four until
the opener is Established, five until the other end is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.bgp.fsm import Event, State
from emulator.bgp.messages import Keepalive
from emulator.sim.transport import Connection

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator.bgp.liveness import SessionConfig
    from emulator.bgp.negotiation import Negotiated
    from emulator.sim.engine import Engine
    from emulator.sim.half import Half
    from emulator.sim.tap import Tap


class Session:
    """Both ends, and whether anything gets from one to the other."""

    __slots__ = (
        "_dead_since",
        "_is_watching",
        "connections",
        "delay",
        "engine",
        "halves",
        "is_alive",
        "link",
        "on_change",
        "outage",
        "tap",
    )

    def __init__(
        self,
        engine: Engine,
        delay: int,
        link: int | None,
        on_change: Callable[[int, int, bool, str], None],
    ) -> None:
        """``link`` is the eBGP link it runs over, None for iBGP; the halves are set by `join`."""
        self.engine = engine
        self.delay = delay
        self.link = link
        self.on_change = on_change
        self.is_alive = True
        self.halves: tuple[Half, ...] = ()
        self.connections: list[Connection] = []
        """Those that somebody holds an end of."""
        self.outage = 0
        """Number of the present, or the last, outage of the transport."""
        self.tap: Tap | None = None
        """Told of all that passes; for captures."""
        self._dead_since = 0
        self._is_watching = False

    def join(self, *halves: Half) -> None:
        """Set the two ends."""
        self.halves = halves

    @property
    def is_reachable(self) -> bool:
        """Whether an attempt to connect might be answered."""
        return self.is_alive and not any(half.is_closed for half in self.halves)

    def changed(self, half: Half, reason: str) -> None:
        """Tell the record that one end went up or down, and why."""
        self.on_change(half.router.index, half.far.router.index, half.is_up, reason)

    # Settling -------------------------------------------------------------------

    def open(self) -> None:
        """Both ends begin."""
        for half in self.halves:
            half.caller.start(Event.MANUAL_START)

    def settle(self, agreed: tuple[Negotiated, Negotiated] | None = None) -> bool:
        """Be Established at both ends as after a handshake long ago; False where one would be refused.

        ``agreed`` is what each end goes by then, where that is known.
        """
        are_willing = [half.settle(agreed[half.side] if agreed else None) for half in self.halves]
        if not all(are_willing):
            for half in self.halves:
                half.give_up()
            return False
        connection = Connection(self, 0)
        self.connections.append(connection)
        for half in self.halves:
            connection.users[half.side] = half.attempt
            half.attempt.connection = half.carrier = half.speaking = connection
            half.is_up = True
        return True

    def rest(self) -> None:
        """The network is settled and t = 0: from now on hold timers are watched where they can expire."""
        self._is_watching = True
        for half in self.halves:
            half.rest()
            self.watch_hold_timer(half)

    # Hold timers on a living transport ------------------------------------------

    def watch_hold_timer(self, half: Half) -> None:
        """Simulate an end's hold timer if it can expire although the transport lives."""
        ours, its = half.negotiated, half.far.negotiated
        if not self._is_watching or ours is None or its is None:
            return
        if can_starve(ours, half.config, its, half.far.config):
            half.last_heard = max(half.last_heard, self.engine.now)
            self._watch(half, half.carrier)

    def _watch(self, half: Half, carrier: Connection | None) -> None:
        """Expire the hold timer of an end whose peer's keepalives come too seldom (RFC 4271 6.5)."""
        if half.carrier is not carrier or carrier is None or not self.is_alive:
            return
        left = half.detector.hold_expires_at() - self.engine.now
        if left > 0:
            self.engine.after(left, self._watch, half, carrier)
        else:
            half.attempt.feed(Event.HOLD_TIMER_EXPIRES)

    # The transport --------------------------------------------------------------

    def transport_lost(self) -> None:
        """The link or a router died: each living end finds out in its own time.

        An iBGP session rides on no interface: there `interface` detection waits
        until the router's SPF has no way to the other end (`route_lost`).
        """
        if not self.is_alive:
            return
        self.is_alive = False
        self.outage += 1
        self._dead_since = self.engine.now
        if self.tap is not None:
            self.tap.transport(is_alive=False)
        for half in self.halves:
            half.detector.transport_lost()

    def route_lost(self, router: int) -> None:
        """The IGP knows no way any more from ``router`` to the other end of this iBGP session."""
        for half in self.halves:
            if half.router.index == router and half.follows_routes and not self.is_alive:
                self.engine.after(half.config.interface_delay, half.detector.interface_down, self.outage)

    def transport_restored(self) -> None:
        """The transport is back: a session that survived goes on, one that fell is opened again."""
        if self.is_alive:
            return
        self.is_alive = True
        if self.tap is not None:
            self.tap.transport(is_alive=True)
        for connection in tuple(self.connections):
            connection.resume()
            self._find_out_by_keepalive(connection)
        for half in self.halves:
            half.detector.transport_restored()
        for half in self.halves:
            self.watch_hold_timer(half)

    def _find_out_by_keepalive(self, connection: Connection) -> None:
        """An end whose peer lost the connection's memory learns it from the answer to its next KEEPALIVE.

        To one that it sent while the transport was dead, if there is one: TCP
        sends that again.
        """
        for half in self.halves:
            attempt = connection.users[half.side]
            if attempt is None or connection.users[1 - half.side] is not None:
                continue
            keepalives = half.keepalives()
            if attempt.state is State.ESTABLISHED and keepalives is not None:
                now = self.engine.now
                longest = round(keepalives.interval * keepalives.jitter[1])
                due = next(keepalives.times(self._dead_since, now + 2 * longest))
                self.engine.after(max(due - now, 0), connection.send, half.side, Keepalive())

    def reach_changed(self) -> None:
        """An end was closed or opened, or has nothing more to say: call, or stop calling."""
        for half in self.halves:
            half.caller.reach_changed()

    def end_at(self, router: int) -> Half:
        """The end at ``router``."""
        return self.halves[0] if self.halves[0].router.index == router else self.halves[1]


def can_starve(ours: Negotiated, config: SessionConfig, its: Negotiated, far_config: SessionConfig) -> bool:
    """Whether an end's hold timer can expire between two KEEPALIVEs of its peer (RFC 4271 6.5)."""
    longest_gap = its.keepalive * far_config.keepalive_jitter[1]
    return ours.hold_time > 0 and ours.hold_time * config.hold_jitter[0] < longest_gap
