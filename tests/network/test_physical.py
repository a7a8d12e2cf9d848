"""The physical world: its data holds together, and its routes are the shortest."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.errors import InputError, ScenarioError
from emulator.network.geo import great_circle_km
from emulator.network.physical import PhysicalWorld, UnknownNameError, builtin_world, close_names
from emulator.network.worldfiles import load_world

if TYPE_CHECKING:
    from pathlib import Path

WORLD = builtin_world()


def _distance(first: str, second: str) -> float:
    a, b = WORLD.cities[first], WORLD.cities[second]
    return great_circle_km(a.latitude, a.longitude, b.latitude, b.longitude)


def _graph(world: PhysicalWorld) -> nx.Graph:
    """The same layers for networkx; of parallel spans the fastest."""
    graph = nx.Graph()
    graph.add_nodes_from(range(world.layers.node_count))
    for span in world.layers.spans:
        known = graph.get_edge_data(*span.ends)
        if known is None or span.delay < known["weight"]:
            graph.add_edge(*span.ends, weight=span.delay)
    return graph


def test_the_world_is_as_large_as_promised() -> None:
    """300 cities with routers, 60 to 120 cables, every segment in its place."""
    inland = [name for name in WORLD.cities if name not in WORLD.landing_only]
    assert len(inland) >= 300
    assert 60 <= len(WORLD.cables) <= 120
    assert [segment.index for segment in WORLD.segments] == list(range(len(WORLD.segments)))
    owned = sorted(index for cable in WORLD.cables.values() for index in cable.segments)
    assert owned == [segment.index for segment in WORLD.segments if segment.cable is not None]


def test_every_segment_is_at_least_its_great_circle() -> None:
    """No fibre is shorter than the Earth allows; none is a wild detour either."""
    for segment in WORLD.segments:
        direct = _distance(*segment.ends)
        assert segment.length_km >= direct, segment.name
        assert segment.length_km <= 4.5 * direct + 10, segment.name


def test_every_city_is_reached() -> None:
    """One component."""
    assert len(WORLD.routes_from("London")) == len(WORLD.cities)


def test_every_country_with_internet_users_has_a_city() -> None:
    """Countries of 300,000 users and more, from the package's own table."""
    from importlib.resources import files

    text = (files("emulator.network") / "data" / "countries.csv").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    header = lines[0].split(",")
    code, users = header.index("code"), header.index("internet_users")
    homes = {city.country for city in WORLD.cities.values() if city.name not in WORLD.landing_only}
    rows = [line.split(",") for line in lines[1:] if '"' not in line]
    missing = [row[code] for row in rows if int(row[users]) >= 300_000 and row[code] not in homes]
    assert missing == []
    assert len(rows) > 150


def test_most_cables_are_near_their_published_length() -> None:
    """Four in five within 15 %, none more than 30 % longer than published."""
    shares = {
        cable.name: sum(WORLD.segments[index].length_km for index in cable.segments) / cable.published_km
        for cable in WORLD.cables.values()
        if cable.published_km
    }
    near = [name for name, share in shares.items() if 0.85 <= share <= 1.15]
    assert len(near) >= 0.8 * len(shares)
    assert max(shares.values()) <= 1.3


@pytest.mark.parametrize(
    ("cable", "ends", "through"),
    [
        ("AAE-1", ("Djibouti", "Zafarana"), ["Jeddah"]),
        ("EIG", ("Djibouti", "Zafarana"), ["Jeddah"]),
        ("SEACOM/TGN-EA", ("Djibouti", "Jeddah"), []),
        ("C-Lion1", ("Helsinki", "Rostock"), ["Hanko"]),
        ("BCS East-West Interlink", ("Sventoji", "Katthammarsvik"), []),
        ("WACS", ("Abidjan", "Lagos"), ["Accra", "Lome"]),
        ("MainOne", ("Dakar", "Lagos"), ["Abidjan", "Accra"]),
        ("ACE", ("Monrovia", "Accra"), ["Abidjan"]),
        ("SAT-3/WASC", ("Dakar", "Accra"), ["Abidjan"]),
    ],
)
def test_the_stretches_that_scenarios_cut(cable: str, ends: tuple[str, str], through: list[str]) -> None:
    """A chain along the cable, by way of the landings between, in either direction."""
    chain = WORLD.segments_between(cable, *ends)
    assert {WORLD.segments[index].cable for index in chain} == {cable}
    here, visited = ends[0], []
    for index in chain:
        first, second = WORLD.segments[index].ends
        here = second if first == here else first
        visited.append(here)
    assert visited == [*through, ends[1]]
    assert WORLD.segments_between(cable, ends[1], ends[0]) == tuple(reversed(chain))


