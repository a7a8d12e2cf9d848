"""Where BGP must end up, worked out without the speaker: a second opinion for the invariants.

From the plan alone it replays what is up, announced and muted at an instant,
then lets all routers choose anew, round after round in step, from what their
neighbours chose in the round before, until nothing changes. Nothing here calls
the speaker, the decision process or the IGP that it is held against; it is
written to be read, not to be fast.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from emulator.bgp.policy import GaoRexford, LocalPrefByNeighbor, PermitAll, Policy, RankedPaths
from emulator.bgp.wiring import wire
from emulator.errors import InvariantError
from emulator.network.model import Relationship
from emulator.timeline import (
    Blackhole,
    Degrade,
    LinksDown,
    Originate,
    RefreshSession,
    ResetSession,
    RestartBgp,
    RoutersDown,
    ShutSessions,
    StopExporting,
    StopOriginating,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from emulator.bgp.config import SpeakerConfig
    from emulator.network.model import Link
    from emulator.scenario.plan import Plan
    from emulator.timeline import Event


@dataclass
class Standing:
    """What is broken, announced and muted at one instant; overlapping faults are counted."""

    cuts: dict[int, int] = field(default_factory=dict)
    outages: dict[int, int] = field(default_factory=dict)
    blackholes: dict[int, int] = field(default_factory=dict)
    mutes: dict[tuple[int, int], int] = field(default_factory=dict)
    shut: dict[tuple[int, int], int] = field(default_factory=dict)
    """(router, peer router) -> shutdowns of their sessions by the first."""
    origins: dict[tuple[int, int], frozenset[int] | None] = field(default_factory=dict)
    """(router, prefix) -> the ASes that it is announced to, None for all."""

    def is_lit(self, link: Link) -> bool:
        """Whether packets cross ``link``."""
        return not self.cuts.get(link.index) and not any(self.outages.get(end) for end in link.ends)


def standing(plan: Plan, until: int) -> Standing:
    """Replay the plan's timeline up to and including the instant ``until``."""
    now = Standing(origins={(o.router, o.prefix): o.only_to for o in plan.originations})
    for event in sorted(plan.timeline, key=lambda each: (each.at, each.index)):
        if event.at <= until:
            _replay(now, event)
    return now


def _replay(now: Standing, event: Event) -> None:
    for action in event.actions:
        match action:
            case Originate(router, prefix, only_to):
                now.origins[router, prefix] = only_to
            case StopOriginating(router, prefix):
                now.origins.pop((router, prefix), None)
            case LinksDown(links, repair):
                _count(now.cuts, links, repair=repair)
            case RoutersDown(routers, repair):
                _count(now.outages, routers, repair=repair)
            case Blackhole(routers, repair):
                _count(now.blackholes, routers, repair=repair)
            case StopExporting(routers, asn, repair):
                _count(now.mutes, [(router, asn) for router in routers], repair=repair)
            case ShutSessions(pairs, _, repair):
                _count(now.shut, pairs, repair=repair)


def _count(causes: dict[Any, int], keys: Iterable[Any], *, repair: bool) -> None:
    for key in keys:
        causes[key] = max(0, causes.get(key, 0) + (-1 if repair else 1))


@dataclass(frozen=True, slots=True)
class Route:
    """A router's choice: heard from the router ``source``, over eBGP on ``link``.

    ``is_interior`` says that it was heard over iBGP; an own route's source is
    the router itself. ``is_sellable`` says that it may go to peers and
    providers, ``only_to`` to which ASes at all.
    """

    as_path: tuple[int, ...]
    preference: int
    source: int
    link: int
    is_interior: bool
    is_sellable: bool
    only_to: frozenset[int] | None


Choices = dict[tuple[int, int], Route]
"""(router, prefix) -> the route chosen; absent where there is none."""


