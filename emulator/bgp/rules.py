"""Import and export policy as data: rules that match a route, change it and judge it.

A rule list is read from the top; the first rule that matches and accepts or
rejects ends it, one that does neither only changes the route and goes on, so
that later rules see the route as changed. The same lists are executed by the
speaker and written out in each daemon's own language by `emulator.verify`, so a
rule holds only what all of them can say. `rules_of` gives the lists of any
policy that can be said that way.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Final

from emulator.bgp.policy import (
    LOCAL_PREF_OF,
    GaoRexford,
    LocalPrefByNeighbor,
    PermitAll,
    Relation,
    own_tag,
    own_tags,
)

if TYPE_CHECKING:
    from emulator.bgp.attributes import Attributes, Community, LargeCommunity
    from emulator.bgp.peer import PeerConfig
    from emulator.bgp.policy import Policy
    from emulator.bgp.rov import Roas


class Validity(Enum):
    """Route origin validation (RFC 6811 section 2)."""

    VALID = "valid"
    INVALID = "invalid"
    NOT_FOUND = "not-found"


class Verdict(Enum):
    """What a rule that matches says."""

    ACCEPT = "accept"
    REJECT = "reject"
    NEXT = "next"


@dataclass(frozen=True, slots=True)
class Match:
    """All that is given must hold; nothing given matches every route.

    ``prefixes`` are prefix numbers (None: any); the scenario has resolved
    lengths and ranges. Of a community list any one is enough.
    ``neighbor_as`` is the first AS of the path, ``origin_as`` the last; on
    export the path is the Loc-RIB's, without the AS that is added on sending,
    and of a route originated here it is empty.
    """

    prefixes: frozenset[int] | None = None
    communities: tuple[Community, ...] = ()
    large_communities: tuple[LargeCommunity, ...] = ()
    neighbor_as: int | None = None
    origin_as: int | None = None
    through_as: int | None = None
    """Anywhere in the path."""
    longer_than: int | None = None
    """AS_PATH has more than so many ASes."""
    validity: Validity | None = None
    learned_from: frozenset[Relation] | None = None
    """Of CUSTOMER, PEER and PROVIDER: what the AS that the route came from is to us. On import from
    another AS that is the peer's relation; otherwise any one of the large communities `own_tag` gives."""


@dataclass(frozen=True, slots=True)
class Change:
    """What is set; removals come before additions.

    ``prepend`` is how many times our own AS is added to the path beyond the once that eBGP adds.
    """

    local_pref: int | None = None
    med: int | None = None
    remove_communities: tuple[Community, ...] = ()
    add_communities: tuple[Community, ...] = ()
    remove_large_communities: tuple[LargeCommunity, ...] = ()
    add_large_communities: tuple[LargeCommunity, ...] = ()
    prepend: int = 0


@dataclass(frozen=True, slots=True)
class Rule:
    """If ``match``, then ``change`` and ``verdict``."""

    match: Match = Match()
    change: Change = Change()
    verdict: Verdict = Verdict.NEXT


@dataclass(frozen=True, slots=True)
class RuleList:
    """Rules in order; ``default`` is for a route that none has judged."""

    rules: tuple[Rule, ...] = ()
    default: Verdict = Verdict.ACCEPT


@dataclass(frozen=True, slots=True)
class RulePolicy:
    """A policy that is two rule lists; ``roas`` is what `Match.validity` is looked up in.

    Without ``roas`` no origin is validated and every route is Not Found.
    """

    imports: RuleList = RuleList()
    exports: RuleList = RuleList()
    roas: Roas | None = None

    def accept(self, attributes: Attributes, prefix: int, peer: PeerConfig, asn: int) -> Attributes | None:
        """Run the import rules over what ``peer`` sent."""
        relations = {peer.relation}
        if peer.relation is Relation.INTERNAL:
            relations = _learned_from(attributes, asn)
        return self._run(self.imports, attributes, prefix, relations, asn)

    def export(self, attributes: Attributes, prefix: int, peer: PeerConfig, asn: int) -> Attributes | None:
        """Run the export rules over a route of the Loc-RIB."""
        del peer
        return self._run(self.exports, attributes, prefix, _learned_from(attributes, asn), asn)

    def _run(
        self, rules: RuleList, attributes: Attributes, prefix: int, relations: set[Relation], asn: int
    ) -> Attributes | None:
        for rule in rules.rules:
            if not _matches(rule.match, attributes, prefix, relations):
                continue
            wanted = rule.match.validity
            if wanted is not None and self._validity(attributes, prefix, asn) is not wanted:
                continue
            attributes = changed(attributes, rule.change, asn)
            if rule.verdict is not Verdict.NEXT:
                return attributes if rule.verdict is Verdict.ACCEPT else None
        return None if rules.default is Verdict.REJECT else attributes

    def _validity(self, attributes: Attributes, prefix: int, asn: int) -> Validity:
        """RFC 6811 section 2: the origin of an empty path is the speaker's own AS."""
        if self.roas is None:
            return Validity.NOT_FOUND
        return self.roas.validity(prefix, attributes.as_path[-1] if attributes.as_path else asn)


