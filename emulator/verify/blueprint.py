"""A plan laid out on addresses: what each router's daemon is configured with."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Final

from emulator.bgp.attributes import BLACKHOLE, GRACEFUL_SHUTDOWN, NO_EXPORT
from emulator.bgp.messages import Family
from emulator.bgp.policy import RankedPaths
from emulator.bgp.rules import Change, Match, Rule, RuleList, RulePolicy, Validity, Verdict, rules_of
from emulator.errors import InputError
from emulator.network.model import Relationship
from emulator.timeline import Originate
from emulator.verify.daemons.base import Interface, Neighbor, Origination, RouterSetup
from emulator.verify.namespaces import Wire
from emulator.wire.addresses import PREFIX_LENGTH, AddressPlan

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emulator.bgp.config import SpeakerConfig
    from emulator.bgp.peer import PeerConfig
    from emulator.bgp.wiring import Wiring
    from emulator.scenario.plan import Plan

ROUTERS_MAX: Final = 1000
"""Real routers on one machine: 1,000 BIRD took 2.3 GB."""


_DROP_INVALID: Final = Rule(Match(validity=Validity.INVALID), verdict=Verdict.REJECT)
"""RFC 6811 section 5; before all other rules."""


@dataclass(frozen=True, slots=True)
class Blueprint:
    """Every router's setup, in their order, and the links between them."""

    setups: tuple[RouterSetup, ...]
    wires: tuple[Wire, ...]


def blueprint(plan: Plan, wiring: Wiring, *, delays: bool = True) -> Blueprint:
    """Lay ``plan`` out. Without ``delays`` links have none. Raises `InputError` for what is too large."""
    network = plan.network
    if len(network.routers) > ROUTERS_MAX:
        message = (
            f"verify runs at most {ROUTERS_MAX:,} routers on one machine, and the scenario has "
            f"{len(network.routers):,}"
        )
        raise InputError(message)
    layout = _Layout(plan, wiring)
    setups = tuple(layout.setup(router.index) for router in network.routers)
    wires = []
    for link in network.links:
        first, second = (
            (end, next(i for i in setups[end].interfaces if i.link == link.index)) for end in link.ends
        )
        wires.append(Wire((first, second), link.delay if delays else 0))
    return Blueprint(setups, tuple(wires))


def family_of(prefix: str) -> Family:
    """Family of a prefix's text."""
    return Family.IPV6 if ":" in prefix else Family.IPV4


def origination(plan: Plan, action: Originate) -> Origination:
    """Write an announcement's prefix and attributes out for a daemon."""
    carrying = action.carrying
    return Origination(
        plan.prefixes[action.prefix].text,
        None if action.only_to is None else tuple(sorted(action.only_to)),
        None if carrying is None else carrying.med,
        () if carrying is None else carrying.communities,
        () if carrying is None else carrying.large_communities,
    )


