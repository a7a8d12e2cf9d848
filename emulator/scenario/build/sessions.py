"""The settings of every session: what the peer is, which rules its routes go through, who reflects."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from emulator.bgp.messages import BOTH_FAMILIES, Family, Role
from emulator.bgp.policy import PermitAll, RankedPaths, Relation
from emulator.bgp.rules import Change, Rule, RulePolicy, rules_of, tagging_rules
from emulator.bgp.wiring import Wiring, wire
from emulator.scenario.build.policies import joined, rule_policy
from emulator.scenario.build.speakers import max_prefixes
from emulator.scenario.schema_lab import NeighborSpec, RouterSpec

if TYPE_CHECKING:
    from emulator.bgp.config import SpeakerConfig
    from emulator.bgp.peer import PeerConfig
    from emulator.network.model import Network
    from emulator.scenario.build.problems import Problems
    from emulator.scenario.build.speakers import Settings
    from emulator.scenario.schema import Scenario

_ROLE_TOWARDS: Final = {
    Relation.PROVIDER: Role.CUSTOMER,
    Relation.CUSTOMER: Role.PROVIDER,
    Relation.PEER: Role.PEER,
}
_ROLES: Final = {
    "provider": Role.PROVIDER,
    "rs": Role.RS,
    "rs-client": Role.RS_CLIENT,
    "customer": Role.CUSTOMER,
    "peer": Role.PEER,
}
_FAMILIES: Final = {"ipv4": Family.IPV4, "ipv6": Family.IPV6}
_NOBODY: Final = NeighborSpec()
_PLAIN: Final = RouterSpec(asn=1)
"""A router of the world: nothing is said of it alone."""


@dataclass(frozen=True, slots=True)
class Making:
    """What the sessions are made from; ``specs`` are a lab's routers by index."""

    document: Scenario
    network: Network
    settings: tuple[Settings, ...]
    speakers: tuple[SpeakerConfig, ...]
    specs: tuple[RouterSpec, ...]
    rules: dict[str, tuple[Rule, ...]]
    problems: Problems

    @property
    def needs_tags(self) -> bool:
        """Whether a rule asks where a route was learned, which somebody then has to note."""
        return any(rule.match.learned_from is not None for each in self.rules.values() for rule in each)


def build_wiring(making: Making) -> Wiring:
    """Make all sessions, each end set as the scenario says."""
    network = making.network
    wiring = wire(network, _clients(making))
    needs_tags = making.needs_tags
    peers = tuple(
        tuple(_session(making, router, config, needs_tags=needs_tags) for config in configs)
        for router, configs in enumerate(wiring.peers)
    )
    for router, spec in enumerate(making.specs):
        around = {network.routers[config.router].name for config in peers[router]}
        for name in spec.neighbors:
            if name not in around:
                known = ", ".join(sorted(around)) or "nobody"
                message = f"there is no session with {name!r}; there are with: {known}"
                path = ("network", "routers", network.routers[router].name, "neighbors", name)
                making.problems.add(path, message)
    return Wiring(peers, wiring.wires)


def passive_ends(making: Making, wiring: Wiring) -> list[tuple[int, int]]:
    """The ends, router and peer number, that wait for the other one to connect."""
    return [
        (router, number)
        for router, spec in enumerate(making.specs)
        for number, config in enumerate(wiring.peers[router])
        if _neighbor(making, spec, config).passive
    ]


def _neighbor(making: Making, spec: RouterSpec, config: PeerConfig) -> NeighborSpec:
    return spec.neighbors.get(making.network.routers[config.router].name, _NOBODY)


def _clients(making: Making) -> dict[int, frozenset[int]]:
    """The clients of every route reflector."""
    routers = making.network.routers
    place = {router.name: router.index for router in routers}
    clients = {}
    for router, spec in enumerate(making.specs):
        if spec.clients is not None:
            clients[router] = frozenset(place[name] for name in spec.clients)
        elif spec.reflector:
            clients[router] = frozenset(
                other
                for other in making.network.routers_of[routers[router].asn]
                if not making.specs[other].is_reflector
            )
    return clients


def _session(making: Making, router: int, config: PeerConfig, *, needs_tags: bool) -> PeerConfig:
    settings = making.settings[router]
    is_ebgp = config.relation is not Relation.INTERNAL
    spec = making.specs[router] if making.specs else None
    neighbor = _NOBODY if spec is None else _neighbor(making, spec, config)
    changes: dict[str, Any] = {}
    if is_ebgp:
        limit = neighbor.max_prefixes or settings.get("max_prefixes")
        changes["max_prefixes"] = max_prefixes(limit)
        if neighbor.role is not None:
            changes["role"] = _ROLES.get(neighbor.role)
        elif settings.get("roles"):
            changes["role"] = _ROLE_TOWARDS.get(config.relation)
    elif neighbor.max_prefixes is not None:
        changes["max_prefixes"] = max_prefixes(neighbor.max_prefixes)
    if neighbor is not _NOBODY:
        changes["strict_role"] = neighbor.strict_role
        changes["next_hop_self"] = neighbor.next_hop_self
        changes["allow_own_as"] = neighbor.allow_own_as
        changes["families"] = tuple(
            f for f in BOTH_FAMILIES if f in {_FAMILIES[n] for n in neighbor.families}
        )
    changes["policy"] = _policy(making, router, config, neighbor, needs_tags=needs_tags)
    return replace(config, **changes) if any(value is not None for value in changes.values()) else config


def _policy(
    making: Making, router: int, config: PeerConfig, neighbor: NeighborSpec, *, needs_tags: bool
) -> RulePolicy | None:
    """The rules of one session; None where the speaker's policy is all there is."""
    bgp, spec = making.document.bgp, making.specs[router] if making.specs else _PLAIN
    imports, exports = neighbor.import_, neighbor.export
    speaker, asn = making.speakers[router], making.network.routers[router].asn
    is_ebgp = config.relation is not Relation.INTERNAL
    if is_ebgp:
        imports = _first(imports, spec.import_, bgp.import_)
        exports = _first(exports, spec.export, bgp.export)
    is_permissive = isinstance(speaker.policy, PermitAll)
    tags = needs_tags and is_ebgp and is_permissive
    if not (imports or exports or tags or neighbor.local_pref is not None):
        return None
    if isinstance(speaker.policy, RankedPaths):
        name = making.network.routers[router].name
        message = "expected either `rank_paths` or rule lists: a ranking says all there is to say"
        making.problems.add(("network", "routers", name, "rank_paths"), message)
        return None
    base = RulePolicy()
    if tags:
        base = tagging_rules(config.relation, asn)
    elif is_ebgp:
        base = rules_of(speaker.policy, config, asn) or base
    preference = () if neighbor.local_pref is None else (Rule(change=Change(local_pref=neighbor.local_pref)),)
    is_strict = speaker.require_policy and is_ebgp and is_permissive
    policy = rule_policy(
        (*base.imports.rules, *preference, *joined(imports or (), making.rules)),
        (*base.exports.rules, *joined(exports or (), making.rules)),
        rejects_import=is_strict and not imports,
        rejects_export=is_strict and not exports,
    )
    return replace(policy, roas=speaker.roas)


def _first(*given: tuple[str, ...] | None) -> tuple[str, ...]:
    """The closest word on something: the first that is there."""
    return next((each for each in given if each is not None), ())
