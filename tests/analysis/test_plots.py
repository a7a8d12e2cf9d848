"""The pictures: which there are, that equal runs draw equal bytes, that odd runs draw at all, geometry."""

from __future__ import annotations

import hashlib
import math
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.analysis.metrics import with_metrics
from emulator.analysis.plots import Picture, draw, draw_all, pictures
from emulator.analysis.plots.episodes import episodes
from emulator.analysis.plots.projection import great_circle, middle, project
from emulator.analysis.plots.steering import OTHERS
from emulator.analysis.plots.style import ADDRESSES, RC, WIDTH_IN, looks, spread
from emulator.analysis.plots.world import POP_COLOURS, pop_colours
from emulator.analysis.topojson import land_rings, rings, unwrapped
from emulator.analysis.view import RunView
from emulator.errors import InputError
from emulator.scenario.build import build
from emulator.scenario.loader import loads
from emulator.sim.run import simulate

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from emulator.analysis.view import Floats
    from emulator.record.run import RunRecord


def drawn(view: RunView, kind: str, strategy: str | None = None) -> Figure:
    """One picture, which must not be empty."""
    with mpl.rc_context(RC):  # type: ignore[arg-type]
        figure = draw(view, Picture(kind, kind, strategy))
    assert figure is not None
    return figure


def texts(figure: Figure) -> str:
    """All that a figure says, joined, with plain blanks."""
    parts = [text.get_text() for text in figure.texts]
    for ax in figure.axes:
        parts += [text.get_text() for text in ax.texts]
        parts += [ax.get_title(loc="left"), ax.get_xlabel(), ax.get_ylabel()]
    return "\n".join(parts).replace("\N{NO-BREAK SPACE}", " ")


def test_a_world_run_has_every_picture(world_view: RunView, tmp_path: Path) -> None:
    """One file a picture and format; a map a strategy, shares for those that steer."""
    names = {path.name for path in draw_all(world_view, tmp_path)}
    kinds = ["success", "rtt", "rtt-cdf", "reconvergence", "updates", "load"]
    kinds += ["map-anycast", "map-ipa", "map-ipa-cover", "shares-ipa", "shares-ipa-cover"]
    assert names == {f"{kind}.{ending}" for kind in kinds for ending in ("svg", "png")}
    assert names == {path.name for path in tmp_path.iterdir()}
    for path in tmp_path.glob("*.svg"):
        assert ET.parse(path).getroot().tag == "{http://www.w3.org/2000/svg}svg"  # noqa: S314 - ours


def test_a_lab_has_messages_and_changes(lab: RunRecord, tmp_path: Path) -> None:
    """Without clients only the control plane is there to be drawn."""
    names = [path.name for path in draw_all(RunView(lab), tmp_path, formats=("svg",))]
    assert names == ["updates.svg", "changes.svg"]


CLIENTS = b"""
version: 1
name: lab-clients
duration: 5min
network:
  routers:
    r0: {asn: 65000, prefixes: [203.0.113.0/24]}
    r1: {asn: 65001}
  links:
    - {ends: [r0, r1], delay: 10ms}
bgp: {policy: permit-all, mrai: 0s}
strategies: {anycast: {kind: anycast}}
clients: {demand: 10/s, groups: [{router: r1}]}
timeline:
  - {at: 1min, cut: [r0, r1], repair_after: 1min}
"""


def test_a_lab_with_clients_has_no_map(tmp_path: Path) -> None:
    """Its routers stand nowhere; everything else is drawn."""
    record = with_metrics(simulate(build(loads(CLIENTS, "lab.yaml", folder=tmp_path))))
    names = {path.stem for path in draw_all(RunView(record), tmp_path, formats=("svg",))}
    assert names == {"success", "rtt", "rtt-cdf", "reconvergence", "updates", "changes"}