def test_unknown_names_come_with_candidates() -> None:
    """The error carries the close names, and survives being rebuilt from its args."""
    with pytest.raises(UnknownNameError) as unknown:
        WORLD.segments_of("seamewe 4")
    assert unknown.value.candidates[0] == "SEA-ME-WE-4"
    assert "did you mean 'SEA-ME-WE-4'" in str(unknown.value)
    with pytest.raises(UnknownNameError) as elsewhere:
        WORLD.segments_between("MAREA", "Virginia Beach", "Marseille")
    assert set(elsewhere.value.candidates) <= set(WORLD.landings_of("MAREA"))
    rebuilt = type(unknown.value)(*unknown.value.args)
    assert (str(rebuilt), rebuilt.candidates) == (str(unknown.value), unknown.value.candidates)


def test_a_cable_in_two_parts_says_so() -> None:
    """AAE-1 crosses Egypt on land, so no chain of its own joins both seas."""
    with pytest.raises(InputError, match="separate parts"):
        WORLD.segments_between("AAE-1", "Marseille", "Jeddah")


def test_routes_are_the_shortest() -> None:
    """The same delays as networkx's Dijkstra, and segments that chain and add up."""
    graph, names = _graph(WORLD), list(WORLD.cities)
    for city in ("London", "Suva", "Kampala", "Nuuk"):
        found = nx.single_source_dijkstra_path_length(graph, names.index(city))
        expected = {name: found[number] for number, name in enumerate(names)}
        routes = WORLD.routes_from(city)
        assert set(routes) == set(expected)
        for far, route in routes.items():
            assert route.delay == expected[far] + (WORLD.latency.end if far != city else 0)
            spans = sum(WORLD.layers.spans[index].delay for index in route.spans)
            assert route.delay == spans + (WORLD.latency.end if far != city else 0)
            here = city
            for index in route.segments:
                first, second = WORLD.segments[index].ends
                assert here in {first, second}
                here = second if first == here else first
            assert here == far
        assert list(routes.values()) == sorted(routes.values(), key=lambda route: route.delay)


def test_cut_segments_are_avoided_and_never_shorten() -> None:
    """Mask and function agree; a route without the Red Sea's cables is longer."""
    red_sea = {
        segment.index
        for segment in WORLD.segments
        if segment.cable is not None and {"Jeddah", "Djibouti", "Yanbu"} & set(segment.ends)
    }
    whole = WORLD.routes_from("Mumbai")
    masked = WORLD.routes_from(
        "Mumbai", allowed=[index not in red_sea for index in range(len(WORLD.segments))]
    )
    assert masked == WORLD.routes_from("Mumbai", allowed=lambda index: index not in red_sea)
    assert all(red_sea.isdisjoint(route.segments) for route in masked.values())
    assert all(masked[city].delay >= whole[city].delay for city in masked)
    assert masked["Djibouti"].delay > whole["Djibouti"].delay


def test_stop_at_ends_the_search_early_with_the_same_routes() -> None:
    """What was reached on the way is right, and far cities are not there."""
    near = WORLD.routes_from("Paris", stop_at=frozenset({"Lyon", "London"}))
    whole = WORLD.routes_from("Paris")
    assert {"Lyon", "London"} <= set(near) < set(whole)
    assert all(near[city] == whole[city] for city in near)


