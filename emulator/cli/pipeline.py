"""What `run` and `check` share: a scenario file to its record, and a record to its folder."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from emulator.errors import InputError, ScenarioError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from emulator.cli.progress import Report
    from emulator.errors import Problem
    from emulator.expectation import Outcome
    from emulator.record.run import RunRecord
    from emulator.scenario.loader import Loaded
    from emulator.scenario.plan import FleetPlan, Plan
    from emulator.sim.journal import Journal
    from emulator.sim.notes import Watch

_SAFE_NAME: Final = re.compile(r"\w[\w.-]{0,99}")


@dataclass(frozen=True, slots=True)
class Finished:
    """A run with its metrics computed and its expectations evaluated."""

    record: RunRecord
    outcomes: tuple[Outcome, ...]

    @property
    def passed(self) -> bool:
        """True where every expectation held."""
        return all(outcome.passed for outcome in self.outcomes)


def load_all(files: Sequence[Path]) -> list[Loaded]:
    """Load every file before any is run; `ScenarioError` carries the problems of all of them.

    Raises `InputError` where two scenarios have one name, and so one place to be written to.
    """
    from emulator.scenario.loader import load

    loaded: list[Loaded] = []
    problems: list[Problem] = []
    for file in files:
        try:
            loaded.append(load(file))
        except ScenarioError as error:
            problems += error.problems
    if problems:
        raise ScenarioError(tuple(problems))
    by_name: dict[str, str] = {}
    for one in loaded:
        name = one.document.name
        if name in by_name:
            message = f"{by_name[name]} and {one.file} are both called {name!r}"
            raise InputError(message)
        by_name[name] = one.file
    return loaded


def plan_of(
    loaded: Loaded, *, seed: int | None = None, allow_code: bool = False, routes: bool = False
) -> Plan | FleetPlan:
    """Resolve a loaded scenario. Raises `ScenarioError` for what is wrong with its meaning."""
    from emulator.scenario.build import build

    return build(loaded, seed=seed, allow_code=allow_code, routes=routes)


def full_plan_of(
    loaded: Loaded, what: str, *, seed: int | None = None, allow_code: bool = False, routes: bool = False
) -> Plan:
    """The same for ``what`` needs full speakers; `ScenarioError` where the scenario has compact ones."""
    from emulator.scenario.plan import FleetPlan

    plan = plan_of(loaded, seed=seed, allow_code=allow_code, routes=routes)
    if isinstance(plan, FleetPlan):
        message = f"{what} full speakers: add `speakers: full`, for up to 2,000 routers"
        raise ScenarioError((loaded.problem(("network",), message),))
    return plan


def simulated(
    plan: Plan | FleetPlan,
    report: Report,
    *,
    watch: Watch | None = None,
    journal: Journal | None = None,
    jobs: int = 1,
) -> Finished:
    """Run a plan, compute its metrics and evaluate its expectations.

    ``watch`` notes what captures need, ``journal`` what the route history needs;
    ``jobs`` processes may share what can be divided.
    """
    from emulator.analysis.gate import evaluate_expectations
    from emulator.analysis.metrics import with_metrics
    from emulator.sim.run import simulate

    record = simulate(plan, progress=report, watch=watch, journal=journal, jobs=jobs)
    report("metrics", 0.0)
    record = with_metrics(record)
    outcomes = evaluate_expectations(plan.expectations, record.summary)
    told: list[dict[str, Any]] = [
        {"text": o.expectation.text, "passed": o.passed, "found": o.actual, "compared_with": o.compared_with}
        for o in outcomes
    ]
    if told:
        record = replace(record, summary={**record.summary, "expectations": told})
    return Finished(record, outcomes)


def default_folder(name: str) -> Path:
    """Return ``out/<name>``. Raises `InputError` for a name that would lead elsewhere."""
    if not _SAFE_NAME.fullmatch(name):
        message = f"scenario name {name!r} cannot name a folder; choose one with --out"
        raise InputError(message)
    return Path("out") / name


def written(
    finished: Finished,
    folder: Path,
    *,
    formats: Sequence[str],
    command: str,
    report: Report,
    also: Callable[[Path], None] = lambda _: None,
) -> Path:
    """Write record, pictures (none where ``formats`` is empty) and report; return the folder.

    ``also`` writes more into it. All of it appears at once: what was there
    before stays until then.
    """
    from emulator.analysis.plots import draw_all
    from emulator.analysis.report import write_report
    from emulator.analysis.view import RunView
    from emulator.record.folder import save, staged

    with staged(folder) as staging:
        report("writing", 0.0)
        save(finished.record, staging)
        also(staging)
        if formats:
            view = RunView(finished.record)
            (staging / "plots").mkdir()
            draw_all(view, staging / "plots", formats=formats, progress=report)
            report("report", 0.0)
            write_report(view, staging, command=command)
    return folder
