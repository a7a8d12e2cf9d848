"""The session FSM (RFC 4271 section 8.2.2): one table of transitions, and the machine that walks it.

Names and numbers of states, events and timers are the RFC's. The table is
complete: `TABLE` has a step for every state and event, those of the RFC's "any
other event" paragraphs included. What a step does is a tuple of `Action`; the
`Machine` does what concerns timers and counters itself and asks its `Host` for
the rest. Nothing here knows a clock: every call is told the time.

Where the RFC leaves a choice:

- A header error in Established sends Message Header Error, as section 6.1 demands,
  and not the FSM Error that 8.2.2 lists for event 21 there; so does an OPEN error.
- DampPeerOscillations is not an action of the table: the host waits in Idle before it
  starts the machine again, and longer with every failure (`Machine.idle_hold`).
- Nothing is sent before an OPEN was (SendNOTIFICATIONwithoutOPEN is off).
- BFD going down (RFC 5882) and a peer with too many prefixes (RFC 4486) are
  AutomaticStop with their own Cease as its cause (RFC 9384: subcode 10).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import TYPE_CHECKING, Final, Protocol

from emulator.bgp.messages import Notification
from emulator.bgp.notification import CeaseError, ErrorCode, FsmError
from emulator.units import SECOND, Duration

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from emulator.bgp.liveness import SessionConfig
    from emulator.bgp.negotiation import Negotiated

LARGE_HOLD_TIME: Final = Duration(240 * SECOND)
"""The hold time of OpenSent, before one is negotiated (RFC 4271 8.2.2: 4 minutes)."""


class State(Enum):
    """Where a connection to a peer stands."""

    IDLE = "Idle"
    CONNECT = "Connect"
    ACTIVE = "Active"
    OPEN_SENT = "OpenSent"
    OPEN_CONFIRM = "OpenConfirm"
    ESTABLISHED = "Established"


class Event(IntEnum):
    """What can happen (RFC 4271 section 8.1; 29 is RFC 9687's)."""

    MANUAL_START = 1
    MANUAL_STOP = 2
    AUTOMATIC_START = 3
    MANUAL_START_PASSIVE = 4
    AUTOMATIC_START_PASSIVE = 5
    AUTOMATIC_START_DAMPED = 6
    AUTOMATIC_START_DAMPED_PASSIVE = 7
    AUTOMATIC_STOP = 8
    CONNECT_RETRY_TIMER_EXPIRES = 9
    HOLD_TIMER_EXPIRES = 10
    KEEPALIVE_TIMER_EXPIRES = 11
    DELAY_OPEN_TIMER_EXPIRES = 12
    IDLE_HOLD_TIMER_EXPIRES = 13
    TCP_CONNECTION_VALID = 14
    TCP_CR_INVALID = 15
    TCP_CR_ACKED = 16
    TCP_CONNECTION_CONFIRMED = 17
    TCP_CONNECTION_FAILS = 18
    BGP_OPEN = 19
    BGP_OPEN_WITH_DELAY_OPEN_TIMER = 20
    BGP_HEADER_ERR = 21
    BGP_OPEN_MSG_ERR = 22
    OPEN_COLLISION_DUMP = 23
    NOTIF_MSG_VER_ERR = 24
    NOTIF_MSG = 25
    KEEPALIVE_MSG = 26
    UPDATE_MSG = 27
    UPDATE_MSG_ERR = 28
    SEND_HOLD_TIMER_EXPIRES = 29

    @property
    def rfc_name(self) -> str:
        """The event as the RFC spells it."""
        return _RFC_NAMES.get(self.value, self.name.title().replace("_", ""))


_RFC_NAMES: Final = {
    4: "ManualStart_with_PassiveTcpEstablishment",
    5: "AutomaticStart_with_PassiveTcpEstablishment",
    6: "AutomaticStart_with_DampPeerOscillations",
    7: "AutomaticStart_with_DampPeerOscillations_and_PassiveTcpEstablishment",
    9: "ConnectRetryTimer_Expires",
    10: "HoldTimer_Expires",
    11: "KeepaliveTimer_Expires",
    12: "DelayOpenTimer_Expires",
    13: "IdleHoldTimer_Expires",
    14: "TcpConnection_Valid",
    15: "Tcp_CR_Invalid",
    16: "Tcp_CR_Acked",
    19: "BGPOpen",
    20: "BGPOpen with DelayOpenTimer running",
    21: "BGPHeaderErr",
    22: "BGPOpenMsgErr",
    26: "KeepAliveMsg",
    29: "SendHoldTimer_Expires",
}

_STARTS: Final = (Event.MANUAL_START, Event.AUTOMATIC_START, Event.AUTOMATIC_START_DAMPED)
_PASSIVE_STARTS: Final = (
    Event.MANUAL_START_PASSIVE,
    Event.AUTOMATIC_START_PASSIVE,
    Event.AUTOMATIC_START_DAMPED_PASSIVE,
)
_CONNECTED: Final = (Event.TCP_CR_ACKED, Event.TCP_CONNECTION_CONFIRMED)
_MALFORMED: Final = (Event.BGP_HEADER_ERR, Event.BGP_OPEN_MSG_ERR)


class Timer(Enum):
    """The session's timers (RFC 4271 section 10, RFC 9687)."""

    CONNECT_RETRY = Event.CONNECT_RETRY_TIMER_EXPIRES
    HOLD = Event.HOLD_TIMER_EXPIRES
    KEEPALIVE = Event.KEEPALIVE_TIMER_EXPIRES
    DELAY_OPEN = Event.DELAY_OPEN_TIMER_EXPIRES
    SEND_HOLD = Event.SEND_HOLD_TIMER_EXPIRES


class Action(Enum):
    """What a step does, in the order of its tuple."""

    CONNECT = "initiate a TCP connection"
    DROP = "drop the TCP connection"
    START_CONNECT_RETRY = "restart the ConnectRetryTimer"
    STOP_CONNECT_RETRY = "stop the ConnectRetryTimer"
    START_DELAY_OPEN = "start the DelayOpenTimer"
    STOP_DELAY_OPEN = "stop the DelayOpenTimer"
    START_LARGE_HOLD = "set the HoldTimer to 4 minutes"
    START_HOLD = "restart the HoldTimer with the negotiated value, unless that is zero"
    START_KEEPALIVE = "restart the KeepaliveTimer, unless the negotiated hold time is zero"
    START_SEND_HOLD = "restart the SendHoldTimer, unless the negotiated hold time is zero"
    SEND_OPEN = "send OPEN"
    SEND_KEEPALIVE = "send KEEPALIVE"
    NOTIFY = "send the NOTIFICATION that the event brings"
    NOTIFY_CEASE = "send NOTIFICATION Cease"
    NOTIFY_HOLD = "send NOTIFICATION Hold Timer Expired"
    NOTIFY_SEND_HOLD = "send NOTIFICATION Send Hold Timer Expired"
    NOTIFY_FSM = "send NOTIFICATION FSM Error"
    RELEASE = "release all BGP resources: stop every timer"
    CLEAR_COUNTER = "set the ConnectRetryCounter to zero"
    COUNT = "increment the ConnectRetryCounter"
    ROUTES_UP = "begin to advertise"
    ROUTES_DOWN = "delete all routes of this connection"
    ROUTES_RETAINED = "keep the routes as stale where graceful restart was negotiated, else delete them"
    DETECT_COLLISION = "look for a collision (section 6.8)"
    PROCESS_UPDATE = "process the UPDATE"


class Guard(Enum):
    """When a step holds, where that depends on more than state and event."""

    ALWAYS = "always"
    DELAYS_OPEN = "DelayOpen is set and its timer has not run yet"
    DELAY_OPEN_RUNS = "the DelayOpenTimer runs"


@dataclass(frozen=True, slots=True)
class Step:
    """One row: the state entered and what is done on the way."""

    state: State
    actions: tuple[Action, ...] = ()
    when: Guard = Guard.ALWAYS


_A = Action
_DOWN: Final = (_A.STOP_CONNECT_RETRY, _A.RELEASE, _A.DROP)
_ERROR: Final = (*_DOWN, _A.COUNT)
_OPENED: Final = (_A.STOP_CONNECT_RETRY, _A.STOP_DELAY_OPEN, _A.SEND_OPEN, _A.START_LARGE_HOLD)
_CONFIRMED: Final = (
    _A.STOP_CONNECT_RETRY,
    _A.STOP_DELAY_OPEN,
    _A.SEND_KEEPALIVE,
    _A.START_KEEPALIVE,
    _A.START_HOLD,
)
_IDLE: Final = State.IDLE

Rows = dict[tuple[Event, ...], tuple[Step, ...]]


def _to(state: State, *actions: Action, when: Guard = Guard.ALWAYS) -> Step:
    return Step(state, actions, when)


def _lost(notify: Action | None, *, established: bool, counts: bool = True) -> tuple[Step, ...]:
    """To Idle from a connection on which an OPEN was sent."""
    actions = () if notify is None else (notify,)
    routes = (_A.ROUTES_DOWN,) if established else ()
    return (Step(_IDLE, (*actions, *routes, *(_ERROR if counts else (*_DOWN, _A.CLEAR_COUNTER)))),)


_ROWS_IDLE: Final[Rows] = {
    _STARTS: (_to(State.CONNECT, _A.CLEAR_COUNTER, _A.START_CONNECT_RETRY, _A.CONNECT),),
    _PASSIVE_STARTS: (_to(State.ACTIVE, _A.CLEAR_COUNTER, _A.START_CONNECT_RETRY),),
    (Event.IDLE_HOLD_TIMER_EXPIRES,): (_to(State.CONNECT, _A.START_CONNECT_RETRY, _A.CONNECT),),
    (): (_to(_IDLE),),
}


def _rows_unopened(own: State) -> Rows:
    """Connect and Active, which differ in two rows."""
    retry: tuple[Action, ...] = (_A.STOP_DELAY_OPEN, _A.START_CONNECT_RETRY, _A.CONNECT)
    fails: tuple[Step, ...] = (_to(_IDLE, _A.RELEASE, _A.DROP, _A.COUNT),)
    if own is State.CONNECT:
        waiting = _to(
            State.ACTIVE,
            _A.DROP,
            _A.STOP_DELAY_OPEN,
            _A.START_CONNECT_RETRY,
            when=Guard.DELAY_OPEN_RUNS,
        )
        fails, retry = (waiting, _to(_IDLE, *_DOWN)), (_A.DROP, *retry)
    return {
        _STARTS + _PASSIVE_STARTS: (_to(own),),
        (Event.MANUAL_STOP,): (_to(_IDLE, *_DOWN, _A.CLEAR_COUNTER),),
        (Event.CONNECT_RETRY_TIMER_EXPIRES,): (_to(State.CONNECT, *retry),),
        (Event.DELAY_OPEN_TIMER_EXPIRES,): (_to(State.OPEN_SENT, *_OPENED),),
        (Event.TCP_CONNECTION_VALID, Event.TCP_CR_INVALID): (_to(own),),
        _CONNECTED: (
            _to(own, _A.STOP_CONNECT_RETRY, _A.START_DELAY_OPEN, when=Guard.DELAYS_OPEN),
            _to(State.OPEN_SENT, *_OPENED),
        ),
        (Event.TCP_CONNECTION_FAILS,): fails,
        (Event.BGP_OPEN_WITH_DELAY_OPEN_TIMER,): (_to(State.OPEN_CONFIRM, _A.SEND_OPEN, *_CONFIRMED),),
        (Event.NOTIF_MSG_VER_ERR,): (
            _to(_IDLE, *_DOWN, when=Guard.DELAY_OPEN_RUNS),
            _to(_IDLE, *_ERROR),
        ),
        (): (_to(_IDLE, *_ERROR),),
    }


def _rows_opened(own: State) -> Rows:
    """What OpenSent, OpenConfirm and Established have in common."""
    up = own is State.ESTABLISHED
    return {
        _STARTS + _PASSIVE_STARTS: (_to(own),),
        (Event.MANUAL_STOP,): _lost(_A.NOTIFY_CEASE, established=up, counts=False),
        (Event.AUTOMATIC_STOP, Event.OPEN_COLLISION_DUMP): _lost(_A.NOTIFY_CEASE, established=up),
        (Event.HOLD_TIMER_EXPIRES,): _lost(_A.NOTIFY_HOLD, established=up),
        # A second connection is the host's to track until its OPEN comes.
        (Event.TCP_CONNECTION_VALID, Event.TCP_CR_INVALID, *_CONNECTED): (_to(own),),
        _MALFORMED: _lost(_A.NOTIFY, established=up),
        (): _lost(_A.NOTIFY_FSM, established=up),
    }


_ROWS_OPEN_SENT: Final[Rows] = {
    **_rows_opened(State.OPEN_SENT),
    (Event.TCP_CONNECTION_FAILS,): (_to(State.ACTIVE, _A.DROP, _A.RELEASE, _A.START_CONNECT_RETRY),),
    (Event.BGP_OPEN,): (_to(State.OPEN_CONFIRM, *_CONFIRMED),),
    (Event.NOTIF_MSG_VER_ERR,): (_to(_IDLE, *_DOWN),),
}
_ROWS_OPEN_CONFIRM: Final[Rows] = {
    **_rows_opened(State.OPEN_CONFIRM),
    (Event.KEEPALIVE_TIMER_EXPIRES,): (_to(State.OPEN_CONFIRM, _A.SEND_KEEPALIVE, _A.START_KEEPALIVE),),
    (Event.TCP_CONNECTION_FAILS, Event.NOTIF_MSG): _lost(None, established=False),
    (Event.NOTIF_MSG_VER_ERR,): (_to(_IDLE, *_DOWN),),
    (Event.BGP_OPEN,): (_to(State.OPEN_CONFIRM, _A.DETECT_COLLISION),),
    (Event.KEEPALIVE_MSG,): (_to(State.ESTABLISHED, _A.START_HOLD, _A.START_SEND_HOLD, _A.ROUTES_UP),),
}
_ROWS_ESTABLISHED: Final[Rows] = {
    **_rows_opened(State.ESTABLISHED),
    (Event.KEEPALIVE_TIMER_EXPIRES,): (_to(State.ESTABLISHED, _A.SEND_KEEPALIVE, _A.START_KEEPALIVE),),
    (Event.BGP_OPEN,): (_to(State.ESTABLISHED, _A.DETECT_COLLISION),),
    # RFC 4724 section 5: only a connection that breaks without a NOTIFICATION leaves its routes behind.
    (Event.TCP_CONNECTION_FAILS,): (_to(_IDLE, _A.ROUTES_RETAINED, *_ERROR),),
    (Event.NOTIF_MSG_VER_ERR, Event.NOTIF_MSG): _lost(None, established=True),
    (Event.KEEPALIVE_MSG,): (_to(State.ESTABLISHED, _A.START_HOLD),),
    (Event.UPDATE_MSG,): (_to(State.ESTABLISHED, _A.PROCESS_UPDATE, _A.START_HOLD),),
    (Event.UPDATE_MSG_ERR,): _lost(_A.NOTIFY, established=True),
    (Event.SEND_HOLD_TIMER_EXPIRES,): _lost(_A.NOTIFY_SEND_HOLD, established=True),
}


def _complete(rows: Mapping[State, Rows]) -> dict[tuple[State, Event], tuple[Step, ...]]:
    """Spread the rows over their events, and "any other event" over the rest."""
    table = {}
    for state, listed in rows.items():
        by_event = {event: steps for events, steps in listed.items() for event in events}
        for event in Event:
            table[state, event] = by_event.get(event, listed[()])
    return table


TABLE: Final = _complete(
    {
        State.IDLE: _ROWS_IDLE,
        State.CONNECT: _rows_unopened(State.CONNECT),
        State.ACTIVE: _rows_unopened(State.ACTIVE),
        State.OPEN_SENT: _ROWS_OPEN_SENT,
        State.OPEN_CONFIRM: _ROWS_OPEN_CONFIRM,
        State.ESTABLISHED: _ROWS_ESTABLISHED,
    }
)
"""(state, event) -> its steps; the first whose guard holds is taken, the last always holds."""


class Host(Protocol):
    """What a machine needs from whoever runs it."""

    def connect(self) -> None:
        """Open a TCP connection; `Event.TCP_CR_ACKED` or `TCP_CONNECTION_FAILS` will tell how it went."""

    def drop_connection(self) -> None:
        """Close the TCP connection, if there is one."""

    def send_open(self) -> None:
        """Send OPEN."""

    def send_keepalive(self) -> None:
        """Send KEEPALIVE."""

    def send_notification(self, notification: Notification) -> None:
        """Send ``notification``."""

    def start_timer(self, timer: Timer, deadline: int) -> None:
        """``timer`` runs out at ``deadline`` unless it is started anew or stopped."""

    def stop_timer(self, timer: Timer) -> None:
        """``timer`` runs no more."""

    def routes_up(self) -> None:
        """The session is Established."""

    def routes_down(self, *, retain: bool) -> None:
        """The session is over; with ``retain`` its routes stay for now, as stale (RFC 4724)."""

    def detect_collision(self) -> None:
        """An OPEN came where there is a connection already."""


@dataclass(frozen=True, slots=True)
class Transition:
    """What one event did."""

    before: State
    after: State
    actions: tuple[Action, ...]


class Machine:
    """One connection's FSM: its state, the deadlines of its timers, its counter."""

    __slots__ = (
        "_draw",
        "config",
        "connect_retry_counter",
        "failures",
        "host",
        "negotiated",
        "state",
        "timers",
    )

    def __init__(self, config: SessionConfig, host: Host, draw: Callable[[float, float], float]) -> None:
        """Idle. ``draw(low, high)`` gives the factors that timers are jittered with (section 10)."""
        self.config = config
        self.host = host
        self.state = State.IDLE
        self.timers: dict[Timer, int] = {}
        """Deadlines of those that run."""
        self.connect_retry_counter = 0
        """The RFC's; every start clears it."""
        self.failures = 0
        """Failures in a row, since the session was last Established or started by hand."""
        self.negotiated: Negotiated | None = None
        """Set by the host before `Event.BGP_OPEN`."""
        self._draw = draw

    def handle(self, event: Event, now: int, cause: Notification | None = None) -> Transition:
        """Take one step. ``cause`` is the NOTIFICATION to send where the event brings one."""
        before = self.state
        step = next(step for step in TABLE[before, event] if self._holds(step.when))
        self.state = step.state
        for action in step.actions:
            self._do(action, event, before, now, cause)
        return Transition(before, step.state, step.actions)

    def settle(self, negotiated: Negotiated) -> None:
        """Be Established, as after a handshake that ended with ``negotiated`` long ago."""
        self.state, self.negotiated = State.ESTABLISHED, negotiated
        self.timers.clear()
        self.connect_retry_counter = self.failures = 0

    @property
    def idle_hold(self) -> int:
        """How long to stay in Idle before the next start.

        The IdleHoldTimer of DampPeerOscillations (RFC 4271 8.1): ``idle_hold``
        after the first failure, twice as long after each further one in a row,
        then a second at least.
        """
        failures, base = self.failures, self.config.idle_hold
        if failures <= 1:
            return base
        return min(max(base, SECOND // 2) << min(failures - 1, 20), max(self.config.idle_hold_max, base))

    def connect_retry_interval(self) -> int:
        """One run of the ConnectRetryTimer, jittered."""
        return round(self.config.connect_retry * self._jitter(self.config.connect_retry_jitter))

    def _holds(self, guard: Guard) -> bool:
        runs = Timer.DELAY_OPEN in self.timers
        if guard is Guard.DELAYS_OPEN:
            return self.config.delay_open > 0 and not runs
        return guard is Guard.ALWAYS or runs

    def _jitter(self, bounds: tuple[float, float]) -> float:
        return bounds[0] if bounds[0] == bounds[1] else self._draw(*bounds)

    def _do(  # noqa: C901, PLR0912 - one case an action
        self, action: Action, event: Event, before: State, now: int, cause: Notification | None
    ) -> None:
        match action:
            case Action.CONNECT:
                self.host.connect()
            case Action.DROP:
                self.host.drop_connection()
            case Action.SEND_OPEN:
                self.host.send_open()
            case Action.SEND_KEEPALIVE:
                self.host.send_keepalive()
            case Action.NOTIFY | Action.NOTIFY_CEASE | Action.NOTIFY_HOLD | Action.NOTIFY_SEND_HOLD:
                self.host.send_notification(cause or _NOTIFICATIONS[action, event])
            case Action.NOTIFY_FSM:
                self.host.send_notification(cause or _unexpected_in(before))
            case Action.RELEASE:
                for timer in tuple(self.timers):
                    self._stop(timer)
                self.negotiated = None
            case Action.CLEAR_COUNTER:
                self.connect_retry_counter = 0
                if event in (Event.MANUAL_START, Event.MANUAL_START_PASSIVE, Event.MANUAL_STOP):
                    self.failures = 0
            case Action.COUNT:
                self.connect_retry_counter += 1
                self.failures += 1
            case Action.ROUTES_UP:
                self.failures = 0
                self.host.routes_up()
            case Action.ROUTES_DOWN:
                self.host.routes_down(retain=False)
            case Action.ROUTES_RETAINED:
                it = self.negotiated
                self.host.routes_down(retain=it is not None and it.retains_routes)
            case Action.DETECT_COLLISION:
                self.host.detect_collision()
            case Action.STOP_CONNECT_RETRY:
                self._stop(Timer.CONNECT_RETRY)
            case Action.STOP_DELAY_OPEN:
                self._stop(Timer.DELAY_OPEN)
            case Action.PROCESS_UPDATE:
                pass  # the host has it
            case _:
                self._start(action, now)

    def _start(self, action: Action, now: int) -> None:
        """Start a timer; those of a session without a hold time do not run."""
        it, config = self.negotiated, self.config
        match action:
            case Action.START_CONNECT_RETRY:
                timer, length = Timer.CONNECT_RETRY, self.connect_retry_interval()
            case Action.START_DELAY_OPEN:
                timer, length = Timer.DELAY_OPEN, config.delay_open
            case Action.START_LARGE_HOLD:
                timer, length = Timer.HOLD, LARGE_HOLD_TIME
            case Action.START_HOLD:
                timer = Timer.HOLD
                length = 0 if it is None else round(it.hold_time * self._jitter(config.hold_jitter))
            case Action.START_KEEPALIVE:
                timer = Timer.KEEPALIVE
                length = 0 if it is None else round(it.keepalive * self._jitter(config.keepalive_jitter))
            case _:
                timer, length = Timer.SEND_HOLD, 0 if it is None else it.send_hold_time
        if length:
            self.timers[timer] = now + length
            self.host.start_timer(timer, now + length)
        else:
            self._stop(timer)

    def _stop(self, timer: Timer) -> None:
        if self.timers.pop(timer, None) is not None:
            self.host.stop_timer(timer)


_NOTIFICATIONS: Final = {
    (Action.NOTIFY, Event.BGP_HEADER_ERR): Notification(ErrorCode.MESSAGE_HEADER),
    (Action.NOTIFY, Event.BGP_OPEN_MSG_ERR): Notification(ErrorCode.OPEN_MESSAGE),
    (Action.NOTIFY, Event.UPDATE_MSG_ERR): Notification(ErrorCode.UPDATE_MESSAGE),
    (Action.NOTIFY_CEASE, Event.MANUAL_STOP): Notification(
        ErrorCode.CEASE, CeaseError.ADMINISTRATIVE_SHUTDOWN
    ),
    (Action.NOTIFY_CEASE, Event.AUTOMATIC_STOP): Notification(ErrorCode.CEASE),
    (Action.NOTIFY_CEASE, Event.OPEN_COLLISION_DUMP): Notification(
        ErrorCode.CEASE, CeaseError.CONNECTION_COLLISION
    ),
    (Action.NOTIFY_HOLD, Event.HOLD_TIMER_EXPIRES): Notification(ErrorCode.HOLD_TIMER_EXPIRED),
    (Action.NOTIFY_SEND_HOLD, Event.SEND_HOLD_TIMER_EXPIRES): Notification(ErrorCode.SEND_HOLD_TIMER_EXPIRED),
}
"""What is sent where the event brings no NOTIFICATION of its own."""


def _unexpected_in(state: State) -> Notification:
    """The FSM Error for an event that has no place in ``state`` (RFC 6608)."""
    subcodes = {
        State.OPEN_SENT: FsmError.UNEXPECTED_IN_OPEN_SENT,
        State.OPEN_CONFIRM: FsmError.UNEXPECTED_IN_OPEN_CONFIRM,
        State.ESTABLISHED: FsmError.UNEXPECTED_IN_ESTABLISHED,
    }
    return Notification(ErrorCode.FINITE_STATE_MACHINE, subcodes.get(state, FsmError.UNSPECIFIED))


def mermaid() -> str:
    """Draw the table as a Mermaid state diagram: events by number, states left unchanged not drawn."""
    edges: dict[tuple[State, State], list[Event]] = {}
    for (state, event), steps in TABLE.items():
        for step in steps:
            if step.state is not state:
                events = edges.setdefault((state, step.state), [])
                events += [event] * (event not in events)
    lines = ["stateDiagram-v2", "    [*] --> Idle"]
    lines += [
        f"    {state.value} --> {after.value}: {_label(events)}" for (state, after), events in edges.items()
    ]
    return "\n".join(lines)


def _label(events: Iterable[Event]) -> str:
    """``9, 12-14``; one event alone by its name."""
    numbers = sorted(event.value for event in events)
    if len(numbers) == 1:
        return f"{numbers[0]} {Event(numbers[0]).rfc_name}"
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][1] == number - 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ", ".join(str(low) if low == high else f"{low}-{high}" for low, high in runs)
