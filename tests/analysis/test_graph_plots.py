"""Pictures, tables and words about runs on AS graphs, against counts made from the tables one by one."""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.collections import PolyCollection

from emulator.analysis.graphview import FATES, catchment_table, losses
from emulator.analysis.plots import Picture, draw, draw_all
from emulator.analysis.plots.catchments import OTHER_POPS, WARNINGS
from emulator.analysis.plots.style import ADDRESSES, RC
from emulator.analysis.redraw import redraw
from emulator.analysis.report import headline
from emulator.analysis.view import RunView
from emulator.cli.gallery import chosen
from emulator.cli.main import main
from emulator.record.folder import write_run

import synthetic

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from emulator.record.run import RunRecord

KINDS = ["catchments", "connectivity", "detours", "updates"]


def drawn(record: RunRecord, kind: str) -> Figure:
    """One picture, which must not be empty."""
    with mpl.rc_context(RC):  # type: ignore[arg-type]
        figure = draw(RunView(record), Picture(kind, kind))
    assert figure is not None
    return figure


def texts(figure: Figure) -> str:
    """All that a figure says, joined, with plain blanks."""
    parts = [text.get_text() for text in figure.texts]
    for ax in figure.axes:
        parts += [*(text.get_text() for text in ax.texts), ax.get_title(loc="left"), ax.get_ylabel()]
    return plain("\n".join(parts))


def plain(text: str) -> str:
    """Text with blanks that may break."""
    return text.replace("\N{NO-BREAK SPACE}", " ")


def lost_by_hand(record: RunRecord, event: int) -> list[float]:
    """How long each AS that lost the shared address after ``event`` was without it; infinity for never."""
    reach = record.tables["reach"]
    rows = zip(reach["event"], reach["destination"], reach["lost_s"], reach["back_s"], strict=True)
    return sorted(
        math.inf if math.isnan(back) else float(lost)
        for its, name, lost, back in rows
        if its == event and name == "shared" and lost > 0
    )


def heights(ax: Axes, x: float) -> list[float]:
    """The stack's layers at ``x``: how much of a fine scale from 0 to 100 is inside each polygon."""
    scale = np.linspace(0, 100, 20_001)
    points = np.column_stack([np.full(len(scale), x), scale])
    return [
        100 * float(np.mean([layer.get_paths()[0].contains_points(points)]))
        for layer in ax.collections
        if isinstance(layer, PolyCollection)
    ]


def test_a_graph_has_its_pictures(graph: RunRecord, tmp_path: Path) -> None:
    """Four kinds, no map, none that needs clients; a lab has none of them."""
    names = [path.name for path in draw_all(RunView(graph), tmp_path, formats=("svg",))]
    assert names == [f"{kind}.svg" for kind in KINDS]
    assert all(path.stat().st_size < 400_000 for path in tmp_path.iterdir())
    lab = RunView(synthetic.lab_record())
    assert all(draw(lab, Picture(kind, kind)) is None for kind in KINDS[:3])


def test_catchments_are_stacked_to_a_hundred_percent(graph: RunRecord) -> None:
    """Every layer is as high as the share of its site in the table, at the start and while the POP is out."""
    figure = drawn(graph, "catchments")
    top = next(ax for ax in figure.axes if ax.get_ylabel() == "of the ASes, %")
    weights = next(ax for ax in figure.axes if ax.get_ylabel() == "of their weight, %")
    sites = graph.tables["sites"]
    rows = list(
        zip(sites["at_s"], sites["destination"], sites["site"], sites["ases"], sites["weight"], strict=True)
    )
    dark = [row for row in rows if row[1] == "shared" and row[2] == -2]
    at = dark[-1][0]
    for instant, minute in ((0.0, 0.5), (at, at / 60 + 0.001)):
        now = [row for row in rows if row[0] == instant and row[1] == "shared"]
        for ax, column in ((top, 3), (weights, 4)):
            total = sum(row[column] for row in now)
            shares = sorted(100 * row[column] / total for row in now)
            assert sorted(part for part in heights(ax, minute) if part > 1e-3) == pytest.approx(
                shares, abs=0.02
            )
    text = texts(figure)
    assert "400 ASes that each POP serves under plain anycast" in text
    assert re.search("POP05 \\d+ % \\(0\N{EN DASH}\\d+\\)", text)
    assert "AS100: POP05 → POP06 → POP05" in text
    assert "AS200" not in text