class Judge:
    """The network as it stands, and how every router in it chooses."""

    def __init__(self, plan: Plan, until: int) -> None:
        """See the network of ``plan`` as it stands at the instant ``until``."""
        self.plan = plan
        self.standing = standing(plan, until)
        network = plan.network
        self.alive = [r.index for r in network.routers if not self.standing.outages.get(r.index)]
        lit = [link for link in network.links if self.standing.is_lit(link)]
        self.borders: dict[int, list[tuple[int, Link]]] = {r: [] for r in self.alive}
        self._inside: dict[int, list[tuple[int, int]]] = {r: [] for r in self.alive}
        for link in lit:
            for end in link.ends:
                if link.relationship is Relationship.INTERNAL:
                    self._inside[end].append((link.other(end), link.igp_cost))
                else:
                    self.borders[end].append((link.other(end), link))
        self.distance = {router: self._distances(router) for router in self.alive}
        """Router -> every router of its AS that it can reach -> interior cost."""

    def _distances(self, root: int) -> dict[int, int]:
        done: dict[int, int] = {}
        queue = [(0, root)]
        while queue:
            cost, router = heapq.heappop(queue)
            if router not in done:
                done[router] = cost
                for other, metric in self._inside[router]:
                    heapq.heappush(queue, (cost + metric, other))
        return done

    # What holds ------------------------------------------------------------------

    @property
    def knows_the_policies(self) -> bool:
        """Whether the choice follows from what is offered, by rules that are written down here.

        They do not with damping, nor where age or the current best decides.
        Not written down are aggregates, origin validation and RFC 8212, rules,
        and every session that has settings of its own: reflector and client,
        role, limit, policy, family. Nor what carries communities or a MED, and
        actions of the timeline that `standing` cannot replay.
        """
        plan = self.plan
        return (
            all(map(_is_plain, plan.protocol.speakers))
            and plan.wiring == wire(plan.network)
            and all(each.carrying is None for each in plan.originations)
            and all(
                isinstance(action, (*_REPLAYED, *_PASSING))
                and not (isinstance(action, Originate) and action.carrying is not None)
                for event in plan.timeline
                for action in event.actions
            )
        )

    @property
    def packets_follow_paths(self) -> bool:
        """Whether a packet goes where the AS path of its first router says, hop by hop.

        Not where routers discard it, as aggregates and blackholes have it, or
        know more specific prefixes than their neighbours; and not within an AS
        where a reflector has chosen for others, who look up the packet anew, or
        where two routers do not speak with each other.
        """
        routers = self.plan.network.routers
        return (
            not any(config.aggregates or config.honor_blackhole for config in self.plan.protocol.speakers)
            and not any(peer.is_client for peers in self.plan.wiring.peers for peer in peers)
            and not any(
                count and routers[first].asn == routers[second].asn
                for (first, second), count in self.standing.shut.items()
            )
        )

    @property
    def has_one_solution(self) -> bool:
        """Whether theory promises a single stable state, whatever the order of messages.

        Shortest paths with fixed tie-breaks have one. So have relationships
        without customer-provider cycles (Gao and Rexford, ToN 2001), when every
        AS keeps to them. Anything else may have none or several.
        """
        policies = [config.policy for config in self.plan.protocol.speakers]
        if all(isinstance(policy, PermitAll) for policy in policies):
            return True
        external = [x for x in self.plan.network.links if x.relationship is not Relationship.INTERNAL]
        return (
            all(isinstance(policy, GaoRexford) for policy in policies)
            and all(link.relationship is not Relationship.NONE for link in external)
            and self._is_hierarchy(external)
        )

    def _is_hierarchy(self, external: list[Link]) -> bool:
        """No AS is, however indirectly, its own provider: providers can be taken away one by one."""
        routers = self.plan.network.routers
        buys = {
            (routers[link.ends[0]].asn, routers[link.ends[1]].asn)
            for link in external
            if link.relationship is Relationship.CUSTOMER_PROVIDER
        }
        while buys:
            sellers = {seller for _, seller in buys}
            left = {(buyer, seller) for buyer, seller in buys if buyer in sellers}
            if left == buys:
                return False
            buys = left
        return True

    # One round, and all of them -----------------------------------------------------

    def next_round(self, before: Choices, prefix: int) -> Choices:
        """What every router chooses for ``prefix`` when it hears what the others chose ``before``."""
        after: Choices = {}
        for router in self.alive:
            offers = [*self._own(router, prefix), *self._external(router, prefix, before)]
            offers += self._internal(router, prefix, before)
            if offers:
                after[router, prefix] = min(offers, key=lambda route: self._order(router, route))
        return after

    def solve(self, prefix: int) -> Choices:
        """The choices that reproduce themselves, from nothing announced."""
        choices: Choices = {}
        for _ in range(4 * len(self.alive) + 10):
            after = self.next_round(choices, prefix)
            if after == choices:
                return choices
            choices = after
        message = f"{self.plan.name}: prefix {prefix} has no fixed point where theory promises one"
        raise InvariantError(message)

    def _order(self, router: int, route: Route) -> tuple[int, ...]:
        """RFC 4271 9.1.2.2: the lowest is chosen. MED and ORIGIN are the same everywhere here."""
        return (
            route.source != router,
            -route.preference,
            len(route.as_path),
            route.is_interior,
            self.distance[router][route.source] if route.is_interior else 0,
            self.plan.network.routers[route.source].router_id,
            route.link,
        )

    def _own(self, router: int, prefix: int) -> list[Route]:
        if (router, prefix) not in self.standing.origins:
            return []
        only_to = self.standing.origins[router, prefix]
        return [Route((), 400, router, -1, is_interior=False, is_sellable=True, only_to=only_to)]

    def _internal(self, router: int, prefix: int, before: Choices) -> list[Route]:
        """Over iBGP every border router tells its own choice, never one that it heard that way."""
        told = []
        asn = self.plan.network.routers[router].asn
        for other in self.distance[router]:
            route = before.get((other, prefix))
            if other == router or route is None or self.standing.mutes.get((other, asn)):
                continue
            if not route.is_interior:
                told.append(replace(route, source=other, link=-1, is_interior=True))
        return told

    def _external(self, router: int, prefix: int, before: Choices) -> list[Route]:
        offers = []
        asn = self.plan.network.routers[router].asn
        for other, link in self.borders[router]:
            route = before.get((other, prefix))
            if route is not None and self._sends(other, link, route, asn):
                as_path = (self.plan.network.routers[other].asn, *route.as_path)
                if asn not in as_path:
                    offers += self._received(router, other, link, as_path)
        return offers

    def _sends(self, sender: int, link: Link, route: Route, to_asn: int) -> bool:
        """Export: not while muted, not to the wrong AS, and what was bought only to customers."""
        if self.standing.mutes.get((sender, to_asn)):
            return False
        if route.only_to is not None and to_asn not in route.only_to:
            return False
        if not isinstance(_base(self.plan.protocol.speakers[sender].policy), GaoRexford):
            return True
        return route.is_sellable or is_sellable(sender, link)  # to a customer

    def _received(self, router: int, other: int, link: Link, as_path: tuple[int, ...]) -> list[Route]:
        """Import: the preference, or refused."""
        policy = self.plan.protocol.speakers[router].policy
        base, side, preference = _base(policy), _seen_from(router, link), 100
        if isinstance(base, GaoRexford):
            preference = _PREFERENCE[side]
        elif isinstance(base, RankedPaths):
            if as_path not in base.paths:
                return []
            preference = 1000 - base.paths.index(as_path)
        if isinstance(policy, LocalPrefByNeighbor):
            preference = dict(reversed(policy.preferences)).get(other, preference)
        route = Route(
            as_path,
            preference,
            other,
            link.index,
            is_interior=False,
            is_sellable=is_sellable(router, link),
            only_to=None,
        )
        return [route]


