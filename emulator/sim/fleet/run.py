"""A plan on an AS graph run to its record."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import numpy as np

from emulator.clients.requests import evaluate
from emulator.fleet.tables import LOG_NODE, SENT_PATH, SENT_PLACE, SENT_TIME
from emulator.record import trace
from emulator.record.run import SUMMARY_SCHEMA, RunRecord, new_manifest
from emulator.sim.fleet.atlas import atlas_of_fleet
from emulator.sim.fleet.digest import summary_of
from emulator.sim.fleet.forwarding import client_view, reach_tables
from emulator.sim.fleet.host import WATCHED_MAX
from emulator.sim.fleet.parts import run_fleet
from emulator.sim.paths import paths_table
from emulator.units import SECOND, seconds
from emulator.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator.fleet.log import FleetLog
    from emulator.record.run import Json
    from emulator.record.tables import Table
    from emulator.scenario.plan import FleetPlan
    from emulator.sim.fleet.parts import FleetRun


def simulate_fleet(
    plan: FleetPlan,
    *,
    progress: Callable[[str, float], None] = lambda _stage, _done: None,
    jobs: int = 1,
) -> RunRecord:
    """Run ``plan``; the summary's strategies are still to be computed from the tables.

    ``progress`` and errors are as with `emulator.sim.run.simulate`; ``jobs`` as in `run_fleet`.
    """
    was_collecting = gc.isenabled()
    gc.disable()
    try:
        return _simulate(plan, progress, jobs)
    finally:
        if was_collecting:
            gc.enable()


def _simulate(plan: FleetPlan, progress: Callable[[str, float], None], jobs: int) -> RunRecord:
    progress("settling", 0.0)
    end = max(plan.duration, 1)
    run = run_fleet(plan, progress, jobs=jobs)
    tables: dict[str, Table] = {
        "updates": updates_table(plan, run.log),
        "rates": rates_table(run),
        "best_paths": best_paths_table(plan, run.log),
    }
    if plan.destinations and plan.pops:
        tables.update(reach_tables(plan, run, lambda done: progress("forwarding", done)))
    if plan.groups and plan.destinations:
        network, history = client_view(plan, run)
        tables["paths"] = paths_table(plan.destinations, history)
        if plan.clients is not None:
            tables.update(
                evaluate(
                    network,
                    history,
                    plan.clients,
                    plan.seed,
                    progress=lambda instant: progress("requests", instant / end),
                )
            )
    return RunRecord(
        manifest=new_manifest(version=__version__, scenario=plan.name, seed=plan.seed, inputs=plan.inputs),
        summary={"schema": SUMMARY_SCHEMA, **summary_of(plan, run, tables)},
        tables=tables,
        atlas=atlas_of_fleet(plan),
        trace=_trace(plan, run),
    )


def _trace(plan: FleetPlan, run: FleetRun) -> list[Json]:
    """The timeline's events, and in small networks every change of a best path."""
    records = [
        trace.event(seconds(e.at), index=e.index, kind=e.kind, label=e.label)
        for e in (span.event for span in run.spans)
    ]
    if len(plan.graph) > WATCHED_MAX:
        return records
    log, hops, prefixes = run.log, run.log.next_hops, run.log.prefixes
    for entry in np.flatnonzero(log.times >= 0).tolist():
        hop = int(hops[entry])
        records.append(
            trace.best_path(
                seconds(int(log.times[entry])),
                router=plan.graph.name(int(log.entries[entry, LOG_NODE])),
                prefix=plan.prefixes[int(prefixes[entry])].text,
                as_path=None if hop < 0 else log.path(entry),
                next_hop=None if hop < 0 else plan.graph.name(hop),
                decided_by=None,
            )
        )
    return sorted(records, key=lambda record: float(record["at_s"]))


def updates_table(plan: FleetPlan, log: FleetLog) -> Table:
    """The messages that were watched: all of a small network, else those to collectors."""
    sent = log.sent
    slot, prefix = np.divmod(sent[:, SENT_PLACE], len(plan.prefixes))
    graph = plan.graph
    texts = [each.text for each in plan.prefixes]
    return {
        "at_s": sent[:, SENT_TIME] / SECOND,
        "sender": graph.neighbor[graph.reverse[slot]].astype(np.int32),
        "receiver": graph.neighbor[slot].astype(np.int32),
        "prefix": [texts[each] for each in prefix.tolist()],
        "withdrawal": sent[:, SENT_PATH] < 0,
    }


def rates_table(run: FleetRun) -> Table:
    """Messages sent anywhere, by bins of time; bins without any are left out."""
    rate, bin_s = run.log.rate, run.bin_ns / SECOND
    some = np.flatnonzero(rate.any(axis=1))
    return {
        "at_s": some * bin_s,
        "until_s": (some + 1) * bin_s,
        "announcements": rate[some, 0].astype(np.uint32),
        "withdrawals": rate[some, 1].astype(np.uint32),
    }


def best_paths_table(plan: FleetPlan, log: FleetLog) -> Table:
    """Every change of a Loc-RIB after t = 0."""
    first = int(np.searchsorted(log.times, 0))
    hops = log.next_hops[first:]
    texts = [each.text for each in plan.prefixes]
    return {
        "at_s": log.times[first:] / SECOND,
        "router": log.entries[first:, LOG_NODE],
        "prefix": [texts[each] for each in log.prefixes[first:].tolist()],
        "next_hop": np.where(hops < 0, -1, plan.graph.asn[hops]),
        "length": log.lengths[first:],
    }