@given(st.floats(-90, 90), st.floats(-180, 180))
def test_the_nearest_city_is_nearest(latitude: float, longitude: float) -> None:
    """No inland city is closer than the one given."""
    city, distance = WORLD.nearest_city(latitude, longitude)
    others = [other for other in WORLD.cities.values() if other.name not in WORLD.landing_only]
    closest = min(great_circle_km(latitude, longitude, other.latitude, other.longitude) for other in others)
    assert distance == closest
    assert city.name not in WORLD.landing_only


def _write(folder: Path, *, cities: str, cables: str = "", land: str = "") -> PhysicalWorld:
    texts = {
        "cities": f"city,country,latitude,longitude,kind\n{cities}",
        "cables": f"cable,year,published_km,from,to,length_km\n{cables}",
        "land": f"from,to,length_km\n{land}",
    }
    for name, text in texts.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    return load_world(folder / "cities.csv", folder / "cables.csv", folder / "land.csv")


def test_a_users_own_world(tmp_path: Path) -> None:
    """Three small files make a world."""
    world = _write(
        tmp_path,
        cities="A,FR,48.0,2.0,city\nB,GB,51.5,0.0,city\nC,GB,50.8,0.3,landing\n",
        cables="Channel 1,1999,300,A,C,340\n",
        land="C,B,100\n",
    )
    assert world.landing_only == {"C"}
    assert [segment.name for segment in world.segments] == ["Channel 1: A - C", "land: C - B"]
    assert world.cables["Channel 1"].ready == 1999
    assert world.routes_from("A")["B"].segments == (0, 1)


def test_all_problems_of_a_users_world_are_located(tmp_path: Path) -> None:
    """File, line and column name of each, all at once, with a close name."""
    with pytest.raises(ScenarioError) as wrong:
        _write(
            tmp_path,
            cities="A,FR,148.0,2.0,city\nLondon,uk,51.5,0.0,town\nLyon,FR,45.7,4.8,city\n",
            cables="X,,,London,Lyonn,5000\nX,,,London,Lyon,3\n",
            land="London,Lyon\nLyon,Lyon,5\nLondon,Lyon,nan\n",
        )
    found = [
        (problem.file.rsplit("/", 1)[-1], problem.line, problem.path) for problem in wrong.value.problems
    ]
    assert found == [
        ("cities.csv", 2, "latitude"),
        ("cities.csv", 3, "country"),
        ("cities.csv", 3, "kind"),
        ("cables.csv", 2, "to"),
        ("cables.csv", 3, "length_km"),
        ("land.csv", 2, ""),
        ("land.csv", 3, "to"),
        ("land.csv", 4, "length_km"),
    ]
    assert "did you mean 'Lyon'" in str(wrong.value)


def test_missing_and_foreign_files_are_problems(tmp_path: Path) -> None:
    """No traceback for a file that is not there or is something else."""
    (tmp_path / "cities.csv").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "cables.csv").write_text("hello\n", encoding="utf-8")
    with pytest.raises(ScenarioError) as wrong:
        load_world(tmp_path / "cities.csv", tmp_path / "cables.csv", tmp_path / "land.csv")
    assert len(wrong.value.problems) == 3


def test_great_circles_agree_with_the_ellipsoid() -> None:
    """Within 0.6 % of Karney's geodesic between cities on all continents."""
    from geographiclib.geodesic import Geodesic

    cities = [WORLD.cities[name] for name in ("London", "Tokyo", "Sydney", "Lima", "Nairobi", "Reykjavik")]
    for a, b in itertools.combinations(cities, 2):
        exact = Geodesic.WGS84.Inverse(a.latitude, a.longitude, b.latitude, b.longitude)["s12"] / 1000
        found = great_circle_km(a.latitude, a.longitude, b.latitude, b.longitude)
        assert found == pytest.approx(exact, rel=0.006)


def test_close_names_ignore_spelling_habits() -> None:
    """Case, blanks and punctuation do not count; nonsense finds nothing."""
    assert close_names("sat3", ["SAT-3/WASC", "WACS"]) == ("SAT-3/WASC",)
    assert close_names("New york", ["Newark", "New York"])[0] == "New York"
    assert close_names("xyzzy", ["SAT-3/WASC", "WACS"]) == ()