_CUSTOMER_SIDE, _PEER_SIDE, _PROVIDER_SIDE, _NO_SIDE = "customer", "peer", "provider", "none"
_PREFERENCE: Final = {_CUSTOMER_SIDE: 300, _PEER_SIDE: 200, _PROVIDER_SIDE: 100, _NO_SIDE: 100}
"""Gao-Rexford's LOCAL_PREF by what the neighbour is; no relationship leaves the default."""


def is_sellable(router: int, link: Link) -> bool:
    """Whether ``link`` leads ``router`` to a customer: what comes from there may go to everybody."""
    return _seen_from(router, link) in (_CUSTOMER_SIDE, _NO_SIDE)


def _seen_from(router: int, link: Link) -> str:
    """What the far end of ``link`` is to ``router``."""
    if link.relationship is Relationship.PEER:
        return _PEER_SIDE
    if link.relationship is Relationship.CUSTOMER_PROVIDER:
        return _PROVIDER_SIDE if router == link.ends[0] else _CUSTOMER_SIDE
    return _NO_SIDE


def _is_plain(config: SpeakerConfig) -> bool:
    """Whether a router chooses by what is written down here."""
    return (
        config.damping is None
        and not config.tie_break.oldest
        and not config.tie_break.incumbent
        and not config.aggregates
        and not config.require_policy
        and (config.roas is None or not config.drop_invalid)
        and isinstance(_base(config.policy), PermitAll | GaoRexford | RankedPaths)
    )


_REPLAYED: Final = (Originate, StopOriginating, LinksDown, RoutersDown, Blackhole, StopExporting)
"""What `standing` understands."""
_PASSING: Final = (Degrade, ResetSession, RefreshSession, RestartBgp)
"""What leaves no trace in the tables once all is quiet."""


def _base(policy: Policy) -> Policy:
    """The policy that one with preferences by neighbour refines."""
    return policy.base if isinstance(policy, LocalPrefByNeighbor) else policy
