"""What pictures need to name and place things: cities, cables, POPs, groups, events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.network.model import Kind
from emulator.timeline import LinksDown
from emulator.units import seconds

if TYPE_CHECKING:
    from emulator.record.run import Json
    from emulator.scenario.plan import FleetPlan, Plan


def atlas_of(plan: Plan) -> Json:
    """The atlas of a plan, as `emulator.record.run.RunRecord` describes it."""
    network = plan.network
    atlas: Json = {
        "routers": [router.name for router in network.routers],
        "events": events_of(plan),
        "phases": phases_of(plan),
        "strategies": [],
        "pops": [],
        "groups": [],
    }
    if plan.clients is not None:
        atlas["strategies"] = [{"name": s.name, "kind": s.kind.value} for s in plan.clients.strategies]
    for pop in network.pops:
        atlas["pops"].append({"code": pop.code, "city": pop.city, **_place(plan, pop.city)})
    for group in network.groups:
        atlas["groups"].append(
            {
                "name": group.name,
                "city": group.city,
                "country": group.country,
                "weight": group.weight,
                **_place(plan, group.city),
            }
        )
    if network.cities:
        atlas["cities"] = {c.name: [c.latitude, c.longitude] for c in network.cities.values()}
        atlas["segments"] = _segments(plan)
        atlas["providers"] = [
            {"name": s.name, "asn": s.asn} for s in network.systems if s.kind is Kind.TRANSIT
        ]
    return atlas


def events_of(plan: Plan | FleetPlan) -> list[Json]:
    """The timeline, for people."""
    return [
        {"index": e.index, "at_s": seconds(e.at), "kind": e.kind, "label": e.label} for e in plan.timeline
    ]


def _place(plan: Plan, city: str) -> Json:
    it = plan.network.cities.get(city)
    return {} if it is None else {"lat": it.latitude, "lon": it.longitude}


def phases_of(plan: Plan | FleetPlan) -> Json:
    """When the run's phases begin and end."""
    if plan.clients is None:
        return {"fault_s": None, "during_end_s": seconds(plan.duration), "end_s": seconds(plan.duration)}
    phases = plan.clients.phases
    fault, during_end = phases.fault, phases.during_end
    return {
        "fault_s": None if fault is None else seconds(fault),
        "during_end_s": seconds(phases.end if during_end is None else during_end),
        "end_s": seconds(phases.end),
    }


def _segments(plan: Plan) -> list[Json]:
    """The fibre that some link rides on, and when it was cut and repaired."""
    cut: dict[int, float] = {}
    repaired: dict[int, float] = {}
    for event in sorted(plan.timeline, key=lambda each: (each.at, each.index)):
        for action in event.actions:
            if isinstance(action, LinksDown):
                for segment in action.segments:
                    times = repaired if action.repair else cut
                    times.setdefault(segment, seconds(event.at))
    riding = plan.network.links_on_segment
    return [
        {
            "ends": list(segment.ends),
            "cable": segment.cable,
            "cut": segment.index in cut,
            "from_s": cut.get(segment.index),
            "until_s": repaired.get(segment.index),
        }
        for segment in plan.network.segments
        if riding[segment.index] or segment.index in cut
    ]
