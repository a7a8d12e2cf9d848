"""The whole evaluation: what must come out of a few small worlds, and what must never change."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from emulator.clients.config import Demand, Fault, Resolvers, pypi_hosts
from emulator.clients.histogram import rtt_bin
from emulator.clients.requests import evaluate
from emulator.errors import InputError
from emulator.network.model import Link, Relationship
from emulator.record.tables import RTT_BINS, RTT_FIRST_MS, RTT_RATIO, TABLES
from emulator.units import MILLISECOND, SECOND, Duration

from client_labs import DARK, anycast, config, history, ipa, network, path

Tables = dict[str, dict]
GOOD = [(0, path(0, 10))]
FAR = [(0, path(1, 30))]


def total(tables: Tables, column: str, strategy: str | None = None) -> int:
    """Sum of a column of the requests table."""
    table = tables["requests"]
    mine = [strategy in (None, name) for name in table["strategy"]]
    return int(table[column][mine].sum())


def quantile_ms(tables: Tables, q: float) -> float:
    """RTT quantile over the whole run."""
    counts = np.bincount(tables["rtt"]["bin"], weights=tables["rtt"]["requests"], minlength=RTT_BINS)
    index = int(np.searchsorted(np.cumsum(counts), q * counts.sum()))
    return RTT_FIRST_MS * RTT_RATIO ** (index + 0.5)


def test_arrivals_are_poisson_by_weight() -> None:
    """Totals by group within 5 sigma; second by second the variance equals the mean."""
    world = network([1.0, 3.0])
    settings = config(anycast(), end_s=400, demand=Demand(1000.0))
    table = evaluate(world, history([GOOD], end_s=400, groups=2), settings, 1)["requests"]
    for group, rate in ((0, 250), (1, 750)):
        counts = table["requests"][table["group"] == group].astype(float)
        assert len(counts) == 400
        assert counts.mean() == pytest.approx(rate, abs=5 * np.sqrt(rate / 400))
        assert counts.var() / rate == pytest.approx(1, abs=5 * np.sqrt(2 / 400))


def test_diurnal_demand_follows_its_cosine() -> None:
    """Mean rate at the peak (1 + a) times, at the trough (1 - a) times."""
    demand = Demand(1000.0, diurnal=0.5, peak=100 * SECOND, day=200 * SECOND)
    settings = config(anycast(), end_s=200, demand=demand, chunk=SECOND)
    table = evaluate(network([1.0]), history([GOOD], end_s=200, groups=1), settings, 1)["requests"]
    assert table["requests"][95:105].mean() == pytest.approx(1500, rel=0.05)
    assert table["requests"][:5].mean() == pytest.approx(500, rel=0.1)
    assert table["requests"].mean() == pytest.approx(1000, rel=0.02)


def test_rtt_is_path_and_last_mile() -> None:
    """Without spread every RTT is 2 x 10 ms + 15 ms, in one bin and in the mean."""
    world = network([1.0], last_mile_ms=15.0)
    settings = config(anycast(), end_s=20, demand=Demand(200.0), last_mile_sigma=0.0)
    tables = evaluate(world, history([GOOD], end_s=20, groups=1), settings, 1)
    assert sorted(set(tables["rtt"]["bin"].tolist())) == [int(rtt_bin(np.array([35.0], np.float32))[0])]
    assert tables["requests"]["rtt_mean_ms"].tolist() == [35.0] * 20
    assert tables["catchment"]["rtt_p50_ms"].tolist() == [20.0]


def test_last_mile_is_lognormal() -> None:
    """Median and 90 % quantile of 20 ms + 10 ms exp(0.4 N)."""
    settings = config(anycast(), end_s=60, demand=Demand(5000.0))
    tables = evaluate(network([1.0]), history([GOOD], end_s=60, groups=1), settings, 1)
    assert quantile_ms(tables, 0.5) == pytest.approx(30, rel=0.01)
    assert quantile_ms(tables, 0.9) == pytest.approx(20 + 10 * np.exp(0.4 * 1.2816), rel=0.01)


def test_histogram_bins_are_the_tables() -> None:
    """Every edge and its neighbours, and values all over the range, against the definition."""
    edges = np.array([RTT_FIRST_MS * RTT_RATIO**i for i in range(1, RTT_BINS)], dtype=np.float32)
    around = np.concatenate((np.nextafter(edges, np.float32(0)), edges, np.nextafter(edges, np.float32(1e9))))
    spread = np.exp(np.linspace(np.log(1e-3), np.log(1e5), 20_001)).astype(np.float32)
    values = np.concatenate((around, spread))
    assert rtt_bin(values).tolist() == np.searchsorted(edges, values, side="right").tolist()


def test_every_request_is_accounted_for() -> None:
    """Requests = good + slow + lost; the histogram, catchments and hosts add up to the same."""
    lines = [[(0, path(0, 10, loss=0.2)), (20, DARK), (45, path(1, 40)), (50, path(0, 12))]]
    settings = config(anycast(), end_s=150, fault_s=20, during_end_s=100, demand=Demand(300.0))
    tables = evaluate(network([1.0, 2.0]), history(lines, end_s=150, groups=2), settings, 1)
    table = tables["requests"]
    assert (table["requests"] == table["good"] + table["slow"] + table["lost"]).all()
    served = total(tables, "good") + total(tables, "slow")
    assert tables["rtt"]["requests"].sum() == served
    assert tables["catchment"]["requests"].sum() == served
    hosts = tables["hosts"]
    assert hosts["phase"] == ["before", "during", "after"]
    for column in ("requests", "good", "slow", "lost"):
        assert hosts[column].sum() == total(tables, column)
    assert total(tables, "resets") > 0


def test_tables_have_the_agreed_columns_and_types() -> None:
    """Names in order, types, equal lengths."""
    kinds = {"String": list, "Float32": np.float32, "Float64": np.float64, "Boolean": np.bool_}
    lines = [[(0, path(0, 10)), (20, DARK)], FAR]
    settings = config(
        anycast(), ipa(0, 1), end_s=60, fault_s=20, demand=Demand(20.0), faults=(Fault(0, 20 * SECOND),)
    )
    tables = evaluate(network([1.0]), history(lines, end_s=60, groups=1), settings, 1)
    for name, table in tables.items():
        assert list(table) == list(TABLES[name])
        assert len({len(column) for column in table.values()}) == 1
        assert len(next(iter(table.values()))) > 0
        for column, kind in TABLES[name].items():
            expected = kinds.get(kind) or np.dtype(kind.lower()).type
            assert type(table[column]) is list if expected is list else table[column].dtype == expected


def test_a_short_outage_makes_requests_slow_not_lost() -> None:
    """5 s of darkness: all who start in it succeed by a later SYN or the next attempt."""
    lines = [[(0, path(0, 10)), (30, DARK), (35, path(0, 10))]]
    settings = config(anycast(), end_s=60, fault_s=30, demand=Demand(400.0), faults=(Fault(3, 30 * SECOND),))
    tables = evaluate(network([1.0]), history(lines, end_s=60, groups=1), settings, 1)
    table = tables["requests"]
    assert total(tables, "lost") == 0
    assert (table["slow"][30:35] == table["requests"][30:35]).all()
    assert table["slow"][31:].sum() == table["requests"][31:35].sum()
    row = {name: column[0] for name, column in tables["reconvergence"].items()}
    assert (row["event"], row["group"], bool(row["censored"])) == (3, 0, False)
    assert 5 <= row["seconds"] < 5.1
    assert row["bad_requests"] == table["requests"][30:35].sum()


def test_blackhole_anycast_never_recovers_and_ipa_does() -> None:
    """The provider drops everything but stays in BGP.

    Anycast loses every request of the affected group until the end. IPA's checks
    take 20 to 32 s, caches another 30 s, violators' 90 s: all of it within pip's budget.
    """
    dies = [(0, path(0, 10)), (60, DARK)]
    lines = [[dies, GOOD], [dies, GOOD], FAR]
    settings = config(
        anycast(0),
        ipa(1, 2),
        end_s=400,
        fault_s=60,
        during_end_s=250,
        demand=Demand(200.0),
        faults=(Fault(0, 60 * SECOND),),
    )
    tables = evaluate(network([1.0, 1.0]), history(lines, end_s=400, groups=2), settings, 1)
    table = tables["requests"]
    mine = np.array([name == "anycast" for name in table["strategy"]]) & (table["group"] == 0)
    after = mine & (table["second"] >= 60)
    assert table["lost"][after].sum() == table["requests"][after].sum()
    assert total(tables, "lost", "anycast") - table["lost"][after].sum() <= 0.02 * 100 * 60
    assert total(tables, "lost", "ipa") <= 0.002 * total(tables, "requests", "ipa")
    reconvergence = tables["reconvergence"]
    rows = dict(zip(reconvergence["strategy"], reconvergence["seconds"].tolist(), strict=True))
    assert np.isnan(rows["anycast"])
    assert 20 <= rows["ipa"] <= 32 + 90
    assert reconvergence["group"].tolist() == [0, 0]


def test_without_violators_ipa_recovers_by_detection_and_ttl() -> None:
    """At most k h + u + TTL = 62 s for every group."""
    dies = [(0, path(0, 10)), (60, DARK)]
    settings = config(
        ipa(0, 1),
        end_s=200,
        fault_s=60,
        demand=Demand(400.0),
        faults=(Fault(0, 60 * SECOND),),
        resolvers=Resolvers(20, 0.0),
    )
    lines = history([dies, FAR], end_s=200, groups=10)
    reconvergence = evaluate(network([1.0] * 10), lines, settings, 1)["reconvergence"]
    assert len(reconvergence["seconds"]) == 10
    assert 20 < reconvergence["seconds"].min() < reconvergence["seconds"].max() <= 62


def test_without_checks_a_dead_provider_ages_out_of_the_ranking() -> None:
    """No success for a whole window of 60 s: share 0 although nothing checks its health."""
    lines = [[(0, path(0, 10)), (60, DARK)], FAR]
    settings = config(ipa(0, 1), end_s=200, fault_s=60, demand=Demand(20.0), health=None)
    steering = evaluate(network([1.0]), history(lines, end_s=200, groups=1), settings, 1)["steering"]
    first = np.array([a == "p0" for a in steering["address"]])
    share = dict(zip(steering["second"][first].tolist(), steering["share"][first].tolist(), strict=True))
    assert all(share[second] > 0 for second in range(0, 120, 10))
    assert all(share[second] == 0 for second in range(120, 200, 10))


def test_ipa_moves_demand_to_the_better_provider() -> None:
    """When one of two equals becomes 80 ms slower the other is filled up to its cap of 70 %."""
    slows = [(0, path(0, 10)), (100, path(0, 50))]
    settings = config(
        ipa(0, 1, floor=0.05), anycast(0), end_s=400, fault_s=100, during_end_s=250, demand=Demand(500.0)
    )
    tables = evaluate(
        network([1.0] * 4), history([slows, [(0, path(1, 10))]], end_s=400, groups=4), settings, 1
    )
    steering = tables["steering"]
    first = np.array([a == "p0" for a in steering["address"]])
    before = first & (steering["second"] <= 90)
    late = first & (steering["second"] >= 250)
    assert steering["in_use"][before].mean() == pytest.approx(0.5, abs=0.1)
    assert steering["share"][late] == pytest.approx(np.full(late.sum(), 0.3), abs=1e-6)
    assert steering["wan"][late].mean() == pytest.approx(-50, abs=1)
    phase = np.array(tables["catchment"]["phase"]) == "after"
    ipa_rows = phase & (np.array(tables["catchment"]["strategy"]) == "ipa")
    at_zero = tables["catchment"]["requests"][ipa_rows & (tables["catchment"]["pop"] == 0)].sum()
    assert at_zero / tables["catchment"]["requests"][ipa_rows].sum() == pytest.approx(0.3, abs=0.1)


def test_strategies_meet_the_same_requests_with_the_same_luck() -> None:
    """The same strategy under two names comes out the same to the byte, losses included."""
    lines = [[(0, path(0, 10, loss=0.1)), (30, DARK), (50, path(1, 40, loss=0.05))], FAR]
    one = ipa(0, 1)
    settings = config(one, replace(one, name="twin"), anycast(0), end_s=100, demand=Demand(100.0))
    tables = evaluate(network([1.0, 1.0]), history(lines, end_s=100, groups=2), settings, 1)
    for table in tables.values():
        names = np.array(table["strategy"])
        for column in table:
            if column != "strategy":
                values = np.array(table[column])
                np.testing.assert_array_equal(values[names == "ipa"], values[names == "twin"])
    requests = tables["requests"]
    names = np.array(requests["strategy"])
    assert (requests["requests"][names == "ipa"] == requests["requests"][names == "anycast"]).all()


def test_adding_a_group_shifts_nobody_else() -> None:
    """With the others' rates kept, their rows stay the same to the byte."""
    lines = [[(0, path(0, 10, loss=0.1)), (30, DARK), (50, path(1, 40))], FAR]

    def rows(weights: list[float], rate: float) -> tuple:
        count = len(weights)
        settings = config(ipa(0, 1), end_s=100, demand=Demand(rate), faults=(Fault(0, 30 * SECOND),))
        tables = evaluate(network(weights), history(lines, end_s=100, groups=count), settings, 1)
        return tuple(
            np.array(column)[np.asarray(tables[name]["group"]) < 2].tolist()
            for name in ("requests", "catchment", "reconvergence")
            for column in tables[name].values()
        )

    assert rows([1.0, 1.0], 100.0) == rows([1.0, 1.0, 2.0], 200.0)


