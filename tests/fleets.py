"""Small Internets for tests, and one plan run by a fleet and by full speakers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from emulator.bgp.config import SpeakerConfig, WithdrawalRule
from emulator.bgp.decision import TieBreak
from emulator.bgp.liveness import SessionConfig
from emulator.bgp.policy import GaoRexford, PermitAll
from emulator.fleet.config import FleetConfig
from emulator.fleet.tables import LOG_NODE
from emulator.network.asgraph.graph import from_links
from emulator.scenario.build.full import as_network
from emulator.scenario.plan import FleetPlan, Plan, Prefix, Protocol
from emulator.sim.fleet.parts import run_fleet

from labs import run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emulator.network.asgraph.graph import AsGraph
    from emulator.timeline import Event, Originate

MS = 10**6
SECOND = 10**9


def random_graph(rng: np.random.Generator, nodes: int, *, peerings: float = 0.15) -> AsGraph:
    """Nodes with random AS numbers; each buys from one to three that come before it in a random order."""
    asn = np.sort(rng.choice(np.arange(1, 60_000), nodes, replace=False))
    order = rng.permutation(nodes)
    links: dict[tuple[int, int], tuple[int, int, int]] = {}
    for place in range(1, nodes):
        for _ in range(int(rng.integers(1, 4))):
            above = int(order[int(rng.integers(0, place))])
            mine = int(order[place])
            kind = int(rng.random() < peerings)
            links.setdefault((min(mine, above), max(mine, above)), (mine, above, kind))
    table = np.array(list(links.values()))
    return from_links(asn, table[:, :2], table[:, 2])


def delays_of(graph: AsGraph, rng: np.random.Generator) -> np.ndarray:
    """Link delays no two of which, or sums of which, are likely to be equal."""
    return rng.integers(2 * MS, 50 * MS, graph.link_count)


def fleet_plan(
    graph: AsGraph,
    delays: np.ndarray,
    *,
    originations: Sequence[Originate] = (),
    events: Sequence[Event] = (),
    speakers: FleetConfig | None = None,
    sessions: SessionConfig | None = None,
    duration: int = 1000 * SECOND,
    prefixes: int = 1,
    by_messages: bool = False,
    seed: int = 1,
    prepend: np.ndarray | None = None,
    fib_install_delay: int = 0,
) -> FleetPlan:
    """Make a plan; prefixes are numbered from 0."""
    return FleetPlan(
        name="fleet",
        seed=seed,
        graph=graph,
        delays=np.asarray(delays, np.int64),
        prepend=np.zeros(graph.slot_count, np.int8) if prepend is None else prepend,
        prefixes=tuple(Prefix(i, f"203.0.{113 + i}.0/24") for i in range(prefixes)),
        destinations=(),
        originations=tuple(originations),
        speakers=speakers or FleetConfig(np.full(len(graph), 30 * SECOND)),
        sessions=sessions or SessionConfig(),
        fib_install_delay=fib_install_delay,
        timeline=tuple(events),
        duration=duration,
        settle_by_messages=by_messages,
    )


@dataclass(frozen=True)
class Outcome:
    """What a run came to, alike for both kinds of speakers.

    ``events``: for each the last change after it (ns), announcements, withdrawals,
    changes, and whether it got quiet. ``changes``: (instant, node, prefix, next hop)
    of every change. ``paths``: {(node, prefix): AS path} at the end.
    """

    events: tuple[tuple[int | None, int, int, int, bool], ...]
    changes: tuple[tuple[int, int, int, int], ...]
    paths: dict[tuple[int, int], tuple[int, ...]]


def by_fleet(plan: FleetPlan) -> Outcome:
    """Run it in arrays."""
    ran = run_fleet(plan)
    log, hops, prefixes = ran.log, ran.log.next_hops, ran.log.prefixes
    events = []
    for number, span in enumerate(ran.spans):
        first, last = ran.entries_of(number)
        events.append(
            (
                int(log.times[last - 1]) if last > first else None,
                span.announcements,
                span.withdrawals,
                last - first,
                span.is_quiescent,
            )
        )
    changes = [
        (int(log.times[e]), int(log.entries[e, LOG_NODE]), int(prefixes[e]), int(hops[e]))
        for e in np.flatnonzero(log.times >= 0).tolist()
    ]
    paths = {}
    for node in range(len(plan.graph)):
        for number in range(len(plan.prefixes)):
            best = log.best(node, number)
            if best is not None:
                paths[node, number] = log.path(best)
    return Outcome(tuple(events), tuple(sorted(changes)), paths)


def by_speakers(plan: FleetPlan) -> Outcome:
    """Run it with full speakers."""
    result = run(as_lab(plan))
    emulation = result.emulation
    index = {router.name: router.index for router in emulation.plan.network.routers}
    number = {prefix.text: prefix.index for prefix in plan.prefixes}
    events = tuple(
        (w.last_rib_change, w.announcements, w.withdrawals, w.best_path_changes, w.is_quiescent)
        for w in emulation.recorder.windows
    )
    changes = tuple(
        (
            round(each["at_s"] * SECOND),
            index[each["router"]],
            number[each["prefix"]],
            -1 if each["as_path"] is None else index[each["next_hop"]],
        )
        for each in emulation.recorder.trace
        if each["type"] == "best-path"
    )
    paths = {
        (router, prefix): best.attributes.as_path
        for router, speaker in enumerate(emulation.speakers)
        for prefix, best in speaker.loc_rib.items()
    }
    return Outcome(events, tuple(sorted(changes)), paths)


def as_lab(plan: FleetPlan) -> Plan:
    """The same plan for full speakers."""
    graph, config = plan.graph, plan.speakers
    speakers = tuple(
        SpeakerConfig(
            policy=PermitAll() if config.is_permit_all else GaoRexford(),
            mrai=int(config.mrai[node]),
            mrai_jitter=config.mrai_jitter,
            mrai_scope=config.mrai_scope,
            withdrawals=WithdrawalRule.WAIT if config.withdrawals_wait else WithdrawalRule.FREE,
            sender_side_loop_detection=config.sender_side_loop_detection,
            ghost_flushing=config.ghost_flushing,
            echo=config.echo,
            tie_break=TieBreak(incumbent=config.keeps_incumbent),
            processing_delay=config.processing,
        )
        for node in range(len(graph))
    )
    return Plan(
        name=plan.name,
        seed=plan.seed,
        network=as_network(graph, plan.delays),
        prefixes=plan.prefixes,
        destinations=(),
        originations=plan.originations,
        protocol=Protocol(speakers, (plan.sessions,) * len(graph), fib_install_delay=plan.fib_install_delay),
        timeline=plan.timeline,
        duration=plan.duration,
        settle_by_messages=plan.settle_by_messages,
        settle_limit=plan.settle_limit,
    )
