"""Full speakers on an AS graph: what their forwarding plane was told, for the tables about every AS.

These are made as compact speakers' are (`emulator.sim.fleet.forwarding_reach`),
from the same FIB entries and mishaps, here noted as the plane hears of them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from emulator.fleet import forward_tables as names
from emulator.fleet.forward_nodes import Ground, Routes
from emulator.fleet.tables import LONG_AGO, NONE, OWN
from emulator.forwarding.plane import ForwardingPlane
from emulator.sim.fleet.forwarding_changes import ground_of
from emulator.sim.fleet.forwarding_reach import tables_of
from emulator.sim.fleet.physical import Change, What

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from emulator.forwarding.history import Destination
    from emulator.forwarding.plane import FibEntry
    from emulator.network.model import Network
    from emulator.record.tables import Table
    from emulator.scenario.plan import Ases
    from emulator.timeline import Event

    Ints = npt.NDArray[np.int64]


class Tape(ForwardingPlane):
    """A plane that also keeps what it is told."""

    def __init__(self, network: Network, ases: Ases) -> None:
        """Nothing is routed; ``network`` is that of ``ases``, routers and links numbered as there."""
        super().__init__(network, ases.destinations)
        self._ases = ases
        self._slot_over = _slots_over(ases)
        self._settled: dict[tuple[int, int], int] = {}
        self._routes: list[tuple[int, int, int, int]] = []
        self._mishaps: list[Change] = []
        self._is_running = False

    def start(self) -> None:
        """The network is settled: what is told from now on happens at its instant."""
        self._is_running = True

    def set_route(self, now: int, router: int, prefix: int, entry: FibEntry | None) -> None:
        """As `ForwardingPlane` has it."""
        super().set_route(now, router, prefix, entry)
        if self._is_running:
            self._routes.append((now, router, prefix, self._entry(router, entry)))
        else:
            self._settled[router, prefix] = self._entry(router, entry)

    def set_link(self, now: int, link: int, up: bool) -> None:
        """As `ForwardingPlane` has it."""
        super().set_link(now, link, up)
        self._mishaps.append(Change(now, What.LINK, link, int(up)))

    def set_router(self, now: int, router: int, up: bool) -> None:
        """As `ForwardingPlane` has it."""
        super().set_router(now, router, up)
        self._mishaps.append(Change(now, What.ROUTER, router, int(up)))

    def set_blackhole(self, now: int, router: int, drops: bool) -> None:
        """As `ForwardingPlane` has it."""
        super().set_blackhole(now, router, drops)
        self._mishaps.append(Change(now, What.BLACKHOLE, router, int(drops)))

    def set_degradation(self, now: int, directed_link: int, extra_delay_ns: int, loss: float) -> None:
        """As `ForwardingPlane` has it; what is lost on the way changes nothing for the tables."""
        super().set_degradation(now, directed_link, extra_delay_ns, loss)
        slot = int(self._slot_over[directed_link])
        self._mishaps.append(Change(now, What.DELAY, slot, extra_delay_ns))

    def tables(self, events: Sequence[Event], progress: Callable[[float], None]) -> dict[str, Table]:
        """`reach` and `sites` after the run, with ``events`` in order of time; ``progress`` hears of it."""
        ases = self._ases
        it = _with_discard(ground_of(ases, self._mishaps))
        return tables_of(ases, events, it, self._routes_of, progress)

    def _entry(self, router: int, entry: FibEntry | None) -> int:
        """The entry as arrays have it; what is discarded goes out over the slot after all others."""
        if entry is None:
            return NONE
        if entry.link is not None:
            side = int(self._ases.graph.link_ends[entry.link, 0] != router)
            return int(self._slot_over[2 * entry.link + side])
        # an AS of several routers has no links inside: an egress is out of reach
        return len(self._slot_over) if entry.discard or entry.egress is not None else OWN

    def _routes_of(self, destination: Destination) -> Routes:
        """All entries as changes; the settled ones come when the slot of `_with_discard` goes dark."""
        count = len(destination.prefixes)
        rank = {prefix: place for place, prefix in enumerate(destination.prefixes)}
        settled = [(LONG_AGO, *place, entry) for place, entry in self._settled.items()]
        mine = [each for each in (*settled, *self._routes) if each[2] in rank]
        changes = [(router * count + rank[prefix], entry) for _, router, prefix, entry in mine]
        first = np.full((len(self._ases.graph), count), NONE, np.int32)
        times = np.array([at for at, *_ in mine], np.int64)
        return Routes(first, times, np.array(changes, np.int32).reshape(-1, 2))


def _slots_over(ases: Ases) -> Ints:
    """(2 L,) the slot that leads over each directed link."""
    graph = ases.graph
    slots = np.arange(graph.slot_count)
    side = graph.link_ends[graph.link, 0] != graph.slot_node()
    over = np.empty(graph.slot_count, np.int64)
    over[2 * graph.link.astype(np.int64) + side] = slots
    return over


def _with_discard(it: Ground) -> Ground:
    """``it`` with one slot more, over a link that is dark from the start."""
    dark = np.zeros((1, names.PHYSICAL_WORDS), np.int64)
    dark[0, [names.AT, names.WHAT, names.INDEX]] = LONG_AGO, names.LINK, it.link_count
    return replace(
        it,
        neighbor=np.append(it.neighbor, np.int32(0)),
        link=np.append(it.link, np.int32(it.link_count)),
        delay=np.append(it.delay, np.int64(0)),
        link_count=it.link_count + 1,
        physical=np.concatenate((dark, it.physical)),
    )
