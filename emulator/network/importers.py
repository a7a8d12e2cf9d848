"""Cables from files that users bring.

TeleGeography's submarine cable map (CC BY-NC-SA, so it does not ship) comes in
two shapes, both read here, plain or gzip-compressed: a list of cables with
their landing points, and GeoJSON with the drawn paths. Neither says in which
order a cable visits its landings or how long each stretch is; what is assumed
instead stands at `import_cables`.
"""

from __future__ import annotations

import gzip
import json
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from emulator.errors import InputError
from emulator.network.geo import great_circle_km
from emulator.network.model import City, Segment
from emulator.network.physical import Cable, PhysicalWorld

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

SAME_PLACE_KM: Final = 50
"""A landing point this close to a city of the world is taken for that city."""
BACKHAUL_KM: Final = 200
"""A new landing place gets a land link to the nearest city within this distance."""
SEA_DETOUR: Final = 1.15
"""Route over great circle where a cable's length is not given."""
LAND_DETOUR: Final = 1.2
_GZIP_MAGIC: Final = b"\x1f\x8b"
_NUMBER: Final = re.compile(r"\d[\d,]*(?:\.\d+)?")


@dataclass(frozen=True, slots=True)
class LandingPoint:
    """A named place on the shore; degrees north and east."""

    name: str
    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True)
class ImportedCable:
    """A cable as a file lists it: landing points in no order."""

    name: str
    ready: int | None
    published_km: float | None
    planned: bool
    landings: tuple[LandingPoint, ...]


def read_cable_list(path: Path) -> tuple[ImportedCable, ...]:
    """Cables of a list ``[{"name", "length", "rfs", "planned", "landing_points": [[name, lat, lon]]}]``.

    Raises `InputError` for anything else.
    """
    document = _read_json(path)
    try:
        return tuple(
            ImportedCable(
                str(entry["name"]),
                None if (year := _number(entry.get("rfs"))) is None else int(year),
                _number(entry.get("length")),
                bool(entry.get("planned")),
                tuple(
                    LandingPoint(str(name), float(lat), float(lon))
                    for name, lat, lon in entry["landing_points"]
                ),
            )
            for entry in document
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        message = f"{path}: expected a list of cables with name and landing_points ({error!r})"
        raise InputError(message) from error


def read_cable_geojson(path: Path) -> dict[str, tuple[tuple[tuple[float, float], ...], ...]]:
    """For each cable its drawn lines, each a tuple of (latitude, longitude). Raises `InputError`."""
    document = _read_json(path)
    lines: dict[str, list[tuple[tuple[float, float], ...]]] = {}
    try:
        for feature in document["features"]:
            geometry = feature["geometry"]
            several = geometry["type"] == "MultiLineString"
            for line in geometry["coordinates"] if several else [geometry["coordinates"]]:
                points = tuple((float(lat), float(lon)) for lon, lat, *_ in line)
                lines.setdefault(str(feature["properties"]["name"]), []).append(points)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        message = f"{path}: expected GeoJSON lines with a name each ({error!r})"
        raise InputError(message) from error
    return {name: tuple(parts) for name, parts in lines.items()}


def import_cables(
    world: PhysicalWorld, cables: Iterable[ImportedCable], *, planned: bool = False
) -> PhysicalWorld:
    """``world`` with its cables replaced by ``cables``; its cities and land links stay.

    Landing points within 50 km of a city become that city; others become new
    landing places with a land link to the nearest city within 200 km. The
    landings of a cable are joined by the shortest tree over great circles
    (Prim), scaled to the cable's published length where that is longer.
    ``planned`` also takes cables that are not in service.
    """
    cities, backhaul = dict(world.cities), list[tuple[str, str, float]]()
    segments: list[Segment] = []
    table: dict[str, Cable] = {}
    for cable in cables:
        if cable.planned and not planned:
            continue
        places = [_place(landing, world, cities, backhaul) for landing in cable.landings]
        edges = _shortest_tree([cities[name] for name in dict.fromkeys(places)])
        direct = sum(length for _, _, length in edges)
        if not edges or not direct:
            continue
        scale = max(1.01, cable.published_km / direct) if cable.published_km else SEA_DETOUR
        first = len(segments)
        segments += [
            Segment(first + offset, (one, other), length * scale, cable.name)
            for offset, (one, other, length) in enumerate(edges)
        ]
        members = tuple(range(first, len(segments)))
        table[cable.name] = Cable(cable.name, cable.ready, cable.published_km, members)
    land = [(*segment.ends, segment.length_km) for segment in world.segments if segment.cable is None]
    for one, other, length in [*land, *backhaul]:
        segments.append(Segment(len(segments), (one, other), length))
    new_places = frozenset(name for name in cities if name not in world.cities)
    return replace(
        world,
        cities=cities,
        segments=tuple(segments),
        cables=table,
        landing_only=world.landing_only | new_places,
    )


def _place(
    landing: LandingPoint,
    world: PhysicalWorld,
    cities: dict[str, City],
    backhaul: list[tuple[str, str, float]],
) -> str:
    """The city that stands for ``landing``, added to ``cities`` where it is new."""
    if landing.name in cities:
        return landing.name
    near, distance = world.nearest_city(landing.latitude, landing.longitude, landing_only=True)
    if distance <= SAME_PLACE_KM:
        return near.name
    inland, distance = world.nearest_city(landing.latitude, landing.longitude)
    cities[landing.name] = City(landing.name, inland.country, landing.latitude, landing.longitude)
    if distance <= BACKHAUL_KM:
        backhaul.append((landing.name, inland.name, distance * LAND_DETOUR))
    return landing.name


def _shortest_tree(cities: Sequence[City]) -> list[tuple[str, str, float]]:
    """(from, to, great circle km) of a minimum spanning tree, from the first city outwards."""
    edges: list[tuple[str, str, float]] = []
    near = {city.name: (_distance(cities[0], city), cities[0].name) for city in cities[1:]}
    by_name = {city.name: city for city in cities}
    while near:
        name = min(near, key=lambda candidate: (near[candidate][0], candidate))
        length, joined = near.pop(name)
        edges.append((joined, name, length))
        for other, known in near.items():
            near[other] = min(known, (_distance(by_name[name], by_name[other]), name))
    return edges


def _distance(first: City, second: City) -> float:
    return great_circle_km(first.latitude, first.longitude, second.latitude, second.longitude)


def _number(text: object) -> float | None:
    """The first number in ``text`` (``"45,000 km"``, ``"2009 April"``), or None."""
    match = _NUMBER.search(str(text)) if text is not None else None
    return float(match.group().replace(",", "")) if match else None


def _read_json(path: Path) -> Any:  # noqa: ANN401  # whatever the file holds
    try:
        raw = path.read_bytes()
        return json.loads(gzip.decompress(raw) if raw.startswith(_GZIP_MAGIC) else raw)
    except (OSError, EOFError, ValueError) as error:
        message = f"{path}: cannot read as JSON ({error})"
        raise InputError(message) from error
