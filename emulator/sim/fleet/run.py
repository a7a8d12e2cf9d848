"""A plan on an AS graph run to its record."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import numpy as np

from emulator.clients.requests import evaluate
from emulator.fleet.tables import LOG_NODE, LOG_SLOT, NONE, OWN, SENT_PATH, SENT_PLACE, SENT_TIME
from emulator.record import trace
from emulator.record.run import SUMMARY_SCHEMA, RunRecord, new_manifest
from emulator.sim.fleet.atlas import atlas_of_fleet
from emulator.sim.fleet.digest import summary_of
from emulator.sim.fleet.forwarding import client_view, reach_tables
from emulator.sim.fleet.host import WATCHED_MAX, FleetHost
from emulator.sim.paths import paths_table
from emulator.units import SECOND, seconds
from emulator.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator.fleet.fleet import Fleet
    from emulator.record.run import Json
    from emulator.record.tables import Table
    from emulator.scenario.plan import FleetPlan


def simulate_fleet(
    plan: FleetPlan,
    *,
    progress: Callable[[str, float], None] = lambda _stage, _done: None,
    inspect: Callable[[FleetHost], None] = lambda _: None,
) -> RunRecord:
    """Run ``plan``; the summary's strategies are still to be computed from the tables.

    ``progress`` and ``inspect`` as with `emulator.sim.run.simulate`, and so are errors.
    """
    was_collecting = gc.isenabled()
    gc.disable()
    try:
        return _simulate(plan, progress, inspect)
    finally:
        if was_collecting:
            gc.enable()


def _simulate(
    plan: FleetPlan, progress: Callable[[str, float], None], inspect: Callable[[FleetHost], None]
) -> RunRecord:
    progress("settling", 0.0)
    host = FleetHost(plan)
    host.settle(lambda done: progress("settling", done))
    end = max(plan.duration, 1)
    host.run(lambda instant: progress("control plane", max(instant, 0) / end))
    inspect(host)
    tables: dict[str, Table] = {
        "updates": updates_table(plan, host.fleet),
        "rates": rates_table(host),
        "best_paths": best_paths_table(plan, host.fleet),
    }
    if plan.destinations and plan.pops:
        tables.update(reach_tables(plan, host, lambda done: progress("forwarding", done)))
    if plan.groups and plan.destinations:
        network, history = client_view(plan, host)
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
        summary={"schema": SUMMARY_SCHEMA, **summary_of(plan, host, tables)},
        tables=tables,
        atlas=atlas_of_fleet(plan),
        trace=_trace(plan, host),
    )


def _trace(plan: FleetPlan, host: FleetHost) -> list[Json]:
    """The timeline's events, and in small networks every change of a best path."""
    records = [
        trace.event(seconds(e.at), index=e.index, kind=e.kind, label=e.label)
        for e in (span.event for span in host.spans)
    ]
    fleet = host.fleet
    if len(plan.graph) > WATCHED_MAX:
        return records
    times = fleet.arrays.by_name["log_time"][: fleet.logged]
    log, prefixes = fleet.arrays.log, fleet.prefix_of_log()
    for entry in np.flatnonzero(times >= 0).tolist():
        node, slot = int(log[entry, LOG_NODE]), int(log[entry, LOG_SLOT])
        next_hop = None
        if slot != NONE:
            next_hop = plan.graph.name(node if slot == OWN else int(plan.graph.neighbor[slot]))
        records.append(
            trace.best_path(
                seconds(int(times[entry])),
                router=plan.graph.name(node),
                prefix=plan.prefixes[int(prefixes[entry])].text,
                as_path=None if slot == NONE else fleet.path(entry),
                next_hop=next_hop,
                decided_by=None,
            )
        )
    return sorted(records, key=lambda record: float(record["at_s"]))


def updates_table(plan: FleetPlan, fleet: Fleet) -> Table:
    """The messages that were watched: all of a small network, else those to collectors."""
    sent = fleet.arrays.sent
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


def rates_table(host: FleetHost) -> Table:
    """Messages sent anywhere, by bins of time; bins without any are left out."""
    rate = host.fleet.arrays.by_name["rate"].reshape(-1, 2)
    some = np.flatnonzero(rate.any(axis=1))
    return {
        "at_s": some * (host.bin_ns / SECOND),
        "until_s": (some + 1) * (host.bin_ns / SECOND),
        "announcements": rate[some, 0].astype(np.uint32),
        "withdrawals": rate[some, 1].astype(np.uint32),
    }


def best_paths_table(plan: FleetPlan, fleet: Fleet) -> Table:
    """Every change of a Loc-RIB after t = 0."""
    graph, arrays = plan.graph, fleet.arrays
    times = arrays.by_name["log_time"][: fleet.logged]
    log = arrays.log
    first = len(times) - int(np.count_nonzero(times >= 0))  # the log is in order of time
    slot = log[first:, LOG_SLOT]
    node = log[first:, LOG_NODE]
    next_hop = np.where(slot == NONE, -1, graph.asn[np.where(slot >= 0, graph.neighbor[slot], node)])
    texts = [each.text for each in plan.prefixes]
    return {
        "at_s": times[first:] / SECOND,
        "router": node,
        "prefix": [texts[each] for each in fleet.prefix_of_log()[first:].tolist()],
        "next_hop": next_hop.astype(np.int64),
        "length": fleet.lengths_of_log()[first:].astype(np.int32),
    }
