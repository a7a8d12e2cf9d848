"""A plan run to its record: control plane once, then every strategy's clients on its history."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Final

from emulator.clients.requests import evaluate
from emulator.compiled import are_kept, prefer_plain
from emulator.errors import InputError
from emulator.record.run import SUMMARY_SCHEMA, RunRecord, new_manifest
from emulator.scenario.plan import FleetPlan
from emulator.sim.atlas import atlas_of
from emulator.sim.emulation import Emulation
from emulator.sim.faults import Faults
from emulator.sim.paths import paths_table
from emulator.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator.record.run import Json
    from emulator.record.tables import Table
    from emulator.scenario.plan import Plan
    from emulator.sim.fleet.forwarding_tape import Tape
    from emulator.sim.journal import Journal
    from emulator.sim.notes import Watch

_LOADED_FROM: Final = 100_000
"""Ends of sessions, times prefixes: smaller AS graphs are done sooner than compiled loops are loaded."""
_COMPILED_FROM: Final = 2_000_000
"""Smaller ones are done sooner than loops are compiled, where they have not been yet."""


def simulate(
    plan: Plan | FleetPlan,
    *,
    progress: Callable[[str, float], None] = lambda _stage, _done: None,
    inspect: Callable[[Emulation], None] = lambda _: None,
    watch: Watch | None = None,
    journal: Journal | None = None,
    jobs: int = 1,
) -> RunRecord:
    """Run ``plan``; the summary's strategies are still to be computed from the tables.

    ``progress`` hears the stage's name and how much of it is done. ``inspect``
    sees the network as it stands at the end, for checks. ``watch`` notes what
    captures need, ``journal`` what the route history needs. What can be divided
    is done by up to ``jobs`` processes, with the same result. Raises
    `DoesNotSettleError` where the network has no stable state to start from, and
    `InputError` where compact speakers are asked for what only full ones can tell.
    """
    if isinstance(plan, FleetPlan):
        if watch is not None or journal is not None:
            message = "captures and route histories need `network: {speakers: full}`"
            raise InputError(message)
        return _simulate_fleet(plan, progress, jobs)
    was_collecting = gc.isenabled()
    gc.disable()  # millions of small objects, hardly a cycle: collecting them costs a third of the run
    try:
        return _simulate(plan, progress, inspect, watch, journal)
    finally:
        if was_collecting:
            gc.enable()


def _simulate_fleet(plan: FleetPlan, progress: Callable[[str, float], None], jobs: int) -> RunRecord:
    """Run a plan on an AS graph."""
    _choose_form(plan.graph.slot_count * len(plan.prefixes), progress)
    from emulator.sim.fleet.run import simulate_fleet

    return simulate_fleet(plan, progress=progress, jobs=jobs)


def _choose_form(work: int, progress: Callable[[str, float], None]) -> None:
    """Have loops in the form that is done first, before anything with loops is imported."""
    if work < (_LOADED_FROM if are_kept() else _COMPILED_FROM):
        prefer_plain()
    else:
        progress("making loops ready", 0.0)  # compiled once, for about a quarter of a minute, and kept


def _simulate(
    plan: Plan,
    progress: Callable[[str, float], None],
    inspect: Callable[[Emulation], None],
    watch: Watch | None,
    journal: Journal | None,
) -> RunRecord:
    progress("settling", 0.0)
    emulation = Emulation(plan, journal)
    tape = _tape(plan, emulation, progress)
    if watch is not None:
        watch.built(emulation)
    emulation.settle()
    if tape is not None:
        tape.start()
    if watch is not None:
        watch.settled(emulation)
    faults = Faults(emulation)
    end = max(plan.duration, 1)
    history = emulation.run(faults.apply, lambda instant: progress("control plane", instant / end))
    if watch is not None:
        watch.finished(emulation)
    inspect(emulation)
    tables: dict[str, Table] = {"updates": emulation.recorder.updates()}
    if tape is not None:
        events = [window.event for window in emulation.recorder.windows]
        tables.update(tape.tables(events, lambda done: progress("forwarding", done)))
    if plan.network.groups and plan.destinations:
        tables["paths"] = paths_table(plan.destinations, history)
    if plan.clients is not None:
        tables.update(
            evaluate(
                plan.network,
                history,
                plan.clients,
                plan.seed,
                progress=lambda instant: progress("requests", instant / end),
            )
        )
    return RunRecord(
        manifest=new_manifest(version=__version__, scenario=plan.name, seed=plan.seed, inputs=plan.inputs),
        summary=_summary(plan, emulation, tables),
        tables=tables,
        atlas=atlas_of(plan),
        trace=emulation.recorder.trace,
        routes=None if journal is None else journal.archive(plan, emulation.recorder.trace),
    )


def _tape(plan: Plan, emulation: Emulation, progress: Callable[[str, float], None]) -> Tape | None:
    """On an AS graph the forwarding plane also notes what the tables about every AS are made from."""
    if plan.ases is None or not plan.ases.destinations or not plan.ases.pops:
        return None
    _choose_form(plan.ases.graph.slot_count * len(plan.prefixes), progress)
    from emulator.sim.fleet.forwarding_tape import Tape

    tape = Tape(plan.network, plan.ases)
    emulation.plane = tape
    return tape


def _summary(plan: Plan, emulation: Emulation, tables: dict[str, Table]) -> Json:
    windows = sorted((window.summary() for window in emulation.recorder.windows), key=lambda w: w["index"])
    summary: Json = {
        "schema": SUMMARY_SCHEMA,
        "scenario": plan.name,
        "seed": plan.seed,
        "events": windows,
        "strategies": {},
    }
    if plan.ases is not None and "reach" in tables:
        from emulator.sim.fleet.digest import catchments, lost

        for window in windows:
            window["loss_of_connectivity"] = lost(plan.ases, tables["reach"], window["index"])
        summary["catchments"] = catchments(plan.ases, tables["sites"])
    if plan.list_routes:
        summary["routes"] = emulation.recorder.routes()
    return summary