@pytest.mark.parametrize("pops", [3, 15, 60])
def test_small_pops_are_one_band(pops: int) -> None:
    """Every named POP has a colour of its own, warnings have theirs, and what is too many is grey."""
    record = synthetic.graph_record(pops)
    figure = drawn(record, "catchments")
    top = next(ax for ax in figure.axes if ax.get_ylabel() == "of the ASes, %")
    colours = [
        mpl.colors.to_hex(layer.get_facecolor()[0]) for layer in top.collections if len(layer.get_paths())
    ]
    bands = [
        colour for colour in colours if colour in {*ADDRESSES, OTHER_POPS, *(c for c, _ in WARNINGS.values())}
    ]
    assert len(bands) == len(set(bands)) <= 16
    serving = len({site for site in record.tables["sites"]["site"].tolist() if site >= 0})
    assert (OTHER_POPS in bands) == (serving > 11)
    assert WARNINGS[-2][0] in bands


def test_warnings_have_colours_of_their_own() -> None:
    """No POP can look like a blackhole."""
    colours = [colour for colour, _ in WARNINGS.values()]
    assert sorted(WARNINGS) == sorted(FATES)
    assert len({*colours, *ADDRESSES, OTHER_POPS}) == len(colours) + len(ADDRESSES) + 1


def test_the_curve_is_the_distribution_of_lost_connectivity(graph: RunRecord) -> None:
    """Steps at the periods of those that came back; what never did is counted and not drawn."""
    by_hand = lost_by_hand(graph, 0)
    figure = drawn(graph, "connectivity")
    line = next(line for line in figure.axes[0].lines if len(line.get_xdata()) > 2)
    x, y = np.asarray(line.get_xdata()), np.asarray(line.get_ydata())
    for period in np.quantile([value for value in by_hand if value < math.inf], [0, 0.3, 0.5, 0.9, 1.0]):
        share = 100 * sum(value <= period for value in by_hand) / len(by_hand)
        assert y[np.searchsorted(x, period, side="right") - 1] == pytest.approx(share, abs=0.2)
    assert y[-1] == pytest.approx(100 * (1 - 3 / len(by_hand)))
    text = texts(figure)
    assert f"anycast: {len(by_hand)} of 400 ASes; p50 " in text
    assert "3 never back" in text
    assert "anycast: 3 of 400 ASes; p50 500 ms, max 500 ms" in text


def test_losses_are_those_of_the_table(graph: RunRecord) -> None:
    """Counts, quantiles and the never, a window an event."""
    for (window, kinds), event in zip(losses(RunView(graph)), (0, 1), strict=True):
        (loss,) = kinds
        by_hand = lost_by_hand(graph, event)
        assert (window.event, window.is_repair) == (event, event == 1)
        assert (loss.kind, loss.of, loss.lost) == ("anycast", 400, len(by_hand))
        assert loss.never == sum(value == math.inf for value in by_hand)
        assert loss.longest_s == max(value for value in by_hand if value < math.inf)
        assert loss.quantile_s(0.5) == by_hand[math.ceil(len(by_hand) / 2) - 1]


