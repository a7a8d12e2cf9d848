"""SimPy with integer nanoseconds, calls in the future, and knowing when all is quiet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import simpy
from simpy.events import Timeout

if TYPE_CHECKING:
    from collections.abc import Callable

    from simpy.events import Event


class Engine:
    """The clock, and the count of things still to happen.

    ``pending`` counts messages in flight, queued work and running timers that
    can change a route; when it is zero the network is quiescent. Timeline
    events are not counted: they come from outside.
    """

    def __init__(self) -> None:
        """Start at time zero."""
        self.env = simpy.Environment(initial_time=0)
        self.pending = 0
        self.origin = 0
        """Clock reading at t = 0, when the settled network was handed to the timeline."""

    @property
    def now(self) -> int:
        """Nanoseconds since t = 0, negative while the network settles."""
        return int(self.env.now) - self.origin

    def after(self, delay: int, action: Callable[..., None], *args: Any) -> Call:  # noqa: ANN401
        """Call ``action(*args)`` in ``delay`` ns; it counts as pending until then, or until cancelled."""
        self.pending += 1
        callbacks = Timeout(self.env, delay).callbacks
        call = Call(self, action, args)
        if callbacks is not None:
            callbacks.append(call)
        return call

    def run_until_quiet(self, limit: int) -> bool:
        """Run until nothing is pending, at most ``limit`` ns; whether it got quiet."""
        deadline = self.env.now + limit
        while self.pending and self.env.peek() <= deadline:
            self.env.step()
        return not self.pending

    def run_until(self, instant: int) -> None:
        """Run everything up to and including ``instant``."""
        self.env.run(until=self.origin + instant + 1)


class Call:
    """A scheduled call: lighter than a process, 2.5 us against 18."""

    __slots__ = ("action", "args", "engine")

    def __init__(self, engine: Engine, action: Callable[..., None], args: tuple[Any, ...]) -> None:
        """See `Engine.after`."""
        self.engine = engine
        self.action: Callable[..., None] | None = action
        self.args = args

    def __call__(self, _event: Event) -> None:
        """The time has come."""
        action, self.action = self.action, None
        if action is not None:
            action(*self.args)
            self.engine.pending -= 1

    def cancel(self) -> None:
        """Do nothing when the time comes; also after it has come."""
        if self.action is not None:
            self.action, self.args = None, ()
            self.engine.pending -= 1
