"""Events of one time: one name, one row, one sentence; everything in time order, repairs as well."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import matplotlib as mpl
import pytest

from emulator.analysis.graphview import windows
from emulator.analysis.instants import outcomes
from emulator.analysis.plots import Picture, draw
from emulator.analysis.plots.style import FAULT, RC
from emulator.analysis.report import headline, render
from emulator.analysis.view import RunView

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.figure import Figure
    from matplotlib.text import Text

    from emulator.record.run import RunRecord

BOTH = "withdraw 203.0.113.0/24 at AS100 + outage of AS7"


def with_events(record: RunRecord, *events: tuple[float, str, str], **first: float) -> RunRecord:
    """``record`` with other events, (at, kind, label), in the order of their indices.

    As the engine does it, the last event of an instant has all messages; ``first`` goes into the first's
    summary.
    """
    listed = [
        {"index": i, "at_s": at, "kind": kind, "label": label} for i, (at, kind, label) in enumerate(events)
    ]
    last = {event["at_s"]: event["index"] for event in listed}
    summaries = [
        {**event, "announcements": 7, "withdrawals": 5, "best_path_changes": 3, "quiescent": True,
         "control_plane_convergence_s": 2.0, "data_plane_convergence_s": 1.0}
        if last[event["at_s"]] == event["index"]
        else {**event, "announcements": 0, "withdrawals": 0, "best_path_changes": 0, "quiescent": False,
              "control_plane_convergence_s": 0.0, "data_plane_convergence_s": 0.0}
        for event in listed
    ]  # fmt: skip
    summaries[0] |= first
    return replace(
        record, atlas={**record.atlas, "events": listed}, summary={**record.summary, "events": summaries}
    )


TOGETHER = (
    (60.0, "withdraw", "withdraw 203.0.113.0/24 at AS100"),
    (60.0, "outage", "outage of AS7"),
    (900.0, "cut", "cut AS1 - AS2"),
    (360.0, "repair", "repair of outage of AS7"),
)


def test_events_of_one_instant_are_one(graph: RunRecord) -> None:
    """What the last one is said to have done, all of them did; the repair stands before the later cut."""
    found = outcomes(RunView(with_events(graph, *TOGETHER, announcements=2, control_plane_convergence_s=9.0)))
    assert [(each["label"], each["at_s"], each["index"]) for each in found] == [
        (BOTH, 60.0, 1), ("repair of outage of AS7", 360.0, 3), ("cut AS1 - AS2", 900.0, 2),
    ]  # fmt: skip
    first = found[0]
    assert (first["announcements"], first["withdrawals"], first["best_path_changes"]) == (9, 5, 3)
    assert (first["control_plane_convergence_s"], first["data_plane_convergence_s"]) == (9.0, 1.0)
    assert first["quiescent"]


def test_the_headline_blames_no_single_one(graph: RunRecord, tmp_path: Path) -> None:
    """A sentence and a row an instant, in time order, with what was lost."""
    view = RunView(with_events(graph, *TOGETHER))
    sentences = headline(view)
    assert [sentence[: sentence.index("”")] for sentence in sentences] == [
        f"After “{BOTH}", "After “repair of outage of AS7", "After “cut AS1 - AS2",
    ]  # fmt: skip
    html = render(view, tmp_path)
    assert re.findall(r'<tr><td class="wrap">([^<]*)</td><td>', html)[:3] == [
        BOTH, "repair of outage of AS7", "cut AS1 - AS2",
    ]  # fmt: skip
    assert "events of one instant share a row" in html


def test_what_is_lost_after_an_instant_is_told_once(graph: RunRecord) -> None:
    """`reach` names the last event of the instant, whose loss is that of all."""
    losing = with_events(
        graph,
        (60.0, "withdraw", "withdraw X"),
        (60.0, "outage", "outage of Y"),
        (360.0, "repair", "repair of Y"),
    )
    reach = losing.tables["reach"]
    moved = {**reach, "event": reach["event"] + 1}
    sentences = headline(RunView(replace(losing, tables={**losing.tables, "reach": moved})))
    assert [" lost anycast" in sentence for sentence in sentences] == [True, True]
    assert sentences[0].startswith("After “withdraw X + outage of Y” BGP settled in 2")


def test_many_events_at_once_are_counted(graph: RunRecord) -> None:
    """Labels that would be too long together become kinds; one that is long alone is cut."""
    cuts = [(60.0, "cut", f"cut SEA-ME-WE {i}, Jeddah - Djibouti") for i in range(3)]
    record = with_events(graph, *cuts, (60.0, "outage", "outage of AS7"), (90.0, "cut", "x" * 80))
    assert [window.label for window in windows(RunView(record))] == [
        "3 \N{MULTIPLICATION SIGN} cut + outage", f"{'x' * 43}…",
    ]  # fmt: skip


def drawn(record: RunRecord, kind: str) -> Figure:
    """One picture, which must not be empty."""
    with mpl.rc_context(RC):  # type: ignore[arg-type]
        figure = draw(RunView(record), Picture(kind, kind))
    assert figure is not None
    return figure


def event_labels(figure: Figure) -> list[Text]:
    """The labels of event lines, from left to right."""
    texts = [text for ax in figure.axes for text in ax.texts if text.get_color() == FAULT]
    return sorted(texts, key=lambda text: text.get_window_extent().x0)


@pytest.mark.parametrize("kind", ["catchments", "success"])
def test_labels_of_events_do_not_touch(graph: RunRecord, world: RunRecord, kind: str) -> None:
    """Nor leave the picture, nor run into its title; measured in the picture as it is drawn."""
    record = graph if kind == "catchments" else world
    end = record.atlas["phases"]["end_s"]
    events = [
        (end * i / 9, "repair" if i % 2 else "outage", f"{'repair of ' if i % 2 else ''}outage of POP0{i}")
        for i in range(9)
    ]
    figure = drawn(with_events(record, *events), kind)
    boxes = [text.get_window_extent() for text in event_labels(figure)]
    assert len(boxes) >= 8
    assert not any(one.overlaps(other) for i, one in enumerate(boxes) for other in boxes[:i])
    header = min(text.get_window_extent().y0 for text in figure.texts if text.get_position()[1] > 0.9)
    assert all(box.y1 <= header and box.x0 >= 0 and box.x1 <= figure.bbox.width for box in boxes)


def test_an_outage_and_three_more_all_have_labels(graph: RunRecord) -> None:
    """As many events as the scenarios of the library have, in words of usual length."""
    record = with_events(
        graph,
        (60.0, "outage", "outage of POP03"), (720.0, "withdraw", "withdraw AS1 everywhere"),
        (360.0, "repair", "repair of outage of POP03"),
        (1020.0, "repair", "repair of withdraw AS1 everywhere"),
    )  # fmt: skip
    texts = [text.get_text() for text in event_labels(drawn(record, "catchments"))]
    assert len(texts) == 4
    assert {"outage of POP03", "withdraw AS1 everywhere"} < set(texts)
    assert all(text.startswith(("outage", "withdraw", "repair")) for text in texts)


def test_faults_have_labels_before_repairs(graph: RunRecord) -> None:
    """Where there is no room for all: a repair of each goes without, or says just that."""
    events = [
        (
            20.0 + 70 * i,
            "repair" if i % 2 else "outage",
            f"{'repair of ' if i % 2 else ''}outage of POP{i:02d}",
        )
        for i in range(16)
    ]
    texts = [text.get_text() for text in event_labels(drawn(with_events(graph, *events), "catchments"))]
    faults = [text for text in texts if text.startswith("outage")]
    repairs = [text for text in texts if text.startswith("repair")]
    assert len(faults) > len(repairs)
    assert len(faults) >= 6


def test_a_short_picture_has_one_row_of_labels(graph: RunRecord) -> None:
    """Only where one is full there is a second, and the picture is as much higher."""
    apart = with_events(graph, (60.0, "outage", "outage of A"), (700.0, "repair", "repair of A"))
    close = with_events(graph, (60.0, "outage", "outage of A and B"), (100.0, "cut", "cut C - D"))
    one, two = drawn(apart, "catchments"), drawn(close, "catchments")
    assert len({text.get_window_extent().y0 for text in event_labels(one)}) == 1
    assert len({text.get_window_extent().y0 for text in event_labels(two)}) == 2
    assert two.get_figheight() > one.get_figheight()