@pytest.mark.slow
def test_same_run_same_pictures_in_another_process(tmp_path: Path) -> None:
    """SVG and PNG bytes do not depend on hash seed or process."""
    code = (
        f"import sys; sys.path[:0] = [{str(Path(__file__).parent)!r}, {str(Path.cwd())!r}]\n"
        "from pathlib import Path; import synthetic\n"
        "from emulator.analysis.metrics import with_metrics; from emulator.analysis.view import RunView\n"
        "from emulator.analysis.plots import draw_all\n"
        "folder = Path(sys.argv[1]); folder.mkdir()\n"
        "view = RunView(with_metrics(synthetic.world_record(demand=100.0, per_city=1)))\n"
        "draw_all(view, folder, only=('success', 'map', 'updates', 'shares'))\n"
    )
    found = []
    for name, hash_seed in (("a", "1"), ("b", "2")):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        subprocess.run([sys.executable, "-c", code, str(tmp_path / name)], check=True, env=environment)
        files = sorted((tmp_path / name).iterdir())
        found.append({path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files})
    assert found[0] == found[1]
    assert len(found[0]) == 14


def test_titles_state_the_finding(world_view: RunView) -> None:
    """Numbers in a title are the summary's."""
    anycast = world_view.record.summary["strategies"]["anycast"]
    assert f"anycast lost {100 * anycast['lost_requests']['share']:.1f} % of requests" in texts(
        drawn(world_view, "success")
    )
    back = anycast["service_reconvergence_s"]
    expected = f"{back['censored']} of {back['affected_groups']} groups never recovered"
    assert expected in texts(drawn(world_view, "reconvergence")).replace("\n", " ")


def test_every_axis_says_what_it_is(world_view: RunView, lab: RunRecord) -> None:
    """Each axes has a y label and each row of them an x label; a map needs none."""
    figures = [
        drawn(world_view, "success"), drawn(world_view, "rtt"), drawn(world_view, "rtt-cdf"),
        drawn(world_view, "reconvergence"), drawn(world_view, "shares", "ipa"), drawn(world_view, "updates"),
        drawn(world_view, "load"), drawn(RunView(lab), "updates"),
    ]  # fmt: skip
    for figure in figures:
        assert all(
            ax.get_ylabel() or (ax.get_subplotspec() is None and _left_neighbour(figure, ax))
            for ax in figure.axes
        )
        assert figure.axes[-1].get_xlabel()
        assert figure.get_figwidth() == WIDTH_IN


def _left_neighbour(figure: Figure, ax: Axes) -> bool:
    """Whether ``ax`` shares the y axis of a labelled one beside it."""
    return any(
        other.get_ylabel() and other.get_position().y0 == ax.get_position().y0 for other in figure.axes
    )


def test_censored_groups_keep_a_curve_below_the_top(world_view: RunView) -> None:
    """The anycast curve ends at the share that recovered; IPA's at 100 %."""
    (ax,) = drawn(world_view, "reconvergence").axes
    ends = {line.get_color(): float(np.asarray(line.get_ydata())[-1]) for line in ax.lines}
    colours = looks(world_view.kinds)
    back = world_view.record.summary["strategies"]["anycast"]["service_reconvergence_s"]
    assert ends[colours["anycast"].colour] == pytest.approx(
        100 * (1 - back["censored"] / back["affected_groups"])
    )
    assert ends[colours["ipa"].colour] == 100.0


@pytest.mark.parametrize("change", ["no-fault", "nothing-succeeded", "no-labels", "one-second", "stranger"])
def test_odd_runs_are_drawn_too(world: RunRecord, tmp_path: Path, change: str) -> None:
    """No fault, no success, no names, hardly any time, hostile text: pictures, not tracebacks."""
    atlas, tables = dict(world.atlas), dict(world.tables)
    if change == "no-fault":
        atlas |= {"phases": {"fault_s": None, "during_end_s": 1800.0, "end_s": 1800.0}, "events": []}
    elif change == "nothing-succeeded":
        requests = tables["requests"]
        tables["requests"] = {
            **requests,
            "lost": requests["requests"],
            "good": requests["requests"] * 0,
            "slow": requests["requests"] * 0,
        }
        del tables["rtt"], tables["catchment"]
    elif change == "no-labels":
        atlas = {"phases": atlas["phases"], "events": [{"index": 0, "at_s": 300.0, "kind": "cut"}]}
    elif change == "one-second":
        tables["requests"] = {c: v[:1] for c, v in tables["requests"].items()}
        atlas["phases"] = {"fault_s": 0.0, "during_end_s": 1.0, "end_s": 1.0}
        for name in ("rtt", "steering", "load", "updates"):
            del tables[name]
    else:
        atlas["events"] = [
            {"index": 0, "at_s": 300.0, "kind": "cut", "label": "$\\frac{$ \n\x00 <b> " + "ж" * 300}
        ]
    from emulator.analysis.metrics import with_metrics

    run = with_metrics(replace(world, atlas=atlas, tables=tables))
    assert draw_all(RunView(run), tmp_path, formats=("svg",))


