"""Expectations parse into paths, comparisons and values in the metric's unit, and hold or do not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.expectation import ExpectationError, evaluate, parse_expectation

SUMMARY = {
    "scenario": "x",
    "events": [
        {"index": 1, "control_plane_convergence_s": 60.02, "quiescent": True, "announcements": 36},
        {"index": 0, "control_plane_convergence_s": 0.01, "quiescent": False, "announcements": 20},
    ],
    "routes": {"r1": {"203.0.113.0/24": {"as_path": [65002, 65000], "next_hop": "r2"}}},
    "strategies": {
        "ipa": {
            "lost_requests": {"count": 0, "share": 0.0},
            "rtt_ms": {"after": {"p50": 20.5}},
            "service_reconvergence_s": {"p95": None, "max": 59.9},
        },
        "any-cast": {"lost_requests": {"share": 0.2}, "rtt_ms": {"after": {"p50": 31.0}}},
    },
}


@pytest.mark.parametrize(
    ("text", "path", "comparison", "value"),
    [
        ("ipa.lost_requests.share < 0.1%", ("ipa", "lost_requests", "share"), "<", 0.001),
        ("ipa.lost_requests.share<.001", ("ipa", "lost_requests", "share"), "<", 0.001),
        ("a.service_reconvergence_s.p95 <= 60", ("a", "service_reconvergence_s", "p95"), "<=", 60),
        ("a.service_reconvergence_s.p95 <= 1min", ("a", "service_reconvergence_s", "p95"), "<=", 60.0),
        ("a.rtt_ms.before.p50 > 0.1s", ("a", "rtt_ms", "before", "p50"), ">", 100.0),
        (
            "event[1].control_plane_convergence_s == 60.02",
            ("event", 1, "control_plane_convergence_s"),
            "==",
            60.02,
        ),
        (
            "event[1].control_plane_convergence_s == 60.02s",
            ("event", 1, "control_plane_convergence_s"),
            "==",
            60.02,
        ),
        ("event[0].quiescent == true", ("event", 0, "quiescent"), "==", True),
        ("event[0].quiescent != false", ("event", 0, "quiescent"), "!=", False),
        (
            "routes.r1[203.0.113.0/24].next_hop == 'r0'",
            ("routes", "r1", "203.0.113.0/24", "next_hop"),
            "==",
            "r0",
        ),
        ("a.resets >= 1e3", ("a", "resets"), ">=", 1000.0),
        ("a.wan > -3.5", ("a", "wan"), ">", -3.5),
    ],
)
def test_parsed(text: str, path: tuple[str | int, ...], comparison: str, value: object) -> None:
    """Path, comparison, and the value in the unit that the metric's name announces."""
    parsed = parse_expectation(text)

    assert (parsed.path, parsed.comparison, parsed.value) == (path, comparison, value)
    assert type(parsed.value) is type(value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "expected a comparison"),
        ("ipa.lost", "expected a comparison"),
        ("ipa.lost = 5", "expected a comparison"),
        ("ipa.lost < < 5", "expected a comparison"),
        ("ipa..lost < 5", "expected a metric"),
        ("[0].lost < 5", "expected a metric"),
        ("ipa.lost < five", "expected a number"),
        ("ipa.rtt_ms.p50 < 5%", "expected a time"),
        ("ipa.lost < 5 5", "expected a number"),
        ("ipa.rtt_ms.p50 < 5parsec", "expected a duration"),
        ("ipa.lost_requests.share < 5s", "expected a number or a share"),
        ("event[0].quiescent > true", "expected == or !="),
        ("routes.r1.x < 'r0'", "expected == or !="),
        ("a" * 400, "got 400 characters"),
    ],
)
def test_refused(text: str, reason: str) -> None:
    """What cannot be compared says why."""
    with pytest.raises(ExpectationError, match=reason):
        parse_expectation(text)


@pytest.mark.parametrize(
    ("text", "passed", "actual"),
    [
        ("ipa.lost_requests.count == 0", True, 0),
        ("ipa.lost_requests.share < 0.1%", True, 0.0),
        ("any-cast.lost_requests.share < 20%", False, 0.2),
        ("any-cast.lost_requests.share <= 20%", True, 0.2),
        ("ipa.rtt_ms.after.p50 < any-cast.rtt_ms.after.p50", True, 20.5),
        ("any-cast.rtt_ms.after.p50 < ipa.rtt_ms.after.p50", False, 31.0),
        ("event[1].control_plane_convergence_s == 60.02", True, 60.02),
        ("event[0].announcements == 36", False, 20),
        ("event[1].quiescent == true", True, True),
        ("event[0].quiescent == true", False, False),
        ("routes.r1[203.0.113.0/24].next_hop == 'r2'", True, "r2"),
        ("routes.r1[203.0.113.0/24].as_path == '65002 65000'", True, "65002 65000"),
        ("ipa.service_reconvergence_s.p95 <= 60", False, None),
        ("ipa.service_reconvergence_s.p95 != 60", False, None),
        ("ipa.no_such_thing != 60", False, None),
        ("event[7].announcements == 0", False, None),
        ("routes.r1[203.0.113.0/24].next_hop < 5", False, "r2"),
    ],
)
def test_evaluated(text: str, passed: object, actual: object) -> None:
    """Whether it holds, and what was found; what is missing never passes."""
    outcome = evaluate(parse_expectation(text), SUMMARY)

    assert (outcome.passed, outcome.actual) == (passed, actual)


def test_an_outcome_is_one_line() -> None:
    """It repeats the expectation and says what came out."""
    found = evaluate(parse_expectation("event[0].announcements == 36"), SUMMARY)
    missing = evaluate(parse_expectation("ipa.nothing == 36"), SUMMARY)

    assert str(found) == "FAILED: event[0].announcements == 36 (got 20)"
    assert str(missing) == "FAILED: ipa.nothing == 36 (got no such value)"


@given(st.text(max_size=60) | st.text(alphabet="ab.[]0<>=!%'\" s", max_size=30))
def test_arbitrary_text_parses_or_is_refused(text: str) -> None:
    """Nothing but `ExpectationError` comes out, and what parses can be evaluated."""
    try:
        parsed = parse_expectation(text)
    except ExpectationError:
        return
    assert evaluate(parsed, SUMMARY).passed in (True, False)