def test_providers_are_told_apart_from_the_shared_address(graph: RunRecord) -> None:
    """Over pairs of an AS and an address, of all addresses of the kind."""
    reach = {name: list(column) for name, column in graph.tables["reach"].items()}
    row = (0, "AS100", 64500, 2.0, 2.0, 4, 5, 10.0, 30.0, 2)
    for name, value in zip(reach, row, strict=True):
        reach[name].append(value)
    columns = {name: values if name == "destination" else np.array(values) for name, values in reach.items()}
    record = replace(graph, tables={**graph.tables, "reach": columns})
    kinds = losses(RunView(record))[0][1]
    assert [(loss.kind, loss.lost, loss.of) for loss in kinds][1:] == [("IPA", 1, 800)]
    assert "IPA: 1 of 800 pairs; p50 2 s, max 2 s" in texts(drawn(record, "connectivity"))
    assert "1 path, 100 % to another POP\nmedian 10 → 30 ms, 100 % longer" in texts(drawn(record, "detours"))


def bars(ax: Axes) -> tuple[float, float]:
    """The area of all bars above and below zero."""
    areas = [bar.get_height() * bar.get_width() for bar in ax.patches]
    return sum(area for area in areas if area > 0), -sum(area for area in areas if area < 0)


def test_messages_come_from_rates_where_updates_are_few(graph: RunRecord) -> None:
    """A second's messages times its length are all messages; with single messages at hand these are drawn."""
    rates = graph.tables["rates"]
    figure = drawn(graph, "updates")
    ax = figure.axes[0]
    assert ax.get_ylabel() == "BGP messages a second"
    assert bars(ax) == pytest.approx((int(rates["announcements"].sum()), int(rates["withdrawals"].sum())))
    few = {name: column[:0] for name, column in rates.items()}
    single = drawn(replace(graph, tables={**graph.tables, "rates": few}), "updates")
    assert single.axes[0].get_ylabel() == "BGP messages per bar"


def test_when_paths_were_final(graph: RunRecord) -> None:
    """The solid curve counts routers whose last change has come, the dashed one those with any."""
    table = graph.tables["best_paths"]
    first: dict[int, float] = {}
    last: dict[int, float] = {}
    for at, router in zip(table["at_s"].tolist(), table["router"].tolist(), strict=True):
        first.setdefault(router, at - 60)
        last[router] = at - 60
    figure = drawn(graph, "updates")
    ax = next(ax for ax in figure.axes if "paths final" in ax.get_title(loc="left"))
    curves = [line for line in ax.lines if len(line.get_xdata()) > 3]
    for line, times in zip(curves, (first, last), strict=True):
        x, y = np.asarray(line.get_xdata()), np.asarray(line.get_ydata())
        for at in (0.05, 0.2, 3.0, 10.0, 30.0):
            share = 100 * sum(value <= at for value in times.values()) / len(times)
            assert y[np.searchsorted(x, at, side="right") - 1] == pytest.approx(share, abs=3.0)
        assert y[-1] == pytest.approx(100)
    assert f"{len(last)} paths final:" in ax.get_title(loc="left")


def test_detours_are_before_against_after(graph: RunRecord) -> None:
    """As many ASes as have an RTT both times, with the medians of these."""
    reach = graph.tables["reach"]
    mine = (reach["event"] == 0) & ~np.isnan(reach["rtt_after_ms"])
    before, after = reach["rtt_before_ms"][mine], reach["rtt_after_ms"][mine]
    figure = drawn(graph, "detours")
    longer = f"median {np.median(before):.0f} → {np.median(after):.0f} ms"
    assert f"{mine.sum()} paths, 100 % to another POP\n{longer}" in texts(figure)
    shown = figure.axes[0].collections[0]
    assert np.asarray(shown.get_array()).sum() == mine.sum()