class _Layout:
    """Addresses and sessions by router."""

    def __init__(self, plan: Plan, wiring: Wiring) -> None:
        self.plan = plan
        self.network = plan.network
        self.wiring = wiring
        self.addresses = AddressPlan(plan.network)
        spoken = {family_of(prefix.text) for prefix in plan.prefixes}
        self.families = tuple(family for family in Family if family in spoken) or (Family.IPV4,)
        # Where both are spoken, the sessions run over IPv4.
        self.link_of: dict[tuple[int, int], int | None] = {}
        for wire in wiring.wires:
            for router, number in zip(wire.routers, wire.peers, strict=True):
                self.link_of[router, number] = wire.link
        self.prefixes = tuple(prefix.text for prefix in plan.prefixes)
        self.communities = _communities_used(plan)
        self.limits_audience = any(action.only_to is not None for action in _announcements(plan))
        self.originations: dict[int, list[Origination]] = {}
        for action in plan.originations:
            self.originations.setdefault(action.router, []).append(origination(plan, action))

    def setup(self, router: int) -> RouterSetup:
        it = self.network.routers[router]
        return RouterSetup(
            index=router,
            name=it.name,
            asn=it.asn,
            router_id=str(IPv4Address(it.router_id)),
            loopback=self.loopback(router),
            interfaces=tuple(self.interface(router, link) for link in self.network.links_of[router]),
            neighbors=tuple(
                self.neighbor(router, number, config)
                for number, config in enumerate(self.wiring.peers[router])
            ),
            families=self.families,
            prefixes=self.prefixes,
            originations=tuple(self.originations.get(router, ())),
            speaker=self.plan.protocol.speakers[router],
            session=self.plan.protocol.sessions[router],
            runs_igp=len(self.network.routers_of[it.asn]) > 1,
            limits_audience=self.limits_audience,
        )

    def loopback(self, router: int) -> dict[Family, str]:
        return {family: str(self.addresses.loopback(router, family)) for family in self.families}

    def ends(self, router: int, link: int) -> tuple[dict[Family, str], dict[Family, str]]:
        """Our addresses on a link, and those at its far end."""
        far = self.network.links[link].other(router)
        own_side, far_side = (
            {f: str(self.addresses.interface_address(link, end, f)) for f in self.families}
            for end in (router, far)
        )
        return own_side, far_side

    def interface(self, router: int, link: int) -> Interface:
        it = self.network.links[link]
        own, far = self.ends(router, link)
        return Interface(
            name=interface_name(link),
            link=link,
            is_internal=it.relationship is Relationship.INTERNAL,
            igp_cost=it.igp_cost,
            address=own,
            length={family: PREFIX_LENGTH[family] for family in self.families},
            far_address=far,
            far_router=it.other(router),
        )

    def neighbor(self, router: int, number: int, config: PeerConfig) -> Neighbor:
        link, asn = self.link_of[router, number], self.network.routers[router].asn
        local: Mapping[Family, str]
        remote: Mapping[Family, str]
        if link is None:
            local, remote = self.loopback(router), self.loopback(config.router)
        else:
            local, remote = self.ends(router, link)
        is_ebgp = config.asn != asn
        policy = config.policy
        if policy is None and is_ebgp:
            policy = self.plan.protocol.speakers[router].policy
        rules: RulePolicy | None = RulePolicy()
        ranked = None
        if isinstance(policy, RankedPaths):
            ranked = policy.paths
        elif policy is not None:
            rules = rules_of(policy, config, asn)
        if rules is None:
            message = (
                f"the policy of {self.network.routers[router].name} cannot be written down for a real router"
            )
            raise InputError(message)
        speaker = self.plan.protocol.speakers[router]
        imports = rules.imports
        if is_ebgp and speaker.roas is not None and speaker.drop_invalid:
            imports = RuleList((_DROP_INVALID, *imports.rules), imports.default)
        return Neighbor(
            number=number,
            config=config,
            is_ebgp=is_ebgp,
            local=local,
            remote=remote,
            interface=None if link is None else interface_name(link),
            imports=imports,
            exports=rules.exports,
            closing=_closing(self.communities, speaker) if is_ebgp else (),
            ranked=ranked,
            roas=rules.roas or (speaker.roas if is_ebgp else None),
        )


def interface_name(link: int) -> str:
    """Name of both ends of a link, each in its own namespace."""
    return f"l{link}"


def _announcements(plan: Plan) -> list[Originate]:
    """What is announced from the start, and what by the timeline."""
    later = [action for event in plan.timeline for action in event.actions if isinstance(action, Originate)]
    return [*plan.originations, *later]


def _communities_used(plan: Plan) -> set[int]:
    """The communities that routes of this scenario may carry from the start or by a rule."""
    used: set[int] = set()
    for action in _announcements(plan):
        if action.carrying is not None:
            used.update(action.carrying.communities)
    policies = [speaker.policy for speaker in plan.protocol.speakers]
    policies += [peer.policy for peers in plan.wiring.peers for peer in peers if peer.policy is not None]
    for policy in policies:
        if isinstance(policy, RulePolicy):
            for rule in (*policy.imports.rules, *policy.exports.rules):
                used.update(rule.change.add_communities)
    return used


def _closing(used: set[int], speaker: SpeakerConfig) -> tuple[Rule, ...]:
    """What well-known communities do to routes received (RFC 8326 4.1, RFC 7999 3.2)."""
    rules = []
    if speaker.honor_graceful_shutdown and GRACEFUL_SHUTDOWN in used:
        rules.append(Rule(Match(communities=(GRACEFUL_SHUTDOWN,)), Change(local_pref=0)))
    if speaker.honor_blackhole and BLACKHOLE in used:
        rules.append(Rule(Match(communities=(BLACKHOLE,)), Change(add_communities=(NO_EXPORT,))))
    return tuple(rules)
