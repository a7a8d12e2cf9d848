"""Hypothesis strategies: small Internets with Gao-Rexford policies, and what befalls them."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from emulator.bgp.config import Delay, MraiScope, SpeakerConfig, WithdrawalRule
from emulator.bgp.liveness import Detection, SessionConfig
from emulator.bgp.messages import BOTH_FAMILIES, GracefulRestart
from emulator.bgp.policy import GaoRexford
from emulator.network.model import Link, Network, Relationship, Router
from emulator.timeline import (
    Event,
    LinksDown,
    Originate,
    ResetSession,
    RestartBgp,
    RoutersDown,
    ShutSessions,
    StopExporting,
    StopOriginating,
)
from emulator.units import MILLISECOND, SECOND

from labs import plan_of

if TYPE_CHECKING:
    from emulator.scenario.plan import Plan
    from emulator.timeline import Action

HEALED = 60 * SECOND
END = 600 * SECOND
PREFIXES = 2


@st.composite
def networks(draw: st.DrawFn) -> Network:
    """4 to 14 ASes with 1 to 4 routers each; AS i buys from ASes before it, so there is a hierarchy."""
    sizes = draw(st.lists(st.sampled_from([1, 1, 1, 2, 3, 4]), min_size=4, max_size=14))
    members: list[range] = []
    for size in sizes:
        first = members[-1].stop if members else 0
        members.append(range(first, first + size))
    identifiers = draw(st.permutations(range(1, members[-1].stop + 1)))
    routers = tuple(
        Router(router, f"AS{system}.{router}", 65000 + system, identifiers[router])
        for system, its in enumerate(members)
        for router in its
    )
    links: list[Link] = []

    def join(first: int, second: int, relationship: Relationship) -> None:
        delay = draw(st.integers(1, 40)) * MILLISECOND
        cost = draw(st.integers(1, 5))
        links.append(Link(len(links), (first, second), delay, relationship, igp_cost=cost))

    for its in members:
        for near, far in pairwise(its):
            join(near, far, Relationship.INTERNAL)
        if len(its) > 2 and draw(st.booleans()):
            join(its[-1], its[0], Relationship.INTERNAL)
    for system, its in enumerate(members[1:], 1):
        for _ in range(draw(st.integers(1, 3))):
            other = members[draw(st.integers(0, system - 1))]
            is_peering = draw(st.integers(0, 4)) == 0
            relationship = Relationship.PEER if is_peering else Relationship.CUSTOMER_PROVIDER
            join(draw(st.sampled_from(its)), draw(st.sampled_from(other)), relationship)
    return Network(routers, tuple(_without_contradictions(routers, links)))


def _without_contradictions(routers: tuple[Router, ...], links: list[Link]) -> list[Link]:
    """Two ASes are one thing to each other: links after the first between them do as it does."""
    seen: dict[tuple[int, int], Relationship] = {}
    kept = []
    for link in links:
        pair = routers[link.ends[0]].asn, routers[link.ends[1]].asn
        relationship = seen.setdefault(pair, link.relationship)
        kept.append(Link(link.index, link.ends, link.delay, relationship, igp_cost=link.igp_cost))
    return kept


def configs() -> st.SearchStrategy[SpeakerConfig]:
    """Every timer and option that must not change where the network settles."""
    return st.builds(
        SpeakerConfig,
        policy=st.just(GaoRexford()),
        mrai=st.sampled_from([0, 5 * SECOND, 30 * SECOND]),
        ibgp_mrai=st.sampled_from([0, 5 * SECOND]),
        mrai_jitter=st.sampled_from([(1.0, 1.0), (0.75, 1.0)]),
        mrai_scope=st.sampled_from(MraiScope),
        withdrawals=st.sampled_from([WithdrawalRule.FREE, WithdrawalRule.WAIT]),
        sender_side_loop_detection=st.booleans(),
        ghost_flushing=st.booleans(),
        processing_delay=st.sampled_from(
            [Delay(), Delay("constant", 200 * MILLISECOND), Delay("uniform", 0, 50 * MILLISECOND)]
        ),
    )


def session_configs() -> st.SearchStrategy[SessionConfig]:
    """Every way to notice a failure, quick and slow."""
    return st.builds(
        SessionConfig,
        detection=st.sampled_from(Detection),
        interface_delay=st.sampled_from([0, 20 * MILLISECOND, 3 * SECOND]),
        hold_time=st.sampled_from([3 * SECOND, 9 * SECOND]),
        keepalive=st.sampled_from([SECOND, 3 * SECOND]),
        reconnect_delay=st.sampled_from([0, 2 * SECOND]),
        connect_retry=st.sampled_from([5 * SECOND, 60 * SECOND]),
        idle_hold=st.sampled_from([0, SECOND]),
        keepalive_jitter=st.sampled_from([(1.0, 1.0), (0.75, 1.0)]),
        graceful_restart=st.sampled_from([None, GracefulRestart(10, preserved=BOTH_FAMILIES)]),
    )


@st.composite
def faults(
    draw: st.DrawFn, network: Network, origins: list[Originate]
) -> list[tuple[int, Action, Action | None]]:
    """(instant, what happens, its repair): up to eight faults in the first minute."""
    router = st.sampled_from(network.routers)
    link = st.sampled_from(network.links)
    happenings = []
    for _ in range(draw(st.integers(1, 8))):
        at = draw(st.integers(0, 40_000)) * MILLISECOND
        kind = draw(
            st.sampled_from(["cut", "cut", "outage", "reset", "restart", "shutdown", "withdraw", "mute"])
        )
        broken: Action
        mended: Action | None
        if kind == "cut":
            cut = tuple(draw(st.lists(link, min_size=1, max_size=3, unique=True)))
            indices = tuple(each.index for each in cut)
            broken, mended = LinksDown(indices), LinksDown(indices, repair=True)
        elif kind == "outage":
            dead = tuple(r.index for r in draw(st.lists(router, min_size=1, max_size=2, unique=True)))
            broken, mended = RoutersDown(dead), RoutersDown(dead, repair=True)
        elif kind == "reset":
            broken, mended = ResetSession(draw(link).ends), None
        elif kind == "restart":
            takes = draw(st.sampled_from([0, 3, 20])) * SECOND
            broken, mended = RestartBgp(draw(router).index, takes), None
        elif kind == "shutdown":
            pair = draw(link).ends
            broken, mended = ShutSessions((pair,)), ShutSessions((pair,), repair=True)
        elif kind == "withdraw":
            origin = draw(st.sampled_from(origins))
            broken, mended = StopOriginating(origin.router, origin.prefix), origin
        else:
            at_router, to = draw(router).index, draw(router).asn
            broken, mended = StopExporting((at_router,), to), StopExporting((at_router,), to, repair=True)
        happenings.append((at, broken, mended))
    return happenings


class Case:
    """A plan that Hypothesis prints in a line."""

    def __init__(self, plan: Plan) -> None:
        """Wrap ``plan``."""
        self.plan = plan

    def __repr__(self) -> str:
        """What to look at first; the whole plan is on `plan`."""
        network, timeline = self.plan.network, [(e.at, e.actions) for e in self.plan.timeline]
        return f"<{len(network.routers)} routers, {len(network.links)} links, {timeline}>"


@st.composite
def plans(draw: st.DrawFn, *, heals: bool) -> Case:
    """A network, its settings and its bad minute; with ``heals`` everything is mended after it."""
    network = draw(networks())
    origins = [
        Originate(router.index, prefix, draw(st.sampled_from([None, frozenset({65000, 65002})])))
        for prefix in range(PREFIXES)
        for router in draw(st.lists(st.sampled_from(network.routers), min_size=1, max_size=2, unique=True))
    ]
    happenings = draw(faults(network, origins))
    entries: list[tuple[int, Action]] = [(at, broken) for at, broken, _ in happenings]
    for at, _, mended in happenings:
        if mended is not None and (heals or draw(st.booleans())):
            entries.append((draw(st.sampled_from([at + 4 * MILLISECOND, at + SECOND, HEALED])), mended))
    entries.sort(key=lambda entry: entry[0])
    timeline = [Event(i, at, "test", "test", (action,)) for i, (at, action) in enumerate(entries)]
    if heals:
        timeline.append(Event(len(timeline), HEALED, "test", "heal", tuple(origins)))
    count = len(network.routers)
    choice = draw(st.lists(configs(), min_size=1, max_size=3))
    plan = plan_of(
        network,
        configs=tuple(choice[i % len(choice)] for i in range(count)),
        sessions=(draw(session_configs()),) * count,
        events=timeline,
        duration=END,
        announced=False,
        seed=draw(st.integers(0, 9)),
        prefixes=PREFIXES,
        fib_install_delay=draw(st.sampled_from([0, 100 * MILLISECOND])),
    )
    return Case(replace(plan, originations=tuple(origins)))