def test_the_report_has_its_tables(graph: RunRecord, tmp_path: Path) -> None:
    """Catchments before and after, who lost connectivity, what is left out; `plot` makes the same again."""
    folder = write_run(graph, tmp_path / "run")
    files = redraw(folder, formats=("svg",))
    html = plain((folder / "report.html").read_text())
    assert [path.name for path in files] == [*(f"{kind}.svg" for kind in KINDS), "report.html"]
    table = catchment_table(RunView(graph))
    assert table is not None
    assert table.columns == (
        "at the start",
        "after outage of POP POP05",
        "after repair of outage of POP POP05",
    )
    row = next(row for row in table.rows if row.name == "POP05")
    start = next(
        (int(ases), weight)
        for at, name, site, ases, weight in zip(*graph.tables["sites"].values(), strict=True)
        if (at, name, site) == (0.0, "shared", 4)
    )
    assert [ases for ases, _ in row.cells] == [start[0], 0, start[0]]
    assert next(row.cells[1][0] for row in table.rows if row.name == "blackhole") == 3
    assert "<td>POP05</td>" in html
    assert "Who lost connectivity" in html
    assert "An AS is one router" in html
    assert "by the next event" not in plain(headline(RunView(graph))[0])
    assert "3 did not have it back" in plain(headline(RunView(graph))[0])
    before = {path.name: path.read_bytes() for path in (folder / "plots").iterdir()}
    redraw(folder, formats=("svg",))
    assert {path.name: path.read_bytes() for path in (folder / "plots").iterdir()} == before


def test_the_gallery_shows_graphs(graph: RunRecord) -> None:
    """All four pictures of a graph without clients."""
    assert [picture.kind for picture in chosen(RunView(graph))] == KINDS


def test_a_graph_on_which_nothing_happens(graph: RunRecord) -> None:
    """Catchments that stand still are drawn, the rest is not there."""
    sites = graph.tables["sites"]
    still = [i for i, at in enumerate(sites["at_s"]) if at == 0]
    kept = {
        k: [v[i] for i in still] if k == "destination" else np.asarray(v)[still] for k, v in sites.items()
    }
    atlas = {**graph.atlas, "events": [], "phases": {"fault_s": None, "during_end_s": 300.0, "end_s": 300.0}}
    record = replace(graph, tables={"sites": kept}, atlas=atlas, summary={**graph.summary, "events": []})
    assert "No event moved an AS" in texts(drawn(record, "catchments"))
    assert all(draw(RunView(record), Picture(kind, kind)) is None for kind in KINDS[1:])


def with_state(record: RunRecord, name: str, states: dict[float, dict[int, int]]) -> RunRecord:
    """``record`` with other catchments of one destination: instant -> site -> ASes."""
    sites = record.tables["sites"]
    kept = [i for i, destination in enumerate(sites["destination"]) if destination != name]
    rows = [
        (at, name, site, ases, float(ases)) for at, state in states.items() for site, ases in state.items()
    ]
    columns = dict(zip(sites, zip(*rows, strict=True), strict=True))
    table = {}
    for key, column in sites.items():
        other = [column[i] for i in kept]
        new = list(columns[key])
        values = new + other if name == "shared" else other + new
        table[key] = values if key == "destination" else np.array(values)
    return replace(record, tables={**record.tables, "sites": table})


def small_titles(record: RunRecord) -> list[str]:
    """What stands above the small stacks."""
    titles = [ax.get_title(loc="left") for ax in drawn(record, "catchments").axes]
    return [title for title in titles if title]


def test_small_stacks_name_what_can_be_seen(graph: RunRecord) -> None:
    """A loop of everybody for a second is not in the picture of twenty minutes; five minutes at a POP are."""
    record = with_state(
        graph, "AS200",
        {0.0: {5: 400}, 60.0: {-3: 400}, 61.0: {6: 150, 5: 250}, 360.0: {5: 400}},
    )  # fmt: skip
    assert small_titles(record) == ["AS100: POP05 → POP06 → POP05", "AS200: POP06 → POP07 → POP06"]
    lasting = with_state(graph, "AS200", {0.0: {5: 400}, 60.0: {-3: 400}, 90.0: {5: 400}})
    assert small_titles(lasting)[1] == "AS200: POP06 → loop → POP06"
    part = with_state(graph, "AS200", {0.0: {5: 400}, 60.0: {-3: 40, 5: 360}})
    assert plain(small_titles(part)[1]) == "AS200: POP06, up to 10 % loop"


