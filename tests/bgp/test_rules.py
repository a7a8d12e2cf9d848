"""Rule lists: what matches, what changes, who judges; relationships said in rules."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.bgp.attributes import BLACKHOLE, NO_EXPORT, Attributes
from emulator.bgp.peer import PeerConfig
from emulator.bgp.policy import GaoRexford, LocalPrefByNeighbor, PermitAll, RankedPaths, Relation, own_tag
from emulator.bgp.rov import Roas
from emulator.bgp.rules import (
    Change,
    Match,
    Rule,
    RuleList,
    RulePolicy,
    Validity,
    Verdict,
    followed_by,
    relationship_rules,
    rules_of,
    tagging_rules,
)

OWN = 65000
NEXT, ACCEPT, REJECT = Verdict.NEXT, Verdict.ACCEPT, Verdict.REJECT
PEER = PeerConfig(65001, 1, 11, Relation.PEER)
ROUTE = Attributes((65001, 65002, 65003), 1, communities=(NO_EXPORT,), large_communities=((65001, 7, 8),))

ASNS = st.sampled_from((OWN, 65001, 65002, 65003))
LARGE = st.tuples(ASNS, st.integers(0, 4), st.integers(0, 5))
ATTRIBUTES = st.builds(
    Attributes,
    as_path=st.lists(ASNS, max_size=4).map(tuple),
    next_hop=st.integers(0, 3),
    local_pref=st.integers(0, 500),
    med=st.none() | st.integers(0, 9),
    communities=st.lists(st.sampled_from((1, 2, NO_EXPORT, BLACKHOLE)), unique=True).map(sorted).map(tuple),
    large_communities=st.lists(LARGE, unique=True).map(sorted).map(tuple),
)
RELATIONS = st.sampled_from(Relation)


def accepted(*rules: Rule, default: Verdict = ACCEPT, route: Attributes = ROUTE) -> Attributes | None:
    """What import ``rules`` make of a route of prefix 5 from a peer."""
    return RulePolicy(RuleList(rules, default)).accept(route, 5, PEER, OWN)


@given(ATTRIBUTES, RELATIONS)
def test_relationships_in_rules_do_what_the_policy_does(attributes: Attributes, relation: Relation) -> None:
    """Whatever a route carries, forged tags included, `relationship_rules` and `GaoRexford` agree."""
    peer = PeerConfig(OWN if relation is Relation.INTERNAL else 65001, 1, 11, relation)
    policy, rules = GaoRexford(), relationship_rules(relation, OWN)

    assert policy.accept(attributes, 0, peer, OWN) == rules.accept(attributes, 0, peer, OWN)
    assert policy.export(attributes, 0, peer, OWN) == rules.export(attributes, 0, peer, OWN)


@given(ATTRIBUTES, st.sampled_from((Relation.CUSTOMER, Relation.PEER, Relation.PROVIDER)), RELATIONS)
def test_no_neighbour_can_say_where_we_learned_its_route(
    attributes: Attributes, learned: Relation, towards: Relation
) -> None:
    """A route that passes import goes on by the session that it came over, whatever tags it arrived with."""
    rules = relationship_rules(learned, OWN).accept(attributes, 0, PeerConfig(65001, 1, 11, learned), OWN)
    assert rules is not None
    exported = GaoRexford().export(rules, 0, PeerConfig(65002, 2, 12, towards), OWN)
    goes_up = towards in {Relation.PEER, Relation.PROVIDER}

    assert (exported is None) == (goes_up and learned is not Relation.CUSTOMER)


@pytest.mark.parametrize(
    ("match", "matches"),
    [
        (Match(), True),
        (Match(prefixes=frozenset({4, 5})), True),
        (Match(prefixes=frozenset({4})), False),
        (Match(prefixes=frozenset()), False),
        (Match(communities=(BLACKHOLE, NO_EXPORT)), True),
        (Match(communities=(BLACKHOLE,)), False),
        (Match(large_communities=((65001, 7, 8),)), True),
        (Match(large_communities=((65001, 7, 9),)), False),
        (Match(neighbor_as=65001), True),
        (Match(neighbor_as=65002), False),
        (Match(origin_as=65003), True),
        (Match(origin_as=65001), False),
        (Match(through_as=65002), True),
        (Match(through_as=65004), False),
        (Match(longer_than=2), True),
        (Match(longer_than=3), False),
        (Match(learned_from=frozenset({Relation.PEER, Relation.CUSTOMER})), True),
        (Match(learned_from=frozenset({Relation.CUSTOMER})), False),
        (Match(validity=Validity.NOT_FOUND), True),
        (Match(validity=Validity.VALID), False),
        (Match(neighbor_as=65001, origin_as=65001), False),
    ],
)
def test_a_rule_matches_where_all_that_it_says_holds(match: Match, matches: bool) -> None:
    """Each condition on its own, and two of which one fails: the path is 65001 65002 65003, the prefix 5."""
    rejected = accepted(Rule(match, verdict=REJECT)) is None

    assert matches == rejected


def test_an_empty_path_has_neither_neighbour_nor_origin() -> None:
    """What we originate ourselves matches no AS and is not longer than 0."""
    own = Attributes((), 0)
    for match in (Match(neighbor_as=OWN), Match(origin_as=OWN), Match(through_as=OWN), Match(longer_than=0)):
        assert accepted(Rule(match, verdict=REJECT), route=own) == own


def test_the_first_verdict_ends_the_list() -> None:
    """Without a verdict a rule changes and goes on; an accept ends the reading; the default comes last."""
    prefer, lower = Rule(change=Change(local_pref=200)), Rule(change=Change(local_pref=50))
    first = accepted(prefer, Rule(verdict=ACCEPT), lower, default=REJECT)

    assert first is not None
    assert first.local_pref == 200
    assert accepted(prefer, default=REJECT) is None
    assert accepted(Rule(Match(origin_as=1), verdict=ACCEPT), default=REJECT) is None


def test_later_rules_see_what_earlier_ones_changed() -> None:
    """A community set by one rule is matched by the next one."""
    tag = Rule(change=Change(add_communities=(77,)))
    found = accepted(tag, Rule(Match(communities=(77,)), verdict=REJECT))

    assert found is None


def test_changes() -> None:
    """Removals come before additions, lists stay sorted without repetitions, prepending goes to the front."""
    change = Change(
        local_pref=7,
        med=9,
        remove_communities=(NO_EXPORT,),
        add_communities=(9, 3, 9),
        remove_large_communities=((65001, 7, 8),),
        add_large_communities=((65001, 7, 8), (1, 2, 3)),
        prepend=2,
    )
    policy = RulePolicy(exports=RuleList((Rule(change=change),)))

    assert policy.export(ROUTE, 5, PEER, OWN) == Attributes(
        (OWN, OWN, 65001, 65002, 65003),
        1,
        local_pref=7,
        med=9,
        communities=(3, 9),
        large_communities=((1, 2, 3), (65001, 7, 8)),
    )


def test_validity_follows_rfc_6811() -> None:
    """Prefix 0 may be originated by AS 65003, prefix 1 is covered and nobody may, prefix 2 is not covered."""
    roas = Roas(frozenset({0, 1}), {0: frozenset({65003})})
    names = ("valid", "invalid", "not-found")
    rules = [
        Rule(Match(validity=Validity(name)), Change(local_pref=i), ACCEPT) for i, name in enumerate(names)
    ]
    policy = RulePolicy(RuleList(tuple(rules)), roas=roas)
    found = [policy.accept(ROUTE, prefix, PEER, OWN) for prefix in range(3)]

    assert [each and names[each.local_pref] for each in found] == ["valid", "invalid", "not-found"]


def test_inside_the_as_the_tag_tells_where_a_route_was_learned() -> None:
    """Over iBGP, and on export, `learned_from` goes by the AS's own large community."""
    policy = RulePolicy(
        *[RuleList((Rule(Match(learned_from=frozenset({Relation.PEER})), verdict=REJECT),))] * 2
    )
    internal = PeerConfig(OWN, 2, 12, Relation.INTERNAL)
    tagged = Attributes((65001,), 1, large_communities=(own_tag(OWN, Relation.PEER),))

    assert policy.accept(tagged, 0, internal, OWN) is None
    assert policy.export(tagged, 0, internal, OWN) is None
    assert policy.accept(ROUTE, 0, internal, OWN) == ROUTE


