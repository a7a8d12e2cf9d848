"""Shortest ways over the fibre for one network: what it owns is cheap, what it would have to buy is not.

Works on city and segment numbers with a *cost* a segment (integers; None: not
for sale). One search from all of a network's cities at once divides the world
in their cells; every segment between two cells is then a candidate link
(Mehlhorn 1988: the candidates hold a minimum spanning tree of the cities, and
several disjoint ways between the same two).
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from emulator.network.physical import PhysicalWorld
    from emulator.units import Duration

UNREACHED = -1


@dataclass(frozen=True, slots=True)
class Candidate:
    """A possible link between two of a network's cities, by number; ``segments`` from the first."""

    cost: int
    ends: tuple[int, int]
    segments: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Cells:
    """The outcome of a search: for each city the cost from, and the number of, the nearest start."""

    cost: list[int]
    """UNREACHED where there is no way."""
    owner: list[int]
    via: list[tuple[int, int]]
    """(segment, previous city) on the way from the owner."""

    def path(self, city: int) -> tuple[int, ...]:
        """Segments from the owner of ``city`` to it."""
        segments = []
        while self.via[city][0] != UNREACHED:
            segment, city = self.via[city]
            segments.append(segment)
        return tuple(reversed(segments))


@dataclass(frozen=True)
class Fibre:
    """The physical world by numbers. Built once a world."""

    names: tuple[str, ...]
    number: dict[str, int]
    edges: tuple[tuple[tuple[int, int], ...], ...]
    """For each city (far city, segment), in segment order."""
    ends: tuple[tuple[int, int], ...]
    """For each segment its cities."""
    delays: tuple[Duration, ...]
    prices: tuple[int | None, ...]
    """The delays, None for a segment that is not in service."""
    cables: tuple[str | None, ...]
    """For each segment its cable, or None on land."""

    def delay(self, segments: Iterable[int]) -> int:
        """Nanoseconds one way over ``segments``."""
        return sum(self.delays[segment] for segment in segments)

    def search(
        self, starts: Iterable[int], cost: Sequence[int | None], *, radius: int | None = None
    ) -> Cells:
        """Cells of ``starts``; nothing further than ``radius`` is reached."""
        count = len(self.names)
        cells = Cells([UNREACHED] * count, [UNREACHED] * count, [(UNREACHED, UNREACHED)] * count)
        reached, owner, via = cells.cost, cells.owner, cells.via
        done = bytearray(count)
        queue: list[tuple[int, int]] = []
        for start in starts:
            reached[start], owner[start] = 0, start
            queue.append((0, start))
        queue.sort()
        pop, push, edges = heapq.heappop, heapq.heappush, self.edges
        while queue:
            here, city = pop(queue)
            if done[city]:
                continue
            done[city] = 1
            for far, segment in edges[city]:
                price = cost[segment]
                if done[far] or price is None:
                    continue
                there = here + price
                if (radius is None or there <= radius) and (
                    reached[far] == UNREACHED or there < reached[far]
                ):
                    reached[far], owner[far], via[far] = there, owner[city], (segment, city)
                    push(queue, (there, far))
        return cells

    def candidates(self, cells: Cells, cost: Sequence[int | None]) -> list[Candidate]:
        """A link for every segment between two cells, cheapest first."""
        found = []
        for segment, (first, second) in enumerate(self.ends):
            price = cost[segment]
            a, b = cells.owner[first], cells.owner[second]
            if a == b or UNREACHED in (a, b) or price is None:
                continue
            total = cells.cost[first] + price + cells.cost[second]
            found.append(
                (total, a, b, segment, first, second) if a < b else (total, b, a, segment, second, first)
            )
        found.sort()
        return [
            Candidate(total, (a, b), (*cells.path(first), segment, *reversed(cells.path(second))))
            for total, a, b, segment, first, second in found
        ]


def fibre_of(physical: PhysicalWorld, year: int | None = None) -> Fibre:
    """Number ``physical``; cables that entered service after ``year``, if given, are not in service."""
    late = {
        name
        for name, cable in physical.cables.items()
        if year is not None and cable.ready is not None and cable.ready > year
    }
    names = tuple(physical.cities)
    number = {name: index for index, name in enumerate(names)}
    ends = tuple((number[segment.ends[0]], number[segment.ends[1]]) for segment in physical.segments)
    edges: list[list[tuple[int, int]]] = [[] for _ in names]
    for segment, (first, second) in enumerate(ends):
        edges[first].append((second, segment))
        edges[second].append((first, segment))
    return Fibre(
        names,
        number,
        tuple(map(tuple, edges)),
        ends,
        physical.segment_delays,
        tuple(
            None if segment.cable in late else delay
            for segment, delay in zip(physical.segments, physical.segment_delays, strict=True)
        ),
        tuple(segment.cable for segment in physical.segments),
    )