@pytest.mark.parametrize(
    "states",
    [{0.0: {5: 400}, 60.0: {-1: 400}, 60.5: {5: 400}}, {0.0: {5: 400}, 60.0: {-1: 4, 5: 396}}],
    ids=["for half a second", "one percent"],
)
def test_what_cannot_be_seen_has_no_panel(graph: RunRecord, states: dict[float, dict[int, int]]) -> None:
    """And is not counted among those that changed."""
    record = with_state(graph, "AS200", states)
    assert small_titles(record) == ["AS100: POP05 → POP06 → POP05"]
    assert "1 that changed of 2" in texts(drawn(record, "catchments")).replace("\n", " ")


def test_large_stacks_name_what_can_be_seen(graph: RunRecord) -> None:
    """A moment without a route is in the title, as one, and not among the names beside the picture."""
    states: dict[float, dict[int, int]] = {0.0: {4: 300, 5: 100}, 60.0: {-1: 400}, 61.0: {4: 200, 5: 200}}
    said = texts(drawn(with_state(graph, "shared", states), "catchments")).replace("\n", " ")
    assert "for a moment 100 % of ASes reached none" in said
    assert "no route" not in said
    states[500.0] = {-1: 400}
    said = texts(drawn(with_state(graph, "shared", states), "catchments")).replace("\n", " ")
    assert "at worst 100 % of ASes reached none" in said
    assert "no route 0 → 100 %" in said


def with_paths(record: RunRecord, before: list[float], after: list[float], event: int = 0) -> RunRecord:
    """``record`` with the RTTs of so many ASes as all that `reach` knows of the shared address."""
    many = len(before)
    reach = {
        "event": np.full(many, event), "destination": ["shared"] * many, "asn": np.arange(many),
        "lost_s": np.zeros(many), "back_s": np.zeros(many), "site_before": np.zeros(many, np.int64),
        "site_after": np.zeros(many, np.int64), "rtt_before_ms": np.array(before),
        "rtt_after_ms": np.array(after), "changes": np.ones(many),
    }  # fmt: skip
    return replace(record, tables={**record.tables, "reach": reach})


def test_paths_that_are_gone_are_told_of(graph: RunRecord) -> None:
    """As many as had an RTT and have none, beside those that changed; and those that had none."""
    record = with_paths(
        graph, [10.0] * 9 + [20.0] * 3 + [math.nan] * 2, [30.0] * 9 + [math.nan] * 3 + [5.0] * 2
    )
    said = texts(drawn(record, "detours"))
    assert "9 paths, 0 % to another POP" in said
    assert "3 paths gone\n2 paths new" in said


def test_an_event_after_which_all_paths_are_gone_says_so(graph: RunRecord) -> None:
    """It has no squares, and is not called one that changed nothing."""
    changed = with_paths(graph, [10.0] * 9, [30.0] * 9).tables["reach"]
    gone = with_paths(graph, [10.0] * 300, [math.nan] * 300, event=1).tables["reach"]
    both = {
        name: changed[name] + gone[name] if name == "destination" else np.append(changed[name], gone[name])
        for name in changed
    }
    said = texts(drawn(replace(graph, tables={**graph.tables, "reach": both}), "detours"))
    assert "300 paths gone" in said
    assert "no path changed" not in said
    only = replace(graph, tables={**graph.tables, "reach": gone})
    assert draw(RunView(only), Picture("detours", "detours")) is None


def test_extremes_at_the_edge_are_told_of(graph: RunRecord) -> None:
    """One in five thousand that would take all the room; where it takes little, the axes hold it."""
    usual = np.geomspace(20, 100, 5000).tolist()
    far = drawn(with_paths(graph, [*usual, 50.0], [*(x + 9 for x in usual), 5000.0]), "detours")
    assert "1 path beyond the axes,\ndrawn on the edge" in texts(far)
    near = drawn(with_paths(graph, [*usual, 50.0], [*(x + 9 for x in usual), 120.0]), "detours")
    assert "edge" not in texts(near)
    assert near.axes[0].get_ylim()[1] > 120


