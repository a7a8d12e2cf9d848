"""What a run on an AS graph comes to: its events, catchments and routes, for summary.json."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from emulator.bgp.decision import Step
from emulator.fleet.tables import ADJ_IN, BEST, LENGTH_PREFIX, LENGTH_SHIFT, OWN, RELATION
from emulator.units import seconds

if TYPE_CHECKING:
    from emulator.record.run import Json
    from emulator.record.tables import Table
    from emulator.scenario.plan import Ases, FleetPlan
    from emulator.sim.fleet.host import FleetHost, Span
    from emulator.sim.fleet.parts import FleetRun

_QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}
_ROUNDING = 9


def summary_of(plan: FleetPlan, run: FleetRun, tables: dict[str, Table]) -> Json:
    """The summary but for its version and what is computed from tables later."""
    summary: Json = {
        "scenario": plan.name,
        "seed": plan.seed,
        "events": _events(plan, run, tables),
        "strategies": {},
    }
    if "sites" in tables:
        summary["catchments"] = catchments(plan, tables["sites"])
    if plan.list_routes and run.host is not None:
        summary["routes"] = routes(plan, run.host)
    return summary


def _events(plan: FleetPlan, run: FleetRun, tables: dict[str, Table]) -> list[Json]:
    fib_changes = run.last_fib_changes()
    entries = [
        _event(run, number, span, last)
        for number, (span, last) in enumerate(zip(run.spans, fib_changes, strict=True))
    ]
    if "reach" in tables:
        for entry in entries:
            entry["loss_of_connectivity"] = lost(plan, tables["reach"], entry["index"])
    return sorted(entries, key=lambda entry: int(entry["index"]))


def _event(run: FleetRun, number: int, span: Span, last_fib: int | None) -> Json:
    at, (first, last) = span.event.at, run.entries_of(number)
    rib = int(run.log.times[last - 1]) - at if last > first else 0
    return {
        "index": span.event.index,
        "at_s": seconds(at),
        "kind": span.event.kind,
        "label": span.event.label,
        "control_plane_convergence_s": seconds(rib),
        "data_plane_convergence_s": 0.0 if last_fib is None else seconds(last_fib - at),
        "announcements": span.announcements,
        "withdrawals": span.withdrawals,
        "best_path_changes": last - first,
        "quiescent": span.is_quiescent,
    }


def lost(plan: FleetPlan | Ases, reach: Table, event: int) -> Json:
    """For each destination how many ASes lost it after an event, and for how long (RFC 7747).

    Quantiles are over the ASes that lost it; ``never`` counts those without it when the next event came.
    """
    found: Json = {}
    events, names = np.asarray(reach["event"]), np.asarray(reach["destination"], object)
    periods, back = np.asarray(reach["lost_s"], float), np.asarray(reach["back_s"], float)
    for destination in plan.destinations:
        mine = (events == event) & (names == destination.name) & (periods > 0)
        its = np.sort(periods[mine])
        entry: Json = {"ases": len(its), "never": int(np.isnan(back[mine]).sum())}
        for name, share in _QUANTILES.items():
            place = max(0, int(np.ceil(share * len(its))) - 1)
            entry[f"{name}_s"] = round(float(its[place]), _ROUNDING) if len(its) else 0.0
        found[destination.name] = entry
    return found


def catchments(plan: FleetPlan | Ases, sites: Table) -> Json:
    """For each destination and POP the ASes it serves, and their part of all clients, first and last."""
    at, names = np.asarray(sites["at_s"], float), np.asarray(sites["destination"], object)
    site, ases = np.asarray(sites["site"]), np.asarray(sites["ases"])
    weight = np.asarray(sites["weight"], float)
    found: Json = {}
    for destination in plan.destinations:
        mine = names == destination.name
        if not mine.any():
            continue
        entry: Json = {}
        for when, instant in (("start", at[mine].min()), ("end", at[mine].max())):
            rows = np.flatnonzero(mine & (at == instant))
            total = float(weight[rows].sum()) or 1.0
            entry[when] = {
                _site(plan, int(site[row])): {
                    "ases": int(ases[row]),
                    "weight": round(float(weight[row]) / total, _ROUNDING),
                }
                for row in rows
            }
        found[destination.name] = entry
    return found


def _site(plan: FleetPlan | Ases, site: int) -> str:
    fates = {-1: "no-route", -2: "blackhole", -3: "loop", -4: "elsewhere"}
    return fates[site] if site < 0 else plan.pops[site].code


def routes(plan: FleetPlan, host: FleetHost) -> Json:
    """Every router's best route for every prefix, at the end."""
    graph, log = plan.graph, host.fleet.log()
    hops = log.next_hops
    found: Json = {}
    for node in range(len(graph)):
        its: dict[str, Any] = {}
        for prefix in plan.prefixes:
            entry = log.best(node, prefix.index)
            if entry is not None:
                its[prefix.text] = {
                    "as_path": list(log.path(entry)),
                    "next_hop": graph.name(int(hops[entry])),
                    "decided_by": decided_by(plan, host, node, prefix.index).value,
                }
        found[graph.name(node)] = its
    return found


def decided_by(plan: FleetPlan, host: FleetHost, node: int, prefix: int) -> Step:
    """The step that left the best route alone, by what the node holds now."""
    fleet = host.fleet
    best = int(fleet.arrays.routes[node, prefix, BEST])
    slots = np.array(plan.graph.slots(node), np.int64)
    offered = slots[fleet.arrays.ribs[slots, prefix, ADJ_IN] >= 0]
    if best == OWN:
        return Step.LOCAL_ROUTE if len(offered) else Step.ONLY_ROUTE
    step = Step.ONLY_ROUTE
    relation = fleet.arrays.slots[offered, RELATION]
    log = fleet.arrays.log
    paths = fleet.arrays.ribs[offered, prefix, ADJ_IN]
    length = (log[paths, LENGTH_PREFIX] >> LENGTH_SHIFT) + plan.prepend[plan.graph.reverse[offered]]
    ranks = np.stack((-relation.astype(np.int64), length))
    for rank, name in enumerate((Step.DEGREE_OF_PREFERENCE, Step.AS_PATH_LENGTH)):
        if ranks.shape[1] > 1:
            kept = ranks[rank] == ranks[rank].min()
            step = step if kept.all() else name
            ranks = ranks[:, kept]
    if ranks.shape[1] > 1:
        step = Step.INCUMBENT if plan.speakers.keeps_incumbent else Step.ROUTER_ID
    return step
