"""Hypothesis strategies: random networks dressed with rules, roles, reflectors and communities.

Nothing here may cost a network its single stable state: rules filter, mark and
prepend, but do not touch LOCAL_PREF, which stays with the relationships (Gao
and Rexford, ToN 2001); an AS has one reflector at most; nobody sets a MED.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from emulator.bgp.attributes import NO_ADVERTISE, NO_EXPORT, Attributes
from emulator.bgp.messages import Role
from emulator.bgp.policy import Relation
from emulator.bgp.rules import (
    Change,
    Match,
    Rule,
    RuleList,
    RulePolicy,
    Verdict,
    followed_by,
    relationship_rules,
)
from emulator.bgp.wiring import Wiring, wire
from emulator.timeline import Drain, Event, Leak, Originate, RefreshSession
from emulator.units import MILLISECOND

from random_networks import HEALED, PREFIXES, Case, plans

if TYPE_CHECKING:
    from emulator.bgp.peer import PeerConfig
    from emulator.network.model import Network
    from emulator.scenario.plan import Plan
    from emulator.timeline import Action

COMMUNITIES = (65000 << 16 | 1, 65001 << 16 | 2, 65002 << 16 | 3)
LARGE = ((65000, 7, 1), (4_200_000_000, 7, 2))
ROLE_TOWARDS = {
    Relation.PROVIDER: Role.CUSTOMER,
    Relation.CUSTOMER: Role.PROVIDER,
    Relation.PEER: Role.PEER,
}


def matches(network: Network) -> st.SearchStrategy[Match]:
    """One condition, or none."""
    asns = st.sampled_from(sorted(network.routers_of))
    return st.one_of(
        st.just(Match()),
        st.builds(Match, prefixes=st.frozensets(st.integers(0, PREFIXES - 1), min_size=1)),
        st.builds(Match, communities=st.tuples(st.sampled_from(COMMUNITIES))),
        st.builds(Match, large_communities=st.tuples(st.sampled_from(LARGE))),
        st.builds(Match, neighbor_as=asns),
        st.builds(Match, origin_as=asns),
        st.builds(Match, through_as=asns),
        st.builds(Match, longer_than=st.integers(1, 4)),
        st.builds(Match, learned_from=st.frozensets(st.sampled_from(sorted(ROLE_TOWARDS)), min_size=1)),
    )


def rule_lists(network: Network, *, prepends: bool) -> st.SearchStrategy[RuleList]:
    """Up to three rules; most let pass."""
    some = st.lists(st.sampled_from(COMMUNITIES), max_size=2, unique=True).map(tuple)
    changes = st.builds(
        Change,
        add_communities=some,
        remove_communities=some,
        add_large_communities=st.lists(st.sampled_from(LARGE), max_size=1).map(tuple),
        prepend=st.integers(0, 2) if prepends else st.just(0),
    )
    verdicts = st.sampled_from([Verdict.NEXT, Verdict.NEXT, Verdict.NEXT, Verdict.ACCEPT, Verdict.REJECT])
    rules = st.builds(Rule, match=matches(network), change=changes, verdict=verdicts)
    return st.lists(rules, max_size=3).map(lambda each: RuleList(tuple(each)))


@st.composite
def wirings(draw: st.DrawFn, network: Network) -> Wiring:
    """All sessions: some ASes with a reflector, some ends with rules, some routers with roles."""
    clients: dict[int, frozenset[int]] = {}
    for members in network.routers_of.values():
        if len(members) > 2 and draw(st.booleans()):
            reflector = draw(st.sampled_from(members))
            clients[reflector] = frozenset(members) - {reflector}
    plain = wire(network, clients)
    pool = [
        RulePolicy(
            draw(rule_lists(network, prepends=False)),
            draw(rule_lists(network, prepends=True)),
        )
        for _ in range(3)
    ]
    peers = []
    for router, configs in enumerate(plain.peers):
        asn, knows_roles = network.routers[router].asn, draw(st.booleans())
        peers.append(tuple(_dressed(draw, config, asn, pool, knows_roles=knows_roles) for config in configs))
    return Wiring(tuple(peers), plain.wires)


def _dressed(
    draw: st.DrawFn, config: PeerConfig, asn: int, pool: list[RulePolicy], *, knows_roles: bool
) -> PeerConfig:
    if config.relation is Relation.INTERNAL:
        return config
    chosen = draw(st.sampled_from([None, *pool]))
    base = relationship_rules(config.relation, asn)
    return replace(
        config,
        policy=None if chosen is None else followed_by(base, chosen),
        role=ROLE_TOWARDS[config.relation] if knows_roles else None,
    )


@st.composite
def operations(draw: st.DrawFn, network: Network) -> list[tuple[int, Action]]:
    """What operators do in the first minute, and its end by then."""
    done: list[tuple[int, Action]] = []
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, 40_000)) * MILLISECOND
        router = draw(st.sampled_from(network.routers)).index
        ends = draw(st.sampled_from(network.links)).ends
        action: Drain | Leak | RefreshSession = draw(
            st.sampled_from([Drain(router), Drain(*ends), Leak(router), RefreshSession(ends)])
        )
        done.append((at, action))
        if not isinstance(action, RefreshSession):
            done.append((draw(st.sampled_from([at + MILLISECOND, HEALED])), replace(action, repair=True)))
    return done


@st.composite
def dressed(draw: st.DrawFn, *, heals: bool, operates: bool = False) -> Case:
    """A random plan with its sessions dressed and its prefixes marked."""
    plan = draw(plans(heals=heals)).plan
    wiring = draw(wirings(plan.network))
    marks = st.lists(st.sampled_from([*COMMUNITIES, NO_EXPORT, NO_ADVERTISE]), max_size=2, unique=True)
    carried = {
        (each.router, each.prefix): Attributes(
            (),
            each.router,
            communities=tuple(sorted(draw(marks))) if draw(st.booleans()) else (),
            large_communities=draw(st.sampled_from([(), LARGE[:1], LARGE])),
        )
        for each in plan.originations
    }

    def marked(action: Action) -> Action:
        if isinstance(action, Originate):
            return replace(action, carrying=carried[action.router, action.prefix])
        return action

    entries: list[tuple[int, tuple[Action, ...]]] = [
        (each.at, tuple(marked(action) for action in each.actions)) for each in plan.timeline
    ]
    if operates:
        entries += [(at, (action,)) for at, action in draw(operations(plan.network))]
    entries.sort(key=lambda entry: entry[0])
    return Case(
        replace(
            plan,
            protocol=replace(plan.protocol, wiring=wiring),
            originations=tuple(marked(each) for each in plan.originations),
            timeline=tuple(Event(i, at, "test", "test", done) for i, (at, done) in enumerate(entries)),
        )
    )


def valleys(plan: Plan, found: list[tuple[int, tuple[int, ...]]]) -> list[tuple[int, tuple[int, ...]]]:
    """Those of ``found`` (the AS that holds a route, its AS path) that go down or aside and then not down.

    Judged by the links between the ASes alone.
    """
    up: set[tuple[int, int]] = set()
    aside: set[tuple[int, int]] = set()
    for link in plan.network.links:
        first, second = (plan.network.routers[end].asn for end in link.ends)
        if link.relationship.name == "PEER":
            aside |= {(first, second), (second, first)}
        elif link.relationship.name == "CUSTOMER_PROVIDER":
            up.add((first, second))
    return [(asn, path) for asn, path in found if not _is_valley_free((asn, *path), up, aside)]


def _is_valley_free(way: tuple[int, ...], up: set[tuple[int, int]], aside: set[tuple[int, int]]) -> bool:
    may_climb = True
    for step in pairwise(way):
        if step[0] == step[1]:  # prepended
            continue
        if step in up or step in aside:
            if not may_climb:
                return False
            may_climb = step in up
        elif step[::-1] in up:
            may_climb = False
        else:
            return False
    return True
