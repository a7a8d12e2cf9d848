"""The fibre as it is sold: land links, and submarine cable systems that one boards, rides and leaves.

Capacity on a cable is bought from one landing to another; in between it passes
the other landings by, on the trunk, and pays for terminal equipment at its two
ends alone. So every cable is a layer of its own over the cities: a *boarding*
leads from a city to the cable's landing there, by the branch from beach to
trunk; between landings one stays on the layer. A system in two parts that
goes on over land (Egypt, the Kra isthmus, Panama) is one layer: its *crossing*
is the shortest land way between the parts within one country.
"""

from __future__ import annotations

import heapq
import itertools
import math
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from emulator.units import Duration

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from emulator.network.physical import Cable, PhysicalWorld

CROSSING_MAX_KM: Final = 600
"""Parts of a system that are further apart on land than this are not joined."""


class SpanKind(Enum):
    """What a span is."""

    LAND = "land"
    SEA = "sea"
    CROSSING = "crossing"
    BOARDING = "boarding"


@dataclass(frozen=True, slots=True)
class Span:
    """An edge between two nodes; ``segments`` from the first, none for a boarding."""

    kind: SpanKind
    ends: tuple[int, int]
    segments: tuple[int, ...]
    delay: Duration
    """One way, in ns."""
    cable: str | None
    """The system on whose layer it is, or that it boards."""
    trunk_km: float
    """Kilometres of fibre: less than the segment's at sea, the branches being the boardings' part."""


@dataclass(frozen=True)
class Layers:
    """The graph. Nodes below ``city_count`` are cities in the world's order, the others landings."""

    city_count: int
    node_count: int
    spans: tuple[Span, ...]
    ends: tuple[tuple[int, int], ...]
    """Of each span."""
    edges: tuple[tuple[tuple[int, int], ...], ...]
    """For each node (far node, span), in the order of the spans."""
    on_segment: tuple[tuple[int, ...], ...]
    """For each segment the spans that a cut of it severs."""
    of_cable: dict[str, tuple[int, int]]
    """For each cable the first of its spans, and the first that is not its any more."""
    boardings: dict[str, int]
    """How many of a cable's spans, the first ones, are boardings."""


def layers_of(physical: PhysicalWorld) -> Layers:
    """The layered graph of ``physical``: land, then cable by cable boardings, sea and crossings."""
    number = {name: index for index, name in enumerate(physical.cities)}
    spans = [
        Span(
            SpanKind.LAND,
            (number[segment.ends[0]], number[segment.ends[1]]),
            (segment.index,),
            _land_delay(physical, segment.index),
            None,
            segment.length_km,
        )
        for segment in physical.segments
        if segment.cable is None
    ]
    node_count = len(number)
    of_cable: dict[str, tuple[int, int]] = {}
    boardings: dict[str, int] = {}
    for cable in physical.cables.values():
        landings = {city: node_count + place for place, city in enumerate(physical.landings_of(cable.name))}
        node_count += len(landings)
        first_span = len(spans)
        spans += _system(physical, cable, number, landings)
        of_cable[cable.name] = (first_span, len(spans))
        boardings[cable.name] = len(landings)
    edges: list[list[tuple[int, int]]] = [[] for _ in range(node_count)]
    on_segment: list[list[int]] = [[] for _ in physical.segments]
    for index, span in enumerate(spans):
        first, second = span.ends
        edges[first].append((second, index))
        edges[second].append((first, index))
        for segment in span.segments:
            on_segment[segment].append(index)
    return Layers(
        len(number),
        node_count,
        tuple(spans),
        tuple(span.ends for span in spans),
        tuple(map(tuple, edges)),
        tuple(map(tuple, on_segment)),
        of_cable,
        boardings,
    )


def _land_delay(physical: PhysicalWorld, index: int) -> Duration:
    segment = physical.segments[index]
    first, second = (physical.cities[end].country for end in segment.ends)
    return physical.latency.land_delay(segment.length_km, border=first != second)


def _system(
    physical: PhysicalWorld, cable: Cable, number: dict[str, int], landings: dict[str, int]
) -> Iterator[Span]:
    """The spans of one cable."""
    latency, name = physical.latency, cable.name
    crossings = list(_crossings(physical, cable))
    ends = {end for crossing in crossings for end in crossing[:2]}
    branch = {city: 0.0 if city in ends else km for city, km in cable.branches}
    for city, node in landings.items():
        km = branch.get(city, 0.0)
        yield Span(SpanKind.BOARDING, (number[city], node), (), latency.boarding_delay(km), name, km)
    for index in cable.segments:
        first, second = physical.segments[index].ends
        km = physical.segments[index].length_km - branch.get(first, 0.0) - branch.get(second, 0.0)
        between, km = (landings[first], landings[second]), max(km, 0.0)
        yield Span(SpanKind.SEA, between, (index,), latency.sea_delay(km), name, km)
    for first, second, length in cable.express:
        riding = _along(physical, cable, first, second)
        km = max(length - branch.get(first, 0.0) - branch.get(second, 0.0), 0.0)
        if riding:
            yield Span(
                SpanKind.SEA, (landings[first], landings[second]), riding, latency.sea_delay(km), name, km
            )
    for first, second, way in crossings:
        delay = Duration(sum(_land_delay(physical, index) for index in way))
        km = sum(physical.segments[index].length_km for index in way)
        yield Span(SpanKind.CROSSING, (landings[first], landings[second]), way, delay, name, km)