def test_pictures_of_strategies_with_odd_names_have_files_of_their_own(world: RunRecord) -> None:
    """Names that differ only in characters no file name should have."""
    requests = world.tables["requests"]
    table = {c: v[:3] for c, v in requests.items()} | {"strategy": ["a/b", "a b", "../x"]}
    names = [
        p.name for p in pictures(RunView(replace(world, tables={"requests": table}, atlas={})), ("map",))
    ]
    assert names == ["map-a-b", "map-a-b-2", "map-x"]


def test_unknown_kinds_and_formats_are_refused(world_view: RunView, tmp_path: Path) -> None:
    """With what there is instead."""
    with pytest.raises(InputError, match="unknown picture 'maps'; there are success"):
        draw_all(world_view, tmp_path, only=("maps",))
    with pytest.raises(InputError, match="unknown picture format 'pdf'; there are svg, png"):
        draw_all(world_view, tmp_path, formats=("pdf",))


def test_strategies_have_colours_of_their_own() -> None:
    """Whatever the kinds, and the same strategy looks the same whoever else is there."""
    kinds = {
        "anycast": "anycast",
        "ipa": "ipa",
        "ipa-cover": "ipa",
        "unicast": "unicast",
        "mine": "user",
        "yours": "user",
    }
    styles = looks(kinds)
    assert len({look.colour for look in styles.values()}) == len(kinds)
    assert looks({"ipa": "ipa"})["ipa"].colour == styles["ipa"].colour


def test_neighbouring_pops_differ_in_colour() -> None:
    """As many POPs as colours: all different; more: the nearest are."""
    places = [(50.0 + i, 8.0) for i in range(len(POP_COLOURS))]
    assert len(set(pop_colours(places))) == len(POP_COLOURS)
    colours = pop_colours([*places, (-30.0, 150.0)])
    assert colours[-1] != colours[0] or len(set(colours)) == len(POP_COLOURS)


@given(st.lists(st.floats(-2, 3), max_size=8).map(sorted))
def test_labels_spread_apart_in_order(positions: list[float]) -> None:
    """In order, a gap apart, inside, and not moved where there was no need."""
    gap = 0.1
    found = spread(positions, gap, 0.0, 1.0)
    assert len(found) == len(positions)
    assert all(later - earlier >= gap - 1e-9 for earlier, later in pairwise(found))
    assert all(-1e-9 <= position <= 1 + 1e-9 for position in found)
    apart = all(later - earlier >= gap for earlier, later in pairwise(positions))
    if apart and all(0 <= position <= 1 for position in positions):
        assert found == pytest.approx(positions)


def test_episodes_join_what_overlaps(lab: RunRecord) -> None:
    """Two events ten minutes apart are two; one that comes before the first has settled joins it."""
    view = RunView(lab)
    at = np.asarray(lab.tables["updates"]["at_s"])
    assert [(e.start_s, e.convergence_s) for e in episodes(view, at)] == [(0.0, 0.01), (600.0, 60.02)]
    late = {"index": 2, "at_s": 630.0, "kind": "announce", "label": "again"}
    summary = {
        **lab.summary,
        "events": [*lab.summary["events"], {**late, "control_plane_convergence_s": 45.0}],
    }
    joined = episodes(
        RunView(replace(lab, summary=summary, atlas={**lab.atlas, "events": [*lab.atlas["events"], late]})),
        at,
    )
    assert [(e.start_s, e.convergence_s) for e in joined] == [(0.0, 0.01), (600.0, 75.0)]


