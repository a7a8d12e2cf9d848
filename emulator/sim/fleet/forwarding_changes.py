"""What a fleet's run did to forwarding: its log and the mishaps of links and routers, by destination."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from emulator.fleet import forward_tables as names
from emulator.fleet.forward_nodes import Ground, Routes, ground
from emulator.fleet.tables import LOG_NODE, LOG_SLOT, LONG_AGO, NONE
from emulator.sim.fleet.physical import What

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from emulator.forwarding.history import Destination
    from emulator.scenario.plan import Ases, FleetPlan
    from emulator.sim.fleet.parts import FleetRun
    from emulator.sim.fleet.physical import Change

_WHAT: Final = {
    What.LINK: names.LINK,
    What.ROUTER: names.ROUTER,
    What.BLACKHOLE: names.BLACKHOLE,
    What.DELAY: names.DELAY,
    What.LOSS: names.LOSS,
}


def ground_of(plan: FleetPlan | Ases, changes: Sequence[Change]) -> Ground:
    """What all destinations of a run, which is over, have in common: all ``changes`` but those of routes."""
    site = np.full(len(plan.graph), names.NOWHERE, np.int32)
    for pop in reversed(plan.pops):  # the first POP of a node that hosts several
        site[pop.router] = pop.index
    return ground(plan.graph, plan.delays, site, _physical(plan, changes))


def _physical(plan: FleetPlan | Ases, changes: Sequence[Change]) -> npt.NDArray[np.int64]:
    """The changes (M, `PHYSICAL_WORDS`); of a delay the value is the whole of it."""
    owner = plan.graph.slot_node()
    table = np.zeros((len(changes), names.PHYSICAL_WORDS), np.int64)
    for row, change in zip(table, changes, strict=True):
        index, value, other = change.index, change.value, -1
        match change.what:
            case What.LINK:
                one, other = (int(end) for end in plan.graph.link_ends[index])
            case What.DELAY | What.LOSS:
                one = int(owner[index])
                if change.what is What.DELAY:
                    value += int(plan.delays[plan.graph.link[index]])
            case _:
                one = index
        row[:] = (change.at, _WHAT[change.what], index, value, one, other)
    return table


class FibChanges:
    """The FIB entries that the log of a run, which is over, came to; `of` picks a destination's."""

    def __init__(self, plan: FleetPlan, run: FleetRun) -> None:
        """Leave out what changed a Loc-RIB but not where packets go."""
        log = run.log
        self._plan = plan
        matters = np.flatnonzero(log.changes_fib() | (log.times == LONG_AGO))
        self._node = log.entries[matters, LOG_NODE]
        self._entry = log.entries[matters, LOG_SLOT]
        self._prefix = log.prefixes[matters]
        self._times = log.times[matters]

    def of(self, destination: Destination) -> Routes:
        """The entries for a destination, which follow the Loc-RIBs by the install delay."""
        plan, count = self._plan, len(destination.prefixes)
        rank = np.full(max(len(plan.prefixes), 1), -1, np.int32)
        rank[list(destination.prefixes)] = np.arange(count)
        place = rank[self._prefix]
        mine = np.flatnonzero(place >= 0)
        place = self._node[mine] * np.int32(count) + place[mine]
        entry, times = self._entry[mine], self._times[mine]
        settled = int(np.searchsorted(times, LONG_AGO, side="right"))
        first = np.full(len(plan.graph) * count, NONE, np.int32)
        first[place[:settled]] = entry[:settled]  # of several the last, which is the settled one
        changes = np.stack((place[settled:], entry[settled:]), axis=1)
        return Routes(first.reshape(-1, count), times[settled:] + plan.fib_install_delay, changes)