def _crossings(physical: PhysicalWorld, cable: Cable) -> Iterator[tuple[str, str, tuple[int, ...]]]:
    """For each two parts of ``cable`` their nearest landings over land in one country, and the way."""
    parts = _parts(physical, cable)
    for first, second in itertools.combinations(parts, 2):
        countries = {physical.cities[city].country for city in first}
        best: tuple[float, str, str, tuple[int, ...]] | None = None
        for start in first:
            country = physical.cities[start].country
            goals = {city for city in second if physical.cities[city].country == country in countries}
            found = _over_land(physical, start, goals) if goals else None
            if found is not None and (best is None or found < best):
                best = found
        if best is not None:
            yield best[1:]


def _parts(physical: PhysicalWorld, cable: Cable) -> list[list[str]]:
    """The landings of ``cable`` by connected part, each in the order of the table."""
    parts: list[list[str]] = []
    for index in cable.segments:
        ends = physical.segments[index].ends
        touched = [part for part in parts if ends[0] in part or ends[1] in part]
        joined = list(dict.fromkeys([*itertools.chain.from_iterable(touched), *ends]))
        parts = [*(part for part in parts if part not in touched), joined]
    return parts


def _over_land(
    physical: PhysicalWorld, start: str, goals: Iterable[str]
) -> tuple[float, str, str, tuple[int, ...]] | None:
    """Kilometres, both ends and segments of the shortest land way to a goal inside ``start``'s country."""
    wanted = frozenset(goals)
    return _shortest(physical.land_links(physical.cities[start].country), start, wanted, CROSSING_MAX_KM)


def _along(physical: PhysicalWorld, cable: Cable, first: str, second: str) -> tuple[int, ...]:
    """The segments of ``cable`` from ``first`` to ``second``, none if they lie on separate parts."""
    links: dict[str, list[tuple[str, float, int]]] = {}
    for index in cable.segments:
        segment = physical.segments[index]
        for here, far in (segment.ends, segment.ends[::-1]):
            links.setdefault(here, []).append((far, segment.length_km, index))
    found = _shortest(links, first, frozenset({second}), math.inf)
    return () if found is None else found[3]


def _shortest(
    links: Mapping[str, Sequence[tuple[str, float, int]]], start: str, wanted: frozenset[str], limit_km: float
) -> tuple[float, str, str, tuple[int, ...]] | None:
    """Kilometres, both ends and segments of the shortest way from ``start`` to one of ``wanted``."""
    queue: list[tuple[float, str, tuple[int, ...]]] = [(0.0, start, ())]
    done: set[str] = set()
    while queue:
        km, city, way = heapq.heappop(queue)
        if city in wanted:
            return km, start, city, way
        if city in done:
            continue
        done.add(city)
        for far, length, index in links.get(city, ()):
            if far not in done and km + length <= limit_km:
                heapq.heappush(queue, (km + length, far, (*way, index)))
    return None


def cheapest(
    layers: Layers, start: int, cost: Sequence[int | None]
) -> Iterator[tuple[int, int, tuple[int, ...]]]:
    """Dijkstra's algorithm: yield (city, cost, spans) of every city that ``start`` reaches, nearest first.

    Equal costs are decided by the order of nodes and spans.
    """
    edges = layers.edges
    best: dict[int, int] = {start: 0}
    paths: dict[int, tuple[int, ...]] = {}
    via: dict[int, tuple[int, int]] = {}
    queue = [(0, start)]
    while queue:
        here, node = heapq.heappop(queue)
        if node in paths:
            continue
        path: tuple[int, ...] = ()
        if node != start:
            previous, span = via[node]
            path = (*paths[previous], span)
        paths[node] = path
        if node < layers.city_count:
            yield node, here, path
        for far, span in edges[node]:
            price = cost[span]
            if far in paths or price is None:
                continue
            there = here + price
            if far not in best or there < best[far]:
                best[far] = there
                via[far] = (node, span)
                heapq.heappush(queue, (there, far))


def segments_along(layers: Layers, start: int, spans: Iterable[int]) -> tuple[int, ...]:
    """The segments of ``spans`` one after the other from node ``start``."""
    segments: list[int] = []
    node = start
    for index in spans:
        span = layers.spans[index]
        forward = span.ends[0] == node
        segments.extend(span.segments if forward else reversed(span.segments))
        node = span.ends[1] if forward else span.ends[0]
    return tuple(segments)
