"""What each event did to every AS, and the catchments of sites as time goes by."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from emulator.fleet.forward_nodes import Forwarding
from emulator.fleet.forward_tables import NOWHERE
from emulator.record.tables import REACH, SITES
from emulator.sim.fleet.forwarding_changes import FibChanges, ground_of
from emulator.units import MILLISECOND, SECOND

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from emulator.fleet.forward_nodes import Ground, Routes
    from emulator.forwarding.history import Destination
    from emulator.record.tables import Schema, Table
    from emulator.scenario.plan import Ases, FleetPlan
    from emulator.sim.fleet.parts import FleetRun
    from emulator.timeline import Event

    Bools = npt.NDArray[np.bool_]
    Block = dict[str, npt.NDArray[Any]]

_INSTANTS: Final = 240
"""Catchments are counted at about so many instants of a run."""
_FIRST_NS: Final = 10 * MILLISECOND
"""The first of the instants after an event, about a link's delay later."""


def reach_tables(
    plan: FleetPlan, run: FleetRun, progress: Callable[[float], None] = lambda _done: None
) -> dict[str, Table]:
    """The tables `reach` and `sites` of `emulator.record.tables`, after ``run`` has run.

    ``progress`` hears the share that is done, after each destination.
    """
    events = [span.event for span in run.spans]
    return tables_of(plan, events, ground_of(plan, run.changes), FibChanges(plan, run).of, progress)


def tables_of(
    plan: FleetPlan | Ases,
    events: Sequence[Event],
    it: Ground,
    routes_of: Callable[[Destination], Routes],
    progress: Callable[[float], None],
) -> dict[str, Table]:
    """The same from ``events`` in order of time, the ground, and each destination's routes."""
    books = _Books(plan, _windows(plan, events), _counted(plan))
    for number, destination in enumerate(plan.destinations):
        forwarding = Forwarding(it, routes_of(destination))
        books.go_through(forwarding, destination)
        progress((number + 1) / len(plan.destinations))
    return books.tables()


@dataclass(frozen=True, slots=True)
class _Window:
    """From one event until before the next, or through the run's end; instants in ns."""

    event: int
    start: int
    last: int
    end: int
    """When connectivity is no longer counted: the next event's instant, or the run's end."""


def _windows(plan: FleetPlan | Ases, events: Sequence[Event]) -> list[_Window]:
    """Of several events at one instant the last has the window."""
    edges = [*(event.at for event in events), plan.duration + 1]
    return [
        _Window(event.index, start, following - 1, min(following, plan.duration))
        for event, (start, following) in zip(events, pairwise(edges), strict=True)
        if start < following
    ]


