"""A BGP session between two routers: the transport, its failure and its return.

Messages arrive in order (TCP). What is in flight when a session falls is lost;
what is in flight when only the transport falls waits for its return.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from emulator.bgp.liveness import Detection, detection_time
from emulator.units import LONG_AGO

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from emulator.bgp.liveness import SessionConfig
    from emulator.bgp.messages import Update
    from emulator.sim.engine import Engine
    from emulator.sim.router import RouterProcess

HANDSHAKE_ONE_WAYS: Final = 4
"""TCP's three-way handshake, OPEN and KEEPALIVE: two round trips until both ends are Established."""


class Half:
    """One direction of a session, and the state of the end that sends on it."""

    __slots__ = (
        "_rng",
        "_seeded",
        "config",
        "is_up",
        "last_arrival",
        "last_heard",
        "overtaken",
        "peer",
        "router",
        "session",
        "side",
        "speaking",
        "stalled",
    )

    def __init__(
        self,
        session: Session,
        side: int,
        router: RouterProcess,
        peer: int,
        *,
        config: SessionConfig,
        seeded: Callable[[], random.Random],
    ) -> None:
        """``peer`` is the session's number at ``router``."""
        self.session = session
        self.side = side
        self.router = router
        self.peer = peer
        self.config = config
        self._seeded = seeded
        self._rng: random.Random | None = None
        self.is_up = False
        self.last_arrival: int = LONG_AGO
        self.last_heard = 0
        self.speaking = 0
        """Epoch of the session that the speaker believes in: a busy one may be behind."""
        self.stalled: list[Update] = []
        """Sent, and not arrived before the transport died, in order."""
        self.overtaken = 0
        """How many of them were in flight then."""

    @property
    def rng(self) -> random.Random:
        """This end's random stream, made when it first draws: most sessions never fail."""
        if self._rng is None:
            self._rng = self._seeded()
        return self._rng

    @property
    def follows_routes(self) -> bool:
        """Whether this end drops the session when the IGP loses the other end, and not sooner."""
        return self.session.link is None and self.config.detection is Detection.INTERFACE

    def transmit(self, update: Update) -> None:
        """Send to the other end; wait in TCP's buffer while the transport is dead."""
        session = self.session
        if self.speaking != session.epoch:
            return  # written to a connection that is closed
        if not session.is_alive:
            self.stalled.append(update)
            return
        now = session.engine.now
        self.last_arrival = arrival = max(now + session.delay, self.last_arrival)
        session.engine.after(arrival - now, session.arrive, self, session.epoch, update)

    def go_down(self) -> None:
        """This end drops the session."""
        if self.is_up:
            self.is_up = False
            self.router.put(self.router.speaker.session_down, self.peer)
            self.session.changed(self)

    def go_up(self) -> None:
        """This end is Established."""
        self.is_up = True
        self.router.put(self._opened, self.session.epoch)
        self.session.changed(self)

    def _opened(self, epoch: int) -> None:
        """The speaker learns of the new session."""
        self.speaking = epoch
        self.router.speaker.session_up(self.peer)

    def drain(self) -> list[Update]:
        """Empty TCP's buffer and return what it held."""
        waiting, self.stalled, self.overtaken = self.stalled, [], 0
        return waiting


