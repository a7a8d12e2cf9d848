"""Runs of the scenario library for tests: as they stand, with a sixth of the demand, each once a process."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from emulator.analysis.metrics import with_metrics
from emulator.scenario.build import build
from emulator.scenario.loader import load, loads
from emulator.sim.invariants import check_quiet
from emulator.sim.run import simulate

if TYPE_CHECKING:
    from emulator.record.run import RunRecord
    from emulator.scenario.plan import Plan

FOLDER = Path(__file__).parents[2] / "scenarios"
RATE = 6_000.0


@dataclass(frozen=True)
class Run:
    """A plan and what came of it."""

    plan: Plan
    record: RunRecord

    @property
    def strategies(self) -> dict[str, Any]:
        """The summary's strategies."""
        return self.record.summary["strategies"]

    def requests(self, strategy: str, *, start: float = 0, end: float = 1e9) -> dict[str, np.ndarray]:
        """Requests that started in [start, end) seconds, by group: columns of the requests table, summed."""
        table = self.record.tables["requests"]
        second = np.asarray(table["second"])
        wanted = (np.asarray(table["strategy"]) == strategy) & (second >= start) & (second < end)
        group = np.asarray(table["group"])[wanted]
        count = len(self.plan.network.groups)
        sums = {
            name: np.bincount(group, np.asarray(table[name], float)[wanted], count)
            for name in ("requests", "good", "slow", "lost", "resets")
        }
        done = sums["good"] + sums["slow"]
        rtt = np.nan_to_num(np.asarray(table["rtt_mean_ms"], float)[wanted])
        weight = np.asarray(table["good"], float)[wanted] + np.asarray(table["slow"], float)[wanted]
        with np.errstate(invalid="ignore"):
            sums["rtt_ms"] = np.bincount(group, rtt * weight, count) / done
        return sums

    def paths(self, address: str, at_s: float) -> list[dict[str, Any]]:
        """Each group's path to a destination at an instant: state, pop, rtt_ms."""
        table = self.record.tables["paths"]
        found: list[dict[str, Any]] = [{} for _ in self.plan.network.groups]
        rows = zip(
            table["prefix"],
            table["group"],
            table["start_s"],
            table["state"],
            table["pop"],
            table["rtt_ms"],
            strict=True,
        )
        for prefix, group, start, state, pop, rtt in rows:
            if prefix == address and start <= at_s:
                found[group] = {"state": state, "pop": int(pop), "rtt_ms": float(rtt)}
        return found

    def provider_addresses(self) -> list[str]:
        """Names of the providers' destinations without a cover."""
        return [d.name for d in self.plan.destinations if d.name.startswith("AS") and " " not in d.name]

    def country(self, code: str) -> np.ndarray:
        """Mask of the client groups in a country."""
        return np.array([group.country == code for group in self.plan.network.groups])


def run_plan(plan: Plan) -> Run:
    """Run a plan with less demand, checking the invariants at its end."""
    if plan.clients is not None:
        demand = replace(plan.clients.demand, rate=min(RATE, plan.clients.demand.rate))
        plan = replace(plan, clients=replace(plan.clients, demand=demand))
    return Run(plan, with_metrics(simulate(plan, inspect=check_quiet)))


@cache
def run(name: str) -> Run:
    """Run a scenario of the library."""
    return run_plan(build(load(FOLDER / f"{name}.yaml")))


@cache
def run_changed(name: str, *changes: tuple[str, str]) -> Run:
    """Run a scenario of the library with pieces of its text replaced."""
    text = (FOLDER / f"{name}.yaml").read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return run_plan(build(loads(text.encode(), f"{name}.yaml", folder=FOLDER)))


def summary_text(record: RunRecord) -> str:
    """The summary as bytes would have it."""
    return json.dumps(record.summary, sort_keys=True)