def test_policies_that_rules_can_say() -> None:
    """Permit-all is no rule at all; a local preference follows the base policy; a ranking cannot be said."""
    by_neighbor = LocalPrefByNeighbor(GaoRexford(), ((1, 150), (2, 250)))
    rules = rules_of(by_neighbor, PEER, OWN)

    assert rules is not None
    assert rules.accept(ROUTE, 0, PEER, OWN) == by_neighbor.accept(ROUTE, 0, PEER, OWN)
    assert rules_of(PermitAll(), PEER, OWN) == RulePolicy()
    assert rules_of(RankedPaths(((1,),)), PEER, OWN) is None


@given(ATTRIBUTES)
def test_rules_that_follow_cannot_undo_a_rejection(attributes: Attributes) -> None:
    """An accept in the second policy does not bring back what relationships keep from a provider."""
    eager = RulePolicy(exports=RuleList((Rule(verdict=ACCEPT),)))
    peer = PeerConfig(65001, 1, 11, Relation.PROVIDER)
    both = followed_by(relationship_rules(Relation.PROVIDER, OWN), eager)

    assert both.export(attributes, 0, peer, OWN) == GaoRexford().export(attributes, 0, peer, OWN)


def test_tagging_only_remembers() -> None:
    """With permit-all a tag says where a route came from, and the preference stays as it was."""
    tagged = tagging_rules(Relation.PEER, OWN).accept(ROUTE, 0, PEER, OWN)

    assert tagged is not None
    assert tagged.local_pref == ROUTE.local_pref
    assert own_tag(OWN, Relation.PEER) in tagged.large_communities
