"""From the globe to the page: the Natural Earth projection, and great circles cut at the page's edge."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Array = npt.NDArray[np.float64]


def project(longitude: npt.ArrayLike, latitude: npt.ArrayLike) -> Array:
    """Return x, y (last axis) of degrees east and north; a globe of radius 1.

    Polynomials of B. Šavrič, B. Jenny, T. Patterson, D. Petrovič and L. Hurni,
    "A polynomial equation for the Natural Earth projection", CaGIS 38(4), 2011.
    """
    lam, phi = np.radians(np.asarray(longitude, float)), np.radians(np.asarray(latitude, float))
    p2 = phi * phi
    p4 = p2 * p2
    x = lam * (0.870700 - 0.131979 * p2 + p4 * (-0.013791 + p4 * (0.003971 * p2 - 0.001529 * p4)))
    y = phi * (1.007226 + p2 * (0.015085 + p4 * (-0.044475 + 0.028874 * p2 - 0.005916 * p4)))
    return np.stack([x, y], axis=-1)


def great_circle(
    start: tuple[float, float], end: tuple[float, float], *, step_degrees: float = 4.0
) -> list[Array]:
    """Return the shortest way from ``start`` to ``end`` (latitude, longitude) as projected lines.

    One array of points, or two where the way crosses the antimeridian and the
    page has to be left on one side and entered on the other.
    """
    a, b = _unit_vector(start), _unit_vector(end)
    angle = float(np.arccos(np.clip(a @ b, -1.0, 1.0)))
    if angle < 1e-9:  # noqa: PLR2004 - one place
        return []
    t = np.linspace(0, 1, max(2, int(np.degrees(angle) / step_degrees) + 2))[:, None]
    points = (np.sin((1 - t) * angle) * a + np.sin(t * angle) * b) / np.sin(angle)
    latitude = np.degrees(np.arcsin(np.clip(points[:, 2], -1, 1)))
    longitude = np.degrees(np.arctan2(points[:, 1], points[:, 0]))
    longitude[0], longitude[-1] = start[1], end[1]  # exactly: arctan2 may say -180 for 180
    return _cut_at_edge(longitude, latitude)


def way(points: Sequence[tuple[float, float]]) -> list[Array]:
    """Return great circles from each of ``points`` (latitude, longitude) to the next, projected."""
    return [line for start, end in pairwise(points) for line in great_circle(start, end)]


def middle(start: tuple[float, float], end: tuple[float, float]) -> tuple[float, float]:
    """Return the (latitude, longitude) half way along the great circle."""
    mean = _unit_vector(start) + _unit_vector(end)
    mean /= np.linalg.norm(mean)
    return float(np.degrees(np.arcsin(mean[2]))), float(np.degrees(np.arctan2(mean[1], mean[0])))


def _unit_vector(place: tuple[float, float]) -> Array:
    phi, lam = np.radians(place[0]), np.radians(place[1])
    return np.array([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)])


def _cut_at_edge(longitude: Array, latitude: Array) -> list[Array]:
    jumps = np.flatnonzero(np.abs(np.diff(longitude)) > 180)  # noqa: PLR2004 - half the globe
    if not len(jumps):
        return [project(longitude, latitude)]
    i = int(jumps[0])
    side = 180.0 if longitude[i] > 0 else -180.0
    ahead = longitude[i + 1] + 2 * side  # the next point, unrolled over the edge
    share = (side - longitude[i]) / (ahead - longitude[i]) if ahead != longitude[i] else 0.0
    crossing = latitude[i] + share * (latitude[i + 1] - latitude[i])
    left = project(np.append(longitude[: i + 1], side), np.append(latitude[: i + 1], crossing))
    right = project(np.insert(longitude[i + 1 :], 0, -side), np.insert(latitude[i + 1 :], 0, crossing))
    return [left, right]
