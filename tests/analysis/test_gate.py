"""The gate turns red for each thing that can be wrong, says which, and stays green otherwise."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

import pytest

from emulator.analysis.gate import (
    Baseline,
    Verdict,
    baseline_tolerances,
    compare,
    describe_outcome,
    evaluate_expectations,
    parse_tolerance,
    read_baseline,
    write_baseline,
)
from emulator.analysis.junit import junit_xml
from emulator.errors import InputError
from emulator.expectation import parse_expectation

if TYPE_CHECKING:
    from pathlib import Path

BASE = {"a.p50": 100.0, "a.count": 3, "a.quiet": True, "a.path": "1 2", "a.never": None}


def kinds(current: dict[str, object], *tolerances: str) -> dict[str, str]:
    """Metric -> kind of difference."""
    allowed = [parse_tolerance(text) for text in tolerances]
    return {d.metric: d.kind for d in compare(BASE, {**BASE, **current}, allowed)}  # type: ignore[dict-item]


def test_equal_metrics_are_no_difference() -> None:
    """An integer and the same float are equal: JSON does not tell them apart."""
    assert kinds({"a.count": 3.0}) == {}


@pytest.mark.parametrize(
    ("metric", "value"),
    [("a.p50", 100.0001), ("a.count", 4), ("a.quiet", False), ("a.quiet", 1), ("a.path", "1 3"),
     ("a.never", 5.0), ("a.p50", None)],
)  # fmt: skip
def test_exactly_equal_is_the_default(metric: str, value: object) -> None:
    """The least change of any type fails, a time that appears or goes missing as well."""
    assert kinds({metric: value}) == {metric: "moved"}


def test_a_metric_that_is_gone_fails_and_a_new_one_does_not() -> None:
    """New metrics come with every release; a missing one is a regression until somebody says otherwise."""
    found = compare({"old": 1}, {"new": 1})
    assert [(d.metric, d.kind, d.is_failure) for d in found] == [("new", "new", False), ("old", "gone", True)]


def test_tolerances_are_relative_or_absolute_and_the_last_one_counts() -> None:
    """Within is reported and passes; a stricter later pattern wins."""
    assert kinds({"a.p50": 102.0}, "*.p50=2%") == {"a.p50": "within tolerance"}
    assert kinds({"a.p50": 102.1}, "*.p50=2%") == {"a.p50": "moved"}
    assert kinds({"a.count": 5}, "a.*=2") == {"a.count": "within tolerance"}
    assert kinds({"a.count": 5}, "a.*=2", "a.count=0") == {"a.count": "moved"}
    assert kinds({"a.quiet": False}, "*=100%") == {"a.quiet": "moved"}, "a truth value has no distance"


def test_brackets_in_a_pattern_are_text() -> None:
    """Metric names hold brackets, so a pattern does not read them as a class of characters."""
    assert parse_tolerance("event[1].*=5%").covers("event[1].announcements")
    assert not parse_tolerance("event[1].*=5%").covers("event1.announcements")


@pytest.mark.parametrize("text", ["", "5%", "=5%", "a=", "a=x", "a=-1", "a=200%", "a=nan", "a=inf"])
def test_malformed_tolerances_are_refused(text: str) -> None:
    """Each with an example of a good one."""
    with pytest.raises(InputError, match="expected a tolerance such as"):
        parse_tolerance(text)


def test_a_baseline_survives_the_file(tmp_path: Path) -> None:
    """Metrics, seed and the tolerances that travel with them."""
    written = Baseline("ring-5", 7, BASE, {"*.p50": "2%"})
    write_baseline(tmp_path / "new" / "folder", written)
    assert read_baseline(tmp_path / "new" / "folder", "ring-5") == written
    assert baseline_tolerances(written) == [parse_tolerance("*.p50=2%")]


def test_a_missing_baseline_says_how_to_make_one(tmp_path: Path) -> None:
    """The first run of a new scenario."""
    with pytest.raises(InputError, match="--update"):
        read_baseline(tmp_path, "ring-5")


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"metrics": []}', '{"schema": 9, "metrics": {}}',
             '{"schema": 1, "metrics": {}, "tolerances": 3}'],
)  # fmt: skip
def test_a_file_that_is_no_baseline_is_refused(tmp_path: Path, text: str) -> None:
    """Whatever is in it, the message names the file."""
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(InputError, match=r"x\.json"):
        read_baseline(tmp_path, "x")


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".hidden", "a" * 200, "x\n"])
def test_a_scenarios_name_cannot_lead_out_of_the_folder(tmp_path: Path, name: str) -> None:
    """Names come from scenario files, perhaps a stranger's."""
    with pytest.raises(InputError, match="cannot name a file"):
        write_baseline(tmp_path / "baselines", Baseline(name, 1, {}, {}))
    assert list(tmp_path.iterdir()) == []


