"""One connection's FSM at one end of a session: the host of a `Machine`.

An end has one, and a second while two connections collide. Timers are deadlines
in the machine; only those that can expire before they are stopped become events:
the ConnectRetryTimer of an end in Active whose peer might answer, the
DelayOpenTimer, the hold timer of a handshake whose transport died. What an
Established session's timers do is derived (`emulator.bgp.liveness`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.bgp.fsm import Event, Machine, State, Timer
from emulator.bgp.messages import EndOfRib, Keepalive, Notification, Open, RouteRefresh
from emulator.bgp.negotiation import negotiate
from emulator.bgp.notification import ErrorCode, OpenError
from emulator.sim.collision import survives_collision
from emulator.sim.transport import Connection, Segment

if TYPE_CHECKING:
    from emulator.bgp.messages import Message, Update
    from emulator.sim.engine import Call
    from emulator.sim.half import Half

_VERSION_REFUSED = (ErrorCode.OPEN_MESSAGE, OpenError.UNSUPPORTED_VERSION)


class Attempt:
    """A machine, its connection and the timers that are events."""

    __slots__ = ("_calls", "connection", "half", "machine")

    def __init__(self, half: Half) -> None:
        """Idle, without a connection."""
        self.half = half
        self.machine = Machine(half.config, self, half.draw)
        self.connection: Connection | None = None
        self._calls: dict[Timer, Call] = {}

    @property
    def state(self) -> State:
        """Where the connection stands."""
        return self.machine.state

    def feed(self, event: Event, cause: Notification | None = None) -> None:
        """Let ``event`` happen, and the end see to what follows."""
        transition = self.machine.handle(event, self.half.now, cause)
        self.half.stepped(self, event, transition)

    # What the connection brings -------------------------------------------------

    def segment(self, what: Segment) -> None:
        """TCP has something to say."""
        if self.connection is None:
            return
        if what is Segment.SYN_ACK:
            self.connection.send(self.half.side, Segment.ACK)
            self.feed(Event.TCP_CR_ACKED)
        elif what is Segment.ACK:
            self.feed(Event.TCP_CONNECTION_CONFIRMED)
        elif what is not Segment.SYN:
            self.half.reason = (
                "connection closed by the peer" if what is Segment.FIN else "connection reset by the peer"
            )
            self.feed(Event.TCP_CONNECTION_FAILS)

    def heard(self, update: Update) -> None:
        """An UPDATE came: in Established it is the speaker's, and restarts the hold timer."""
        if self.machine.state is State.ESTABLISHED:
            self.half.last_heard = self.half.now
            self.half.router.deliver(self.half.peer, update)
        else:
            self.feed(Event.UPDATE_MSG)

    def message(self, message: Message) -> None:
        """Any other message came."""
        half = self.half
        half.last_heard = half.now
        match message:
            case Keepalive():
                self.feed(Event.KEEPALIVE_MSG)
            case Open():
                self._opened(message)
            case Notification():
                half.notified(message)
                is_version = (message.code, message.subcode) == _VERSION_REFUSED
                self.feed(Event.NOTIF_MSG_VER_ERR if is_version else Event.NOTIF_MSG)
            case EndOfRib(family):
                half.end_of_rib(family)
            case RouteRefresh(family):
                half.router.put(half.router.speaker.refresh, half.peer, family)

    def _opened(self, message: Open) -> None:
        """An OPEN: refuse it, drop one of two connections over it, or go on."""
        half = self.half
        agreed = negotiate(half.open_message(), message, half.config, half.peer_config)
        if isinstance(agreed, Notification):
            self.feed(Event.BGP_OPEN_MSG_ERR, agreed)
        elif survives_collision(half, self):
            self.machine.negotiated = agreed
            delays = Timer.DELAY_OPEN in self.machine.timers
            self.feed(Event.BGP_OPEN_WITH_DELAY_OPEN_TIMER if delays else Event.BGP_OPEN)

    # The machine's host ---------------------------------------------------------

    def connect(self) -> None:
        """Send a SYN; a connection that the peer began, and that is not confirmed yet, goes on beside."""
        session = self.half.session
        if self.connection is not None:
            self.half.set_aside(self.connection)
        self.connection = Connection(session, self.half.side)
        self.connection.users[self.half.side] = self
        session.connections.append(self.connection)
        self.connection.send(self.half.side, Segment.SYN)

    def drop_connection(self) -> None:
        """Close the connection."""
        if self.connection is not None:
            self.connection.close(self.half.side)
            self.connection = None

    def _send(self, message: Message) -> None:
        if self.connection is not None:
            self.connection.send(self.half.side, message)

    def send_open(self) -> None:
        """Send our OPEN."""
        self._send(self.half.open_message())

    def send_keepalive(self) -> None:
        """Send a KEEPALIVE."""
        self._send(Keepalive())

    def send_notification(self, notification: Notification) -> None:
        """Send a NOTIFICATION and remember that it was us."""
        self.half.notifies(notification)
        self._send(notification)

    def start_timer(self, timer: Timer, deadline: int) -> None:
        """Make an event of a timer that can expire."""
        self.stop_timer(timer)
        retries = (
            timer is Timer.CONNECT_RETRY and self.state is State.ACTIVE and self.half.session.is_reachable
        )
        if timer is Timer.DELAY_OPEN or retries:
            self.arm(timer, deadline)

    def arm(self, timer: Timer, deadline: int) -> None:
        """Have ``timer`` expire at ``deadline``, as an event."""
        self.stop_timer(timer)
        engine = self.half.session.engine
        self._calls[timer] = engine.after(max(deadline - engine.now, 0), self._expired, timer)

    def stop_timer(self, timer: Timer) -> None:
        """Forget the event of ``timer``, if it is one."""
        call = self._calls.pop(timer, None)
        if call is not None:
            call.cancel()

    def _expired(self, timer: Timer) -> None:
        del self._calls[timer]
        self.machine.timers.pop(timer, None)
        self.feed(timer.value)

    def routes_up(self) -> None:
        """The session is Established on this connection."""
        self.half.established(self)

    def routes_down(self, *, retain: bool) -> None:
        """The session on this connection is over."""
        self.half.lost(retain=retain)

    def detect_collision(self) -> None:
        """A second OPEN on one connection: `survives_collision` looked at the others already."""

    def abandon(self) -> None:
        """Lose everything, without a word to anybody."""
        for timer in tuple(self._calls):
            self.stop_timer(timer)
        if self.connection is not None:
            self.connection.vanish(self.half.side)
            self.connection = None

    def quit(self) -> None:
        """Close the connection as TCP does for a process that is gone, without a NOTIFICATION."""
        for timer in tuple(self._calls):
            self.stop_timer(timer)
        self.drop_connection()
