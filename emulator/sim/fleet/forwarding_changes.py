"""What a fleet's run did to forwarding: its log and the mishaps of links and routers, by destination."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from emulator.fleet import forward_tables as names
from emulator.fleet.forward_nodes import Ground, Routes, ground
from emulator.fleet.tables import LOG_NODE, LOG_SLOT, LONG_AGO, NONE
from emulator.sim.fleet.physical import What

if TYPE_CHECKING:
    import numpy.typing as npt

    from emulator.forwarding.history import Destination
    from emulator.scenario.plan import FleetPlan
    from emulator.sim.fleet.host import FleetHost
    from emulator.sim.fleet.physical import Change

_WHAT: Final = {
    What.LINK: names.LINK,
    What.ROUTER: names.ROUTER,
    What.BLACKHOLE: names.BLACKHOLE,
    What.DELAY: names.DELAY,
    What.LOSS: names.LOSS,
}


def ground_of(plan: FleetPlan, host: FleetHost) -> Ground:
    """What all destinations of a run, which is over, have in common."""
    site = np.full(len(plan.graph), names.NOWHERE, np.int32)
    for pop in reversed(plan.pops):  # the first POP of a node that hosts several
        site[pop.router] = pop.index
    return ground(plan.graph, plan.delays, site, _physical(plan, host.physical.changes))


def _physical(plan: FleetPlan, changes: list[Change]) -> npt.NDArray[np.int64]:
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


def routes_of(plan: FleetPlan, host: FleetHost, destination: Destination) -> Routes:
    """The FIB entries for a destination, which follow the Loc-RIBs by the install delay."""
    fleet = host.fleet
    log, times, prefix = fleet.arrays.log, fleet.arrays.by_name["log_time"], fleet.prefix_of_log()
    count = len(destination.prefixes)
    rank = np.full(max(len(plan.prefixes), 1), -1, np.int32)
    rank[list(destination.prefixes)] = np.arange(count)
    mine = np.flatnonzero(rank[prefix] >= 0)
    place = log[mine, LOG_NODE] * np.int32(count) + rank[prefix[mine]]
    entry = log[mine, LOG_SLOT]
    is_first = times[mine] == LONG_AGO
    first = np.full(len(plan.graph) * count, NONE, np.int32)
    first[place[is_first]] = entry[is_first]  # of several the last, which is the settled one
    later = ~is_first
    changes = np.stack((place[later], entry[later]), axis=1).astype(np.int32)
    return Routes(first.reshape(-1, count), times[mine[later]] + plan.fib_install_delay, changes)