def test_seeds_differ() -> None:
    """Another seed, other requests."""
    lines = history([GOOD], end_s=30, groups=1)
    first, second = (
        evaluate(network([1.0]), lines, config(anycast(), end_s=30), seed)["requests"]["requests"].tolist()
        for seed in (1, 2)
    )
    assert first != second


def digest() -> str:
    """All tables of a run with every mechanism in it."""
    lines = [[(0, path(0, 10, loss=0.1)), (30.5, DARK), (60, path(1, 40))], FAR]
    settings = config(
        ipa(0, 1),
        anycast(0),
        end_s=100,
        fault_s=30.5,
        during_end_s=70,
        demand=Demand(200.0),
        faults=(Fault(0, round(30.5 * SECOND)),),
    )
    tables = evaluate(network([1.0, 2.0]), history(lines, end_s=100, groups=2), settings, 1)
    state = hashlib.sha256()
    for table in tables.values():
        for column in table.values():
            state.update(repr(column).encode() if isinstance(column, list) else column.tobytes())
    return state.hexdigest()


def test_another_process_gives_the_same_bytes() -> None:
    """Whatever PYTHONHASHSEED says."""
    here = Path(__file__).parent
    code = "import test_requests; print(test_requests.digest())"
    found = []
    for hashseed in ("1", "2"):
        search = os.pathsep.join((str(here), str(here.parent), str(here.parent.parent)))
        environment = {**os.environ, "PYTHONHASHSEED": hashseed, "PYTHONPATH": search}
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
        )
        found.append(done.stdout.strip())
    assert found[0] == found[1] == digest()


