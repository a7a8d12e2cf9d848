"""How fast `explain` answers from a finished run, and what keeping the route history adds to a run."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from emulator.scenario.build import build
from emulator.scenario.loader import load
from emulator.sim.control import control_plane
from emulator.sim.journal import Journal

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

ROOT = Path(__file__).parents[2]
FILE = ROOT / "scenarios" / "provider-withdrawn.yaml"
ASKED = ("--router", "AS1299@Stockholm", "--prefix", "198.18.0.1", "--at", "90s", "-q")


def program(folder: Path, *arguments: str) -> None:
    """The program in a process of its own; what it prints is not looked at."""
    command = [sys.executable, "-m", "emulator", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run(command, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a finished run of the world below ``out``."""
    folder = tmp_path_factory.mktemp("explain")
    program(folder, "run", str(FILE), "--no-plots", "-q")
    return folder


@pytest.mark.parametrize("watch", [(), ("--watch",)], ids=["at", "watch"])
@pytest.mark.parametrize("source", [str(FILE), "out/provider-withdrawn"], ids=["file", "folder"])
def test_explain_on_a_finished_run(
    benchmark: BenchmarkFixture, finished: Path, source: str, watch: tuple[str, ...]
) -> None:
    """A whole process, 1,200 routers."""
    benchmark.extra_info["target"] = "under 1 s"
    benchmark.pedantic(program, args=(finished, "explain", source, *ASKED, *watch), rounds=5)


def test_explain_by_simulation(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    """The same without a run: network, settled state and control plane up to the instant."""
    benchmark.pedantic(program, args=(tmp_path, "explain", str(FILE), *ASKED), rounds=2)


def test_keeping_the_history(benchmark: BenchmarkFixture) -> None:
    """Control plane, journal and file of the world; ``without_s`` is the control plane alone."""
    plan = build(load(FILE))
    started = time.perf_counter()
    control_plane(plan, plan.duration)
    without_s = time.perf_counter() - started

    def kept() -> int:
        journal = Journal()
        emulation = control_plane(plan, plan.duration, journal=journal)
        archive = journal.archive(plan, emulation.recorder.trace)
        assert archive is not None
        return len(archive)

    size = benchmark.pedantic(kept, rounds=3)
    benchmark.extra_info.update(
        target="5 % of a run more than without", without_s=round(without_s, 2), mib=round(size / 2**20, 1)
    )
