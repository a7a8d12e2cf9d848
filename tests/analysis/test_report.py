"""The report: one file, nothing fetched, nothing of a stranger's text executed, the answer in words."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from emulator.analysis import wording
from emulator.analysis.metrics import with_metrics
from emulator.analysis.redraw import redraw
from emulator.analysis.report import headline, inline_svg, render
from emulator.analysis.view import RunView
from emulator.errors import InputError
from emulator.record.folder import write_run

if TYPE_CHECKING:
    from pathlib import Path

    from emulator.record.run import RunRecord

VOID = {"meta", "br", "img", "link", "hr", "input"}


class Page(HTMLParser):
    """Tags, attributes, ids and visible text of a page; fails on tags that do not nest."""

    def __init__(self, html: str) -> None:
        """Parse all of ``html``."""
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note it and expect its end."""
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note it."""
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        """It must be the one that is open."""
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Collect visible text."""
        self.text.append(data)


@pytest.fixture(scope="module")
def run_folder(world: RunRecord, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run with its pictures and report."""
    folder = write_run(world, tmp_path_factory.mktemp("runs") / "red-sea")
    redraw(folder, formats=("svg",))
    return folder


def test_the_report_is_one_file_that_fetches_nothing(run_folder: Path) -> None:
    """No script, no link, no import; the only addresses are XML namespaces."""
    html = (run_folder / "report.html").read_text()
    page = Page(html)
    assert not {"script", "link", "iframe", "object", "foreignobject"} & set(page.tags)
    for name, value in page.attributes:
        if name in ("href", "src", "xlink:href"):
            assert value is not None
            assert value.startswith(("#", "data:image/png"))
    assert "@import" not in html
    assert set(re.findall(r"https?://[^\"' )]*", html)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }


def test_every_picture_is_in_it_once(run_folder: Path) -> None:
    """All SVGs inline, no id twice, every reference to one that is there."""
    html = (run_folder / "report.html").read_text()
    page = Page(html)
    assert page.tags.count("svg") == len(list((run_folder / "plots").glob("*.svg"))) == 11
    ids = [value for name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    used = {value[1:] for name, value in page.attributes if name == "xlink:href" and value}
    used |= set(re.findall(r"url\(#([^)]*)\)", html))
    assert used <= set(ids)


def test_the_report_answers_first(world: RunRecord) -> None:
    """A sentence a strategy, with the summary's numbers."""
    first, second, _ = headline(RunView(world))
    metrics = world.summary["strategies"]["anycast"]
    back = metrics["service_reconvergence_s"]
    assert first.startswith(
        f"Under anycast, {wording.percent(metrics['lost_requests']['share'])} of requests were lost"
    )
    assert f"{back['censored']} of the {back['affected_groups']} client groups that noticed never" in first
    assert second.startswith("Under ipa, no request was lost, all ")


def test_a_lab_reports_its_events(lab: RunRecord, tmp_path: Path) -> None:
    """No clients, no strategies: what BGP did."""
    assert headline(RunView(lab))[1].replace("\N{NO-BREAK SPACE}", " ") == (
        "After “withdraw 203.0.113.0/24 at r0” BGP settled in 60 s, with 36 announcements and 20 withdrawals."
    )
    html = render(RunView(lab), tmp_path)
    assert "Strategies compared" not in html
    assert "What is not modelled" not in html


ATTACK = "</title><script>alert(1)</script><img src=x onerror=alert(1)> --> ]]> {{ 7*7 }} $\\frac{"


def test_text_from_a_scenario_is_never_markup(world: RunRecord, tmp_path: Path) -> None:
    """Hostile names of scenario, strategy, event, file, POP and expectation stay text, in HTML and in SVG."""
    tables = {name: dict(table) for name, table in world.tables.items()}
    for table in tables.values():
        if "strategy" in table:
            table["strategy"] = [ATTACK if name == "ipa" else name for name in table["strategy"]]
    atlas = {
        **world.atlas,
        "events": [{**event, "label": ATTACK} for event in world.atlas["events"][:1]],
        "pops": [{**pop, "code": ATTACK[:12]} for pop in world.atlas["pops"]],
        "strategies": [],
    }
    summary = {
        "scenario": ATTACK, "events": world.summary["events"],
        "expectations": [{"text": ATTACK, "passed": False, "found": ATTACK, "compared_with": None}],
    }  # fmt: skip
    manifest = {**world.manifest, "scenario": ATTACK, "inputs": {ATTACK: ATTACK}, "version": ATTACK}
    run = with_metrics(replace(world, tables=tables, atlas=atlas, summary=summary, manifest=manifest))
    folder = write_run(run, tmp_path / "run")
    redraw(folder, formats=("svg",))
    html = (folder / "report.html").read_text()
    page = Page(html)
    assert not {"script", "img"} & set(page.tags)
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert "49" not in "".join(page.text)
    assert ATTACK in "".join(page.text)
    assert "<!--" not in html


def test_an_inline_picture_keeps_its_look_and_loses_its_frame() -> None:
    """Prolog, comments and metadata go, ids get a prefix, references follow."""
    svg = (
        '<?xml version="1.0"?><!DOCTYPE svg><svg width="648pt" height="300pt" viewBox="0 0 648 300">'
        '<metadata>x</metadata><!-- text --><defs><path id="a"/></defs>'
        '<use xlink:href="#a" clip-path="url(#b)" width="5"/></svg>'
    )
    assert inline_svg(svg, "map") == (
        '<svg aria-hidden="true" focusable="false" viewBox="0 0 648 300"><defs><path id="map-a"/></defs>'
        '<use xlink:href="#map-a" clip-path="url(#map-b)" width="5"/></svg>'
    )


def test_redraw_gives_the_same_files_again(run_folder: Path) -> None:
    """`plot` of a run draws what `run` drew; with ``only`` it touches nothing else."""
    before = {path.name: path.read_bytes() for path in (run_folder / "plots").iterdir()}
    report = (run_folder / "report.html").read_bytes()
    (run_folder / "plots" / "success.svg").write_text("gone")
    redraw(run_folder, only=("success",), formats=("svg",))
    assert {path.name: path.read_bytes() for path in (run_folder / "plots").iterdir()} == before
    redraw(run_folder, formats=("svg",))
    assert (run_folder / "report.html").read_bytes() == report
    assert not (run_folder / ".plots.partial").exists()


def test_redraw_needs_a_run(tmp_path: Path) -> None:
    """Any other folder is refused before anything is made in it."""
    with pytest.raises(InputError, match="holds no run"):
        redraw(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.0, "0 %"), (1.0, "100 %"), (0.99999, "over 99.99 %"), (0.00001, "under 0.01 %"), (0.123, "12 %"),
     (0.0525, "5.2 %"), (0.99123, "99.12 %"), (0.005, "0.5 %"), (1.25, "125 %"), (None, "\N{EN DASH}")],
)  # fmt: skip
def test_percentages_never_round_to_none_or_all(share: float | None, text: str) -> None:
    """Zero percent is nobody, and a hundred is everybody."""
    assert wording.percent(share).replace("\N{NO-BREAK SPACE}", " ") == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (0.00001, "10 µs"), (0.01, "10 ms"), (2.0, "2 s"), (2.34, "2.3 s"), (60.02, "60 s"),
     (119.9, "2 min"), (150, "2.5 min"), (600, "10 min"), (7200, "2 h"), (None, "never"),
     (float("inf"), "never")],
)  # fmt: skip
def test_durations_read_as_people_say_them(seconds: float | None, text: str) -> None:
    """Two digits or three, in the unit that fits; None is a time that never came."""
    assert wording.duration(seconds).replace("\N{NO-BREAK SPACE}", " ") == text


def test_strategies_of_which_the_same_is_said_share_a_sentence() -> None:
    """One sentence for a and c, not twice the same."""
    assert wording.together({"a": "lost none", "b": "lost all", "c": "lost none"}) == [
        ("a and c", "lost none"), ("b", "lost all"),
    ]  # fmt: skip