def linked(capacity_bps: float) -> tuple:
    """One group behind POP 0 by a link of some capacity, POP 1 by another without limit."""
    links = (
        Link(0, (2, 0), Duration(10 * MILLISECOND), Relationship.PEER, capacity_bps=capacity_bps),
        Link(1, (2, 1), Duration(15 * MILLISECOND), Relationship.PEER),
    )
    lines = [[(0, path(0, 10, links=(0,)))], [(0, path(1, 15, links=(2,)))]]
    return network([1.0], links=links, last_mile_ms=1.0), history(lines, end_s=120, groups=1)


def test_congestion_delays_loses_and_is_reported() -> None:
    """100 requests/s of 1 Mbit over an 80 Mbit/s link: full buffer (50 ms) and a fifth of packets lost."""
    world, lines = linked(80e6)
    demand = Demand(100.0, response_bytes=125e3)
    settings = config(anycast(0), end_s=120, demand=demand, last_mile_sigma=0.0)
    tables = evaluate(world, lines, settings, 1)
    assert total(tables, "good") / total(tables, "requests") == pytest.approx(0.8, abs=0.02)
    assert quantile_ms(tables, 0.5) == pytest.approx(20 + 1 + 50, rel=0.01)
    load = tables["load"]
    row = load["name"].index("r0 > r2")
    assert load["kind"][row] == "link"
    assert float(load["offered"][row]) == pytest.approx(100e6)
    assert float(load["utilisation"][row]) == pytest.approx(1.25)


