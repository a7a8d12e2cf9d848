"""Whole-Internet graphs: how fast routes are solved, beside what it is meant to be and beside BGPy.

BGPy (Furuness et al., CSET 2023; `pip install bgpy_pkg`, the extra `bench`) solves the same
model in Python objects. It pins its requirements, so it may live in a virtual
environment of its own: IPA_EMULATOR_BGPY names that one's interpreter.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pytest

from emulator.network.asgraph.cache import load
from emulator.network.asgraph.generator import generate
from emulator.network.asgraph.graph import CUSTOMER, PROVIDER
from emulator.network.asgraph.relationships import read_file, write_relationships
from emulator.steady.valley_free import Origin, solve, solve_again

from as_files import brought
from asgraphs import with_sites

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_benchmark.fixture import BenchmarkFixture

    from emulator.network.asgraph.graph import AsGraph

ROOT = Path(__file__).parents[2]
ASES, LINKS = 75_000, 473_000
SITES = 20
PROVIDER_PREFIXES = 10
MEASURED = "20190701.as-rel.txt.xz"


class Cdn(NamedTuple):
    """A graph, what a CDN in it announces: an anycast prefix, and one to each of ten providers."""

    graph: AsGraph
    anycast: list[Origin]
    prefixes: list[list[Origin]]


@cache
def cdn(name: str) -> Cdn:
    """Twenty sites in a made-up Internet of today's size, or in the one that CAIDA measured in 2019."""
    bare = generate(ASES, 1, links=LINKS) if name == "made up" else read_file(brought(MEASURED)).graph
    graph, sites = with_sites(bare, SITES, 1)
    anycast = [Origin(site) for site in sites]
    bought: dict[int, list[int]] = {}
    for site in sites:
        for slot in graph.slots(site):
            if graph.relation[slot] == PROVIDER:
                bought.setdefault(int(graph.neighbor[slot]), []).append(site)
    providers = sorted(bought, key=lambda node: (-len(bought[node]), node))[:PROVIDER_PREFIXES]
    only = [[Origin(s, frozenset({int(graph.asn[p])})) for s in bought[p]] for p in providers]
    return Cdn(graph, anycast, [anycast, *only])


def best_of(times: int, work: Callable[[], object]) -> float:
    """The shortest of so many runs, s."""
    found = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        found.append(time.perf_counter() - start)
    return min(found)


@pytest.mark.parametrize("name", ["made up", "measured"])
def test_one_prefix_of_twenty_sites(benchmark: BenchmarkFixture, name: str) -> None:
    """Every AS's route to an anycast prefix."""
    graph, anycast, _ = cdn(name)
    routes = benchmark.pedantic(solve, args=(graph, anycast), rounds=30, warmup_rounds=2)
    reached = int((routes.relation > 0).sum())
    benchmark.extra_info.update(
        target="under 0.1 s", ases=len(graph), links=graph.link_count, reached=reached
    )


@pytest.mark.parametrize("name", ["made up", "measured"])
def test_eleven_prefixes(benchmark: BenchmarkFixture, name: str) -> None:
    """The anycast prefix, and one a provider."""
    graph, _, prefixes = cdn(name)
    found = benchmark.pedantic(
        lambda: [solve(graph, origins) for origins in prefixes], rounds=10, warmup_rounds=1
    )
    assert all((routes.relation > 0).mean() > 0.9 for routes in found)
    benchmark.extra_info["target"] = "under 1 s"


