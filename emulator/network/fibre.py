"""Cheapest ways over the fibre for one network: what it has capacity on, and what it would have to buy.

Works on the nodes and spans of `emulator.network.layers` with a *price* a span
(integers in ns of delay; None: not for sale). One search from all of a
network's cities at once divides the world in their cells; every span between
two cells is then a candidate link (Mehlhorn 1988: the candidates hold a minimum
spanning tree of the cities, and several disjoint ways between the same two,
one a cable at least).

Prices follow delay, since capacity is sold by distance, with these exceptions:

- boarding a cable costs `BOARDING_NS` more, for the landing station's
  cross-connect and the margin of one more seller, so a way keeps to one system
  where it can;
- a cable that the network has no capacity on costs several times more, an old
  one of little capacity `OLD` times, and what the same distance costs differs
  from cable to cable by up to `SPREAD`;
- land links in the `RESTRICTED` countries cost `DEAR` times more, except to
  those at home there: international transit keeps away from them.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from emulator.network.layers import Layers, SpanKind, segments_along
from emulator.rng import unit_hash

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

    from emulator.network.physical import PhysicalWorld
    from emulator.units import Duration

UNREACHED = -1
CANDIDATES: Final = 10
BOARDING_NS: Final = 2_500_000
"""A system's two boardings together cost as much as 1000 km of cable."""
SPREAD: Final = 0.25
OLD_BEFORE: Final = 2004
OLD: Final = 1.6
"""What cables that entered service before that year cost more: a tenth of the wavelengths of later ones."""
DEAR: Final = 6
RESTRICTED: Final = frozenset(
    {"AF", "CN", "IQ", "IR", "KZ", "LY", "MN", "RU", "SA", "SD", "SY", "TM", "UZ", "YE"}
)
"""Where licences, sanctions, monopolies or war keep foreign transit off the land routes."""

Price = int | None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A possible link between two of a network's cities, by number; ``segments`` from the first."""

    cost: int
    """By the network's prices."""
    ends: tuple[int, int]
    segments: tuple[int, ...]
    spans: tuple[int, ...]
    delay: int
    """One way, in ns."""


@dataclass(frozen=True, slots=True)
class Way:
    """Fibre from one place to another; ``delay`` is one way, in ns."""

    segments: tuple[int, ...]
    spans: tuple[int, ...]
    delay: int


@dataclass(frozen=True, slots=True)
class Cells:
    """The outcome of a search: for each node the cost from, and the number of, the nearest start."""

    layers: Layers
    cost: list[int]
    """UNREACHED where there is no way."""
    owner: list[int]
    via: list[tuple[int, int]]
    """(span, previous node) on the way from the owner."""

    def spans(self, node: int) -> tuple[int, ...]:
        """Spans from the owner of ``node`` to it."""
        spans = []
        while self.via[node][0] != UNREACHED:
            span, node = self.via[node]
            spans.append(span)
        return tuple(reversed(spans))

    def way(self, node: int) -> Way:
        """The way from the owner of ``node`` to it."""
        spans = self.spans(node)
        segments = segments_along(self.layers, self.owner[node], spans)
        return Way(segments, spans, sum(self.layers.spans[span].delay for span in spans))


@dataclass(frozen=True, slots=True)
class Tariff:
    """What each span costs one network."""

    price: list[Price]
    held: Sequence[bool]
    """Whether it has capacity there: on land everywhere but in `RESTRICTED` countries not its home."""


