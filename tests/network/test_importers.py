"""TeleGeography's files become cables of a world."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import pytest

from emulator.errors import InputError
from emulator.network.geo import great_circle_km
from emulator.network.importers import import_cables, read_cable_geojson, read_cable_list
from emulator.network.physical import builtin_world

WORLD = builtin_world()
CABLES = [
    {
        "name": "Testlink",
        "length": "9,000 km",
        "rfs": "2009 April",
        "planned": False,
        "landing_points": [
            ["Mumbai, India", 19.07, 72.87],
            ["Marseille, France", 43.29, 5.37],
            ["Zarzis, Tunisia", 33.50, 11.11],
        ],
    },
    {"name": "Someday", "length": None, "rfs": "2031", "planned": True, "landing_points": []},
]


def _data(name: str) -> Path:
    beside = Path(__file__).parents[3] / "shared" / "data"
    path = Path(os.environ.get("IPA_EMULATOR_DATA", beside)) / "bring-your-own" / name
    if not path.exists():
        pytest.skip(f"no {path}")
    return path


def test_a_list_of_cables(tmp_path: Path) -> None:
    """Plain and compressed; landing points near a city become it, others are new and joined by land."""
    plain, packed = tmp_path / "cables.json", tmp_path / "cables.json.gz"
    plain.write_text(json.dumps(CABLES), encoding="utf-8")
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    cables = read_cable_list(plain)
    assert cables == read_cable_list(packed)
    assert (cables[0].ready, cables[0].published_km, cables[1].planned) == (2009, 9000.0, True)
    world = import_cables(WORLD, cables)
    assert world.cable_names == ("Testlink",)
    assert set(world.landings_of("Testlink")) == {"Mumbai", "Marseille", "Zarzis, Tunisia"}
    assert sum(world.segments[i].length_km for i in world.segments_of("Testlink")) == pytest.approx(9000)
    assert "Zarzis, Tunisia" in world.landing_only
    assert world.cities["Zarzis, Tunisia"].country == "TN"
    assert "Zarzis, Tunisia" in world.routes_from("Tunis")


@pytest.mark.parametrize("text", ["{}{", "[1, 2]", '[{"name": "x"}]', "{}", "3"])
def test_other_files_are_refused(tmp_path: Path, text: str) -> None:
    """With an error that names the file."""
    path = tmp_path / "other.json"
    path.write_text(text, encoding="utf-8")
    for reader in (read_cable_list, read_cable_geojson):
        if (reader, text) != (read_cable_list, "{}"):  # an empty collection is no cables
            with pytest.raises(InputError, match=r"other\.json"):
                reader(path)


def test_telegeographys_list_makes_a_world() -> None:
    """Hundreds of cables, no segment under its great circle, the well-known ones with their landings."""
    world = import_cables(WORLD, read_cable_list(_data("telegeography-2022-cables.json.gz")))
    assert len(world.cables) > 400
    for segment in world.segments:
        a, b = (world.cities[end] for end in segment.ends)
        assert segment.length_km >= great_circle_km(a.latitude, a.longitude, b.latitude, b.longitude)
    assert {"Virginia Beach", "Bilbao"} == set(world.landings_of("MAREA"))


def test_telegeographys_paths() -> None:
    """GeoJSON by name, points as (latitude, longitude)."""
    lines = read_cable_geojson(_data("telegeography-2022-cable-geo.json.gz"))
    assert len(lines) > 400
    points = [point for line in lines["MAREA"] for point in line]
    assert all(30 < latitude < 50 and -80 < longitude < 0 for latitude, longitude in points)


def test_our_table_agrees_with_telegeographys_list() -> None:
    """Same names have the same published length."""
    theirs = {cable.name: cable for cable in read_cable_list(_data("telegeography-2022-cables.json.gz"))}
    shared = [cable for cable in WORLD.cables.values() if cable.name in theirs]
    assert len(shared) > 30
    for cable in shared:
        length = theirs[cable.name].published_km
        assert None in {cable.published_km, length} or cable.published_km == length, cable.name