def sampling(starts: Sequence[int], end: int) -> list[int]:
    """Instants (ns) of [0, ``end``] to look at: a few hundred at most, ascending, 0 and ``end`` among them.

    After each of ``starts`` they stand in geometric progression up to the last
    nanosecond before the next one. Where there are too many of these for that,
    some are passed over.
    """
    edges = sorted({start for start in starts if 0 <= start <= end})
    edges = edges[:: max(1, -(-2 * len(edges) // _INSTANTS))]
    each = _INSTANTS // max(1, len(edges))
    found = {0, end}
    for start, following in pairwise([*edges, end + 1]):
        last = following - 1 - start
        found.update((start, start + last))
        if last > _FIRST_NS and each > 1:
            steps = np.geomspace(last, _FIRST_NS, each - 1)
            found.update((start + np.rint(steps).astype(np.int64)).tolist())
    return sorted(found)


@dataclass(slots=True)
class _Books:
    """The rows as they come: blocks of columns, one a window and destination, or an instant."""

    plan: FleetPlan | Ases
    windows: list[_Window]
    counted: Bools
    reach: list[tuple[int, str, Block]] = field(default_factory=list)
    sites: list[tuple[str, Block]] = field(default_factory=list)

    def go_through(self, forwarding: Forwarding, destination: Destination) -> None:
        """One destination, from the first event to the last."""
        plan = self.plan
        instants = sampling([window.start for window in self.windows], plan.duration)
        catchments = _Catchments(plan, self.counted, forwarding)
        looked = 0
        first = self.windows[0].start if self.windows else plan.duration + 1
        before = _Window(-1, 0, first - 1, first)
        for number, window in enumerate((before, *self.windows)):
            if number:
                forwarding.open_window(window.start)
            while looked < len(instants) and instants[looked] <= window.last:
                forwarding.advance(instants[looked])
                self.sites.append((destination.name, catchments.at(instants[looked])))
                looked += 1
            forwarding.advance(window.last)
            if number:
                self.reach.append((number, destination.name, self._rows(window, forwarding)))

    def _rows(self, window: _Window, forwarding: Forwarding) -> Block:
        """The rows of one window and destination."""
        it = forwarding.touched()
        mine = self.counted[it.node] & ((it.changes > 0) | (it.one_way_after != it.one_way_before))
        is_delivered = _is_delivered(it.after)
        lost = it.lost + np.where(is_delivered, 0, window.end - it.since)
        columns = {
            "event": np.full(len(it.node), window.event),
            "asn": self.plan.graph.asn[it.node],
            "lost_s": lost / SECOND,
            "back_s": np.where(is_delivered, (it.back - window.start) / SECOND, np.nan),
            "site_before": it.before,
            "site_after": it.after,
            "rtt_before_ms": _rtt(it.one_way_before, it.before),
            "rtt_after_ms": _rtt(it.one_way_after, it.after),
            "changes": it.changes,
        }
        return {name: column[mine] for name, column in columns.items()}

    def tables(self) -> dict[str, Table]:
        """The two tables: by event, destination and AS; by destination, instant and site."""
        reach = sorted(self.reach, key=lambda block: block[0])
        return {
            "reach": _stacked(REACH, [(name, block) for _, name, block in reach]),
            "sites": _stacked(SITES, self.sites),
        }


def _counted(plan: FleetPlan | Ases) -> Bools:
    """(N,) which nodes count as ASes that send packets: not those of a CDN, nor collectors."""
    graph = plan.graph
    cdn = graph.asn[[pop.router for pop in plan.pops]] if plan.pops else graph.asn[:0]
    counted = ~np.isin(graph.asn, cdn)
    counted[list(plan.collectors)] = False
    return counted


class _Catchments:
    """How many ASes each site serves, counted again only after some have moved."""

    def __init__(self, plan: FleetPlan | Ases, counted: Bools, forwarding: Forwarding) -> None:
        self._forwarding = forwarding
        self._nodes = np.flatnonzero(counted)
        self._weight = None if plan.weight is None else plan.weight[self._nodes]
        self._moves = -1
        self._last: Block = {}

    def at(self, instant: int) -> Block:
        """The rows of ``instant``, which is now."""
        if self._moves != self._forwarding.moves:
            self._moves = self._forwarding.moves
            code = self._forwarding.outcomes[self._nodes] - NOWHERE
            ases = np.bincount(code)
            weight = ases if self._weight is None else np.bincount(code, weights=self._weight)
            site = np.flatnonzero(ases)
            self._last = {"site": site + NOWHERE, "ases": ases[site], "weight": weight[site]}
        return {"at_s": np.full(len(self._last["site"]), instant / SECOND), **self._last}


def _is_delivered(outcome: npt.NDArray[np.int32]) -> Bools:
    is_delivered: Bools = (outcome >= 0) | (outcome == NOWHERE)
    return is_delivered


def _rtt(one_way: npt.NDArray[np.int64], outcome: npt.NDArray[np.int32]) -> npt.NDArray[np.float64]:
    return np.where(_is_delivered(outcome), 2 * one_way / MILLISECOND, np.nan)


def _stacked(schema: Schema, blocks: list[tuple[str, Block]]) -> Table:
    """One table of all blocks, each of a destination's name and the other columns."""
    table: Table = {}
    for column, kind in schema.items():
        if kind == "String":
            table[column] = [name for name, block in blocks for _ in range(len(next(iter(block.values()))))]
        else:
            dtype = np.dtype(kind.lower())
            parts = [block[column] for _, block in blocks]
            table[column] = np.concatenate(parts or [np.zeros(0)]).astype(dtype)
    return table