@dataclass(frozen=True)
class Fibre:
    """The physical world by numbers. Built once a world."""

    names: tuple[str, ...]
    number: dict[str, int]
    layers: Layers
    delays: tuple[Duration | None, ...]
    """Of each span; None if it is not in service."""
    restricted: dict[int, tuple[str, ...]]
    """Of land links in `RESTRICTED` countries, those countries by span."""
    cables: tuple[str | None, ...]
    """For each segment its cable, or None on land."""
    list_price: dict[str, float]
    """For each cable what its delay is multiplied with."""

    def tariff(
        self,
        who: str,
        owned: frozenset[str],
        share: float,
        *,
        rented: float,
        exclusive: bool = False,
        home: frozenset[str] = frozenset(),
    ) -> Tariff:
        """Prices of the network called ``who``, at home in the countries of ``home``.

        It has capacity on the cables in ``owned`` and on every other one with
        probability ``share``, drawn by ``who`` and the cable's name; on the rest
        it pays ``rented`` times as much, or (``exclusive``) gets none.
        """
        factor: dict[str, float | None] = {}
        having = set()
        for cable in self.list_price:
            has = cable in owned or (not exclusive and unit_hash(who, "capacity", cable) < share)
            times = self.list_price[cable] * (1 + SPREAD * unit_hash(who, "price", cable))
            factor[cable] = times if has else None if exclusive else rented * times
            having.update([cable] * has)
        held = [span.cable is None or span.cable in having for span in self.layers.spans]
        for span, where in self.restricted.items():
            held[span] = home.issuperset(where)
        return Tariff(self._prices(factor, home), held)

    def list_prices(self, home: frozenset[str]) -> list[Price]:
        """Prices of whoever has capacity on every cable, at home in the countries of ``home``."""
        return self._prices(dict(self.list_price), home)

    def _prices(self, factor: Mapping[str, float | None], home: frozenset[str]) -> list[Price]:
        price: list[Price] = [*self.delays]
        for span, where in self.restricted.items():
            if not home.issuperset(where):
                price[span] = DEAR * self.layers.spans[span].delay
        for cable, (first, last) in self.layers.of_cable.items():
            times = factor[cable]
            for span in range(first, last):
                delay = price[span]
                price[span] = None if times is None or delay is None else int(delay * times)
            for span in range(first, first + self.layers.boardings[cable]):
                delay = price[span]
                price[span] = None if delay is None else delay + BOARDING_NS
        return price

    def search(self, starts: Iterable[int], price: Sequence[Price], *, radius: int | None = None) -> Cells:
        """Cells of the cities ``starts``; nothing further than ``radius`` is reached."""
        count = self.layers.node_count
        cells = Cells(self.layers, [UNREACHED] * count, [UNREACHED] * count, [(UNREACHED, UNREACHED)] * count)
        reached, owner, via = cells.cost, cells.owner, cells.via
        done = bytearray(count)
        queue: list[tuple[int, int]] = []
        for start in starts:
            reached[start], owner[start] = 0, start
            queue.append((0, start))
        queue.sort()
        pop, push, edges = heapq.heappop, heapq.heappush, self.layers.edges
        while queue:
            here, node = pop(queue)
            if done[node]:
                continue
            done[node] = 1
            for far, span in edges[node]:
                step = price[span]
                if done[far] or step is None:
                    continue
                there = here + step
                if (radius is None or there <= radius) and (
                    reached[far] == UNREACHED or there < reached[far]
                ):
                    reached[far], owner[far], via[far] = there, owner[node], (span, node)
                    push(queue, (there, far))
        return cells

    def candidates(
        self, cells: Cells, price: Sequence[Price], *, out_of: Container[int] | None = None
    ) -> Iterator[Candidate]:
        """A link for every span between two cells, cheapest first, none that rides on a segment twice.

        Of those between the same two cities the `CANDIDATES` cheapest. With ``out_of``
        only links between a city in it and one that is not.
        """
        found = []
        owner, reached = cells.owner, cells.cost
        for span, (step, (first, second)) in enumerate(zip(price, self.layers.ends, strict=True)):
            a, b = owner[first], owner[second]
            if a == b or UNREACHED in (a, b) or step is None:
                continue
            if out_of is not None and (a in out_of) == (b in out_of):
                continue
            total = reached[first] + step + reached[second]
            found.append((total, a, b, span, first, second) if a < b else (total, b, a, span, second, first))
        found.sort()
        taken: dict[tuple[int, int], int] = {}
        for total, a, b, span, first, second in found:
            taken[a, b] = taken.get((a, b), 0) + 1
            if taken[a, b] > CANDIDATES:
                continue
            spans = (*cells.spans(first), span, *reversed(cells.spans(second)))
            segments = segments_along(self.layers, a, spans)
            if len(set(segments)) == len(segments):
                delay = sum(self.layers.spans[index].delay for index in spans)
                yield Candidate(total, (a, b), segments, spans, delay)

    def without(self, price: Sequence[Price], segment: int) -> list[Price]:
        """``price`` with the spans that ride on ``segment`` not for sale."""
        masked = [*price]
        for span in self.layers.on_segment[segment]:
            masked[span] = None
        return masked


def fibre_of(physical: PhysicalWorld, year: int | None = None) -> Fibre:
    """Number ``physical``; cables that entered service after ``year``, if given, are not in service."""
    late = {
        name
        for name, cable in physical.cables.items()
        if year is not None and cable.ready is not None and cable.ready > year
    }
    names = tuple(physical.cities)
    layers = physical.layers
    restricted = {}
    for index, span in enumerate(layers.spans):
        ends = span.ends if span.kind is SpanKind.LAND else ()
        countries = dict.fromkeys(physical.cities[names[end]].country for end in ends)
        if not RESTRICTED.isdisjoint(countries):
            restricted[index] = tuple(code for code in countries if code in RESTRICTED)
    return Fibre(
        names,
        {name: index for index, name in enumerate(names)},
        layers,
        tuple(None if span.cable in late else span.delay for span in layers.spans),
        restricted,
        tuple(segment.cable for segment in physical.segments),
        {
            name: OLD if cable.ready is not None and cable.ready < OLD_BEFORE else 1.0
            for name, cable in physical.cables.items()
        },
    )