def test_great_circles_are_cut_at_the_antimeridian() -> None:
    """Tokyo to Los Angeles leaves the page in the east at the latitude at which it comes in from the west."""
    east, west = great_circle((35.7, 139.7), (34.1, -118.2))
    assert east[0] == pytest.approx(project(139.7, 35.7))
    assert west[-1] == pytest.approx(project(-118.2, 34.1))
    assert east[-1, 1] == pytest.approx(west[0, 1])
    assert east[-1, 0] == pytest.approx(-west[0, 0])
    assert np.all(np.diff(east[:, 0]) > 0)


def test_great_circles_elsewhere_are_one_line() -> None:
    """London to New York bows north of both; a point is no line; the middle is half way."""
    (line,) = great_circle((51.5, -0.1), (40.7, -74.0))
    assert line[:, 1].max() > project(-0.1, 51.5)[1]
    assert great_circle((10.0, 20.0), (10.0, 20.0)) == []
    assert middle((0.0, 170.0), (0.0, -170.0))[1] == pytest.approx(180.0)


def test_the_projection_is_the_published_one() -> None:
    """Natural Earth: half as wide as pi 0.8707 at the equator, and 0.52 times that high at the pole."""
    assert project(180, 0) == pytest.approx([np.pi * 0.8707, 0.0])
    assert project(0, 90)[1] == pytest.approx(1.4222, abs=2e-3)
    assert project(-180, 40) == pytest.approx(project(180, 40) * [-1, 1])


def test_topojson_arcs_are_decoded_joined_and_reversed() -> None:
    """A square of two arcs, one backwards, quantized: by hand from the specification."""
    topology = {
        "type": "Topology",
        "transform": {"scale": [0.5, 2.0], "translate": [10.0, 20.0]},
        "arcs": [[[0, 0], [2, 0], [0, 1]], [[0, 0], [0, 1], [2, 0]]],
        "objects": {
            "land": {"type": "GeometryCollection", "geometries": [{"type": "Polygon", "arcs": [[0, -2]]}]}
        },
    }
    (ring,) = rings(topology, "land")
    assert ring.tolist() == [[10.0, 20.0], [11.0, 20.0], [11.0, 22.0], [10.0, 22.0], [10.0, 20.0]]
    with pytest.raises(InputError, match="not a TopoJSON topology with an object 'sea'"):
        rings(topology, "sea")


def test_the_land_that_ships_is_whole() -> None:
    """Closed rings within the globe; none jumps over the antimeridian once unwrapped."""
    land = land_rings()
    assert len(land) > 100
    assert all(np.array_equal(ring[0], ring[-1]) for ring in land)
    assert all(np.abs(ring[:, 0]).max() <= 180.001 and np.abs(ring[:, 1]).max() <= 90 for ring in land)
    assert all(np.abs(np.diff(ring[:, 0])).max() < 180 for ring in unwrapped(land))


def steered(world: RunRecord, in_use: Floats, *, wan: float = math.nan) -> RunRecord:
    """The world with a strategy ``ipa`` whose demand moves: rows are addresses, a column a minute."""
    many, minutes = in_use.shape
    rows = [(60 * minute, f"AS{i}", in_use[i, minute]) for minute in range(minutes) for i in range(many)]
    seconds, names, shares = zip(*rows, strict=True)
    table = {
        "strategy": ["ipa"] * len(rows), "second": np.array(seconds), "address": list(names),
        "share": np.array(shares), "in_use": np.array(shares), "wan": np.full(len(rows), wan),
    }  # fmt: skip
    return replace(world, tables={**world.tables, "steering": table})


