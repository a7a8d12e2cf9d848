"""Whole-Internet graphs in time: 75,000 speakers, an anycast prefix from twenty sites, MRAI with jitter.

With numba (the extra `fast`) loops are compiled; `test_plain_loops` says what it is without.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from emulator.bgp.config import Delay, MraiScope
from emulator.fleet.config import FleetConfig
from emulator.fleet.draws import quantiles
from emulator.fleet.fleet import Fleet
from emulator.fleet.settle import install
from emulator.network.asgraph.additions import link_delays
from emulator.network.asgraph.cache import load
from emulator.network.asgraph.generator import generate
from emulator.network.asgraph.relationships import write_relationships
from emulator.steady.valley_free import Origin, solve

from asgraphs import with_sites

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

    from emulator.network.asgraph.graph import AsGraph

ROOT = Path(__file__).parents[2]
ASES, LINKS, SITES, PREFIXES = 75_000, 473_000, 20, 11
SECOND, MS = 10**9, 10**6
MRAI, END = 30 * SECOND, 3600 * SECOND
ALONE = [sys.executable, "-c", "import subprocess, sys; sys.exit(subprocess.run(sys.argv[1:]).returncode)"]
"""Runs a command from a small process, for a new one's peak memory begins with that of the one it left."""


@cache
def internet() -> tuple[AsGraph, list[int]]:
    """A made-up Internet of today's size, and a CDN's twenty sites in it."""
    return with_sites(generate(ASES, 1, links=LINKS), SITES, 1)


def fleet(graph: AsGraph, prefixes: int = 1, *, scope: MraiScope = MraiScope.PEER) -> Fleet:
    """Its speakers, with MRAI of 30 s and RFC 4271's jitter, and links of 2 to 50 ms."""
    delays = link_delays(graph, quantiles(Delay("uniform", 2 * MS, 50 * MS)), 1)
    config = FleetConfig(np.full(len(graph), MRAI), (0.75, 1.0), scope)
    return Fleet(graph, delays, config, prefix_count=prefixes, seed=1)


def announced(prefixes: int = 1) -> tuple[tuple[Fleet], dict[str, object]]:
    """A fleet whose sites are about to announce everything."""
    graph, sites = internet()
    made = fleet(graph, prefixes)
    for prefix in range(prefixes):
        for site in sites:
            made.announce(site, prefix)
    return (made,), {}


def settled(site_gone: int) -> tuple[tuple[Fleet], dict[str, object]]:
    """A fleet at rest, one of whose sites is about to withdraw: that with the catchment of this rank."""
    graph, sites = internet()
    routes = solve(graph, [Origin(site) for site in sites])
    size = np.bincount(routes.origin[routes.origin >= 0], minlength=len(graph))
    made = fleet(graph)
    install(made, 0, routes)
    made.rest(0)
    made.withdraw(sorted(sites, key=lambda site: (size[site], site))[site_gone], 0)
    return (made,), {}


def run(made: Fleet) -> Fleet:
    """Until an hour has passed in it, when all is quiet."""
    made.advance(END)
    assert made.is_quiet
    return made


def test_timed_announcement(benchmark: BenchmarkFixture) -> None:
    """From the first UPDATE to the last timer."""
    made = benchmark.pedantic(run, setup=announced, rounds=5, warmup_rounds=1)
    log = made.log()
    benchmark.extra_info.update(
        target="under 3.5 s",
        announcements=made.counts.announcements,
        best_path_changes=len(log),
        last_change_s=round(int(log.times.max()) / SECOND, 1),
        reached=int((log.best_hops(0) >= 0).sum()),
    )


def test_timed_eleven_prefixes(benchmark: BenchmarkFixture) -> None:
    """Eleven prefixes at once, one MRAI timer a session for all of them."""
    made = benchmark.pedantic(run, setup=lambda: announced(PREFIXES), rounds=2)
    benchmark.extra_info.update(announcements=made.counts.announcements, best_path_changes=made.logged)