def test_a_site_withdrawn(benchmark: BenchmarkFixture) -> None:
    """What changes when the site with the median catchment stops announcing, against solving anew."""
    graph, anycast, _ = cdn("made up")
    routes = solve(graph, anycast)
    size = np.bincount(routes.origin[routes.origin >= 0], minlength=len(graph)).tolist()
    by_size = sorted(anycast, key=lambda origin: size[origin.node])
    ratios = {}
    for name, gone in (("smallest", 0), ("median", SITES // 2), ("largest", -1)):
        left = [origin for origin in anycast if origin != by_size[gone]]
        again = best_of(20, lambda left=left: solve_again(graph, routes, left))
        anew = best_of(20, lambda left=left: solve(graph, left))
        ratios[f"{name}_of_{size[by_size[gone].node]}_nodes"] = f"{again / anew:.2f} of solving anew"
    left = [origin for origin in anycast if origin != by_size[SITES // 2]]
    after = benchmark.pedantic(solve_again, args=(graph, routes, left), rounds=30, warmup_rounds=2)
    assert np.array_equal(after.rank, solve(graph, left).rank)
    benchmark.extra_info.update(target="well under solving anew", **ratios)


@pytest.mark.parametrize("what", ["a leaf's link", "the largest provider"])
def test_a_failure(benchmark: BenchmarkFixture, what: str) -> None:
    """A link that one AS notices; a router that everybody notices."""
    graph, anycast, _ = cdn("made up")
    routes = solve(graph, anycast)
    links, nodes = np.ones(graph.link_count, np.bool_), np.ones(len(graph), np.bool_)
    if what == "a leaf's link":
        leaf = int(np.flatnonzero((graph.degrees(CUSTOMER) == 0) & (routes.slot >= 0))[1000])
        changed = {"changed_links": [int(graph.link[routes.slot[leaf]])]}
        links[changed["changed_links"]] = False
    else:
        changed = {"changed_nodes": [int(graph.degrees(CUSTOMER).argmax())]}
        nodes[changed["changed_nodes"]] = False
    up = {"link_up": links, "node_up": nodes}
    after = benchmark.pedantic(
        lambda: solve_again(graph, routes, anycast, **up, **changed), rounds=30, warmup_rounds=2
    )
    expected = solve(graph, anycast, **up)
    assert np.array_equal(after.rank, expected.rank)
    anew = best_of(20, lambda: solve(graph, anycast, **up))
    benchmark.extra_info.update(changed=int((after.rank != routes.rank).sum()), anew_ms=round(1e3 * anew, 2))


def test_growth(benchmark: BenchmarkFixture) -> None:
    """From 1,000 to 150,000 ASes: the exponent of solving time over the number of links."""
    sizes, links, times = (1000, 3000, 10_000, 30_000, 75_000, 150_000), [], []
    for ases in sizes:
        graph, sites = with_sites(generate(ases, 1), SITES, 1)
        origins = [Origin(site) for site in sites]
        solve(graph, origins)
        links.append(graph.link_count)
        times.append(best_of(20, lambda graph=graph, origins=origins: solve(graph, origins)))
    benchmark.pedantic(lambda: solve(graph, origins), rounds=10)
    exponents = [np.polyfit(np.log(links[low:]), np.log(times[low:]), 1)[0] for low in (0, 3)]
    told = ", ".join(f"{size}: {1e3 * each:.2f} ms" for size, each in zip(sizes, times, strict=True))
    benchmark.extra_info.update(
        times=told, exponent=f"{exponents[0]:.2f}", exponent_from_30000=f"{exponents[1]:.2f}"
    )


def test_loading_what_was_read_before(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    """A file of today's size, from its binary copy; and the layout that the solver makes of it."""
    graph = cdn("made up").graph
    path = tmp_path / "made-up.as-rel.txt"
    write_relationships(path, generate(ASES, 1, links=LINKS))
    first = best_of(1, lambda: load(path))
    found = benchmark.pedantic(load, args=(path,), rounds=10)
    laid_out = best_of(1, lambda: solve(found, [])) - best_of(5, lambda: solve(found, []))
    assert len(found) == len(graph) - SITES
    benchmark.extra_info.update(first_time_s=round(first, 2), layout_s=round(laid_out, 3))


ALONE = [sys.executable, "-c", "import subprocess, sys; sys.exit(subprocess.run(sys.argv[1:]).returncode)"]
"""Runs a command from a small process, for a new one's peak memory begins with that of the one it left."""
MEMORY = """
import json, resource, sys
from pathlib import Path
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
from emulator.network.asgraph.cache import load
from emulator.steady.valley_free import Origin, solve
import numpy
figures = [peak()]
graph = load(Path(sys.argv[1]))
figures.append(peak())
found = [solve(graph, [Origin(node) for node in range(first, 60_000, 3000)]) for first in range(11)]
figures.append(peak())
print(json.dumps(figures))
"""


def test_memory(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    """Peak resident memory of a fresh process: with its imports, the graph, eleven solutions kept."""
    path = tmp_path / "made-up.as-rel.txt"
    write_relationships(path, generate(ASES, 1, links=LINKS))
    load(path)
    command = [*ALONE, sys.executable, "-c", MEMORY, str(path)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}

    def once() -> list[float]:
        return json.loads(subprocess.run(command, env=environment, capture_output=True, check=True).stdout)

    bare, read, solved = benchmark.pedantic(once, rounds=1)
    benchmark.extra_info.update(
        imports_mib=round(bare), with_graph_mib=round(read), with_eleven_prefixes_mib=round(solved)
    )


BGPY = """
import json, resource, sys, time
from types import SimpleNamespace
import numpy as np
from bgpy.as_graphs import ASGraph, ASGraphInfo
from bgpy.as_graphs.base.links import CustomerProviderLink, PeerLink
from bgpy.simulation_engine import BGP, Announcement, SimulationEngine

given = np.load(sys.argv[1])
ends, kinds, count = (given["ends"] + 1).tolist(), given["kinds"].tolist(), int(given["count"])
start = time.perf_counter()
info = ASGraphInfo(
    customer_provider_links=frozenset(
        CustomerProviderLink(customer_asn=one, provider_asn=two)
        for (one, two), kind in zip(ends, kinds) if kind == 0
    ),
    peer_links=frozenset(PeerLink(one, two) for (one, two), kind in zip(ends, kinds) if kind),
    unlinked_asns=frozenset(range(1, count + 1)),
)
graph = ASGraph(info, store_customer_cone_size=False)
made = time.perf_counter() - start
prefix, times = "192.0.2.0/24", []
for _ in range(3):
    announced = tuple(Announcement(prefix=prefix, as_path=(node + 1,)) for node in given["origins"].tolist())
    scenario = SimpleNamespace(get_policy_cls=lambda _: BGP, announcements=announced)
    engine = SimulationEngine(graph)
    engine.setup(scenario)
    start = time.perf_counter()
    engine.run(0, scenario)
    times.append(time.perf_counter() - start)
first, nodes = np.zeros(count + 1, np.int64), []
for asn in range(1, count + 1):
    best = graph.as_dict[asn].policy.local_rib.get(prefix)
    nodes += [hop - 1 for hop in best.as_path] if best is not None else []
    first[asn] = len(nodes)
np.savez(sys.argv[2], first=first, nodes=np.array(nodes))
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
print(json.dumps([made, times, peak]))
"""
"""Nodes are called AS 1, AS 2, ...: BGPy has one AS a number, and breaks ties by the lowest number too."""


def bgpy() -> str:
    """An interpreter that has BGPy; skips where there is none."""
    named = os.environ.get("IPA_EMULATOR_BGPY", "")
    if named:
        return named
    if find_spec("bgpy") is None:
        pytest.skip(
            "no BGPy: install the extra `bench`, or name an interpreter that has it, IPA_EMULATOR_BGPY"
        )
    return sys.executable


@pytest.mark.parametrize("name", ["made up", "measured"])
def test_beside_bgpy(benchmark: BenchmarkFixture, tmp_path: Path, name: str) -> None:
    """The same prefix in the same graph; every AS's path has to be the same."""
    interpreter = bgpy()
    graph, anycast, _ = cdn(name)
    given, answer = tmp_path / "given.npz", tmp_path / "answer.npz"
    origins = np.array([origin.node for origin in anycast])
    np.savez(given, ends=graph.link_ends, kinds=graph.link_kind, count=len(graph), origins=origins)
    command = [*ALONE, interpreter, "-c", BGPY, str(given), str(answer)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    made, theirs, peak = json.loads(done.stdout.splitlines()[-1])
    routes = benchmark.pedantic(solve, args=(graph, anycast), rounds=30, warmup_rounds=2)
    ours = benchmark.stats.stats.min
    found = np.load(answer)
    first, nodes = found["first"], found["nodes"]
    differing = sum(
        not np.array_equal(nodes[first[node] : first[node + 1]], way(routes.next_hop, node))
        for node in range(len(graph))
    )
    assert differing == 0
    benchmark.extra_info.update(
        bgpy_s=round(min(theirs), 3),
        times_as_fast=round(min(theirs) / ours),
        ases_compared=len(graph),
        bgpy_graph_s=round(made, 1),
        bgpy_peak_rss_mib=round(peak),
    )


def way(next_hop: np.ndarray, node: int) -> list[int]:
    """The nodes that a path leads over, its own first; none without a route."""
    nodes = [node] if next_hop[node] >= 0 else []
    while nodes and next_hop[nodes[-1]] != nodes[-1]:
        nodes.append(int(next_hop[nodes[-1]]))
    return nodes
