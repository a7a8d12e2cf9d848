"""TopoJSON to rings of coordinates: what the map needs of the format, no more.

A topology stores each border once, as a chain ("arc") of quantized, delta-coded
points; a polygon's ring lists arcs, ``~i`` meaning arc i backwards.
Format: https://github.com/topojson/topojson-specification, sections 2.1.2 to 2.2.
"""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np

from emulator.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    Points = npt.NDArray[np.float64]

_LAND = "network/data/land-110m.json"


def land_rings() -> list[Points]:
    """Return the rings of the world's land that ships with the package, (n, 2) longitude and latitude.

    Natural Earth 1:110m (public domain), as the land-110m topology of world-atlas.
    """
    text = files("emulator").joinpath(_LAND).read_text(encoding="utf-8")
    return rings(json.loads(text), "land")


def rings(topology: Any, name: str) -> list[Points]:  # noqa: ANN401 - parsed JSON
    """Return every ring of the object ``name``: arrays of (longitude, latitude), closed, degrees.

    Polygons, multipolygons and collections of them are understood; other
    geometries have no rings. Raises `InputError` where this is no such topology.
    """
    try:
        scale = np.array(topology["transform"]["scale"]) if "transform" in topology else np.ones(2)
        origin = np.array(topology["transform"]["translate"]) if "transform" in topology else np.zeros(2)
        coded = "transform" in topology
        arcs = [_decoded(arc, scale, origin, coded=coded) for arc in topology["arcs"]]
        return [_ring(ring, arcs) for ring in _ring_indices(topology["objects"][name])]
    except (KeyError, TypeError, IndexError, ValueError) as error:
        message = f"not a TopoJSON topology with an object {name!r}: {error!r}"
        raise InputError(message) from error


def _decoded(arc: Any, scale: Points, origin: Points, *, coded: bool) -> Points:  # noqa: ANN401
    points = np.array(arc, dtype=float)[:, :2]
    return np.cumsum(points, axis=0) * scale + origin if coded else points


def _ring_indices(geometry: Any) -> Iterator[list[int]]:  # noqa: ANN401
    kind = geometry["type"]
    if kind == "GeometryCollection":
        for part in geometry["geometries"]:
            yield from _ring_indices(part)
    elif kind == "Polygon":
        yield from geometry["arcs"]
    elif kind == "MultiPolygon":
        for polygon in geometry["arcs"]:
            yield from polygon


def _ring(indices: list[int], arcs: list[Points]) -> Points:
    parts = [arcs[i] if i >= 0 else arcs[~i][::-1] for i in indices]
    return np.concatenate([part if k == 0 else part[1:] for k, part in enumerate(parts)])


def unwrapped(rings_: list[Points]) -> list[Points]:
    """Return ``rings_`` without jumps at the antimeridian, each drawn on every side that shows it.

    A ring that crosses ±180° is made continuous and repeated a turn to the west
    (or east), so that a page from -180° to 180° cuts it where the page ends. A
    ring around a pole (Antarctica) is left out: it has no inside on such a page.
    """
    result = []
    for ring in rings_:
        steps = np.diff(ring[:, 0])
        turns = np.concatenate([[0.0], np.cumsum(-360.0 * np.round(steps / 360.0))])
        longitude = ring[:, 0] + turns
        if abs(longitude[-1] - longitude[0]) > 180:  # noqa: PLR2004 - it went around the pole
            continue
        result += [
            np.column_stack([longitude + shift, ring[:, 1]])
            for shift in (-360.0, 0.0, 360.0)
            if longitude.max() + shift > -180 and longitude.min() + shift < 180  # noqa: PLR2004
        ]
    return result
