"""Reading a world from CSV files: cities, cables, land links, and where cables branch.

Each has a header row; ``#`` starts a comment line. Every problem is located and
all are reported at once.

- cities: ``city,country,latitude,longitude,kind`` (kind ``city`` or ``landing``);
- cables, a row a segment: ``cable,year,published_km,from,to,length_km`` (year and
  published_km of the cable are on its first row, and may be empty);
- land: ``from,to,length_km``;
- branches and express, which may be missing. Branches: ``cable,landing,branch_km``, for each landing that the
  cable's trunk passes by at sea the length of the branch to it, part of the length
  of every segment that ends there. Express: ``cable,from,to,length_km``, for two
  landings that are nearer to each other than those branches say, because several
  landings in between share one.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from emulator.errors import Problem, ScenarioError
from emulator.network.geo import great_circle_km
from emulator.network.model import City, Segment
from emulator.network.physical import Cable, PhysicalWorld, close_names

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CITY_COLUMNS: Final = ("city", "country", "latitude", "longitude", "kind")
CABLE_COLUMNS: Final = ("cable", "year", "published_km", "from", "to", "length_km")
LAND_COLUMNS: Final = ("from", "to", "length_km")
BRANCH_COLUMNS: Final = ("cable", "landing", "branch_km")
EXPRESS_COLUMNS: Final = ("cable", "from", "to", "length_km")
ROUNDING: Final = 0.99
"""A length may fall this far under the great circle: coordinates and lengths are rounded."""


@dataclass(slots=True)
class _Table:
    """One file being read: its rows, and what is wrong with it."""

    file: str
    problems: list[Problem] = field(default_factory=list)

    def problem(self, line: int, column: str, message: str) -> None:
        self.problems.append(Problem(self.file, line, 0, column, message))

    def rows(self, path: Path, columns: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
        """Line number and cells of each row; rows of the wrong width become problems."""
        try:
            lines = path.read_text(encoding="utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            self.problem(0, "", f"cannot read: {error}")
            return
        numbered = [
            (number, line) for number, line in enumerate(lines, 1) if line and not line.startswith("#")
        ]
        if not numbered or tuple(next(csv.reader([numbered[0][1]]))) != columns:
            self.problem(numbered[0][0] if numbered else 1, "", f"expected the header {','.join(columns)}")
            return
        for number, line in numbered[1:]:
            cells = next(csv.reader([line]))
            if len(cells) != len(columns):
                self.problem(number, "", f"expected {len(columns)} cells, found {len(cells)}")
                continue
            yield number, dict(zip(columns, (cell.strip() for cell in cells), strict=True))

    def number(self, line: int, column: str, text: str, low: float, high: float) -> float | None:
        """``text`` as a number within bounds, or None and a problem."""
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not low <= value <= high:
            self.problem(line, column, f"expected a number from {low:g} to {high:g}, found {text!r}")
            return None
        return value


def load_world(
    cities_csv: Path,
    cables_csv: Path,
    land_csv: Path,
    branches_csv: Path | None = None,
    express_csv: Path | None = None,
) -> PhysicalWorld:
    """Read and check a world. Raises `ScenarioError` with every problem of the files.

    Segments are numbered cables first, then land, in the order of the files.
    """
    tables = [_Table(str(path)) for path in (cities_csv, cables_csv, land_csv)]
    cities, landing_only = _read_cities(tables[0], cities_csv)
    segments: list[Segment] = []
    cables = _read_cables(tables[1], cables_csv, cities, segments)
    _read_land(tables[2], land_csv, cities, segments)
    if branches_csv is not None:
        tables.append(_Table(str(branches_csv)))
        cables = _read_branches(tables[-1], branches_csv, cables, segments)
    if express_csv is not None:
        tables.append(_Table(str(express_csv)))
        cables = _read_express(tables[-1], express_csv, cities, cables, segments)
    problems = tuple(problem for table in tables for problem in table.problems)
    if problems:
        raise ScenarioError(problems)
    return PhysicalWorld(cities, tuple(segments), cables, landing_only)


def _read_branches(
    table: _Table, path: Path, cables: dict[str, Cable], segments: list[Segment]
) -> dict[str, Cable]:
    """``cables`` with their branches, each no longer than the segments that it is part of."""
    found: dict[str, dict[str, float]] = {}
    for line, row in table.rows(path, BRANCH_COLUMNS):
        name, landing = row["cable"], row["landing"]
        length = table.number(line, "branch_km", row["branch_km"], 0, 45_000)
        if name not in cables:
            table.problem(line, "cable", f"no cable {name!r}")
            continue
        touching = [segments[index] for index in cables[name].segments if landing in segments[index].ends]
        if not touching:
            table.problem(line, "landing", f"{name} does not land at {landing!r}")
        elif landing in found.setdefault(name, {}):
            table.problem(line, "landing", f"{landing!r} is there twice")
        elif length is not None:
            found[name][landing] = length
            for segment in touching:
                if sum(found[name].get(end, 0.0) for end in segment.ends) > segment.length_km:
                    table.problem(line, "branch_km", f"{segment.name} is shorter than its branches")
    return {
        name: replace(cable, branches=tuple(found.get(name, {}).items())) for name, cable in cables.items()
    }


def _read_express(
    table: _Table, path: Path, cities: dict[str, City], cables: dict[str, Cable], segments: list[Segment]
) -> dict[str, Cable]:
    """``cables`` with their express stretches, none shorter than its great circle."""
    found: dict[str, list[tuple[str, str, float]]] = {}
    for line, row in table.rows(path, EXPRESS_COLUMNS):
        name = row["cable"]
        if name not in cables:
            table.problem(line, "cable", f"no cable {name!r}")
            continue
        landings = {end for index in cables[name].segments for end in segments[index].ends}
        missing = [column for column in ("from", "to") if row[column] not in landings]
        for column in missing:
            table.problem(line, column, f"{name} does not land at {row[column]!r}")
        if not missing:
            stretch = _segment(table, line, row, cities, index=0, cable=name)
            if stretch is not None:
                found.setdefault(name, []).append((*stretch.ends, stretch.length_km))
    return {name: replace(cable, express=tuple(found.get(name, ()))) for name, cable in cables.items()}


def _read_cities(table: _Table, path: Path) -> tuple[dict[str, City], frozenset[str]]:
    cities: dict[str, City] = {}
    landing_only: list[str] = []
    for line, row in table.rows(path, CITY_COLUMNS):
        name = row["city"]
        latitude = table.number(line, "latitude", row["latitude"], -90, 90)
        longitude = table.number(line, "longitude", row["longitude"], -180, 180)
        if not name or name in cities:
            table.problem(line, "city", f"{name!r} is there twice" if name else "expected a name")
        if len(row["country"]) != 2 or not row["country"].isupper():  # noqa: PLR2004  # alpha-2
            table.problem(line, "country", f"expected ISO 3166-1 alpha-2, found {row['country']!r}")
        if row["kind"] not in {"city", "landing"}:
            table.problem(line, "kind", f"expected city or landing, found {row['kind']!r}")
        if latitude is not None and longitude is not None:
            cities[name] = City(name, row["country"], latitude, longitude)
        if row["kind"] == "landing":
            landing_only.append(name)
    return cities, frozenset(landing_only)


def _read_cables(
    table: _Table, path: Path, cities: dict[str, City], segments: list[Segment]
) -> dict[str, Cable]:
    """Append the cables' segments to ``segments`` and give the cables by name."""
    facts: dict[str, tuple[int | None, float | None]] = {}
    members: dict[str, list[int]] = {}
    for line, row in table.rows(path, CABLE_COLUMNS):
        name = row["cable"]
        if not name:
            table.problem(line, "cable", "expected a name")
            continue
        year = table.number(line, "year", row["year"], 1850, 2100) if row["year"] else None
        total = (
            table.number(line, "published_km", row["published_km"], 1, 100_000)
            if row["published_km"]
            else None
        )
        facts.setdefault(name, (None if year is None else int(year), total))
        segment = _segment(table, line, row, cities, index=len(segments), cable=name)
        if segment is not None:
            segments.append(segment)
            members.setdefault(name, []).append(segment.index)
    return {name: Cable(name, *facts[name], tuple(indices)) for name, indices in members.items()}


