"""A scenario on an AS graph to the plan of a fleet; what compact speakers cannot do is a problem."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from emulator.bgp.config import WithdrawalRule
from emulator.bgp.policy import PermitAll
from emulator.fleet.config import FleetConfig
from emulator.fleet.tables import PREFIXES_MAX
from emulator.scenario.build.speakers import configs, mrai_of, settings_of
from emulator.scenario.plan import FleetPlan
from emulator.scenario.schema_timeline import (
    DrainEvent,
    RefreshEvent,
    RestartEvent,
    ShutdownEvent,
    repaired_at,
    verb,
)

if TYPE_CHECKING:
    from emulator.bgp.liveness import SessionConfig
    from emulator.clients.config import ClientConfig
    from emulator.scenario.build.graph import BuiltGraph
    from emulator.scenario.build.prefixes import Addressing
    from emulator.scenario.build.problems import Problems
    from emulator.scenario.build.speakers import Settings
    from emulator.scenario.plan import Prefix
    from emulator.scenario.schema import Scenario
    from emulator.timeline import Event

KNOWN: Final = frozenset(
    {
        "policy",
        "mrai",
        "mrai_jitter",
        "mrai_scope",
        "withdrawals",
        "echo",
        "sender_side_loop_detection",
        "ghost_flushing",
        "processing_delay",
        "tie_break",
        "hold_time",
        "keepalive",
        "failure_detection",
        "connect_retry",
        "idle_hold",
        "send_hold_time",
        "enforce_first_as",
        "honor_graceful_shutdown",
        "honor_blackhole",
        "always_compare_med",
        "missing_med",
        "ibgp_mrai",
    }
)
"""Keys of ``bgp:`` that a fleet follows, or that make no difference where there is one router an AS."""
_ELSEWHERE: Final = "say `network: {speakers: full}`, for up to 2,000 routers"
_ABSENT: Final = (ShutdownEvent, RefreshEvent, RestartEvent, DrainEvent)


def build_fleet_plan(
    document: Scenario,
    built: BuiltGraph,
    addressing: Addressing,
    timeline: tuple[Event, ...],
    *,
    clients: ClientConfig | None,
    problems: Problems,
    seed: int,
    routes: bool,
    inputs: dict[str, str],
) -> FleetPlan:
    """Put everything together; what a fleet cannot do is a problem."""
    settings = settings_of(document.bgp, like=document.bgp.like, own=None, path=())
    _refuse(document, settings, addressing.prefixes, problems)
    speakers, sessions = _speakers(settings, built, seed)
    return FleetPlan(
        name=document.name,
        seed=seed,
        graph=built.graph,
        delays=built.delays,
        prepend=built.prepend,
        prefixes=addressing.prefixes,
        destinations=addressing.destinations,
        originations=addressing.originations,
        speakers=speakers,
        sessions=sessions,
        fib_install_delay=document.bgp.fib_install_delay,
        timeline=timeline,
        duration=document.duration,
        pops=built.pops,
        groups=built.groups,
        collectors=built.collectors,
        weight=built.weight,
        settle_by_messages=document.settle == "simulate",
        clients=clients,
        expectations=document.expect,
        list_routes=routes,
        inputs=inputs,
    )


def _speakers(settings: Settings, built: BuiltGraph, seed: int) -> tuple[FleetConfig, SessionConfig]:
    graph = built.graph
    speaker, session = configs(settings, seed=seed, router=graph.name(0))
    shares = settings.get("mrai")
    if isinstance(shares, dict):
        mrai = np.array([mrai_of(shares, seed, graph.name(node)) for node in range(len(graph))], np.int64)
    else:
        mrai = np.full(len(graph), speaker.mrai, np.int64)
    return (
        FleetConfig(
            mrai=mrai,
            mrai_jitter=speaker.mrai_jitter,
            mrai_scope=speaker.mrai_scope,
            withdrawals_wait=speaker.withdrawals is WithdrawalRule.WAIT,
            sender_side_loop_detection=speaker.sender_side_loop_detection,
            ghost_flushing=speaker.ghost_flushing,
            echo=speaker.echo,
            keeps_incumbent=speaker.tie_break.incumbent,
            processing=speaker.processing_delay,
            is_permit_all=isinstance(speaker.policy, PermitAll),
        ),
        session,
    )


def _refuse(document: Scenario, settings: Settings, prefixes: tuple[Prefix, ...], problems: Problems) -> None:
    """Note everything that only full speakers can do."""
    _refuse_settings(document, settings, problems)
    _refuse_events(document, settings, problems)
    if len(prefixes) > PREFIXES_MAX:
        message = f"compact speakers have at most {PREFIXES_MAX} prefixes, not {len(prefixes)}"
        for_pops = sum(prefix.role.startswith("pop ") for prefix in prefixes)
        if for_pops:
            message += f"; `unicast` takes one a POP, {for_pops}"
        problems.add(("network",), f"{message}: have fewer, or {_ELSEWHERE}")
    if not prefixes and not getattr(document.network, "prefixes", None):
        problems.add(
            ("network",), "nothing is announced: give `prefixes` or a `cdn`, or announce in the timeline"
        )


def _refuse_settings(document: Scenario, settings: Settings, problems: Problems) -> None:
    said, place = settings.said, settings.place
    if settings.like is not None:
        problems.add(("bgp", "like"), f"compact speakers have no vendor's habits: {_ELSEWHERE}")
    for key, value in said.items():
        if key not in KNOWN and value not in {"off", None, 0}:
            problems.add(place[key], f"compact speakers do not know this: {_ELSEWHERE}")
    if said.get("tie_break") == "oldest":
        problems.add(place["tie_break"], f"compact speakers do not keep routes' ages: {_ELSEWHERE}")
    if said.get("withdrawals") is WithdrawalRule.WITH_PENDING:
        message = f"compact speakers hold all withdrawals or none: {_ELSEWHERE}"
        problems.add(place["withdrawals"], message)
    for key, name in (("import_", "import"), ("export", "export")):
        if getattr(document.bgp, key):
            problems.add(("bgp", name), f"compact speakers know relationships only: {_ELSEWHERE}")


def _refuse_events(document: Scenario, settings: Settings, problems: Problems) -> None:
    is_silent = settings.get("failure_detection") != "interface"
    for index, event in enumerate(document.timeline):
        what = verb(event)
        if isinstance(event, _ABSENT):
            problems.add(("timeline", index, what), f"compact speakers do not know this: {_ELSEWHERE}")
        for key in ("communities", "large_communities", "med"):
            if getattr(event, key, None) is not None:
                problems.add(("timeline", index, key), f"compact speakers carry AS paths only: {_ELSEWHERE}")
        is_repaired = repaired_at(event) is not None and what in {"cut", "outage"}
        if is_silent and (is_repaired or what == "repair"):
            message = (
                "sessions that were lost silently come back with attempts to connect, which compact "
                f"speakers do not make: {_ELSEWHERE}, or take `failure_detection: interface`"
            )
            problems.add(("timeline", index, "repair_after" if is_repaired else what), message)
