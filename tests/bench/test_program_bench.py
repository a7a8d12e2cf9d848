"""How fast the program is, beside what it is meant to be. Nothing here can fail for being slow.

Whole processes: wall time and peak resident memory, of a fresh one each round.
Inside a process: the world's steady state, and the control plane of a cable cut.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from emulator.network.directory import transit_networks
from emulator.network.model import Relationship
from emulator.scenario.build import build
from emulator.scenario.loader import load
from emulator.sim.emulation import Emulation
from emulator.sim.faults import Faults
from emulator.timeline import Event, LinksDown
from emulator.units import MINUTE, Instant

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

    from emulator.network.model import Network
    from emulator.scenario.plan import Plan
    from emulator.sim.recorder import Window

ROOT = Path(__file__).parents[2]
MAIN = ROOT / "scenarios" / "red-sea-2024.yaml"
TRANSIT = 65550
TRANSIT_ROUTERS = 40
MEASURE = """
import json, resource, subprocess, sys, time
started = time.perf_counter()
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
wall = time.perf_counter() - started
used = resource.getrusage(resource.RUSAGE_CHILDREN)
peak = used.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
print(json.dumps([done.returncode, wall, used.ru_utime + used.ru_stime, peak]))
"""
"""Runs a command from a process of its own: the peak over that process's children is the command's alone."""


def whole_process(benchmark: BenchmarkFixture, arguments: list[str], *, rounds: int, target: str) -> None:
    """Benchmark ``python -m emulator`` with ``arguments``; the figures go to the extra info."""
    command = [sys.executable, "-c", MEASURE, sys.executable, "-m", "emulator", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    found: list[tuple[int, float, float, float]] = []

    def once() -> None:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        found.append(tuple(json.loads(done.stdout)))

    benchmark.pedantic(once, rounds=rounds, iterations=1)
    assert {code for code, *_ in found} == {0}
    benchmark.extra_info.update(
        target=target,
        wall_s=round(min(wall for _, wall, _, _ in found), 3),
        cpu_s=round(min(cpu for _, _, cpu, _ in found), 3),
        peak_rss_mib=round(max(peak for *_, peak in found)),
    )


def test_main_scenario(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    """``make run``'s scenario: simulation, pictures and report."""
    arguments = ["run", str(MAIN), "--out", str(tmp_path / "out")]
    whole_process(benchmark, arguments, rounds=2, target="under 20 s and 1 GiB on two cores")


def test_help(benchmark: BenchmarkFixture) -> None:
    """What a person waits for ``--help``."""
    whole_process(benchmark, ["--help"], rounds=10, target="under 0.3 s")


@cache
def main_plan() -> Plan:
    """The plan of the main scenario."""
    return build(load(MAIN))


def test_plan_of_the_builtin_world(benchmark: BenchmarkFixture) -> None:
    """From the file to the network."""
    main_plan()  # tables that are read once a process
    plan = benchmark.pedantic(lambda: build(load(MAIN)), rounds=3, iterations=1)
    benchmark.extra_info.update(routers=len(plan.network.routers), links=len(plan.network.links))


def test_settling_the_builtin_world(benchmark: BenchmarkFixture) -> None:
    """Every router's tables before anything happens."""
    plan = main_plan()
    benchmark.pedantic(lambda: Emulation(plan).settle(), rounds=3, iterations=1)
    benchmark.extra_info.update(routers=len(plan.network.routers), prefixes=len(plan.prefixes))


def test_control_plane_of_the_main_scenario(benchmark: BenchmarkFixture) -> None:
    """Its cables cut, from the settled network on; without clients."""
    window = benchmark.pedantic(run, setup=lambda: ((ready(main_plan()),), {}), rounds=3)
    benchmark.extra_info.update(best_path_changes=window.best_path_changes)


def transit_plan(folder: Path) -> Plan:
    """A transit network of 40 cities all over the world, a CDN at five POPs, 20 access networks."""
    cities: dict[str, None] = {}
    for network in transit_networks().values():
        cities.update(dict.fromkeys(network.cities[:3]))
    chosen = list(cities)[:TRANSIT_ROUTERS]
    scenario = folder / "transit.yaml"
    scenario.write_text(
        f"""\
version: 1
name: transit
network:
  world: builtin
  networks:
    - {{asn: {TRANSIT}, name: Forty, kind: transit, cities: {json.dumps(chosen)}}}
    - {{generate: access, count: 20}}
  cdn: {{asn: 54113, pops: [FRA, IAD, SIN, TYO, GRU], transit: [{TRANSIT}]}}
bgp: {{mrai: 30s, processing_delay: 5ms, fib_install_delay: 100ms}}
duration: 10min
clients: {{demand: 1/s}}
""",
        encoding="utf-8",
    )
    return build(load(scenario))


def cable_cuts(network: Network) -> dict[str, LinksDown]:
    """For each cable that links inside the transit network ride on, the cut of all of it."""
    inside = {
        link.index
        for link in network.links
        if link.relationship is Relationship.INTERNAL and network.routers[link.ends[0]].asn == TRANSIT
    }
    riding: dict[str, set[int]] = {}
    for segment in network.segments:
        if segment.cable is not None:
            riding.setdefault(segment.cable, set()).update(network.links_on_segment[segment.index])
    return {cable: LinksDown(tuple(sorted(links))) for cable, links in riding.items() if links & inside}


def ready(plan: Plan) -> Emulation:
    """The network in its steady state."""
    emulation = Emulation(plan)
    emulation.settle()
    return emulation


def run(emulation: Emulation) -> Window:
    """Run the control plane and the forwarding to the end; return what the cut led to."""
    emulation.run(Faults(emulation).apply, lambda _: None)
    return emulation.recorder.windows[-1]


def test_cable_cut_in_a_transit_of_40_routers(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    """Nine simulated minutes from the cut of the cable that changes most routes; without clients."""
    plan = transit_plan(tmp_path)
    assert len(plan.network.routers_of[TRANSIT]) == TRANSIT_ROUTERS
    found: dict[str, tuple[int, Plan]] = {}
    for cable, cut in cable_cuts(plan.network).items():
        broken = replace(plan, timeline=(Event(0, Instant(1 * MINUTE), "cut", cable, (cut,)),))
        found[cable] = run(ready(broken)).best_path_changes, broken
    worst = max(found, key=lambda name: found[name][0])
    window = benchmark.pedantic(run, setup=lambda: ((ready(found[worst][1]),), {}), rounds=5)
    assert window.is_quiescent
    assert window.best_path_changes
    benchmark.extra_info.update(
        target="under 1 s",
        wall_s=round(benchmark.stats.stats.min, 3),
        routers=len(plan.network.routers),
        cable=worst,
        best_path_changes=window.best_path_changes,
        messages=window.announcements + window.withdrawals,
    )
