"""What befalls links and routers beside BGP, noted for forwarding, which is worked out after the run."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from emulator.network.asgraph.graph import AsGraph
    from emulator.timeline import Degrade, Event


class What(IntEnum):
    """What changed."""

    LINK = 0
    """``index`` is a link, ``value`` 1 while it is lit."""
    ROUTER = 1
    """``index`` is a node, ``value`` 1 while it is up."""
    BLACKHOLE = 2
    """``index`` is a node, ``value`` 1 while it drops everything."""
    DELAY = 3
    """``index`` is a slot, the way out of its node; ``value`` the delay added to it, ns."""
    LOSS = 4
    """``index`` is a slot; ``value`` the loss over it, in billionths."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change of the data plane that no routing protocol made."""

    at: int
    what: What
    index: int
    value: int


class Physical:
    """All of them, in the order they came."""

    def __init__(self, graph: AsGraph) -> None:
        """Nothing has happened yet."""
        self.changes: list[Change] = []
        self._graph = graph
        self._degraded: dict[int, dict[int, tuple[int, float]]] = {}

    def set_link(self, at: int, link: int, *, is_up: bool) -> None:
        """A link carries packets, or does not."""
        self.changes.append(Change(at, What.LINK, link, int(is_up)))

    def set_router(self, at: int, router: int, *, is_up: bool) -> None:
        """A router handles packets, or does not."""
        self.changes.append(Change(at, What.ROUTER, router, int(is_up)))

    def set_blackhole(self, at: int, router: int, *, is_on: bool) -> None:
        """A router drops everything, or nothing."""
        self.changes.append(Change(at, What.BLACKHOLE, router, int(is_on)))

    def degrade(self, action: Degrade, event: Event) -> None:
        """Set or clear one event's delay and loss on the directed links that it bears upon."""
        number = event.index if event.repairs is None else event.repairs
        if action.repair:
            slots = [slot for slot, causes in self._degraded.items() if number in causes]
        else:
            slots = self._slots(action)
        for slot in slots:
            causes = self._degraded.setdefault(slot, {})
            if action.repair:
                del causes[number]
            else:
                causes[number] = (action.delay, action.loss)
            kept = 1.0
            for _, loss in causes.values():
                kept *= 1.0 - loss
            delay = sum(each for each, _ in causes.values())
            self.changes.append(Change(event.at, What.DELAY, slot, delay))
            self.changes.append(Change(event.at, What.LOSS, slot, round((1.0 - kept) * 1e9)))

    def _slots(self, action: Degrade) -> list[int]:
        """Both ends of the links named, or all ways into an AS."""
        graph = self._graph
        if action.links:
            ends = [slot for node in _ends(graph, action.links) for slot in graph.slots(node)]
            return [slot for slot in ends if int(graph.link[slot]) in action.links]
        return [int(graph.reverse[slot]) for node in graph.nodes(action.asn) for slot in graph.slots(node)]


def _ends(graph: AsGraph, links: tuple[int, ...]) -> list[int]:
    return list(dict.fromkeys(int(end) for link in links for end in graph.link_ends[link]))