def test_events_and_kinds_that_have_no_room_are_told_of(graph: RunRecord) -> None:
    """Three columns and two rows; what is beyond them is named."""
    events = [{"index": i, "at_s": 60.0 + 60 * i, "kind": "cut", "label": f"cut {i}"} for i in range(5)]
    names = ("shared", "AS100", "pop POP01")
    rows = [(event, name) for event in range(5) for name in names for _ in range(10 - event)]
    reach = with_paths(graph, [10.0] * len(rows), [30.0] * len(rows)).tables["reach"]
    reach = {**reach, "event": np.array([e for e, _ in rows]), "destination": [name for _, name in rows]}
    record = replace(graph, tables={**graph.tables, "reach": reach}, atlas={**graph.atlas, "events": events})
    said = texts(drawn(record, "detours")).replace("\n", " ")
    assert "Left out: 2 events with fewer paths to draw and unicast." in said
    assert ["cut 2" in said, "cut 3" in said] == [True, False]


def without_cdn(record: RunRecord, names: dict[str, str]) -> RunRecord:
    """``record`` with ASes instead of POPs and prefixes instead of addresses."""
    tables = dict(record.tables)
    for table in ("sites", "reach"):
        column = [names[name] for name in tables[table]["destination"]]
        tables[table] = {**tables[table], "destination": column}
    pops = [{"code": f"AS{i + 1}", "city": ""} for i in range(len(record.atlas["pops"]))]
    return replace(record, tables=tables, atlas={**record.atlas, "pops": pops})


PREFIXES = {"shared": "203.0.113.0/24", "AS100": "198.51.100.0/24", "AS200": "192.0.2.0/24"}


def test_without_a_cdn_there_are_prefixes_and_ases(graph: RunRecord, tmp_path: Path) -> None:
    """No picture, table or sentence speaks of POPs, anycast or service addresses."""
    record = without_cdn(graph, PREFIXES)
    said = "\n".join(texts(drawn(record, kind)) for kind in KINDS)
    folder = write_run(record, tmp_path / "run")
    redraw(folder, formats=("svg",))
    html = re.sub(r"<svg.*?</svg>", "", (folder / "report.html").read_text(), flags=re.DOTALL)
    labels = [event["label"] for event in record.atlas["events"]]
    html = re.sub(r"<style.*?</style>", "", html, flags=re.DOTALL)
    told = re.sub("|".join(sorted(labels, key=len, reverse=True)), "", f"{said}\n{html}")
    assert not re.search(r"POP(?!05)|anycast|service address", told)
    assert "ASes lost 203.0.113.0/24" in plain(headline(RunView(record))[0])
    assert "moved 26 % of ASes to another AS at 203.0.113.0/24" in said.replace("\n", " ")
    assert "Catchments of 198.51.100.0/24" in html


def test_many_prefixes_are_one_kind(graph: RunRecord) -> None:
    """More than can be told apart in one picture: pairs of an AS and a prefix."""
    record = without_cdn(graph, PREFIXES)
    many = with_state(record, "10.0.0.0/8", {0.0: {0: 400}})
    many = with_state(many, "10.0.0.0/9", {0.0: {0: 400}})
    kinds = losses(RunView(many))[0][1]
    assert [(loss.kind, loss.of, loss.destinations) for loss in kinds] == [("prefix", 2000, 5)]
    assert "of 2,000 pairs of AS and prefix lost connectivity" in plain(headline(RunView(many))[0])


def test_the_catchments_shown_are_those_that_change(graph: RunRecord) -> None:
    """Without a CDN no prefix is the one that matters: the most changed one is drawn large and tabulated."""
    record = with_state(without_cdn(graph, PREFIXES), "192.0.2.0/24", {0.0: {5: 400}, 60.0: {-1: 400}})
    assert "packets to 192.0.2.0/24 each AS gets" in texts(drawn(record, "catchments")).replace("\n", " ")
    table = catchment_table(RunView(record))
    assert table is not None
    assert table.destination == "192.0.2.0/24"


