"""One transit network's backbone: which pairs of its cities it joins, and over which fibre.

A network owns or rents capacity on all land fibre and on some submarine cables
(those its entry names, and a seeded share of the others); whatever else it
needs to hold its cities together it buys. Its links are a greedy spanner of
the candidates (Althofer et al. 1993): a link is built where the way round
would be `STRETCH` times longer. Then come second ways: past every submarine
segment that carries a link, as far as the network's size affords them, and
round every single segment whose cut would part the network.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from emulator.network.fibre import UNREACHED, Candidate
from emulator.rng import unit_hash

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from emulator.network.fibre import Fibre

STRETCH: Final = 1.25
"""A link is built where the way over existing links is longer than this many times its own length."""
DETOUR: Final = 1.5
"""A second way past a submarine segment is sought where the detour without it is this many times longer."""
RENTED: Final = 4
"""What a kilometre on a cable that a network has no capacity on costs, against one where it has."""
PARALLEL: Final = 4
"""Candidates kept between the same two cities."""
PROTECTED_SIZE: Final = 6
"""Networks of this size and more buy fibre to keep any one cut from parting them."""
DETOUR_MIN_NS: Final = 10_000_000
"""A detour that costs less than this is no reason for a second way."""


@dataclass(frozen=True, slots=True)
class Transit:
    """A transit network, its spec and the table joined. Cities are numbers of the `Fibre`."""

    asn: int
    name: str
    tier: int
    size: int
    markets: tuple[str, ...]
    cities: tuple[int, ...]
    cables: frozenset[str]
    exclusive: bool
    """It has no capacity but on ``cables``, and buys none."""
    providers: tuple[int, ...]
    explicit_providers: bool
    """The spec names its providers: it buys from all of them, and from nobody else."""
    path: str
    """Where it stands in the spec."""


@dataclass(slots=True)
class _Plan:
    """Links chosen so far, and how far apart they leave the cities."""

    cities: tuple[int, ...]
    links: list[Candidate] = field(default_factory=list)
    adjacent: dict[int, list[tuple[int, int, Candidate]]] = field(default_factory=dict)

    def add(self, link: Candidate) -> None:
        first, second = link.ends
        self.links.append(link)
        self.adjacent.setdefault(first, []).append((link.cost, second, link))
        self.adjacent.setdefault(second, []).append((link.cost, first, link))

    def distances(self, start: int, *, limit: float = math.inf, without: int = UNREACHED) -> dict[int, int]:
        """Cost from ``start`` to every city within ``limit``, over links that avoid segment ``without``."""
        done: dict[int, int] = {}
        queue = [(0, start)]
        while queue:
            here, city = heapq.heappop(queue)
            if city in done:
                continue
            done[city] = here
            for step, far, link in self.adjacent.get(city, ()):
                if here + step <= limit and far not in done and without not in link.segments:
                    heapq.heappush(queue, (here + step, far))
        return done

    def component(self, start: int, *, without: int = UNREACHED) -> set[int]:
        """Cities that ``start`` reaches when ``without`` is cut."""
        seen = {start}
        stack = [start]
        while stack:
            for _, far, link in self.adjacent.get(stack.pop(), ()):
                if far not in seen and without not in link.segments:
                    seen.add(far)
                    stack.append(far)
        return seen

    def riding(self) -> dict[int, list[Candidate]]:
        """Links by the segment they ride on, segments ascending."""
        riders: dict[int, list[Candidate]] = {}
        for link in self.links:
            for segment in link.segments:
                riders.setdefault(segment, []).append(link)
        return dict(sorted(riders.items()))


def cable_costs(
    fibre: Fibre, who: str, owned: frozenset[str], share: float, *, exclusive: bool, rented: int = RENTED
) -> list[int | None]:
    """What each segment costs the network called ``who``: its delay, a multiple of it, or not for sale.

    It has capacity on the cables in ``owned`` and on every other one with
    probability ``share``, drawn by ``who`` and the cable's name.
    """
    factor: dict[str | None, int | None] = {None: 1}
    for cable in dict.fromkeys(fibre.cables):
        if cable is not None:
            has = cable in owned or (not exclusive and unit_hash(who, "capacity", cable) < share)
            factor[cable] = 1 if has else None if exclusive else rented
    factors = (factor[cable] for cable in fibre.cables)
    return [
        None if times is None or price is None else times * price
        for times, price in zip(factors, fibre.prices, strict=True)
    ]


def build_backbone(fibre: Fibre, transit: Transit, seed: int) -> tuple[list[Candidate], tuple[int, ...]]:
    """The links of ``transit`` (cost: one-way delay in ns) and the cities that no fibre of its reaches.

    Depends on the world, the network and the seed, on no other network.
    """
    who = f"{seed}/AS{transit.asn}"
    price = cable_costs(fibre, who, transit.cables, 0.045 * transit.size, exclusive=transit.exclusive)
    found = fibre.candidates(fibre.search(transit.cities, price), price)
    bought, unreached = _spanning(transit.cities, found)
    paid = {fibre.cables[segment] for link in bought for segment in link.segments}
    price = [
        delay if cost is not None and fibre.cables[segment] in paid else cost
        for segment, (cost, delay) in enumerate(zip(price, fibre.delays, strict=True))
    ]
    plan = _Plan(transit.cities)
    choice = _affordable(fibre, fibre.candidates(fibre.search(transit.cities, price), price))
    for link in sorted([*bought_at_delay(fibre, bought), *choice], key=_order):
        reach = plan.distances(link.ends[0], limit=STRETCH * link.cost)
        if link.ends[1] not in reach:
            plan.add(link)
    _second_ways(fibre, plan, choice, transit, who)
    _protect(fibre, plan, choice, price, transit)
    return sorted(plan.links, key=_order), unreached


def bought_at_delay(fibre: Fibre, links: Iterable[Candidate]) -> list[Candidate]:
    """``links`` with the delay for a cost."""
    return [Candidate(fibre.delay(link.segments), link.ends, link.segments) for link in links]


def _order(link: Candidate) -> tuple[int, tuple[int, int], tuple[int, ...]]:
    return link.cost, link.ends, link.segments


def _spanning(cities: tuple[int, ...], found: list[Candidate]) -> tuple[list[Candidate], tuple[int, ...]]:
    """Kruskal's tree over ``found`` (cheapest first), and the cities apart from the largest part."""
    root = {city: city for city in cities}

    def top(city: int) -> int:
        while root[city] != city:
            root[city] = root[root[city]]
            city = root[city]
        return city

    tree = []
    for link in found:
        a, b = top(link.ends[0]), top(link.ends[1])
        if a != b:
            root[a] = b
            tree.append(link)
    parts: dict[int, list[int]] = {}
    for city in cities:
        parts.setdefault(top(city), []).append(city)
    largest = max(parts.values(), key=len)
    return tree, tuple(city for city in cities if city not in largest)


