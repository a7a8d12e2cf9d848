"""A run on an AS graph: one fleet, or a fleet a prefix where prefixes have nothing to do with each other.

Prefixes meet where a session has one MRAI timer for all of them that one of them
may start, or a router takes time over messages. Where neither is so, each is run on its own, one after
the other or in several processes, and the results are put together: the same
whichever way it was done.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from emulator.bgp.config import MraiScope
from emulator.fleet.log import FleetLog, merged
from emulator.sim.fleet.host import WATCHED_MAX, FleetHost, Span
from emulator.timeline import Originate, StopOriginating

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from emulator.scenario.plan import FleetPlan
    from emulator.sim.fleet.physical import Change

    Progress = Callable[[str, float], None]


@dataclass(frozen=True, eq=False)
class FleetRun:
    """What came of it: the log, what was counted for each event, and what befell links and routers."""

    plan: FleetPlan
    log: FleetLog
    spans: tuple[Span, ...]
    changes: tuple[Change, ...]
    bin_ns: int
    host: FleetHost | None = None
    """The fleet as it stands at the end, where there was one for all prefixes."""

    def entries_of(self, number: int) -> tuple[int, int]:
        """Where in the log what happened after the event number ``number`` begins and ends."""
        starts = [span.event.at for span in self.spans]
        until = starts[number + 1] if number + 1 < len(starts) else None
        first = int(np.searchsorted(self.log.times, starts[number]))
        last = len(self.log) if until is None else int(np.searchsorted(self.log.times, until))
        return first, last

    def last_fib_changes(self) -> list[int | None]:
        """For each event the instant of the last FIB change after it, None where there was none."""
        instants = self.log.times[self.log.changes_fib()] + self.plan.fib_install_delay
        instants = instants[(instants >= 0) & (instants <= self.plan.duration)]
        found: list[int | None] = []
        for start, end in pairwise([*(span.event.at for span in self.spans), self.plan.duration + 1]):
            last = int(np.searchsorted(instants, end))
            found.append(int(instants[last - 1]) if last and instants[last - 1] >= start else None)
        return found


def run_fleet(plan: FleetPlan, progress: Progress = lambda _stage, _done: None, *, jobs: int = 1) -> FleetRun:
    """Settle and run ``plan``, in up to ``jobs`` processes where it can be divided.

    Raises `DoesNotSettleError` where it has no stable state to start from.
    """
    if not is_divisible(plan):
        return _ran(plan, progress)
    parts = [part_of(plan, prefix) for prefix in range(len(plan.prefixes))]
    ran: list[FleetRun] = []
    for each in _each(parts, jobs, progress):
        ran.append(each)
        progress("control plane", len(ran) / len(parts))
    spans = tuple(map(_added, zip(*(each.spans for each in ran), strict=True)))
    return FleetRun(plan, merged([each.log for each in ran]), spans, ran[0].changes, ran[0].bin_ns)


def is_divisible(plan: FleetPlan) -> bool:
    """Whether prefixes may be run apart: in a large network, if none makes another wait."""
    speakers = plan.speakers
    share_no_timer = speakers.mrai_scope is not MraiScope.PEER or not speakers.mrai.any()
    is_large = len(plan.graph) > WATCHED_MAX and len(plan.prefixes) > 1
    return is_large and share_no_timer and speakers.processing.is_zero


def part_of(plan: FleetPlan, prefix: int) -> FleetPlan:
    """The plan of one prefix, with whatever happens to links and routers."""
    timeline = []
    for event in plan.timeline:
        actions = tuple(
            replace(action, prefix=0) if isinstance(action, (Originate, StopOriginating)) else action
            for action in event.actions
            if not isinstance(action, (Originate, StopOriginating)) or action.prefix == prefix
        )
        timeline.append(replace(event, actions=actions))
    return replace(
        plan,
        prefixes=(replace(plan.prefixes[prefix], index=0),),
        destinations=(),
        originations=tuple(replace(o, prefix=0) for o in plan.originations if o.prefix == prefix),
        timeline=tuple(timeline),
        groups=(),
        clients=None,
        expectations=(),
    )


def _each(parts: list[FleetPlan], jobs: int, progress: Progress) -> Iterator[FleetRun]:
    """What each part comes to, in order."""
    if jobs == 1:
        for part in parts:
            yield _without_host(part, progress)
        return
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    # a fresh interpreter each: forking one that has threads (polars, numba) may lock up
    with ProcessPoolExecutor(min(jobs, len(parts)), mp_context=get_context("spawn")) as pool:
        waiting = [pool.submit(_without_host, part) for part in parts]
        try:
            for each in waiting:
                yield each.result()
        finally:
            for each in waiting:
                each.cancel()


def _without_host(plan: FleetPlan, progress: Progress = lambda _stage, _done: None) -> FleetRun:
    """Only what is to be kept: a fleet takes many times the memory of its log."""
    return replace(_ran(plan, progress), host=None)


def _ran(plan: FleetPlan, progress: Progress) -> FleetRun:
    host = FleetHost(plan)
    end = max(plan.duration, 1)
    host.settle(lambda done: progress("settling", done))
    host.run(lambda instant: progress("control plane", max(instant, 0) / end))
    changes = tuple(host.physical.changes)
    return FleetRun(plan, host.fleet.log(), tuple(host.spans), changes, host.bin_ns, host)


def _added(spans: tuple[Span, ...]) -> Span:
    """One event's spans of all parts together."""
    return Span(
        spans[0].event,
        sum(span.announcements for span in spans),
        sum(span.withdrawals for span in spans),
        is_quiescent=all(span.is_quiescent for span in spans),
    )
