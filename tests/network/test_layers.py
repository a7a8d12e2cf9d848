"""Cable systems as they are sold: boarded once, ridden past landings, left once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from emulator.errors import ScenarioError
from emulator.network.layers import SpanKind
from emulator.network.model import City, Segment
from emulator.network.physical import Cable, PhysicalWorld, builtin_world
from emulator.network.worldfiles import load_world

if TYPE_CHECKING:
    from pathlib import Path

WORLD = builtin_world()


def chain(
    *lines: tuple[str, str, float, str | None], cables: dict[str, Cable] | None = None
) -> PhysicalWorld:
    """A world of the places in ``lines`` (all in one country, along the equator) and those segments."""
    names = dict.fromkeys(end for first, second, _, _ in lines for end in (first, second))
    cities = {name: City(name, "EG", 0.0, float(place)) for place, name in enumerate(names)}
    segments = tuple(Segment(index, (a, b), km, cable) for index, (a, b, km, cable) in enumerate(lines))
    members: dict[str, tuple[int, ...]] = {}
    for segment in segments:
        if segment.cable is not None:
            members[segment.cable] = (*members.get(segment.cable, ()), segment.index)
    plain = {name: Cable(name, 2010, None, indices) for name, indices in members.items()}
    return PhysicalWorld(cities, segments, {**plain, **(cables or {})}, frozenset())


def delay(world: PhysicalWorld, first: str, second: str) -> int:
    """One way, without what is added at a route's ends."""
    route = world.route(first, second)
    assert route is not None
    return route.delay - world.latency.end


def test_a_cable_is_paid_for_once_however_many_landings_it_passes() -> None:
    """Two segments of one cable are a landing cheaper than one segment each of two cables."""
    same = chain(("A", "B", 500, "X"), ("B", "C", 500, "X"))
    other = chain(("A", "B", 500, "X"), ("B", "C", 500, "Y"))

    assert delay(other, "A", "C") - delay(same, "A", "C") == same.latency.landing
    assert delay(same, "A", "C") == 2 * same.latency.sea_delay(500) + same.latency.landing


def test_through_traffic_does_not_take_the_branch() -> None:
    """A landing's branch is part of the way there, not of the way past it."""
    lines = (("A", "B", 500.0, "X"), ("B", "C", 500.0, "X"))
    branched = chain(*lines, cables={"X": Cable("X", 2010, None, (0, 1), (("B", 200.0),))})
    plain = chain(*lines)

    assert abs(delay(branched, "A", "B") - delay(plain, "A", "B")) <= 2
    assert delay(plain, "A", "C") - delay(branched, "A", "C") == pytest.approx(
        plain.latency.sea_delay(400) - plain.latency.hop, abs=4
    )
    assert branched.routes_from("A")["C"].segments == (0, 1)


def test_an_express_stretch_rides_on_what_it_passes() -> None:
    """It is shorter than its segments together, and any of their cuts severs it."""
    lines = (("A", "B", 500.0, "X"), ("B", "C", 100.0, "X"), ("C", "D", 500.0, "X"))
    world = chain(*lines, cables={"X": Cable("X", 2010, None, (0, 1, 2), (), (("A", "D", 600.0),))})

    assert delay(world, "A", "D") == world.latency.sea_delay(600) + world.latency.landing
    assert world.routes_from("A")["D"].segments == (0, 1, 2)
    for cut in range(3):
        assert "D" not in world.routes_from("A", allowed=lambda index, cut=cut: index != cut)


def test_a_system_goes_on_over_land() -> None:
    """The parts of one cable are one stretch across the isthmus; those of two cables are not."""
    one = chain(("A", "B", 500, "X"), ("B", "C", 100, None), ("C", "D", 500, "X"))
    two = chain(("A", "B", 500, "X"), ("B", "C", 100, None), ("C", "D", 500, "Y"))

    assert delay(two, "A", "D") - delay(one, "A", "D") == one.latency.landing
    assert one.routes_from("A")["D"].segments == (0, 1, 2)
    assert "D" not in one.routes_from("A", allowed=lambda index: index != 1)


@pytest.mark.parametrize(
    ("cable", "ends"),
    [
        ("AAE-1", {("Abu Talat", "Zafarana"), ("Songkhla", "Satun")}),
        ("SEA-ME-WE-4", {("Alexandria", "Suez")}),
        ("SEA-ME-WE-5", {("Abu Talat", "Zafarana")}),
        ("EIG", {("Abu Talat", "Zafarana")}),
        ("FLAG Europe-Asia", {("Alexandria", "Suez"), ("Songkhla", "Satun")}),
        ("SAC", {("Panama City", "Colon")}),
        ("MAREA", set()),
        ("SEACOM/TGN-EA", set()),
    ],
)
def test_systems_that_cross_land(cable: str, ends: set[tuple[str, str]]) -> None:
    """Egypt, the Kra isthmus and Panama, and no others."""
    crossings = [
        span for span in WORLD.layers.spans if span.cable == cable and span.kind is SpanKind.CROSSING
    ]
    found = set()
    for span in crossings:
        met = [end for index in span.segments for end in WORLD.segments[index].ends]
        found.add(frozenset(city for city in met if met.count(city) == 1))

    assert found == set(map(frozenset, ends))


def test_every_span_on_a_segment_falls_with_it() -> None:
    """Boardings ride on nothing; every other span is found at each of its segments."""
    layers = WORLD.layers
    for index, span in enumerate(layers.spans):
        assert (span.kind is SpanKind.BOARDING) == (span.segments == ())
        assert all(index in layers.on_segment[segment] for segment in span.segments)
    assert all(layers.on_segment)


def load(folder: Path, *, branches: str, express: str) -> PhysicalWorld:
    """A cable A - B - C with the given tables."""
    texts = {
        "cities": "city,country,latitude,longitude,kind\nA,EG,0,0,city\nB,EG,0,1,city\nC,EG,0,2,city\n",
        "cables": "cable,year,published_km,from,to,length_km\nX,,,A,B,150\nX,,,B,C,150\n",
        "land": "from,to,length_km\n",
        "branches": f"cable,landing,branch_km\n{branches}",
        "express": f"cable,from,to,length_km\n{express}",
    }
    for name, text in texts.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    return load_world(*(folder / f"{name}.csv" for name in texts))


def test_branches_and_express_stretches_are_read(tmp_path: Path) -> None:
    """And land in the cable."""
    world = load(tmp_path, branches="X,B,20\n", express="X,A,C,240\n")

    assert world.cable("X").branches == (("B", 20.0),)
    assert world.cable("X").express == (("A", "C", 240.0),)


def test_wrong_branches_and_stretches_are_located(tmp_path: Path) -> None:
    """Unknown cable, no landing, longer than its segment, twice, shorter than the great circle."""
    with pytest.raises(ScenarioError) as wrong:
        load(tmp_path, branches="Y,B,20\nX,D,5\nX,A,160\nX,A,1\n", express="Z,A,C,240\nX,A,Q,1\nX,A,C,30\n")
    found = [(p.file.rsplit("/", 1)[-1], p.line, p.path) for p in wrong.value.problems]

    assert found == [
        ("branches.csv", 2, "cable"),
        ("branches.csv", 3, "landing"),
        ("branches.csv", 4, "branch_km"),
        ("branches.csv", 5, "landing"),
        ("express.csv", 2, "cable"),
        ("express.csv", 3, "to"),
        ("express.csv", 4, "length_km"),
    ]
