"""The session FSM is RFC 4271 section 8.2.2: every row, by what a peer and an operator see of it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from emulator.bgp.fsm import TABLE, Event, Machine, State, Timer, mermaid
from emulator.bgp.liveness import SessionConfig
from emulator.bgp.messages import BOTH_FAMILIES, Family, GracefulRestart, Notification
from emulator.bgp.negotiation import Negotiated
from emulator.units import SECOND

README = Path(__file__).parents[2] / "README.md"

IDLE, CONNECT, ACTIVE, OPEN_SENT, OPEN_CONFIRM, ESTABLISHED = State
HOLD, KEEPALIVE = 90 * SECOND, 30 * SECOND
AGREED = Negotiated(HOLD, KEEPALIVE, 480 * SECOND, BOTH_FAMILIES, four_octet_as=True, route_refresh=True)
GRACEFUL = Negotiated(
    HOLD,
    KEEPALIVE,
    480 * SECOND,
    BOTH_FAMILIES,
    four_octet_as=True,
    route_refresh=True,
    graceful_restart=GracefulRestart(120, preserved=(Family.IPV4,)),
)
CONFIG = SessionConfig(connect_retry=100 * SECOND, connect_retry_jitter=(1.0, 1.0))
DELAYED = SessionConfig(connect_retry=100 * SECOND, connect_retry_jitter=(1.0, 1.0), delay_open=5 * SECOND)


class Recorder:
    """A host that writes down what it is asked for."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.done: list[Any] = []
        self.timers: dict[Timer, int] = {}

    def connect(self) -> None:
        """A SYN."""
        self.done.append("connect")

    def drop_connection(self) -> None:
        """A FIN."""
        self.done.append("drop")

    def send_open(self) -> None:
        """An OPEN."""
        self.done.append("OPEN")

    def send_keepalive(self) -> None:
        """A KEEPALIVE."""
        self.done.append("KEEPALIVE")

    def send_notification(self, notification: Notification) -> None:
        """A NOTIFICATION."""
        self.done.append((notification.code, notification.subcode))

    def start_timer(self, timer: Timer, deadline: int) -> None:
        """A timer runs."""
        self.timers[timer] = deadline

    def stop_timer(self, timer: Timer) -> None:
        """It does not."""
        del self.timers[timer]

    def routes_up(self) -> None:
        """Established."""
        self.done.append("up")

    def routes_down(self, *, retain: bool) -> None:
        """No more."""
        self.done.append("retain" if retain else "down")

    def detect_collision(self) -> None:
        """An OPEN too many."""
        self.done.append("collision")


WAYS: dict[State, tuple[Event, ...]] = {
    IDLE: (),
    CONNECT: (Event.MANUAL_START,),
    ACTIVE: (Event.MANUAL_START_PASSIVE,),
    OPEN_SENT: (Event.MANUAL_START, Event.TCP_CR_ACKED),
    OPEN_CONFIRM: (Event.MANUAL_START, Event.TCP_CR_ACKED, Event.BGP_OPEN),
    ESTABLISHED: (Event.MANUAL_START, Event.TCP_CR_ACKED, Event.BGP_OPEN, Event.KEEPALIVE_MSG),
}


def machine_in(
    state: State, config: SessionConfig = CONFIG, agreed: Negotiated = AGREED
) -> tuple[Machine, Recorder]:
    """A machine led to ``state`` at t = 0, and its host with a clean sheet."""
    host = Recorder()
    machine = Machine(config, host, lambda low, _: low)
    for event in WAYS[state]:
        if event is Event.BGP_OPEN:
            machine.negotiated = agreed
        machine.handle(event, 0)
    assert machine.state is state
    host.done.clear()
    return machine, host


def outcome(
    state: State, event: Event, config: SessionConfig = CONFIG, agreed: Negotiated = AGREED
) -> tuple[State, list[Any], int]:
    """The state after ``event``, what the host was asked for, the ConnectRetryCounter (5 before)."""
    machine, host = machine_in(state, config, agreed)
    machine.connect_retry_counter = 5
    if event in (Event.BGP_OPEN, Event.BGP_OPEN_WITH_DELAY_OPEN_TIMER):
        machine.negotiated = agreed
    machine.handle(event, SECOND)
    return machine.state, host.done, machine.connect_retry_counter


def test_the_table_is_complete() -> None:
    """A step for every state and event, the last of which always holds."""
    assert {(state, event) for state in State for event in Event} == set(TABLE)
    assert all(steps[-1].when.value == "always" for steps in TABLE.values())


