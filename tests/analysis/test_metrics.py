"""From tables to the summary's metrics, by hand-made tables whose answers are plain."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.analysis.metrics import flatten, quantile, with_metrics
from emulator.analysis.view import Phases, RunView, histogram_quantile_ms
from emulator.expectation import find, parse_expectation
from emulator.record.run import RunRecord, new_manifest
from emulator.record.tables import RTT_BINS, rtt_bin_centre_ms

PHASES = {"fault_s": 10.0, "during_end_s": 20.0, "end_s": 30.0}


def columns(names: str, *rows: tuple[Any, ...]) -> dict[str, Any]:
    """A table from rows."""
    return {
        name: list(values) if isinstance(values[0], str) else np.array(values)
        for name, values in zip(names.split(), zip(*rows, strict=True), strict=True)
    }


REQUESTS = columns(
    "strategy group second requests good slow lost resets rtt_mean_ms",
    ("ipa", 0, 5, 100, 100, 0, 0, 0, 10.0),
    ("ipa", 0, 15, 100, 60, 30, 10, 4, 10.0),
    ("ipa", 1, 15, 100, 100, 0, 0, 0, 10.0),
    ("ipa", 0, 25, 100, 100, 0, 0, 0, 10.0),
    ("anycast", 0, 5, 100, 100, 0, 0, 0, 10.0),
    ("anycast", 0, 25, 300, 0, 0, 300, 0, math.nan),
)


def record(fault: bool = True, **tables: dict[str, Any]) -> RunRecord:
    """A run with those tables, 30 s long, broken from 10 s on."""
    phases = PHASES if fault else {"fault_s": None, "during_end_s": 30.0, "end_s": 30.0}
    atlas = {
        "phases": phases,
        "strategies": [{"name": "anycast", "kind": "anycast"}, {"name": "ipa", "kind": "ipa"}],
        "groups": [{"name": f"g{i}", "weight": 1.0} for i in range(4)],
    }
    manifest = new_manifest(version="0", scenario="s", seed=1, inputs={})
    summary = {"schema": 1, "scenario": "s", "seed": 1, "events": [], "strategies": {}}
    return RunRecord(manifest, summary, {"requests": REQUESTS, **tables}, atlas)


def metrics(run: RunRecord, strategy: str) -> dict[str, Any]:
    """The metrics of one strategy of a run."""
    found: dict[str, Any] = with_metrics(run).summary["strategies"][strategy]
    return found


def test_requests_are_counted_by_fate_and_phase() -> None:
    """Shares are of all requests; success counts the slow ones."""
    ipa = metrics(record(), "ipa")
    assert ipa["requests"] == 400
    assert ipa["lost_requests"] == {"count": 10, "share": 0.025}
    assert ipa["slow_requests"] == {"count": 30, "share": 0.075}
    assert ipa["resets"] == 4
    assert ipa["success_share"] == {"before": 1.0, "during": 0.95, "after": 1.0}
    anycast = metrics(record(), "anycast")
    assert anycast["success_share"] == {"before": 1.0, "during": None, "after": 0.0}


def test_strategies_come_in_the_scenarios_order() -> None:
    """Not in the order of the table's rows."""
    assert RunView(record()).strategies == ("anycast", "ipa")


def test_rtt_quantiles_are_bin_centres_by_phase() -> None:
    """p50 and p90 of 90 requests in one bin and 10 in another; nothing in a phase is None."""
    rtt = columns(
        "strategy second bin requests", ("ipa", 3, 500, 90), ("ipa", 4, 600, 10), ("ipa", 12, 700, 1)
    )
    found = metrics(record(rtt=rtt), "ipa")["rtt_ms"]
    assert found["before"]["p50"] == pytest.approx(rtt_bin_centre_ms(500), abs=1e-3)
    assert found["before"]["p90"] == pytest.approx(rtt_bin_centre_ms(500), abs=1e-3)
    assert found["before"]["p99"] == pytest.approx(rtt_bin_centre_ms(600), abs=1e-3)
    assert found["during"]["p50"] == pytest.approx(rtt_bin_centre_ms(700), abs=1e-3)
    assert found["after"] == {"p50": None, "p90": None, "p99": None}


