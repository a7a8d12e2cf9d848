"""A fleet in simulated time: SimPy plays the timeline, between two events the fleet runs by itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from emulator.fleet.fleet import Fleet
from emulator.fleet.settle import install
from emulator.sim.engine import Engine
from emulator.sim.fleet.faults import FleetFaults
from emulator.sim.fleet.physical import Physical
from emulator.steady.messages import StillChangingError
from emulator.steady.valley_free import Origin, solve
from emulator.units import SECOND

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    import numpy.typing as npt
    from simpy.events import Event as SimpyEvent

    from emulator.scenario.plan import FleetPlan
    from emulator.timeline import Event

_BEFORE = -(10**18)
"""Where the clock stands while a fleet settles by messages: all of it lies before t = 0."""
_BINS_MAX = 36_000
WATCHED_MAX = 1000
"""In networks of up to so many routers every message is noted."""


@dataclass(slots=True)
class Span:
    """Messages sent after one event and before the next, and whether all was quiet then."""

    event: Event
    announcements: int = 0
    withdrawals: int = 0
    is_quiescent: bool = False


class FleetHost:
    """A running fleet. `settle` it, then `run` it."""

    def __init__(self, plan: FleetPlan) -> None:
        """Build it; nothing has been announced yet."""
        self.plan = plan
        self.bin_ns = max(SECOND // 10, -(-plan.duration // _BINS_MAX))
        self.fleet = Fleet(
            plan.graph,
            plan.delays,
            plan.speakers,
            prefix_count=len(plan.prefixes),
            seed=plan.seed,
            prepend=plan.prepend,
            stream=f"/{plan.prefixes[0].text}" if len(plan.prefixes) == 1 else "",
            watched=self._watched(),
            start=_BEFORE,
            bin_ns=self.bin_ns,
            bins=plan.duration // self.bin_ns + 1,
        )
        self.physical = Physical(plan.graph)
        self.spans: list[Span] = []
        self._counted = self.fleet.counts
        self.faults = FleetFaults(plan, self.fleet, self.physical)

    def _watched(self) -> npt.NDArray[np.bool_]:
        """The slots whose messages are noted: all of a small network, else those towards collectors."""
        graph = self.plan.graph
        if len(graph) <= WATCHED_MAX:
            return np.ones(graph.slot_count, np.bool_)
        return np.isin(graph.neighbor, np.array(self.plan.collectors, np.int32))

    def settle(self, progress: Callable[[float], None] = lambda _done: None) -> None:
        """Bring the fleet to its stable state, where it stands at t = 0.

        Raises `DoesNotSettleError` where it does not get there in time.
        """
        if self.plan.settle_by_messages or self.plan.speakers.is_permit_all:  # the solver knows Gao-Rexford
            self._settle_by_messages()
        else:
            self._solve(progress)
        self.fleet.rest(0)

    def _solve(self, progress: Callable[[float], None]) -> None:
        plan = self.plan
        for each in plan.originations:
            self.fleet.limit(each.router, each.prefix, each.only_to)
        for prefix in range(len(plan.prefixes)):
            origins = [Origin(o.router, o.only_to) for o in plan.originations if o.prefix == prefix]
            if origins:
                install(self.fleet, prefix, solve(plan.graph, origins, prepend=plan.prepend))
            progress((prefix + 1) / len(plan.prefixes))

    def _settle_by_messages(self) -> None:
        for each in self.plan.originations:
            self.fleet.announce(each.router, each.prefix, each.only_to)
        self.fleet.advance(_BEFORE + self.plan.settle_limit)
        if not self.fleet.is_quiet:
            raise StillChangingError(self.plan.settle_limit)

    def run(self, progress: Callable[[int], None] = lambda _now: None) -> None:
        """Run to the end; ``progress`` hears the instant reached about once a second."""
        engine = Engine()
        engine.env.process(self._timeline(engine, progress))
        engine.run_until(self.plan.duration)
        self.fleet.advance(self.plan.duration, progress)
        self._close()

    def _timeline(self, engine: Engine, progress: Callable[[int], None]) -> Generator[SimpyEvent, Any, None]:
        for event in sorted(self.plan.timeline, key=lambda each: (each.at, each.index)):
            if event.at > self.plan.duration:
                return
            yield engine.env.timeout(event.at - engine.now)
            self.fleet.advance(event.at - 1, progress)
            self._close()
            self.fleet.set_clock(event.at)
            self._counted = self.fleet.counts
            self.spans.append(Span(event))
            self.faults.apply(event)

    def _close(self) -> None:
        """The next event, or the end, has come."""
        if self.spans:
            span, counts = self.spans[-1], self.fleet.counts
            span.announcements = counts.announcements - self._counted.announcements
            span.withdrawals = counts.withdrawals - self._counted.withdrawals
            span.is_quiescent = self.fleet.is_quiet
