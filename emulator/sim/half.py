"""One end of a session: what it believes, when it starts, and what makes it stop.

An end is closed (it refuses whoever knocks) while its operator has shut it
down, while its router or its BGP process is off, and after an OPEN was refused:
configurations do not change during a run, so the next one would be as well. To
an end that is closed, or across a transport that is dead, connection attempts
are not simulated: nobody would answer. They begin again when somebody might, at
the instant at which the next one is due.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from emulator.bgp.fsm import Event, State, Timer
from emulator.bgp.liveness import Detection
from emulator.bgp.messages import EndOfRib, Notification
from emulator.bgp.negotiation import make_open, negotiate
from emulator.bgp.notification import CeaseError, ErrorCode
from emulator.bgp.reason import describe
from emulator.sim.attempt import Attempt
from emulator.sim.caller import Caller
from emulator.sim.detection import Detector
from emulator.sim.heartbeat import Heartbeat
from emulator.sim.transport import Segment
from emulator.units import LONG_AGO, SECOND

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from emulator.bgp.fsm import Transition
    from emulator.bgp.liveness import Keepalives, SessionConfig
    from emulator.bgp.messages import Family, Open, RouteRefresh, Update
    from emulator.bgp.negotiation import Negotiated
    from emulator.bgp.peer import PeerConfig
    from emulator.sim.engine import Call
    from emulator.sim.router import RouterProcess
    from emulator.sim.session import Session
    from emulator.sim.transport import Connection
    from emulator.units import Duration


class Half:
    """One direction of a session, and the state of the end that sends on it."""

    __slots__ = (
        "_is_refused",
        "_restart_after",
        "_rng",
        "_seeded",
        "_shut",
        "_stale",
        "attempt",
        "caller",
        "carrier",
        "config",
        "detector",
        "heartbeat",
        "is_off",
        "is_restarting",
        "is_up",
        "last_heard",
        "peer",
        "reason",
        "router",
        "second",
        "session",
        "side",
        "speaking",
    )

    def __init__(
        self,
        session: Session,
        side: int,
        router: RouterProcess,
        peer: int,
        *,
        config: SessionConfig,
        seeded: Callable[[Half, str], random.Random],
    ) -> None:
        """``peer`` is the session's number at ``router``; ``seeded`` makes an end's stream for a purpose."""
        self.session = session
        self.side = side
        self.router = router
        self.peer = peer
        self.config = config
        self.attempt = Attempt(self)
        self.second: Attempt | None = None
        """A connection that the peer opened while ours was being opened (RFC 4271 6.8)."""
        self.is_up = False
        self.carrier: Connection | None = None
        """The connection on which the session is Established."""
        self.speaking: Connection | None = None
        """The one that the speaker believes in: a busy one may be behind."""
        self.last_heard: int = LONG_AGO
        self.reason = ""
        """Why the session went down last."""
        self.heartbeat = Heartbeat(self)
        self.caller = Caller(self)
        self.detector = Detector(self)
        self._seeded = seeded
        self._rng: random.Random | None = None
        self._shut = 0
        self.is_off = False
        self._is_refused = False
        self.is_restarting = False
        """Its BGP process is being restarted gracefully: its next OPEN says so (RFC 4724)."""
        self._restart_after: int | None = None
        self._stale: Call | None = None

    # What it is -----------------------------------------------------------------

    @property
    def now(self) -> int:
        """Nanoseconds since t = 0."""
        return self.session.engine.now

    @property
    def far(self) -> Half:
        """The other end."""
        return self.session.halves[1 - self.side]

    @property
    def peer_config(self) -> PeerConfig:
        """What this end was told of its peer."""
        return self.router.speaker.peers[self.peer].config

    @property
    def rng(self) -> random.Random:
        """This end's random stream, made when it first draws: most sessions never fail."""
        if self._rng is None:
            self._rng = self.seeded("session")
        return self._rng

    def seeded(self, purpose: str) -> random.Random:
        """This end's random stream for ``purpose``, from its start."""
        return self._seeded(self, purpose)

    def draw(self, low: float, high: float) -> float:
        """A factor for a timer."""
        return self.rng.uniform(low, high)

    @property
    def follows_routes(self) -> bool:
        """Whether this end drops the session when the IGP loses the other end, and not sooner."""
        return self.session.link is None and self.config.detection is Detection.INTERFACE

    @property
    def is_closed(self) -> bool:
        """Whether it refuses whoever knocks, until somebody changes that."""
        return self.is_off or self._is_refused or self._shut > 0

    @property
    def is_given_up(self) -> bool:
        """Whether the session was refused or closed for good, until somebody resets it."""
        return self._is_refused

    @property
    def negotiated(self) -> Negotiated | None:
        """What the session's ends agreed on, None while it is not Established."""
        return self.attempt.machine.negotiated if self.is_up else None

    def open_message(self) -> Open:
        """Our OPEN."""
        speaker = self.router.speaker
        return make_open(
            speaker.asn,
            speaker.router_id,
            self.config,
            self.peer_config,
            restarting=self.is_restarting,
        )

    def keepalives(self) -> Keepalives | None:
        """The KEEPALIVEs that this end sends in the present session."""
        return self.heartbeat.present(self.negotiated)

    def other(self, attempt: Attempt) -> Attempt | None:
        """Of this end's two connections the one beside ``attempt``."""
        return self.second if attempt is self.attempt else self.attempt

    # Speaking -------------------------------------------------------------------

    def transmit(self, message: Update | EndOfRib | RouteRefresh) -> None:
        """Send to the other end, unless the connection that the speaker writes to is closed."""
        carrier = self.carrier
        if carrier is not None and self.speaking is carrier:
            carrier.send(self.side, message)

    def send_end_of_rib(self, family: Family) -> None:
        """Mark the end of the first advertisement, where this end speaks graceful restart (RFC 4724)."""
        if self.config.graceful_restart is not None:
            self.transmit(EndOfRib(family))

    # Connections ----------------------------------------------------------------

    @property
    def may_start(self) -> bool:
        """Whether nothing keeps it in Idle."""
        return not (self.is_closed or self.detector.is_dark)

    def knock(self, connection: Connection) -> None:
        """A SYN arrived: accept it unless this end is in Idle, or busy with two connections already."""
        attempt = self.attempt
        if self.is_closed or attempt.state is State.IDLE or self.second is not None:
            connection.refuse(self.side)
            return
        if attempt.state is not State.ACTIVE or attempt.connection is not None:
            self.set_aside(connection)
        else:
            connection.users[self.side] = attempt
            attempt.connection = connection
        connection.send(self.side, Segment.SYN_ACK)

    def set_aside(self, connection: Connection) -> None:
        """Give a connection that the peer opened a machine of its own."""
        attempt = self.second = Attempt(self)
        attempt.machine.handle(Event.MANUAL_START_PASSIVE, self.now)
        attempt.stop_timer(Timer.CONNECT_RETRY)
        connection.users[self.side] = attempt
        attempt.connection = connection

    # What the machine does ------------------------------------------------------

    def stepped(self, attempt: Attempt, event: Event, transition: Transition) -> None:
        """See to what follows from a step of ``attempt``."""
        before, after = transition.before, transition.after
        if after is before:
            return
        if self.session.tap is not None:
            self.session.tap.stepped(self)
        if after is State.IDLE:
            self._fell(attempt, event, before)
        elif attempt is self.second and after is State.ACTIVE:
            attempt.feed(Event.MANUAL_STOP)
        elif after is State.ESTABLISHED:
            other = self.other(attempt)
            if other is not None:
                other.feed(Event.OPEN_COLLISION_DUMP)

    def _fell(self, attempt: Attempt, event: Event, before: State) -> None:
        """A connection came to its end: go on with the other one, or start anew in time."""
        if attempt is self.second:
            self.second = None
        elif self.second is not None:
            self.attempt, self.second = self.second, None
        elif self.may_start:
            if before is State.CONNECT and event is Event.TCP_CONNECTION_FAILS:
                # Refused: wait for the peer, and call again when the ConnectRetryTimer expires.
                attempt.feed(Event.AUTOMATIC_START_PASSIVE)
            else:
                wait, self._restart_after = self._restart_after, None
                self.caller.start_in(attempt.machine.idle_hold if wait is None else wait)

    def established(self, attempt: Attempt) -> None:
        """The session is Established on ``attempt``."""
        self.is_up, self.carrier = True, attempt.connection
        self.is_restarting = False
        agreed = attempt.machine.negotiated
        keepalive_at = attempt.machine.timers.get(Timer.KEEPALIVE)
        if agreed is not None and keepalive_at is not None:
            self.heartbeat.begin(keepalive_at, agreed.keepalive)
        families = agreed.families if agreed is not None else None
        self.router.put(self._opened, self.carrier, families)
        if self._stale is not None:
            self._stale.cancel()
            self._stale = None
            if agreed is None or not agreed.retains_routes:  # RFC 4724 4.2: nothing was preserved
                self._sweep()
        self.session.changed(self, "established")
        self.session.watch_hold_timer(self)
        self.session.watch_hold_timer(self.far)

    def _opened(self, carrier: Connection, families: tuple[Family, ...] | None) -> None:
        """The speaker learns of the new session."""
        self.speaking = carrier
        self.router.speaker.session_up(self.peer, families)

    def lost(self, *, retain: bool) -> None:
        """This end's session is over; with ``retain`` its routes are kept as stale ones for now."""
        if not self.is_up:
            return
        agreed = self.negotiated
        self.heartbeat.end(agreed, self.now)
        self.is_up, self.carrier = False, None
        retain = retain and not self.detector.is_dark  # a dead link forwards nothing
        self.router.put(partial(self.router.speaker.session_down, self.peer, retain=retain))
        if retain and agreed is not None and agreed.graceful_restart is not None:
            wait = agreed.graceful_restart.restart_time * SECOND
            self._stale = self.session.engine.after(wait, self._restart_took_too_long)
        self.session.changed(self, f"{self.reason}, routes retained" if retain else self.reason)

    def _restart_took_too_long(self) -> None:
        self._stale = None
        self._sweep()

    def _sweep(self) -> None:
        for family in self.peer_config.families:
            self.end_of_rib(family)

    def end_of_rib(self, family: Family) -> None:
        """The peer has sent everything again: what is still stale of ``family`` is gone."""
        self.router.put(self.router.speaker.sweep_stale, self.peer, family)

    def notifies(self, notification: Notification) -> None:
        """This end sends a NOTIFICATION."""
        self.reason = f"sent NOTIFICATION {describe(notification)}"
        self._refuse_if_hopeless(notification)

    def notified(self, notification: Notification) -> None:
        """This end got a NOTIFICATION."""
        self.reason = f"received NOTIFICATION {describe(notification)}"
        self._refuse_if_hopeless(notification)

    def _refuse_if_hopeless(self, notification: Notification) -> None:
        if notification.code == ErrorCode.OPEN_MESSAGE:
            self._is_refused = True
            self.session.reach_changed()

    # What befalls it ------------------------------------------------------------

    def settle(self, known: Negotiated | None = None) -> bool:
        """Be Established with what is ``known`` or a handshake negotiates; False where it would refuse."""
        agreed = known or negotiate(
            self.open_message(), self.far.open_message(), self.config, self.peer_config
        )
        if isinstance(agreed, Notification):
            self.reason, self._is_refused = f"sent NOTIFICATION {describe(agreed)}", True
            return False
        self.attempt.machine.settle(agreed)
        return True

    def give_up(self) -> None:
        """The other end refused: stay in Idle."""
        self.attempt, self._is_refused = Attempt(self), True

    def closed_before(self, notification: Notification, restart_after: Duration | None) -> None:
        """The speaker has closed the session while the network settled, which ends now."""
        for half in (self, self.far):
            half.is_up, half.carrier = False, None
            half.attempt.abandon()
            half.attempt = Attempt(half)
        self.reason = f"sent NOTIFICATION {describe(notification)}"
        self._is_refused = restart_after is None
        self.session.reach_changed()
        if restart_after is not None:
            self.caller.start_in(restart_after)
        self.far.caller.start()

    def rest(self) -> None:
        """Nothing has happened for long: whatever was heard, sent or counted is past."""
        self.last_heard = LONG_AGO
        self.heartbeat.rest(is_up=self.is_up)

    # What its operator does -----------------------------------------------------

    def stop(self, notification: Notification) -> None:
        """Close whatever there is with ``notification``."""
        for attempt in (self.second, self.attempt):
            if attempt is not None and attempt.state is not State.IDLE:
                attempt.feed(Event.MANUAL_STOP, notification)

    def reset(self) -> None:
        """Close the session and open it again; also one that was given up."""
        self._is_refused = False
        if self.attempt.state is State.IDLE:
            self.caller.start(Event.MANUAL_START)
        elif self.may_start:
            self.stop(Notification(ErrorCode.CEASE, CeaseError.ADMINISTRATIVE_RESET))
        self.session.reach_changed()

    def shut(self, data: bytes) -> None:
        """Shut the session down and keep it so; shutdowns add up. ``data`` as in RFC 9003."""
        self._shut += 1
        if self._shut == 1:
            self.stop(Notification(ErrorCode.CEASE, CeaseError.ADMINISTRATIVE_SHUTDOWN, data))
            self.caller.start()  # nothing waits any more
            self.session.reach_changed()

    def unshut(self) -> None:
        """Take one shutdown back."""
        self._shut = max(0, self._shut - 1)
        self.caller.start(Event.MANUAL_START)
        self.session.reach_changed()

    def close(self, notification: Notification, restart_after: Duration | None) -> None:
        """The speaker closes the session it believes in; None: for good, until a reset."""
        if self.carrier is None or self.speaking is not self.carrier:
            return
        self._restart_after, self._is_refused = restart_after, restart_after is None
        self.attempt.feed(Event.AUTOMATIC_STOP, notification)
        self.session.reach_changed()