def test_ranking_flees_congestion_that_it_causes() -> None:
    """The nearer provider cannot carry half the demand; IPA ends with less of it there and fewer losses."""
    world, lines = linked(40e6)
    demand = Demand(100.0, response_bytes=125e3)
    settings = config(anycast(0), ipa(0, 1), end_s=120, demand=demand)
    tables = evaluate(world, lines, settings, 1)
    good = {name: total(tables, "good", name) for name in ("anycast", "ipa")}
    assert good["ipa"] > 1.5 * good["anycast"]


def test_pypi_index_follows_anycast_and_files_follow_the_strategy() -> None:
    """Under IPA the fixed index host is lost with its provider, the files are not."""
    dies = [(0, path(0, 10)), (60, DARK)]
    settings = config(
        ipa(1, 2),
        end_s=300,
        fault_s=60,
        during_end_s=200,
        demand=Demand(200.0),
        hosts=pypi_hosts(0),
    )
    tables = evaluate(network([1.0]), history([dies, dies, FAR], end_s=300, groups=1), settings, 1)
    hosts = tables["hosts"]
    lost = {
        (host, phase): lost / requests
        for host, phase, lost, requests in zip(
            hosts["host"], hosts["phase"], hosts["lost"].tolist(), hosts["requests"].tolist(), strict=True
        )
    }
    assert lost["pypi.org", "after"] == 1
    assert lost["files.pythonhosted.org", "after"] == 0
    assert lost["files.pythonhosted.org", "during"] < 0.02
    asked = dict.fromkeys(hosts["host"], 0)
    for host, requests in zip(hosts["host"], hosts["requests"].tolist(), strict=True):
        asked[host] += requests
    assert asked["pypi.org"] / sum(asked.values()) == pytest.approx(0.75, abs=0.01)


def test_progress_reports_every_chunk_up_to_the_end() -> None:
    """Instants ascend and end with the run's end; the fault's instant is an edge."""
    seen: list[int] = []
    settings = config(anycast(), end_s=35, fault_s=12.5, demand=Demand(1.0))
    evaluate(network([1.0]), history([GOOD], end_s=35, groups=1), settings, 1, seen.append)
    assert [instant / SECOND for instant in seen] == [10, 12.5, 20, 30, 35]


def test_impossible_configurations_are_refused_together() -> None:
    """One message that names each problem."""
    strategy = replace(ipa(0, 7), ttl=SECOND // 2)
    settings = config(strategy, end_s=10, hosts=())
    with pytest.raises(InputError, match=r"shares sum to 0.*TTL of at least 1 s.*no destination 7"):
        evaluate(network([1.0]), history([GOOD], end_s=10, groups=1), settings, 1)