def _affordable(fibre: Fibre, found: list[Candidate]) -> list[Candidate]:
    """Candidates on fibre that the network has, few between the same cities and those disjoint at sea."""
    kept: dict[tuple[int, int], list[set[int]]] = {}
    links = []
    for link in found:
        at_sea = {segment for segment in link.segments if fibre.cables[segment] is not None}
        others = kept.setdefault(link.ends, [])
        if link.cost != fibre.delay(link.segments) or len(others) >= PARALLEL:
            continue
        if any(at_sea & other or not (at_sea or other) for other in others):
            continue
        others.append(at_sea)
        links.append(link)
    return links


def _second_ways(fibre: Fibre, plan: _Plan, choice: list[Candidate], transit: Transit, who: str) -> None:
    """Where a cable carries a link and the way round is long, add the link that shortens it most."""
    for segment, riders in plan.riding().items():
        cable = fibre.cables[segment]
        if cable is None or unit_hash(who, "second way", cable) > transit.size / 10:
            continue
        for link in riders:
            first, second = link.ends
            near = plan.distances(first, without=segment)
            detour = near.get(second, math.inf)
            if detour <= max(DETOUR * link.cost, link.cost + DETOUR_MIN_NS):
                continue
            far = plan.distances(second, without=segment)
            best = _shortcut(choice, near, far, segment)
            if best is not None and best[0] < 0.8 * detour:
                plan.add(best[1])


def _shortcut(
    choice: Sequence[Candidate], near: dict[int, int], far: dict[int, int], segment: int
) -> tuple[int, Candidate] | None:
    """The candidate off ``segment`` on the shortest way between the starts of ``near`` and ``far``."""
    best: tuple[int, Candidate] | None = None
    for link in choice:
        for a, b in (link.ends, link.ends[::-1]):
            if a in near and b in far:
                total = near[a] + link.cost + far[b]
                if (best is None or total < best[0]) and segment not in link.segments:
                    best = total, link
    return best


def _protect(
    fibre: Fibre, plan: _Plan, choice: list[Candidate], price: list[int | None], transit: Transit
) -> None:
    """Give every segment whose cut would part the network a way round, where one is to be had."""
    everything = plan.component(transit.cities[0])
    for segment in plan.riding():
        here = plan.component(transit.cities[0], without=segment)
        if len(here) == len(everything):
            continue
        crossing = (
            link
            for link in choice
            if segment not in link.segments and (link.ends[0] in here) != (link.ends[1] in here)
        )
        way = next(crossing, None)
        if way is None and transit.size >= PROTECTED_SIZE:
            masked: list[int | None] = [*price]
            masked[segment] = None
            anew = fibre.candidates(fibre.search(transit.cities, masked), masked)
            crossing = (link for link in anew if (link.ends[0] in here) != (link.ends[1] in here))
            way = next(crossing, None)
        if way is not None:
            plan.add(*bought_at_delay(fibre, [way]))