SUMMARY = {
    "strategies": {"ipa": {"lost_requests": {"share": 0.002}}, "anycast": {"lost_requests": {"share": 0.1}}}
}


@pytest.mark.parametrize(
    ("text", "passed", "found"),
    [
        ("ipa.lost_requests.share < 1%", True, "found 0.002"),
        ("ipa.lost_requests.share < 0.1%", False, "found 0.002"),
        ("ipa.lost_requests.share > anycast.lost_requests.share", False, "found 0.002, compared with 0.1"),
        ("ipa.lost_request.share < 1", False, "found no such value"),
    ],
)
def test_expectations_hold_or_fail(text: str, passed: bool, found: str) -> None:
    """A metric that is not there fails: an expectation about nothing must be seen."""
    (outcome,) = evaluate_expectations([parse_expectation(text)], SUMMARY)
    assert (outcome.passed, describe_outcome(outcome)) == (passed, found)


def verdict(text: str = "ipa.lost_requests.share < 0.1%", scenario: str = "s") -> Verdict:
    """One metric moved, one expectation evaluated."""
    outcomes = evaluate_expectations([parse_expectation(text)], SUMMARY)
    return Verdict(scenario, 2, compare({"a": 1, "b": 2}, {"a": 1, "b": 3}), outcomes, 1.25)


def test_a_verdict_fails_for_either_reason() -> None:
    """A moved metric, or an expectation; neither passes."""
    good = evaluate_expectations([parse_expectation("ipa.lost_requests.share < 1%")], SUMMARY)
    assert not verdict().passed
    assert not Verdict("s", 1, compare({"a": 1}, {"a": 2}), good).passed
    assert not Verdict("s", 1, (), verdict().outcomes).passed
    assert Verdict("s", 1, compare({"a": 1}, {"a": 1, "new": 2}), good).passed


def test_junit_counts_and_names_what_failed() -> None:
    """A suite a scenario, a case for the baseline and for each expectation, totals that add up."""
    root = ET.fromstring(junit_xml([verdict(), verdict("ipa.lost_requests.share < 1%", "t")]))  # noqa: S314
    assert (root.tag, root.get("tests"), root.get("failures"), root.get("errors")) == (
        "testsuites",
        "4",
        "3",
        "0",
    )
    first, second = root.findall("testsuite")
    assert (first.get("name"), first.get("tests"), first.get("failures")) == ("s", "2", "2")
    assert (second.get("name"), second.get("tests"), second.get("failures")) == ("t", "2", "1")
    failure = first.find("testcase/failure")
    assert failure is not None
    assert failure.get("message") == "1 of 2 metrics moved"
    assert failure.text == "b: moved, expected 2, got 3 (+50 %)"
    assert [case.get("name") for case in first.findall("testcase")] == [
        "baseline: 2 metrics", "expect: ipa.lost_requests.share < 0.1%",
    ]  # fmt: skip


def test_junit_holds_any_text() -> None:
    """Markup is escaped, and characters that XML forbids are replaced."""
    root = ET.fromstring(junit_xml([verdict(scenario='<b>&"\x00\x1b\ud800')]))  # noqa: S314
    assert (
        root.findall("testsuite")[0].get("name")
        == '<b>&"\N{REPLACEMENT CHARACTER}' + "\N{REPLACEMENT CHARACTER}" * 2
    )


def test_a_baseline_is_made_for_diffs(tmp_path: Path) -> None:
    """Sorted, a metric a line, a newline at the end."""
    path = write_baseline(tmp_path, Baseline("s", 1, {"b": 1, "a": 2}, {}))
    text = path.read_text()
    assert text.endswith("}\n")
    assert text.index('"a": 2') < text.index('"b": 1')
    assert list(json.loads(text)) == ["metrics", "scenario", "schema", "seed"]
