"""The beacons on CAIDA's graph: announced, withdrawn two hours later, heard by a collector."""

# ruff: noqa: INP001 - part of a script, not a package

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from beacons_data import ASN
from beacons_metrics import PHASES, WITHDRAW, WITHDRAWN_S, Update

from emulator.bgp.liveness import SessionConfig
from emulator.fleet.config import FleetConfig
from emulator.fleet.draws import key_of, quantiles
from emulator.fleet.tables import SENT_PATH, SENT_PLACE, SENT_TIME
from emulator.network.asgraph.additions import NewLink, NewNode, link_delays, with_additions
from emulator.network.asgraph.doubtful import doubtful_as_peerings
from emulator.scenario.build.speakers import mrai_of
from emulator.scenario.plan import FleetPlan, Prefix
from emulator.sim.fleet.parts import run_fleet
from emulator.timeline import Event, Originate, StopOriginating
from emulator.units import SECOND, Duration, Instant

if TYPE_CHECKING:
    from beacons_data import Beacons

    from emulator.fleet.log import FleetLog
    from emulator.fleet.presets import FleetPreset
    from emulator.network.asgraph.graph import AsGraph

COLLECTOR: Final = "route-views2"
_COLLECTOR_ASN: Final = 4_294_967_294
"""The last private AS number (RFC 6996)."""


def missing_links(graph: AsGraph, beacons: Beacons) -> tuple[NewLink, ...]:
    """Links that paths show and the graph lacks, of the beacons' AS and of feeds unknown to the graph.

    RIPE's collectors buy transit from whoever passes the beacon on; the others peer.
    """
    found = []
    for near, far in beacons.pairs:
        if far == ASN:
            if not _has(graph, near, far):
                found.append(NewLink((far, near), is_peering=False))
        elif near in beacons.feeds and graph.node(near) is None:
            found.append(NewLink((near, far), is_peering=True))
    return tuple(found)


def _has(graph: AsGraph, one: int, other: int) -> bool:
    ends = graph.node(one), graph.node(other)
    return None not in ends and graph.slot(*ends) is not None  # type: ignore[arg-type]


def beacon_graph(graph: AsGraph, beacons: Beacons, *, is_cleaned: bool) -> AsGraph:
    """The graph with what it lacks, and with the collector, to which every feed sends all that it uses."""
    if is_cleaned:
        graph = doubtful_as_peerings(graph)
    graph = with_additions(graph, (), missing_links(graph, beacons))
    return with_additions(graph, [NewNode(COLLECTOR, _COLLECTOR_ASN, feeds=beacons.feeds)], ())


def beacon_plan(graph: AsGraph, beacons: Beacons, preset: FleetPreset, seed: int) -> FleetPlan:
    """All beacons announced at t = 0 and withdrawn after two hours, on a `beacon_graph`.

    Raises `ValueError` where the graph lacks the beacons' AS.
    """
    origin, collector = graph.node(ASN), graph.node(_COLLECTOR_ASN)
    if origin is None or collector is None:
        message = f"the graph lacks AS{ASN}"
        raise ValueError(message)
    end = round(PHASES[WITHDRAW][1]) * SECOND
    shares = dict(preset.mrai)
    timeline = []
    for index, (prefix, upstreams) in enumerate(beacons.upstreams.items()):
        begun = (Originate(origin, index, frozenset(upstreams)),)
        ended = (StopOriginating(origin, index),)
        timeline.append(Event(2 * index, Instant(0), "announce", prefix, begun))
        withdrawn = Instant(round(WITHDRAWN_S) * SECOND)
        timeline.append(Event(2 * index + 1, withdrawn, "withdraw", prefix, ended))
    return FleetPlan(
        name="beacons",
        seed=seed,
        graph=graph,
        delays=link_delays(graph, quantiles(preset.link_delay), key_of(seed, "links/delay")),
        prepend=np.zeros(graph.slot_count, np.int8),
        prefixes=tuple(Prefix(index, prefix) for index, prefix in enumerate(beacons.prefixes)),
        destinations=(),
        originations=(),
        speakers=FleetConfig(
            mrai=np.array([mrai_of(shares, seed, graph.name(node)) for node in range(len(graph))], np.int64),
            mrai_jitter=preset.mrai_jitter,
            mrai_scope=preset.mrai_scope,
            withdrawals_wait=preset.withdrawals_wait,
        ),
        sessions=SessionConfig(),
        fib_install_delay=Duration(0),
        timeline=tuple(timeline),
        duration=Duration(end),
        collectors=(collector,),
    )


def run_beacons(plan: FleetPlan) -> tuple[Update, ...]:
    """Everything that the collector hears, in order of time."""
    return heard(run_fleet(plan).log, plan)


def heard(log: FleetLog, plan: FleetPlan) -> tuple[Update, ...]:
    """The messages to the plan's collectors."""
    graph, count = plan.graph, len(plan.prefixes)
    slots = log.sent[:, SENT_PLACE] // count
    is_meant = np.isin(graph.neighbor[slots], plan.collectors)
    sender = graph.slot_node()[slots]
    found = []
    for row in np.flatnonzero(is_meant).tolist():
        asn, entry = int(graph.asn[sender[row]]), int(log.sent[row, SENT_PATH])
        path = (asn, *log.path(entry)) if entry >= 0 else None
        prefix = plan.prefixes[int(log.sent[row, SENT_PLACE]) % count]
        found.append(Update(int(log.sent[row, SENT_TIME]) / SECOND, prefix.text, str(asn), path))
    return tuple(found)