class Session:
    """Both directions, the liveness of the transport between, and re-establishment."""

    __slots__ = ("_attempt", "_outage", "delay", "engine", "epoch", "halves", "is_alive", "link", "on_change")

    def __init__(
        self,
        engine: Engine,
        delay: int,
        link: int | None,
        on_change: Callable[[int, int, bool], None],
    ) -> None:
        """``link`` is the eBGP link it runs over, None for iBGP; the halves are set by `join`."""
        self.engine = engine
        self.delay = delay
        self.link = link
        self.on_change = on_change
        self.is_alive = True
        self.epoch = 0
        self.halves: tuple[Half, ...] = ()
        self._outage = 0
        self._attempt = 0

    def join(self, *halves: Half) -> None:
        """Set the two ends."""
        self.halves = halves

    def changed(self, half: Half) -> None:
        """Tell the record that one end went up or down."""
        self.on_change(half.router.index, self.halves[1 - half.side].router.index, half.is_up)

    def arrive(self, half: Half, epoch: int, update: Update) -> None:
        """A message reaches the far end, unless the session or the transport died meanwhile."""
        if epoch != self.epoch:
            return
        if self.is_alive:
            far = self.halves[1 - half.side]
            far.last_heard = self.engine.now
            far.router.deliver(far.peer, update)
        else:  # before everything that was sent after the transport died
            half.stalled.insert(half.overtaken, update)
            half.overtaken += 1

    def establish(self) -> None:
        """Both ends are Established now: a new session, nothing of the old in flight."""
        self.epoch += 1
        for half in self.halves:
            half.drain()
            half.go_down()
        for half in self.halves:
            half.go_up()
        self.watch_hold_timers()

    def watch_hold_timers(self) -> None:
        """Simulate the hold timer only where it can expire on a living transport."""
        for half in self.halves:
            far = self.halves[1 - half.side]
            if 0 < half.config.hold_time < far.config.keepalive:
                half.last_heard = self.engine.now
                self.engine.after(half.config.hold_time, self._watch, half, self.epoch)

    def transport_lost(self) -> None:
        """The link or a router died: each living end finds out in its own time.

        An iBGP session rides on no interface: there `interface` detection waits
        until the router's SPF has no way to the other end (`route_lost`).
        """
        if not self.is_alive:
            return
        self.is_alive = False
        self._outage += 1
        self._attempt += 1
        for half in self.halves:
            if not half.router.is_up:
                half.go_down()
            elif half.is_up and not half.follows_routes:
                delay = detection_time(half.config, half.rng)
                if delay is not None:
                    self.engine.after(delay, self._detected, half, self._outage)

    def route_lost(self, router: int) -> None:
        """The IGP knows no way any more from ``router`` to the other end of this iBGP session."""
        for half in self.halves:
            if half.router.index == router and half.is_up and half.follows_routes and not self.is_alive:
                self.engine.after(half.config.interface_delay, self._detected, half, self._outage)

    def _detected(self, half: Half, outage: int) -> None:
        if outage == self._outage and not self.is_alive:
            half.go_down()

    def transport_restored(self) -> None:
        """The transport is back: a session that survived goes on, one that fell is opened again."""
        if self.is_alive:
            return
        self.is_alive = True
        if all(half.is_up for half in self.halves):
            for half in self.halves:
                for update in half.drain():
                    half.transmit(update)
        else:
            self._reconnect()

    def reset(self) -> None:
        """An administrative reset (Cease): the near end now, the far end when the NOTIFICATION arrives."""
        if self.is_alive and all(half.is_up for half in self.halves):
            self._close(self.halves[0])

    def _close(self, near: Half) -> None:
        """``near`` sends a NOTIFICATION and drops the session, then both open it again."""
        self.epoch += 1
        near.go_down()
        self.engine.after(self.delay, self._notified, self.halves[1 - near.side], self.epoch)
        self._reconnect()

    def _notified(self, half: Half, epoch: int) -> None:
        if self.is_alive and epoch == self.epoch:
            half.go_down()

    def _watch(self, half: Half, epoch: int) -> None:
        """Expire the hold timer of an end whose peer's keepalives come too seldom (RFC 4271 6.5)."""
        if epoch != self.epoch or not half.is_up:
            return
        left = half.last_heard + half.config.hold_time - self.engine.now
        if left > 0:
            self.engine.after(left, self._watch, half, epoch)
        else:
            self._close(half)

    def _reconnect(self) -> None:
        self._attempt += 1
        wait = max(half.config.reconnect_delay for half in self.halves)
        self.engine.after(wait + HANDSHAKE_ONE_WAYS * self.delay, self._connected, self._attempt)

    def _connected(self, attempt: int) -> None:
        if attempt == self._attempt and self.is_alive:
            self.establish()