def _matches(match: Match, attributes: Attributes, prefix: int, relations: set[Relation]) -> bool:
    """Whether all of ``match`` but its validity holds."""
    return (
        (match.prefixes is None or prefix in match.prefixes)
        and (not match.communities or not _are_disjoint(match.communities, attributes.communities))
        and (
            not match.large_communities
            or not _are_disjoint(match.large_communities, attributes.large_communities)
        )
        and (match.learned_from is None or not match.learned_from.isdisjoint(relations))
        and _matches_path(match, attributes.as_path)
    )


def _matches_path(match: Match, path: tuple[int, ...]) -> bool:
    return (
        (match.neighbor_as is None or path[:1] == (match.neighbor_as,))
        and (match.origin_as is None or path[-1:] == (match.origin_as,))
        and (match.through_as is None or match.through_as in path)
        and (match.longer_than is None or len(path) > match.longer_than)
    )


def _are_disjoint(wanted: tuple[object, ...], present: tuple[object, ...]) -> bool:
    return not any(one in present for one in wanted)


def _learned_from(attributes: Attributes, asn: int) -> set[Relation]:
    """The relations that the AS's own tags name."""
    return {Relation(tag[2]) for tag in own_tags(asn) if tag in attributes.large_communities}


def changed(attributes: Attributes, change: Change, asn: int) -> Attributes:
    """``attributes`` with ``change`` made by a router of ``asn``; community lists stay sorted, each once."""
    if change == _NO_CHANGE:
        return attributes
    communities = {*attributes.communities}.difference(change.remove_communities)
    large = {*attributes.large_communities}.difference(change.remove_large_communities)
    return replace(
        attributes,
        as_path=(asn,) * change.prepend + attributes.as_path,
        local_pref=attributes.local_pref if change.local_pref is None else change.local_pref,
        med=attributes.med if change.med is None else change.med,
        communities=tuple(sorted(communities.union(change.add_communities))),
        large_communities=tuple(sorted(large.union(change.add_large_communities))),
    )


_NO_CHANGE: Final = Change()


def relationship_rules(relation: Relation, asn: int) -> RulePolicy:
    """Say `GaoRexford` in rules, for the sessions of ``asn`` with peers that are ``relation`` to it."""
    imports: tuple[Rule, ...] = ()
    exports: tuple[Rule, ...] = ()
    if relation is not Relation.INTERNAL:
        change = Change(
            local_pref=LOCAL_PREF_OF.get(relation),
            remove_large_communities=own_tags(asn),
            add_large_communities=() if relation is Relation.NONE else (own_tag(asn, relation),),
        )
        imports = (Rule(change=change),)
    if relation in {Relation.PROVIDER, Relation.PEER}:
        from_above = Match(learned_from=frozenset({Relation.PROVIDER, Relation.PEER}))
        exports = (Rule(from_above, verdict=Verdict.REJECT),)
    return RulePolicy(RuleList(imports), RuleList(exports))


def tagging_rules(relation: Relation, asn: int) -> RulePolicy:
    """Accept and export all, but remember where a route came from, for `Match.learned_from`."""
    it = relationship_rules(relation, asn)
    imports = tuple(replace(rule, change=replace(rule.change, local_pref=None)) for rule in it.imports.rules)
    return RulePolicy(RuleList(imports))


def followed_by(first: RulePolicy, then: RulePolicy) -> RulePolicy:
    """One policy that goes on to ``then`` where no rule of ``first`` has judged; ``then``'s defaults hold."""
    return RulePolicy(
        RuleList((*first.imports.rules, *then.imports.rules), then.imports.default),
        RuleList((*first.exports.rules, *then.exports.rules), then.exports.default),
        then.roas or first.roas,
    )


def rules_of(policy: Policy, peer: PeerConfig, asn: int) -> RulePolicy | None:
    """The rule lists that do what ``policy`` does on the session with ``peer``.

    None where rules cannot say it (ranked paths).
    """
    match policy:
        case RulePolicy():
            return policy
        case PermitAll():
            return RulePolicy()
        case GaoRexford():
            return relationship_rules(peer.relation, asn)
        case LocalPrefByNeighbor(base, preferences):
            rules = rules_of(base, peer, asn)
            preference = dict(reversed(preferences)).get(peer.router)
            if rules is None or preference is None:
                return rules
            return followed_by(rules, RulePolicy(RuleList((Rule(change=Change(local_pref=preference)),))))
        case _:
            return None