@pytest.mark.slow
def test_two_million_changes_are_drawn_in_time(graph: RunRecord) -> None:
    """75,000 routers, eleven prefixes, more than two changes each; and every AS in `reach`, ten times."""
    rng, rows = np.random.default_rng(1), 2_000_000
    prefixes = [f"198.18.{i}.0/24" for i in range(11)]
    best = {
        "at_s": np.sort(60 + rng.exponential(20, rows)),
        "router": rng.integers(0, 75_000, rows).astype(np.int32),
        "prefix": [prefixes[i] for i in rng.integers(0, 11, rows).tolist()],
        "next_hop": np.zeros(rows, np.int64), "length": np.ones(rows, np.int32),
    }  # fmt: skip
    many = 750_000
    reach = {
        "event": rng.integers(0, 2, many).astype(np.int32), "asn": np.arange(many),
        "destination": [("shared", "AS100", "AS200")[i] for i in rng.integers(0, 3, many).tolist()],
        "lost_s": rng.exponential(5, many), "back_s": rng.exponential(5, many),
        "site_before": rng.integers(0, 9, many), "site_after": rng.integers(0, 9, many),
        "rtt_before_ms": rng.lognormal(4, 1, many), "rtt_after_ms": rng.lognormal(4, 1, many),
        "changes": np.ones(many),
    }  # fmt: skip
    record = replace(graph, tables={**graph.tables, "best_paths": best, "reach": reach})
    drawn(graph, "updates")  # what matplotlib does once
    for kind in KINDS:
        before = time.process_time()
        drawn(record, kind)
        assert time.process_time() - before < 2.0, kind


@pytest.mark.slow
def test_same_graph_same_pictures_in_another_process(tmp_path: Path) -> None:
    """SVG bytes do not depend on hash seed or process."""
    code = (
        f"import sys; sys.path[:0] = [{str(Path(__file__).parent)!r}, {str(Path.cwd())!r}]\n"
        "from pathlib import Path; import synthetic\n"
        "from emulator.analysis.view import RunView; from emulator.analysis.plots import draw_all\n"
        "folder = Path(sys.argv[1]); folder.mkdir()\n"
        "draw_all(RunView(synthetic.graph_record()), folder, formats=('svg',))\n"
    )
    found = []
    for name, hash_seed in (("a", "1"), ("b", "2")):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        subprocess.run([sys.executable, "-c", code, str(tmp_path / name)], check=True, env=environment)
        files = sorted((tmp_path / name).iterdir())
        found.append({path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files})
    assert found[0] == found[1]
    assert len(found[0]) == len(KINDS)


GRAPH = """\
version: 1
name: small
network:
  generate: {ases: 300}
  cdn: {asn: 54113, pops: 4, meeting: 50%}
bgp: {hold_time: 90s, failure_detection: hold-timer}
settle: solve
duration: 5min
timeline:
  - {at: 1min, outage: {pop: POP1}}
"""


@pytest.mark.slow
def test_a_run_without_strategies_prints_what_was_lost(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The table's numbers are the summary's."""
    (tmp_path / "small.yaml").write_text(GRAPH)
    arguments = ["run", "-q", "--no-plots", "--out", str(tmp_path / "run"), str(tmp_path / "small.yaml")]
    assert main(arguments) == 0
    found = json.loads((tmp_path / "run" / "summary.json").read_text())["events"][0]
    lost = found["loss_of_connectivity"]["shared"]
    assert lost["ases"] > 0
    row = next(line for line in plain(capsys.readouterr().out).splitlines() if "outage of POP1" in line)
    assert re.search(rf"anycast +{lost['ases']} +300 .* {lost['never']} +yes", row)