STARTS = [Event(number) for number in (1, 3, 6)]
PASSIVE = [Event(number) for number in (4, 5, 7)]


@pytest.mark.parametrize("event", list(Event))
def test_idle(event: Event) -> None:
    """Starts begin to connect, passive ones wait, the IdleHoldTimer's end is a start; all else is nothing."""
    expected: tuple[State, list[Any], int] = (IDLE, [], 5)
    if event in STARTS:
        expected = (CONNECT, ["connect"], 0)
    elif event in PASSIVE:
        expected = (ACTIVE, [], 0)
    elif event is Event.IDLE_HOLD_TIMER_EXPIRES:
        expected = (CONNECT, ["connect"], 5)
    assert outcome(IDLE, event) == expected


@pytest.mark.parametrize("event", list(Event))
@pytest.mark.parametrize("state", [CONNECT, ACTIVE])
def test_connect_and_active(state: State, event: Event) -> None:
    """No OPEN was sent, so errors send nothing: they close and count."""
    expected: tuple[State, list[Any], int] = (IDLE, ["drop"], 6)
    match event:
        case _ if event in (*STARTS, *PASSIVE, Event.TCP_CONNECTION_VALID, Event.TCP_CR_INVALID):
            expected = (state, [], 5)
        case Event.MANUAL_STOP:
            expected = (IDLE, ["drop"], 0)
        case Event.CONNECT_RETRY_TIMER_EXPIRES:
            expected = (CONNECT, ["drop", "connect"] if state is CONNECT else ["connect"], 5)
        case Event.DELAY_OPEN_TIMER_EXPIRES | Event.TCP_CR_ACKED | Event.TCP_CONNECTION_CONFIRMED:
            expected = (OPEN_SENT, ["OPEN"], 5)
        case Event.BGP_OPEN_WITH_DELAY_OPEN_TIMER:
            expected = (OPEN_CONFIRM, ["OPEN", "KEEPALIVE"], 5)
        case Event.TCP_CONNECTION_FAILS if state is CONNECT:
            expected = (IDLE, ["drop"], 5)
        case _:
            pass
    assert outcome(state, event) == expected


@pytest.mark.parametrize("state", [CONNECT, ACTIVE])
def test_delay_open(state: State) -> None:
    """With DelayOpen the OPEN waits; a failure in Connect then leads to Active instead of Idle."""
    machine, host = machine_in(state, DELAYED)

    machine.handle(Event.TCP_CONNECTION_CONFIRMED, 0)
    assert (machine.state, host.done, dict(machine.timers)) == (state, [], {Timer.DELAY_OPEN: 5 * SECOND})
    machine.handle(Event.TCP_CONNECTION_FAILS, SECOND)
    assert machine.state is (ACTIVE if state is CONNECT else IDLE)

    machine, host = machine_in(state, DELAYED)
    machine.handle(Event.TCP_CONNECTION_CONFIRMED, 0)
    machine.handle(Event.DELAY_OPEN_TIMER_EXPIRES, 5 * SECOND)
    assert (machine.state, host.done) == (OPEN_SENT, ["OPEN"])


