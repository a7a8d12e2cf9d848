"""The physical network: cities, the fibre between them, and the shortest ways through it.

`builtin_world` is the world that ships with the package, `PhysicalWorld` the
graph. Cables and cities are known by name; segments by their index, so that a
set of cut segments is a mask.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING

from emulator.errors import InputError
from emulator.network.geo import great_circle_km
from emulator.network.latency import CALIBRATED, LatencyModel
from emulator.network.layers import Layers, cheapest, layers_of, segments_along
from emulator.units import Duration

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from emulator.network.model import City, Segment

_SUGGESTIONS = 5


class UnknownNameError(InputError):
    """A city or cable that the world does not have, or that is not on the cable asked for."""

    def __init__(self, what: str, name: str, candidates: tuple[str, ...]) -> None:
        """``what`` names the kind of thing (``"cable"``); ``candidates`` the closest names, best first."""
        super().__init__(what, name, candidates)
        self.what = what
        self.name = name
        self.candidates = candidates

    def __str__(self) -> str:
        """``no cable 'SMW4'; did you mean 'SEA-ME-WE-4'?``."""
        hint = f"; did you mean {' or '.join(map(repr, self.candidates))}?" if self.candidates else ""
        return f"no {self.what} {self.name!r}{hint}"


@dataclass(frozen=True, slots=True)
class Cable:
    """A submarine cable system."""

    name: str
    ready: int | None
    """Year of entry into service, where known."""
    published_km: float | None
    """Length of the whole system as its owners state it, where known."""
    segments: tuple[int, ...]
    """In the order of the table: each trunk from end to end, then its branches."""
    branches: tuple[tuple[str, float], ...] = ()
    """Landings that the trunk passes by at sea, and the kilometres of the branch to each."""
    express: tuple[tuple[str, str, float], ...] = ()
    """Pairs of landings with others between them that share a branch, and the kilometres past it."""


@dataclass(frozen=True, slots=True)
class Route:
    """A way through the fibre; ``delay`` is one way, ``segments`` in order from the start."""

    delay: Duration
    segments: tuple[int, ...]
    spans: tuple[int, ...]
    """The same way in terms of `PhysicalWorld.layers`."""


@dataclass(frozen=True)
class PhysicalWorld:
    """Cities joined by segments of fibre. Immutable; safe to share."""

    cities: dict[str, City]
    segments: tuple[Segment, ...]
    cables: dict[str, Cable]
    landing_only: frozenset[str]
    """Cities that are cable landing places and nothing more: no routers, no clients."""
    latency: LatencyModel = CALIBRATED

    @cached_property
    def cable_names(self) -> tuple[str, ...]:
        """All cables, sorted."""
        return tuple(sorted(self.cables))

    @cached_property
    def layers(self) -> Layers:
        """The fibre as it is sold: whole stretches of cable systems, and land links."""
        return layers_of(self)

    @cached_property
    def _land_links(self) -> dict[str, dict[str, tuple[tuple[str, float, int], ...]]]:
        links: dict[str, dict[str, list[tuple[str, float, int]]]] = {}
        for segment in self.segments:
            first, second = segment.ends
            country = self.cities[first].country
            if segment.cable is None and country == self.cities[second].country:
                inside = links.setdefault(country, {})
                inside.setdefault(first, []).append((second, segment.length_km, segment.index))
                inside.setdefault(second, []).append((first, segment.length_km, segment.index))
        return {
            country: {city: tuple(ways) for city, ways in inside.items()} for country, inside in links.items()
        }

    def land_links(self, country: str) -> Mapping[str, tuple[tuple[str, float, int], ...]]:
        """Inside ``country``, for each city (far city, km, segment) of its land links."""
        return self._land_links.get(country, {})

    @cached_property
    def _names(self) -> tuple[str, ...]:
        return tuple(self.cities)

    @cached_property
    def _number(self) -> dict[str, int]:
        return {name: number for number, name in enumerate(self.cities)}

    def city(self, name: str) -> City:
        """The city called ``name``; raises `UnknownNameError` with the closest names."""
        if name not in self.cities:
            what = "city"
            raise UnknownNameError(what, name, close_names(name, self.cities))
        return self.cities[name]

    def cable(self, name: str) -> Cable:
        """The cable called ``name``; raises `UnknownNameError` with the closest names."""
        if name not in self.cables:
            what = "cable"
            raise UnknownNameError(what, name, close_names(name, self.cables))
        return self.cables[name]

    def segments_of(self, cable: str) -> tuple[int, ...]:
        """Every segment of ``cable``; raises `UnknownNameError`."""
        return self.cable(cable).segments

    def landings_of(self, cable: str) -> tuple[str, ...]:
        """The cities where ``cable`` lands, in the order of its segments; raises `UnknownNameError`."""
        ends = (end for index in self.segments_of(cable) for end in self.segments[index].ends)
        return tuple(dict.fromkeys(ends))

    def segments_between(self, cable: str, city_a: str, city_b: str) -> tuple[int, ...]:
        """The segments of ``cable`` on its shortest stretch from ``city_a`` to ``city_b``, in that order.

        Raises `UnknownNameError` for an unknown cable, or for a city where it
        does not land (the candidates are then its landings), and `InputError`
        where the two lie on parts of the cable that do not touch.
        """
        landings = self.landings_of(cable)
        for city in (city_a, city_b):
            if city not in landings:
                what = f"landing of {cable}"
                raise UnknownNameError(what, city, close_names(city, landings) or landings)
        members = frozenset(self.segments_of(cable))
        routes = self.routes_from(city_a, allowed=lambda index: index in members, stop_at=frozenset({city_b}))
        if city_b not in routes:
            message = f"{cable} does not join {city_a!r} and {city_b!r}: they are on separate parts of it"
            raise InputError(message)
        return routes[city_b].segments

    def routes_from(
        self,
        city: str,
        *,
        allowed: Callable[[int], bool] | Sequence[bool] | None = None,
        stop_at: frozenset[str] | None = None,
    ) -> dict[str, Route]:
        """The shortest route (by delay) from ``city`` to every city that it reaches, nearest first.

        ``allowed`` says of a segment's index whether it may be used: a function,
        or a mask indexed by it. With ``stop_at`` the search ends as soon as these
        cities are reached; others met on the way are in the answer too. A
        system that crosses land is used through only if the land way is too. A
        route's delay counts ``latency.end`` once; the route to ``city`` itself is
        empty and takes no time. Equal delays are decided by the order of cities
        and segments, so the answer is the same on every machine.
        """
        self.city(city)
        usable = _mask(allowed, len(self.segments))
        awaited = (
            None if stop_at is None else {self._number[self.city(name).name] for name in sorted(stop_at)}
        )
        names, end, layers = self._names, self.latency.end, self.layers
        cost = [
            span.delay if usable is None or all(usable[segment] for segment in span.segments) else None
            for span in layers.spans
        ]
        start = self._number[city]
        routes: dict[str, Route] = {}
        for number, delay, spans in cheapest(layers, start, cost):
            segments = segments_along(layers, start, spans)
            routes[names[number]] = Route(Duration(delay + end if spans else 0), segments, spans)
            if awaited is not None:
                awaited.discard(number)
                if not awaited:
                    break
        return routes

    def route(
        self, city_a: str, city_b: str, *, allowed: Callable[[int], bool] | None = None
    ) -> Route | None:
        """The shortest route between two cities, or None where there is none."""
        return self.routes_from(city_a, allowed=allowed, stop_at=frozenset({city_b})).get(city_b)

    def nearest_city(
        self, latitude: float, longitude: float, *, landing_only: bool = False
    ) -> tuple[City, float]:
        """The city closest to a point, and the kilometres to it; landing places only if asked for."""
        eligible = (
            city for city in self.cities.values() if landing_only or city.name not in self.landing_only
        )
        distances = (
            (great_circle_km(latitude, longitude, city.latitude, city.longitude), city.name)
            for city in eligible
        )
        distance, name = min(distances)
        return self.cities[name], distance


def close_names(name: str, known: Iterable[str]) -> tuple[str, ...]:
    """Names in ``known`` that ``name`` may have meant, best first, at most five.

    Case, spaces and punctuation do not count, so ``seamewe4`` finds ``SEA-ME-WE-4``.
    """
    folded: dict[str, list[str]] = {}
    for candidate in known:
        folded.setdefault(_fold(candidate), []).append(candidate)
    wanted = _fold(name)
    matches = difflib.get_close_matches(wanted, folded, n=_SUGGESTIONS, cutoff=0.6)
    if len(wanted) > 2:  # noqa: PLR2004  # shorter ones are part of half the names
        matches += [key for key in folded if wanted in key and key not in matches]
    return tuple(candidate for key in matches for candidate in folded[key])[:_SUGGESTIONS]


def _fold(name: str) -> str:
    return "".join(character for character in name.casefold() if character.isalnum())


def _mask(allowed: Callable[[int], bool] | Sequence[bool] | None, count: int) -> Sequence[bool] | None:
    if callable(allowed):
        return [allowed(index) for index in range(count)]
    return allowed


@cache
def builtin_world() -> PhysicalWorld:
    """The world that ships with the package, read once a process."""
    from importlib.resources import as_file, files

    from emulator.network.worldfiles import load_world

    data = files("emulator.network") / "data"
    with as_file(data) as folder:
        files_in_order = ("cities.csv", "cables.csv", "land.csv", "branches.csv", "express.csv")
        return load_world(*(folder / name for name in files_in_order))