def _read_land(table: _Table, path: Path, cities: dict[str, City], segments: list[Segment]) -> None:
    """Append the land links to ``segments``."""
    seen: set[frozenset[str]] = set()
    for line, row in table.rows(path, LAND_COLUMNS):
        segment = _segment(table, line, row, cities, index=len(segments), cable=None)
        pair = frozenset((row["from"], row["to"]))
        if pair in seen:
            table.problem(line, "to", f"the link {row['from']} - {row['to']} is there twice")
        seen.add(pair)
        if segment is not None:
            segments.append(segment)


def _segment(
    table: _Table, line: int, row: dict[str, str], cities: dict[str, City], *, index: int, cable: str | None
) -> Segment | None:
    """The row's segment, or None and the problems with it."""
    length = table.number(line, "length_km", row["length_km"], 0, 45_000)
    for column in ("from", "to"):
        if row[column] not in cities:
            close = close_names(row[column], cities)
            hint = f"; did you mean {' or '.join(map(repr, close))}?" if close else ""
            table.problem(line, column, f"no city {row[column]!r}{hint}")
            return None
    if row["from"] == row["to"]:
        table.problem(line, "to", f"a segment from {row['from']!r} to itself")
        return None
    if length is None:
        return None
    first, second = cities[row["from"]], cities[row["to"]]
    bound = great_circle_km(first.latitude, first.longitude, second.latitude, second.longitude)
    if length < bound * ROUNDING:
        table.problem(line, "length_km", f"{length:g} km is less than the great circle's {bound:.0f} km")
        return None
    return Segment(index, (first.name, second.name), length, cable)