OPENED_ROWS: dict[State, dict[Event, tuple[State, list[Any], int]]] = {
    OPEN_SENT: {
        Event.TCP_CONNECTION_FAILS: (ACTIVE, ["drop"], 5),
        Event.BGP_OPEN: (OPEN_CONFIRM, ["KEEPALIVE"], 5),
        Event.NOTIF_MSG_VER_ERR: (IDLE, ["drop"], 5),
    },
    OPEN_CONFIRM: {
        Event.KEEPALIVE_TIMER_EXPIRES: (OPEN_CONFIRM, ["KEEPALIVE"], 5),
        Event.TCP_CONNECTION_FAILS: (IDLE, ["drop"], 6),
        Event.BGP_OPEN: (OPEN_CONFIRM, ["collision"], 5),
        Event.NOTIF_MSG_VER_ERR: (IDLE, ["drop"], 5),
        Event.NOTIF_MSG: (IDLE, ["drop"], 6),
        Event.KEEPALIVE_MSG: (ESTABLISHED, ["up"], 5),
    },
    ESTABLISHED: {
        Event.KEEPALIVE_TIMER_EXPIRES: (ESTABLISHED, ["KEEPALIVE"], 5),
        Event.TCP_CONNECTION_FAILS: (IDLE, ["down", "drop"], 6),
        Event.BGP_OPEN: (ESTABLISHED, ["collision"], 5),
        Event.NOTIF_MSG_VER_ERR: (IDLE, ["down", "drop"], 6),
        Event.NOTIF_MSG: (IDLE, ["down", "drop"], 6),
        Event.KEEPALIVE_MSG: (ESTABLISHED, [], 5),
        Event.UPDATE_MSG: (ESTABLISHED, [], 5),
        Event.UPDATE_MSG_ERR: (IDLE, [(3, 0), "down", "drop"], 6),
        Event.SEND_HOLD_TIMER_EXPIRES: (IDLE, [(8, 0), "down", "drop"], 6),
    },
}
CODES = {  # the NOTIFICATION that ends a connection on which OPEN was sent, in any state
    Event.MANUAL_STOP: (6, 2),
    Event.AUTOMATIC_STOP: (6, 0),
    Event.HOLD_TIMER_EXPIRES: (4, 0),
    Event.BGP_HEADER_ERR: (1, 0),
    Event.BGP_OPEN_MSG_ERR: (2, 0),
    Event.OPEN_COLLISION_DUMP: (6, 7),
}
FSM_ERROR = {OPEN_SENT: (5, 1), OPEN_CONFIRM: (5, 2), ESTABLISHED: (5, 3)}
TRACKED = (
    Event.TCP_CONNECTION_VALID,
    Event.TCP_CR_INVALID,
    Event.TCP_CR_ACKED,
    Event.TCP_CONNECTION_CONFIRMED,
)


@pytest.mark.parametrize("event", list(Event))
@pytest.mark.parametrize("state", [OPEN_SENT, OPEN_CONFIRM, ESTABLISHED])
def test_opened(state: State, event: Event) -> None:
    """Starts are ignored, second connections tracked, errors told by code; the rest is an FSM error."""
    down = ["down"] if state is ESTABLISHED else []
    if event in OPENED_ROWS[state]:
        expected = OPENED_ROWS[state][event]
    elif event in (*STARTS, *PASSIVE, *TRACKED):
        expected = (state, [], 5)
    else:
        counter = 0 if event is Event.MANUAL_STOP else 6
        expected = (IDLE, [CODES.get(event, FSM_ERROR[state]), *down, "drop"], counter)
    assert outcome(state, event) == expected


def test_a_cause_replaces_the_default_notification() -> None:
    """Cease/1 for too many prefixes, Cease/10 for BFD, and so on."""
    machine, host = machine_in(ESTABLISHED)
    machine.handle(Event.AUTOMATIC_STOP, 0, Notification(6, 10))
    assert host.done[0] == (6, 10)


def test_only_a_silent_break_retains_routes() -> None:
    """RFC 4724 section 5: with graceful restart event 18 keeps the routes, a NOTIFICATION does not."""
    assert outcome(ESTABLISHED, Event.TCP_CONNECTION_FAILS, agreed=GRACEFUL)[1] == ["retain", "drop"]
    assert outcome(ESTABLISHED, Event.NOTIF_MSG, agreed=GRACEFUL)[1] == ["down", "drop"]


def test_timers_of_a_session() -> None:
    """ConnectRetry 100 s, hold 4 min after OPEN, then 90 s and keepalive 30 s, send hold 8 min."""
    timers = {state: machine_in(state)[0].timers for state in State}
    assert timers == {
        IDLE: {},
        CONNECT: {Timer.CONNECT_RETRY: 100 * SECOND},
        ACTIVE: {Timer.CONNECT_RETRY: 100 * SECOND},
        OPEN_SENT: {Timer.HOLD: 240 * SECOND},
        OPEN_CONFIRM: {Timer.HOLD: HOLD, Timer.KEEPALIVE: KEEPALIVE},
        ESTABLISHED: {Timer.HOLD: HOLD, Timer.KEEPALIVE: KEEPALIVE, Timer.SEND_HOLD: 480 * SECOND},
    }


def test_hold_time_zero_runs_no_timer() -> None:
    """RFC 4271 4.2: neither hold nor keepalive timer."""
    forever = Negotiated(0, 0, 0, BOTH_FAMILIES, four_octet_as=True, route_refresh=True)
    assert machine_in(ESTABLISHED, agreed=forever)[0].timers == {}


