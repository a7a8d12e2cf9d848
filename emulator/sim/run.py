"""A plan run to its record: control plane once, then every strategy's clients on its history."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import numpy as np

from emulator.clients.requests import evaluate
from emulator.forwarding.history import Fate
from emulator.record.run import SUMMARY_SCHEMA, RunRecord, new_manifest
from emulator.sim.atlas import atlas_of
from emulator.sim.emulation import Emulation
from emulator.sim.faults import Faults
from emulator.units import MILLISECOND, SECOND
from emulator.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator.forwarding.history import ForwardingHistory
    from emulator.record.run import Json
    from emulator.record.tables import Table
    from emulator.scenario.plan import Plan
    from emulator.sim.journal import Journal
    from emulator.sim.notes import Watch

_FATES = {
    Fate.DELIVERED: "delivered",
    Fate.NO_ROUTE: "no-route",
    Fate.BLACKHOLE: "blackhole",
    Fate.LOOP: "loop",
}


def simulate(
    plan: Plan,
    *,
    progress: Callable[[str, float], None] = lambda _stage, _done: None,
    inspect: Callable[[Emulation], None] = lambda _: None,
    watch: Watch | None = None,
    journal: Journal | None = None,
) -> RunRecord:
    """Run ``plan``; the summary's strategies are still to be computed from the tables.

    ``progress`` hears the stage's name and how much of it is done. ``inspect``
    sees the network as it stands at the end, for checks. ``watch`` notes what
    captures need, ``journal`` what the route history needs. Raises
    `DoesNotSettleError` where the network has no stable state to start from.
    """
    was_collecting = gc.isenabled()
    gc.disable()  # millions of small objects, hardly a cycle: collecting them costs a third of the run
    try:
        return _simulate(plan, progress, inspect, watch, journal)
    finally:
        if was_collecting:
            gc.enable()


def _simulate(
    plan: Plan,
    progress: Callable[[str, float], None],
    inspect: Callable[[Emulation], None],
    watch: Watch | None,
    journal: Journal | None,
) -> RunRecord:
    progress("settling", 0.0)
    emulation = Emulation(plan, journal)
    if watch is not None:
        watch.built(emulation)
    emulation.settle()
    if watch is not None:
        watch.settled(emulation)
    faults = Faults(emulation)
    end = max(plan.duration, 1)
    history = emulation.run(faults.apply, lambda instant: progress("control plane", instant / end))
    if watch is not None:
        watch.finished(emulation)
    inspect(emulation)
    tables: dict[str, Table] = {"updates": emulation.recorder.updates()}
    if plan.network.groups and plan.destinations:
        tables["paths"] = paths_table(plan, history)
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
        summary=_summary(plan, emulation),
        tables=tables,
        atlas=atlas_of(plan),
        trace=emulation.recorder.trace,
        routes=None if journal is None else journal.archive(plan, emulation.recorder.trace),
    )


def _summary(plan: Plan, emulation: Emulation) -> Json:
    windows = sorted((window.summary() for window in emulation.recorder.windows), key=lambda w: w["index"])
    summary: Json = {
        "schema": SUMMARY_SCHEMA,
        "scenario": plan.name,
        "seed": plan.seed,
        "events": windows,
        "strategies": {},
    }
    if plan.list_routes:
        summary["routes"] = emulation.recorder.routes()
    return summary


def paths_table(plan: Plan, history: ForwardingHistory) -> Table:
    """Every client group's path to every destination, one row a change."""
    states = history.states
    columns: Table = {name: [] for name in ("prefix", "group", "start_s", "state")}
    rows: list[int] = []
    for (destination, group), timeline in sorted(history.timelines.items()):
        count = len(timeline.states)
        columns["prefix"] += [plan.destinations[destination].name] * count
        columns["group"] += [group] * count
        columns["start_s"] += (timeline.starts / SECOND).tolist()
        rows += timeline.states.tolist()
    fates = [_FATES[state.fate] for state in states]
    columns["state"] = [fates[row] for row in rows]
    chosen = np.array(rows, np.int64)
    delivered = np.array([state.fate is Fate.DELIVERED for state in states])
    rtt = np.array([2 * state.one_way / MILLISECOND for state in states])
    columns["pop"] = np.array([state.pop for state in states], np.int32)[chosen]
    columns["rtt_ms"] = np.where(delivered, rtt, np.nan).astype(np.float32)[chosen]
    columns["loss"] = np.array([state.loss for state in states], np.float32)[chosen]
    columns["hops"] = np.array([len(state.links) for state in states], np.int16)[chosen]
    return columns
