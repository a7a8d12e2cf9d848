"""Aggregates (RFC 4271 9.2.2.2) without AS_SET: there while something contributes."""

from __future__ import annotations

from emulator.bgp.aggregation import AGGREGATED
from emulator.bgp.attributes import Attributes, Origin
from emulator.bgp.config import Aggregate
from emulator.bgp.exporting import Withheld
from emulator.bgp.messages import Update
from emulator.bgp.policy import Relation

from speakers import OWN, route, speaker

EBGP, IBGP = Relation.NONE, Relation.INTERNAL
WHOLE = 9
PARTS = frozenset({0, 1})


def part(prefix: int, *as_path: int, **more: object) -> Update:
    """An announcement of a contributor."""
    attributes = route(*as_path, **more).attributes  # type: ignore[arg-type]
    return Update(prefix, attributes)


def test_comes_and_goes_with_its_contributors() -> None:
    """The first makes it, the last takes it away; in between nothing is said that is the same."""
    it, notebook = speaker((7, EBGP), (8, EBGP), aggregates=(Aggregate(WHOLE, PARTS),))
    it.receive(0, part(0, 7, 9), 0)
    it.decide(0)
    assert notebook.heard()[1] == [(OWN, 7, 9), (OWN,)]
    it.receive(0, part(1, 7, 9), 1)
    it.decide(1)
    assert notebook.heard()[1] == [(OWN, 7, 9)]
    it.receive(0, Update(0, None), 2)
    it.decide(2)
    assert WHOLE in it.loc_rib
    it.receive(0, Update(1, None), 3)
    it.decide(3)
    assert notebook.heard()[1] == [None, None, None]
    assert it.loc_rib == {}


def test_attributes() -> None:
    """Our path, ATOMIC_AGGREGATE for what was lost, AGGREGATOR, the least certain ORIGIN, no communities."""
    it, _ = speaker((7, EBGP), (8, EBGP), aggregates=(Aggregate(WHOLE, PARTS),))
    it.receive(0, part(0, 7, 9, communities=(5,), med=4), 0)
    it.receive(0, part(1, 7, 9, origin=Origin.INCOMPLETE), 0)
    it.decide(0)
    assert it.peers[1].adj_rib_out[WHOLE] == Attributes(
        (OWN,), 0, origin=Origin.INCOMPLETE, aggregator=(OWN, 1), atomic_aggregate=True
    )
    assert it.loc_rib[WHOLE].peer == AGGREGATED


def test_of_own_routes_nothing_is_lost() -> None:
    """Their paths are empty, and so is the aggregate's."""
    it, _ = speaker((7, EBGP), aggregates=(Aggregate(WHOLE, PARTS),))
    it.originate(0, 0)
    it.decide(0)
    assert it.peers[0].adj_rib_out[WHOLE].atomic_aggregate is False


def test_summary_only() -> None:
    """The contributor is not announced to anybody, while there is an aggregate."""
    whole = Aggregate(WHOLE, frozenset({1}), summary_only=True)
    it, notebook = speaker((7, EBGP), (OWN, IBGP), aggregates=(whole,))
    it.originate(1, 0)
    it.decide(0)
    assert notebook.heard() == {0: [(OWN,)], 1: [()]}
    assert it.offered(1) == ((0, Withheld.SUMMARY_ONLY), (1, Withheld.SUMMARY_ONLY))
    it.withdraw(1)
    it.decide(1)
    assert notebook.heard() == {0: [None], 1: [None]}


def test_summary_only_leaves_others_alone() -> None:
    """A more specific prefix that is no contributor is announced beside the aggregate."""
    whole = Aggregate(WHOLE, frozenset({1}), summary_only=True)
    it, _ = speaker((7, EBGP), aggregates=(whole,))
    it.originate(1, 0)
    it.originate(2, 0)
    it.decide(0)
    assert sorted(it.peers[0].adj_rib_out) == [2, WHOLE]


def test_an_aggregate_may_contribute_to_another() -> None:
    """Both appear in one decision."""
    it, _ = speaker((7, EBGP), aggregates=(Aggregate(10, frozenset({WHOLE})), Aggregate(WHOLE, PARTS)))
    it.originate(0, 0)
    it.decide(0)
    assert sorted(it.loc_rib) == [0, WHOLE, 10]
    it.withdraw(0)
    it.decide(1)
    assert it.loc_rib == {}


def test_a_route_announced_here_goes_before_the_aggregate_of_the_same_prefix() -> None:
    """It is the more certain one: AGGREGATOR is not set."""
    it, _ = speaker((7, EBGP), aggregates=(Aggregate(WHOLE, PARTS),))
    it.originate(WHOLE, 0)
    it.originate(0, 0)
    it.decide(0)
    assert it.peers[0].adj_rib_out[WHOLE].aggregator is None
