"""A tap on a session: all that its two ends send each other, and what becomes of it.

A session without a tap pays for one comparison a message. A tap only notes;
what the notes mean on a wire is worked out afterwards by `emulator.wire`.
Instants are kept as readings of the engine's clock, whose origin moves when a
network settled by messages is handed to the timeline, and given out since t = 0.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from emulator.bgp.fsm import State

if TYPE_CHECKING:
    from emulator.bgp.messages import Message
    from emulator.sim.engine import Engine
    from emulator.sim.half import Half
    from emulator.sim.transport import Connection, Segment


class Tap(Protocol):
    """Who is told what happens on one session; a side is 0 or 1, the place in `Session.halves`."""

    def sent(self, connection: Connection, side: int, what: Segment | Message) -> None:
        """``side`` handed ``what`` to TCP."""

    def arrived(self, connection: Connection, side: int, what: Segment | Message, *, is_heard: bool) -> None:
        """What ``side`` had sent reached the other end, where somebody still listens, or nobody."""

    def stepped(self, half: Half) -> None:
        """A state machine of ``half`` has changed its state."""

    def transport(self, *, is_alive: bool) -> None:
        """The link went dark, or is lit again."""


@dataclass(slots=True)
class Passage:
    """Something on its way; instants are nanoseconds since t = 0, ``arrived`` None where it has not."""

    side: int
    what: Segment | Message
    sent: int
    arrived: int | None = None
    is_heard: bool = False
    """The other end took it; otherwise it had closed the connection."""


@dataclass(frozen=True, slots=True)
class Step:
    """One side's FSM changed its state: of two connections the one that is further on counts."""

    at: int
    side: int
    before: State
    after: State


@dataclass(frozen=True, slots=True)
class Recording:
    """What a `SessionLog` noted, in order: what passed on each connection, and what befell the session."""

    connections: tuple[tuple[Passage, ...], ...]
    steps: tuple[Step, ...]
    dark: tuple[tuple[int, int | None], ...]
    """[from, until) when the transport was dead; None: to the end."""


_ORDER = tuple(State)


class SessionLog:
    """A `Tap` that notes everything."""

    def __init__(self, engine: Engine) -> None:
        """Note with the clock of ``engine``."""
        self._engine = engine
        self._connections: dict[Connection, list[Passage]] = {}
        self._on_the_way: dict[tuple[Connection, int], list[Passage]] = {}
        self._steps: list[Step] = []
        self._states = [State.IDLE, State.IDLE]
        self._dark: list[tuple[int, int | None]] = []

    def _reading(self) -> int:
        return int(self._engine.env.now)

    def sent(self, connection: Connection, side: int, what: Segment | Message) -> None:
        """See `Tap`."""
        passage = Passage(side, what, self._reading())
        self._connections.setdefault(connection, []).append(passage)
        self._on_the_way.setdefault((connection, side), []).append(passage)

    def arrived(self, connection: Connection, side: int, what: Segment | Message, *, is_heard: bool) -> None:
        """See `Tap`."""
        waiting = self._on_the_way.get((connection, side), [])
        for place, passage in enumerate(waiting):
            if passage.what is what:
                passage.arrived, passage.is_heard = self._reading(), is_heard
                del waiting[: place + 1]  # in order: what was before it is lost
                return

    def stepped(self, half: Half) -> None:
        """See `Tap`."""
        attempts = (half.attempt,) if half.second is None else (half.attempt, half.second)
        after = max((attempt.state for attempt in attempts), key=_ORDER.index)
        before = self._states[half.side]
        if after is not before:
            self._states[half.side] = after
            self._steps.append(Step(self._reading(), half.side, before, after))

    def transport(self, *, is_alive: bool) -> None:
        """See `Tap`."""
        if not is_alive:
            self._dark.append((self._reading(), None))
        elif self._dark:
            self._dark[-1] = (self._dark[-1][0], self._reading())

    def settled(self, connection: Connection, passages: list[Passage]) -> None:
        """The session has been Established for long on ``connection``; ``passages`` are how that came about.

        Their instants are since t = 0, which is now.
        """
        origin = self._engine.origin
        told = [replace(p, sent=p.sent + origin, arrived=_shifted(p.arrived, origin)) for p in passages]
        self._connections[connection] = told + self._connections.get(connection, [])
        last = max((p.arrived or p.sent for p in told), default=origin)
        for side in (0, 1):
            self._steps.append(Step(last, side, State.OPEN_CONFIRM, State.ESTABLISHED))
            self._states[side] = State.ESTABLISHED

    def recording(self) -> Recording:
        """Everything noted so far, since t = 0."""
        shift = -self._engine.origin
        return Recording(
            tuple(
                tuple(replace(p, sent=p.sent + shift, arrived=_shifted(p.arrived, shift)) for p in passages)
                for passages in self._connections.values()
            ),
            tuple(replace(step, at=step.at + shift) for step in self._steps),
            tuple((start + shift, _shifted(end, shift)) for start, end in self._dark),
        )


def _shifted(instant: int | None, by: int) -> int | None:
    return None if instant is None else instant + by