@given(
    st.lists(st.integers(0, RTT_BINS - 1), min_size=1, max_size=300),
    st.sampled_from([0.01, 0.5, 0.9, 0.99, 1.0]),
)
def test_histogram_quantile_is_the_order_statistic(bins: list[int], q: float) -> None:
    """The same as sorting the requests one by one."""
    counts = np.bincount(bins, minlength=RTT_BINS)
    expected = sorted(bins)[max(1, math.ceil(q * len(bins))) - 1]
    assert histogram_quantile_ms(counts, q) == pytest.approx(rtt_bin_centre_ms(expected))


def test_censored_groups_are_later_than_any() -> None:
    """With one of four never back, p50 is a time, p95 and the maximum are "never"."""
    reconvergence = columns(
        "strategy event group seconds censored bad_requests",
        ("ipa", 0, 0, 10.0, False, 1),
        ("ipa", 0, 1, 20.0, False, 1),
        ("ipa", 0, 2, 30.0, False, 1),
        ("ipa", 0, 3, math.nan, True, 1),
    )
    found = metrics(record(reconvergence=reconvergence), "ipa")["service_reconvergence_s"]
    assert (found["p50"], found["p95"], found["max"]) == (20.0, None, None)
    assert (found["censored"], found["affected_groups"]) == (1, 4)


def test_a_group_hit_twice_counts_once_by_its_slowest_recovery() -> None:
    """Two faults, one group: 5 s and 9 s."""
    reconvergence = columns(
        "strategy event group seconds censored bad_requests",
        ("ipa", 0, 0, 9.0, False, 1),
        ("ipa", 1, 0, 5.0, False, 1),
    )
    found = metrics(record(reconvergence=reconvergence), "ipa")["service_reconvergence_s"]
    assert (found["p50"], found["max"], found["affected_groups"]) == (9.0, 9.0, 1)
    assert found["affected_demand_share"] == 0.75


def test_nobody_affected_is_zero_and_no_fault_is_absent() -> None:
    """A strategy that rode out the fault reconverged at once; without a fault there is nothing to say."""
    assert metrics(record(), "ipa")["service_reconvergence_s"]["max"] == 0.0
    assert "service_reconvergence_s" not in metrics(record(fault=False), "ipa")


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=50), st.sampled_from([0.5, 0.95]))
def test_quantile_has_the_share_it_says(values: list[float], q: float) -> None:
    """At least q of the values are at most the quantile, and fewer below it."""
    found = quantile(np.array(values), q)
    assert found in values
    assert sum(v <= found for v in values) >= q * len(values) - 1e-6
    assert sum(v < found for v in values) < q * len(values)


def test_catchment_shift_is_total_variation_weighted_by_demand() -> None:
    """Group 0 (100 requests) moves wholly, group 1 (300) by half: (100 + 150) / 400."""
    catchment = columns(
        "strategy phase group pop requests rtt_p50_ms",
        ("ipa", "before", 0, 0, 50, 1.0),
        ("ipa", "before", 1, 0, 70, 1.0),
        ("ipa", "after", 0, 1, 100, 1.0),
        ("ipa", "after", 1, 0, 150, 1.0),
        ("ipa", "after", 1, 1, 150, 1.0),
    )
    found = metrics(record(catchment=catchment), "ipa")["catchment_shift_share"]
    assert found == {"during": None, "after": 0.625}