def test_steering_tells_of_the_largest_move(world: RunRecord) -> None:
    """Not of the noise that is left when all is repaired."""
    in_use = np.full((3, 30), 1 / 3)
    in_use[:, 9:14] = [[0.01], [0.49], [0.5]]
    in_use[:, 29] += [0.0021, -0.002, -0.0001]
    assert (
        "ipa had moved 32 % of the demand by 9 min, most from AS0 and most to AS2; back at the end"
        in texts(drawn(RunView(steered(world, in_use)), "shares", "ipa")).replace("\n", " ")
    )
    in_use[:, 20:] = [[0.2], [0.4], [0.4]]
    assert "most to AS2; 13 % still at the end" in texts(
        drawn(RunView(steered(world, in_use)), "shares", "ipa")
    ).replace("\n", " ")
    in_use[:, 9:] = in_use[:, :1] + [[0.001], [0.0], [-0.001]]
    assert "the shares of the 3 addresses hardly moved" in texts(
        drawn(RunView(steered(world, in_use)), "shares", "ipa")
    )


def test_moves_within_chance_are_none(world: RunRecord) -> None:
    """Shares that swing before the fault as they do after it."""
    swing = 0.02 * np.sin(np.arange(30))
    in_use = np.array([0.5 + swing, 0.5 - swing])
    assert "hardly moved" in texts(drawn(RunView(steered(world, in_use)), "shares", "ipa"))


@pytest.mark.parametrize("many", [12, 13, 40])
def test_no_two_addresses_have_one_colour(world: RunRecord, many: int) -> None:
    """The small ones share a grey band, and those that the title names are not among them."""
    in_use = np.full((many, 30), 1 / many)
    in_use[many - 1, 8:] += 0.5 / many
    in_use[many - 2, 8:] -= 0.5 / many
    figure = drawn(RunView(steered(world, in_use)), "shares", "ipa")
    bands = [mpl.colors.to_hex(layer.get_facecolor()[0]) for layer in figure.axes[0].collections]
    bands = [colour for colour in bands if colour in {*ADDRESSES, OTHERS}]
    assert len(bands) == len(set(bands)) == min(many, len(ADDRESSES) + 1)
    said = texts(figure)
    assert f"most from AS{many - 2} and most to AS{many - 1}" in said.replace("\n", " ")
    assert f"% AS{many - 1}" in said
    assert ("others" in said, f"Grey: {many - 12} addresses" in said) == (many > 12, many > 12)


def test_only_what_is_drawn_is_announced(world: RunRecord) -> None:
    """Without WAN there is one panel: no top and no bottom."""
    in_use = np.full((3, 30), 1 / 3)
    plain = drawn(RunView(steered(world, in_use)), "shares", "ipa")
    ranked = drawn(RunView(steered(world, in_use, wan=3.0)), "shares", "ipa")
    assert (len(plain.axes), len(ranked.axes)) == (1, 2)
    assert ("Top:" in texts(plain), "Bottom:" in texts(plain)) == (False, False)
    assert ("Top:" in texts(ranked), "Bottom:" in texts(ranked)) == (True, True)


def test_updates_count_what_they_draw(lab: RunRecord) -> None:
    """Three of five withdrawals, the busiest; the numbers beside them are those of the bars."""
    at, events, summaries = [], [], []
    for i, messages in enumerate((3, 40, 5, 60, 70)):
        at += [100.0 * i + 1 + 0.01 * n for n in range(messages)]
        events.append({"index": i, "at_s": 100.0 * i + 1, "kind": "withdraw", "label": f"withdraw {i}"})
        summaries.append({**events[-1], "control_plane_convergence_s": i / 2, "quiescent": True})
    none = np.zeros(len(at), np.int64)
    updates = {"at_s": np.array(at), "sender": none, "receiver": none, "prefix": ["p"] * len(at),
               "withdrawal": none == 1}  # fmt: skip
    record = replace(
        lab, tables={"updates": updates}, trace=(), atlas={**lab.atlas, "events": events},
        summary={**lab.summary, "events": summaries},
    )  # fmt: skip
    said = texts(drawn(RunView(record), "updates"))
    assert "170\nannounce-\nments" in said
    assert "the 3 busiest of 5 stretches" in said.replace("\n", " ")
    assert ["withdraw 0" in said, "withdraw 1" in said, "withdraw 4" in said] == [False, True, True]