@pytest.mark.parametrize(("which", "rank"), [("median", SITES // 2), ("largest", -1)])
def test_timed_withdrawal(benchmark: BenchmarkFixture, which: str, rank: int) -> None:
    """A site withdraws from a network that was solved, not simulated."""
    made = benchmark.pedantic(run, setup=lambda: settled(rank), rounds=5, warmup_rounds=1)
    benchmark.extra_info.update(
        target="under 0.17 s",
        site=which,
        announcements=made.counts.announcements,
        withdrawals=made.counts.withdrawals,
    )


def test_settling_by_solving(benchmark: BenchmarkFixture) -> None:
    """A solved prefix put into all RIBs."""
    graph, sites = internet()
    routes = solve(graph, [Origin(site) for site in sites])
    benchmark.pedantic(install, setup=lambda: ((fleet(graph), 0, routes), {}), rounds=5, warmup_rounds=1)


def test_growth_of_timed_runs(benchmark: BenchmarkFixture) -> None:
    """From 1,000 to 150,000 ASes: the exponent of the time of an announcement over ASes and links."""
    sizes, times = [], []
    for ases in (1000, 3000, 10_000, 30_000, 75_000, 150_000):
        graph, sites = with_sites(generate(ases, 1), SITES, 1)
        best = np.inf
        for _ in range(3):
            made = fleet(graph)
            for site in sites:
                made.announce(site, 0)
            start = time.perf_counter()
            run(made)
            best = min(best, time.perf_counter() - start)
        sizes.append(len(graph) + graph.link_count)
        times.append(best)
    benchmark.pedantic(lambda: None, rounds=1)
    exponents = [np.polyfit(np.log(sizes[low:]), np.log(times[low:]), 1)[0] for low in (0, 3)]
    benchmark.extra_info.update(
        seconds=", ".join(f"{each:.3f}" for each in times),
        exponent=f"{exponents[0]:.2f}",
        exponent_from_30000=f"{exponents[1]:.2f}",
        target="near 1",
    )


ONE_RUN = """
import json, resource, sys, time
from pathlib import Path
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
from emulator.network.asgraph.cache import load
graph = load(Path(sys.argv[1]))
start = time.perf_counter()
import numpy as np
from emulator.bgp.config import Delay
from emulator.fleet.config import FleetConfig
from emulator.fleet.draws import quantiles
from emulator.fleet.fleet import Fleet
from emulator.network.asgraph.additions import link_delays
ready = time.perf_counter() - start
delays = link_delays(graph, quantiles(Delay("uniform", 2_000_000, 50_000_000)), 1)
config = FleetConfig(np.full(len(graph), 30 * 10**9), (0.75, 1.0))
fleet = Fleet(graph, delays, config, prefix_count=1, seed=1)
for node in range(0, len(graph), len(graph) // 20):
    fleet.announce(node, 0)
start = time.perf_counter()
fleet.advance(3600 * 10**9)
print(json.dumps([ready, time.perf_counter() - start, peak(), fleet.counts.announcements]))
"""


def alone(tmp_path: Path, **environment: str) -> tuple[float, float, float, int]:
    """One announcement in a fresh process: s until loops are ready, s of the run, MiB at most, messages."""
    path = tmp_path / "made-up.as-rel.txt"
    if not path.exists():
        write_relationships(path, generate(ASES, 1, links=LINKS))
        load(path)
    done = subprocess.run(
        [*ALONE, sys.executable, "-c", ONE_RUN, str(path)],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        check=True,
    )
    return tuple(json.loads(done.stdout))


def test_memory_of_a_timed_run(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    """Peak resident memory of a process that does one announcement, compiled."""
    alone(tmp_path)
    ready, took, peak, messages = benchmark.pedantic(lambda: alone(tmp_path), rounds=1)
    benchmark.extra_info.update(
        target="under 250 MiB",
        peak_mib=round(peak),
        loops_ready_s=round(ready, 2),
        run_s=round(took, 2),
        announcements=messages,
    )


def test_plain_loops(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    """The same without numba."""
    compiled = alone(tmp_path)
    plain = benchmark.pedantic(lambda: alone(tmp_path, IPA_EMULATOR_COMPILED="0"), rounds=1)
    assert plain[3] == compiled[3]
    benchmark.extra_info.update(
        run_s=round(plain[1], 1), times_as_slow=round(plain[1] / compiled[1], 1), peak_mib=round(plain[2])
    )


def test_compiling_once(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    """The first run ever, which has to compile."""
    alone(tmp_path)
    ready, *_ = benchmark.pedantic(lambda: alone(tmp_path, XDG_CACHE_HOME=str(tmp_path / "cache")), rounds=1)
    benchmark.extra_info["loops_ready_s"] = round(ready, 1)