def test_address_shares_are_means_by_phase() -> None:
    """In use, not as answered; a strategy with one address has none."""
    steering = columns(
        "strategy second address share in_use wan",
        ("ipa", 0, "NTT", 0.5, 0.6, 1.0), ("ipa", 0, "GTT", 0.5, 0.4, -1.0),
        ("ipa", 5, "NTT", 0.5, 0.8, 1.0), ("ipa", 5, "GTT", 0.5, 0.2, -1.0),
        ("ipa", 25, "NTT", 1.0, 1.0, 1.0), ("ipa", 25, "GTT", 0.0, 0.0, -1.0),
        ("anycast", 0, "shared", 1.0, 1.0, math.nan),
    )  # fmt: skip
    found = metrics(record(steering=steering), "ipa")["address_share"]
    assert found["NTT"] == {"before": 0.7, "during": None, "after": 1.0}
    assert found["GTT"] == {"before": 0.3, "during": None, "after": 0.0}
    assert "address_share" not in metrics(record(steering=steering), "anycast")


def test_peak_utilisation_and_hosts() -> None:
    """The highest over time and place, by kind; hosts summed over phases."""
    load = columns(
        "strategy second kind name offered utilisation",
        ("ipa", 0, "pop", "SIN", 1.0, 0.5), ("ipa", 1, "pop", "FRA", 1.0, 1.25),
        ("anycast", 1, "link", "a - b", 1.0, 0.3),
    )  # fmt: skip
    hosts = columns(
        "strategy host phase requests good slow lost",
        ("ipa", "pypi.org", "before", 10, 10, 0, 0), ("ipa", "pypi.org", "after", 30, 20, 0, 10),
    )  # fmt: skip
    found = metrics(record(load=load, hosts=hosts), "ipa")
    assert found["peak_utilisation"] == {"pop": 1.25}
    assert found["hosts"] == {"pypi.org": {"requests": 40, "lost_requests": {"count": 10, "share": 0.25}}}
    assert metrics(record(load=load), "anycast")["peak_utilisation"] == {"link": 0.3}


def test_phases_split_at_the_fault() -> None:
    """The second in which the fault comes is "during"; without a fault all is "before"."""
    seconds = np.arange(30)
    assert Phases(9.5, 20.0, 30.0).of_seconds(seconds).tolist() == [0] * 9 + [1] * 11 + [2] * 10
    assert set(Phases(None, 30.0, 30.0).of_seconds(seconds).tolist()) == {0}
    assert Phases(10.0, 30.0, 30.0).present == ("before", "during")
    assert Phases(None, 30.0, 30.0).present == ("before",)


def test_what_the_simulation_said_of_a_strategy_stays() -> None:
    """Metrics are added to the summary's strategies, not put in their place."""
    run = record()
    run = replace(run, summary={**run.summary, "strategies": {"ipa": {"rank_changes": 3}}})
    assert metrics(run, "ipa")["rank_changes"] == 3


def test_a_lab_without_clients_has_no_strategies(lab: RunRecord) -> None:
    """Nothing is invented where no requests were made."""
    assert lab.summary["strategies"] == {}


def test_flat_names_are_what_expectations_call_them(world: RunRecord, lab: RunRecord) -> None:
    """Every flat metric is found in the summary by the path that its name spells."""
    for run in (world, lab):
        flat = flatten(run.summary)
        assert len(flat) > 5
        for name, value in flat.items():
            assert find(run.summary, parse_expectation(f"{name} == 0").path) == value
    assert flat["event[1].withdrawals"] == 20
    assert flat["routes.r1[203.0.113.0/24].decided_by"] == "9.1 only route"


def test_many_routes_become_one_digest(lab: RunRecord) -> None:
    """A thousand routers would drown a baseline; any change still shows."""
    routes = {f"r{i}": {"203.0.113.0/24": {"as_path": [i], "next_hop": "r0"}} for i in range(400)}
    flat = flatten({**lab.summary, "routes": routes})
    assert [name for name in flat if name.startswith("routes")] == ["routes.sha256"]
    routes["r7"]["203.0.113.0/24"]["next_hop"] = "r1"
    assert flatten({**lab.summary, "routes": routes})["routes.sha256"] != flat["routes.sha256"]
