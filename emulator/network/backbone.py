"""One transit network's backbone: which pairs of its cities it joins, and over which fibre.

A network owns or rents capacity on all land fibre and on some submarine cables
(those its entry names, and a seeded share of the others); whatever else it
needs to hold its cities together it buys. `emulator.network.fibre` says what
fibre costs it. Its links are a greedy spanner of
the candidates (Althofer et al. 1993): a link is built where the way round
would be `STRETCH` times longer. Then come second ways: past every submarine
segment that carries a link, as far as the network's size affords them, and
round every single segment whose cut would part the network.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from emulator.network.fibre import UNREACHED, Candidate
from emulator.rng import unit_hash

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from emulator.network.fibre import Fibre, Price, Tariff

STRETCH: Final = 1.25
"""A link is built where the way over existing links is longer than this many times its own length."""
DETOUR: Final = 1.5
"""A second way past a submarine segment is sought where the detour without it is this many times longer."""
CAPACITY_SHARE: Final = 0.03
"""Probability, times its size, that a network has capacity on a cable that its entry does not name."""
RENTED: Final = 2.5
"""What a kilometre on a cable that a network has no capacity on costs, against one where it has."""
LEASED: Final = 1.6
"""The same for a single link: where the way round is much longer, customers make it worth its price."""
PARALLEL: Final = 4
"""Candidates kept between the same two cities."""
LEASING_SIZE: Final = 5
"""Tier-1 networks and those of this size lease fibre for links that would otherwise take a long way round."""
PROTECTED_SIZE: Final = 6
"""Tier-1 networks and those of this size buy fibre to keep any one cut from parting them."""
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
    home: frozenset[str]
    """Countries where it stands in two cities or more."""
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

    def tree(self, start: int) -> list[Candidate]:
        """Links that hold together all that ``start`` reaches: no cut parts it but of one of these."""
        seen = {start}
        stack = [start]
        links = []
        while stack:
            for _, far, link in self.adjacent.get(stack.pop(), ()):
                if far not in seen:
                    seen.add(far)
                    stack.append(far)
                    links.append(link)
        return links

    def riding(self) -> dict[int, list[Candidate]]:
        """Links by the segment they ride on, segments ascending."""
        riders: dict[int, list[Candidate]] = {}
        for link in self.links:
            for segment in link.segments:
                riders.setdefault(segment, []).append(link)
        return dict(sorted(riders.items()))


def build_backbone(fibre: Fibre, transit: Transit, seed: int) -> tuple[list[Candidate], tuple[int, ...]]:
    """The links of ``transit`` and the cities that no fibre of its reaches.

    Depends on the world, the network and the seed, on no other network.
    """
    who = f"{seed}/AS{transit.asn}"
    share = CAPACITY_SHARE * transit.size
    tariff = fibre.tariff(
        who, transit.cables, share, rented=RENTED, exclusive=transit.exclusive, home=transit.home
    )
    found = list(fibre.candidates(fibre.search(transit.cities, tariff.price), tariff.price))
    bought, unreached = _spanning(transit.cities, found)
    paid = {
        cable
        for link in bought
        for span in link.spans
        if not tariff.held[span] and (cable := fibre.layers.spans[span].cable) is not None
    }
    owned = transit.cables | paid
    if paid:
        tariff = fibre.tariff(
            who, owned, share, rented=RENTED, exclusive=transit.exclusive, home=transit.home
        )
        found = list(fibre.candidates(fibre.search(transit.cities, tariff.price), tariff.price))
    plan = _Plan(transit.cities)
    choice = _affordable(fibre, found, tariff)
    dearer = _few(fibre, _on_lease(fibre, found, tariff)) if _buys(transit, LEASING_SIZE) else []
    for link in sorted([*_priced(bought, tariff), *choice, *dearer], key=_order):
        reach = plan.distances(link.ends[0], limit=STRETCH * link.cost)
        if link.ends[1] not in reach:
            plan.add(link)
    _second_ways(fibre, plan, choice, transit, who)
    _protect(fibre, plan, choice, tariff.price, transit)
    return sorted(plan.links, key=_order), unreached


def _buys(transit: Transit, size: int) -> bool:
    return transit.tier == 1 or transit.size >= size


def _priced(links: Iterable[Candidate], tariff: Tariff) -> list[Candidate]:
    """``links`` at the prices of ``tariff``."""
    return [replace(link, cost=sum(tariff.price[span] or 0 for span in link.spans)) for link in links]


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


def _held(link: Candidate, tariff: Tariff) -> bool:
    return all(tariff.held[span] for span in link.spans)


def _on_lease(fibre: Fibre, found: Iterable[Candidate], tariff: Tariff) -> Iterator[Candidate]:
    """Candidates with sea fibre that the network would lease for one link, at `LEASED` times the delay."""
    for link in found:
        lacking = [span for span in link.spans if not tariff.held[span]]
        if lacking and all(fibre.layers.spans[span].cable is not None for span in lacking):
            yield replace(link, cost=int(LEASED * link.delay))


def _affordable(fibre: Fibre, found: list[Candidate], tariff: Tariff) -> list[Candidate]:
    """Candidates on fibre that the network has, few between the same cities."""
    return _few(fibre, (link for link in found if _held(link, tariff)))


def _few(fibre: Fibre, found: Iterable[Candidate]) -> list[Candidate]:
    """Of candidates between the same cities those disjoint at sea, `PARALLEL` at most."""
    kept: dict[tuple[int, int], list[set[int]]] = {}
    links = []
    for link in found:
        at_sea = {segment for segment in link.segments if fibre.cables[segment] is not None}
        others = kept.setdefault(link.ends, [])
        if len(others) >= PARALLEL or any(at_sea & other or not (at_sea or other) for other in others):
            continue
        others.append(at_sea)
        links.append(link)
    return links


def _second_ways(fibre: Fibre, plan: _Plan, choice: list[Candidate], transit: Transit, who: str) -> None:
    """Where a cable carries a link and the way round is long, add the link that shortens it most."""
    for segment, riders in plan.riding().items():
        cable = fibre.cables[segment]
        spared = cable not in transit.cables and unit_hash(who, "second way", cable or "") > transit.size / 10
        if cable is None or spared:
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
    fibre: Fibre, plan: _Plan, choice: list[Candidate], price: list[Price], transit: Transit
) -> None:
    """Give every segment whose cut would part the network a way round, where one is to be had."""
    everything = plan.component(transit.cities[0])
    critical = {segment for link in plan.tree(transit.cities[0]) for segment in link.segments}
    for segment in sorted(critical):
        here = plan.component(transit.cities[0], without=segment)
        if len(here) == len(everything):
            continue
        crossing = (
            link
            for link in choice
            if segment not in link.segments and (link.ends[0] in here) != (link.ends[1] in here)
        )
        way = next(crossing, None)
        if way is None and _buys(transit, PROTECTED_SIZE):
            masked = fibre.without(price, segment)
            cells = fibre.search(transit.cities, masked)
            way = next(fibre.candidates(cells, masked, out_of=here), None)
        if way is not None:
            plan.add(way)
