"""A discrete-event network emulator with BGP speakers.

How long until each client's requests work well again after a cable cut or an
outage, under plain anycast and under Individual Provider Anycast (IPA)?

    import emulator

    record = emulator.run("scenarios/red-sea-2024.yaml", seed=2)
    record.summary["strategies"]["ipa"]["service_reconvergence_s"]
    emulator.compare(emulator.run("a.yaml"), emulator.run("b.yaml"))
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.version import __version__

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    from emulator.analysis.gate import Difference
    from emulator.record.run import RunRecord
    from emulator.scenario.loader import Loaded

__all__ = ["__version__", "compare", "load", "run"]


def load(path: str | os.PathLike[str]) -> Loaded:
    """Read and validate a scenario file.

    Raises `emulator.errors.ScenarioError` with every mistake, located.
    """
    from emulator.scenario.loader import load as load_scenario

    return load_scenario(path)


def run(
    scenario: str | os.PathLike[str] | Loaded,
    *,
    seed: int | None = None,
    allow_code: bool = False,
    progress: Callable[[str, float], None] = lambda _stage, _done: None,
) -> RunRecord:
    """Run a scenario and return its record: summary with metrics, tables, trace.

    ``seed`` overrides the file's. ``allow_code`` permits strategies that import
    a user's class. Raises `emulator.errors.EmulatorError`.
    """
    from emulator.analysis.metrics import with_metrics
    from emulator.scenario.build import build
    from emulator.scenario.loader import Loaded
    from emulator.sim.run import simulate

    loaded = scenario if isinstance(scenario, Loaded) else load(scenario)
    return with_metrics(simulate(build(loaded, seed=seed, allow_code=allow_code), progress=progress))


def compare(before: RunRecord, after: RunRecord) -> tuple[Difference, ...]:
    """Every metric of two runs that differs, by name."""
    from emulator.analysis.gate import compare as compare_metrics
    from emulator.analysis.metrics import flatten

    return compare_metrics(flatten(before.summary), flatten(after.summary))
