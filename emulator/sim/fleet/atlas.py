"""What pictures of a run on an AS graph need to name things."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.sim.atlas import events_of, phases_of
from emulator.sim.fleet.host import WATCHED_MAX

if TYPE_CHECKING:
    from emulator.record.run import Json
    from emulator.scenario.plan import FleetPlan


def atlas_of_fleet(plan: FleetPlan) -> Json:
    """The atlas of a plan, as `emulator.record.run.RunRecord` describes it.

    ``routers`` is left out where there are too many to name; ``collectors`` and ``ases`` come on top.
    """
    graph, clients = plan.graph, plan.clients
    atlas: Json = {
        "events": events_of(plan),
        "phases": phases_of(plan),
        "strategies": [{"name": s.name, "kind": s.kind.value} for s in clients.strategies] if clients else [],
        "pops": [{"code": pop.code, "city": ""} for pop in plan.pops],
        "groups": [
            {"name": group.name, "city": "", "country": "", "weight": group.weight} for group in plan.groups
        ],
        "collectors": [graph.name(node) for node in plan.collectors],
        "ases": len(graph),
        "links": graph.link_count,
    }
    if len(graph) <= WATCHED_MAX:
        atlas["routers"] = [graph.name(node) for node in range(len(graph))]
    return atlas