def test_connect_retry_is_jittered() -> None:
    """RFC 4271 section 10: ConnectRetryTime times a factor drawn from 0.75 to 1."""
    machine = Machine(
        SessionConfig(connect_retry=100 * SECOND), Recorder(), lambda low, high: (low + high) / 2
    )
    machine.handle(Event.MANUAL_START, 0)
    assert machine.timers == {Timer.CONNECT_RETRY: 87_500_000_000}


def test_failures_in_a_row_lengthen_the_wait_in_idle() -> None:
    """DampPeerOscillations (8.1): idle_hold, then doubled from it, up to the longest; Established forgets."""
    config = SessionConfig(idle_hold=3 * SECOND, idle_hold_max=20 * SECOND)
    machine = Machine(config, Recorder(), lambda low, _: low)
    waits = []
    for _ in range(5):
        waits.append(machine.idle_hold // SECOND)
        for event in (Event.AUTOMATIC_START, Event.TCP_CR_ACKED, Event.HOLD_TIMER_EXPIRES):
            machine.handle(event, 0)
    assert waits == [3, 3, 6, 12, 20]
    machine.negotiated = AGREED
    for event in (Event.AUTOMATIC_START, *WAYS[ESTABLISHED][1:]):
        machine.negotiated = AGREED
        machine.handle(event, 0)
    assert machine.idle_hold == 3 * SECOND


ALLOWED = {
    IDLE: set[Timer](),
    CONNECT: {Timer.CONNECT_RETRY, Timer.DELAY_OPEN},
    ACTIVE: {Timer.CONNECT_RETRY, Timer.DELAY_OPEN},
    OPEN_SENT: {Timer.HOLD},
    OPEN_CONFIRM: {Timer.HOLD, Timer.KEEPALIVE},
    ESTABLISHED: {Timer.HOLD, Timer.KEEPALIVE, Timer.SEND_HOLD},
}


class AnyEvents(RuleBasedStateMachine):
    """Whatever happens, in whatever order: the machine stays in its table and its timers fit its state."""

    @initialize(config=st.sampled_from([CONFIG, DELAYED]), agreed=st.sampled_from([AGREED, GRACEFUL]))
    def begin(self, config: SessionConfig, agreed: Negotiated) -> None:
        """A new machine."""
        self.host = Recorder()
        self.machine = Machine(config, self.host, lambda low, high: (low + high) / 2)
        self.agreed = agreed
        self.now = 0
        self.is_up = False

    @rule(event=st.sampled_from(Event), passed=st.integers(0, 300))
    def happens(self, event: Event, passed: int) -> None:
        """Any event after any while; a timer only expires if it runs, an OPEN brings what was agreed."""
        self.now += passed * SECOND
        expiring = {timer.value: timer for timer in Timer}
        if event in expiring:
            if expiring[event] not in self.machine.timers:
                return
            del self.machine.timers[expiring[event]], self.host.timers[expiring[event]]
        if event in (Event.BGP_OPEN, Event.BGP_OPEN_WITH_DELAY_OPEN_TIMER):
            self.machine.negotiated = self.agreed
        before = self.machine.state
        self.host.done.clear()
        transition = self.machine.handle(event, self.now)
        assert transition.before is before
        assert transition.after in {step.state for step in TABLE[before, event]}
        for done in self.host.done:
            if done == "up":
                assert not self.is_up
                self.is_up = True
            elif done in {"down", "retain"}:
                assert self.is_up
                self.is_up = False

    @invariant()
    def timers_fit_the_state(self) -> None:
        """None but those that the state has, and the host knows the same ones."""
        if hasattr(self, "machine"):
            assert set(self.machine.timers) <= ALLOWED[self.machine.state]
            assert self.machine.timers == self.host.timers

    @invariant()
    def routes_fit_the_state(self) -> None:
        """Routes are exchanged in Established and nowhere else."""
        if hasattr(self, "machine"):
            assert self.is_up == (self.machine.state is ESTABLISHED)


TestAnyEvents = AnyEvents.TestCase
TestAnyEvents.settings = settings(max_examples=60, stateful_step_count=60, deadline=None, derandomize=True)


def test_the_readme_shows_this_table() -> None:
    """The diagram between the markers is the one that the table draws."""
    text = README.read_text(encoding="utf-8")
    (shown,) = re.findall(r"<!-- fsm -->\n```mermaid\n(.*?)\n```\n<!-- /fsm -->", text, flags=re.DOTALL)
    assert shown == mermaid()
