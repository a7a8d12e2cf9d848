"""The decision process: RFC 4271 9.1.2.2 by elimination."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.bgp.attributes import Attributes, Origin
from emulator.bgp.decision import Candidate, Step, TieBreak, explain, select

if TYPE_CHECKING:
    from random import Random

COSTS = {1: 5, 2: 10, 3: None}
"""Next hop -> interior cost: router 3 cannot be reached."""


def cost(router: int) -> int | None:
    """Interior cost as the IGP sees it."""
    return COSTS[router]


@st.composite
def candidates(draw: st.DrawFn) -> list[Candidate]:
    """Up to eight routes over different sessions, alike enough that late steps decide; perhaps an own one."""
    found = []
    for peer in range(draw(st.integers(0, 8))):
        attributes = Attributes(
            as_path=tuple(draw(st.lists(st.integers(1, 3), min_size=1, max_size=2))),
            next_hop=draw(st.sampled_from([1, 2, 3])),
            local_pref=draw(st.sampled_from([100, 100, 200])),
            med=draw(st.sampled_from([0, 0, 5, 9, None])),
            origin=draw(st.sampled_from([Origin.IGP, Origin.IGP, Origin.EGP])),
            originator_id=draw(st.sampled_from([None, None, 1, 2])),
            cluster_list=tuple(draw(st.lists(st.integers(1, 2), max_size=2))),
        )
        identifier = draw(st.integers(1, 2))
        found.append(Candidate(attributes, peer, draw(st.booleans()), identifier, draw(st.integers(0, 2))))
    if draw(st.integers(0, 9)) == 0:
        found.append(Candidate(Attributes((), 1), -1, False, 1, 0))
    return found


tie_breaks = st.builds(
    TieBreak,
    oldest=st.booleans(),
    incumbent=st.booleans(),
    always_compare_med=st.booleans(),
    missing_med_as_worst=st.booleans(),
)
incumbents = st.one_of(st.none(), st.integers(-1, 7))


@given(candidates(), tie_breaks, incumbents, st.randoms(use_true_random=False))
def test_winner_does_not_depend_on_order(
    routes: list[Candidate], rule: TieBreak, incumbent: int | None, rng: Random
) -> None:
    """Whatever order the routes arrived in."""
    shuffled = list(routes)
    rng.shuffle(shuffled)
    assert select(routes, cost, rule, incumbent) == select(shuffled, cost, rule, incumbent)


@given(candidates(), tie_breaks, incumbents)
def test_select_is_explain_without_reasons(
    routes: list[Candidate], rule: TieBreak, incumbent: int | None
) -> None:
    """The quick way and the explained way agree."""
    assert explain(routes, cost, rule, incumbent).best == select(routes, cost, rule, incumbent)


@given(candidates(), tie_breaks, incumbents)
def test_every_loser_is_explained(routes: list[Candidate], rule: TieBreak, incumbent: int | None) -> None:
    """Each route is the winner or was removed by exactly one step, and the last removal decided."""
    decision = explain(routes, cost, rule, incumbent)
    losers = [candidate for candidate, _ in decision.eliminated]
    winners = [] if decision.best is None else [decision.best]
    assert sorted(c.peer for c in losers + winners) == sorted(c.peer for c in routes)
    steps = list(Step)
    removed_at = [steps.index(step) for _, step in decision.eliminated]
    assert removed_at == sorted(removed_at)
    if decision.best is None:
        assert decision.decided_by is Step.NO_ROUTE
    elif not losers or decision.eliminated[-1][1] is Step.UNRESOLVABLE:
        assert decision.decided_by is Step.ONLY_ROUTE
    else:
        assert decision.decided_by is decision.eliminated[-1][1]


def candidate(
    peer: int, *as_path: int, ebgp: bool = True, at: int = 0, next_hop: int = 1, **more: int
) -> Candidate:
    """A route over session ``peer``, whose router's identifier is the session's number."""
    return Candidate(Attributes(as_path, next_hop, **more), peer, ebgp, peer, at)


@pytest.mark.parametrize(
    ("better", "worse", "step"),
    [
        (Candidate(Attributes((), 1), -1, False, 9, 9), candidate(1, 7, local_pref=900), Step.LOCAL_ROUTE),
        (candidate(2, 7, 8, local_pref=200), candidate(1, 7), Step.DEGREE_OF_PREFERENCE),
        (candidate(2, 7), candidate(1, 7, 8), Step.AS_PATH_LENGTH),
        (candidate(2, 7), candidate(1, 8, origin=Origin.INCOMPLETE), Step.ORIGIN),
        (candidate(2, 7, med=1), candidate(1, 7, med=2), Step.MED),
        (candidate(2, 7), candidate(1, 8, ebgp=False), Step.EBGP),
        (candidate(2, 7, ebgp=False, next_hop=1), candidate(1, 7, ebgp=False, next_hop=2), Step.IGP_COST),
        (candidate(1, 7), candidate(2, 8), Step.ROUTER_ID),
        (
            Candidate(Attributes((7,), 1), 1, True, 5, 0),
            Candidate(Attributes((7,), 1), 2, True, 5, 0),
            Step.PEER_ADDRESS,
        ),
        (candidate(2, 7), candidate(1, 6, ebgp=False, next_hop=3, local_pref=900), Step.ONLY_ROUTE),
    ],
)
def test_each_step_decides(better: Candidate, worse: Candidate, step: Step) -> None:
    """A pair for each step, where every later step would choose the other."""
    decision = explain([worse, better], cost)
    assert (decision.best, decision.decided_by) == (better, step)


def test_unresolvable_next_hop_is_excluded() -> None:
    """RFC 4271 9.1.2: however preferable, a route to a next hop out of reach is no candidate."""
    lost = candidate(1, 7, ebgp=False, next_hop=3, local_pref=900)
    assert select([lost], cost) is None
    assert explain([lost], cost).eliminated == ((lost, Step.UNRESOLVABLE),)


def test_med_is_not_transitive() -> None:
    """RFC 3345: A beats B, B beats C, C beats A, taken in pairs; elimination has one winner all the same.

    A and C come from AS 7 and differ by MED; B comes from AS 8, between them
    in interior cost.
    """
    costs = {1: 1, 2: 2, 3: 3}
    a = candidate(1, 7, ebgp=False, next_hop=1, med=20)
    b = candidate(2, 8, ebgp=False, next_hop=2)
    c = candidate(3, 7, ebgp=False, next_hop=3, med=10)
    in_pairs = [select(pair, costs.get) for pair in ([a, b], [b, c], [c, a])]
    assert in_pairs == [a, b, c]
    decision = explain([a, b, c], costs.get)
    assert decision.best == b
    assert decision.eliminated == ((a, Step.MED), (c, Step.IGP_COST))


def test_always_compare_med() -> None:
    """With the option MED counts between neighbour ASes too."""
    cheap, dear = candidate(2, 8, med=1), candidate(1, 7, med=5)
    assert select([cheap, dear], cost) == dear
    assert select([cheap, dear], cost, TieBreak(always_compare_med=True)) == cheap


def test_oldest_before_router_id() -> None:
    """With the option the route received first stays."""
    old, new = candidate(2, 8, at=1), candidate(1, 7, at=2)
    assert select([old, new], cost) == new
    assert select([old, new], cost, TieBreak(oldest=True)) == old
    assert explain([old, new], cost, TieBreak(oldest=True)).decided_by is Step.OLDEST


def test_a_missing_med_counts_as_nothing_or_as_the_worst() -> None:
    """RFC 4271 9.1.2.2 (c): the lowest possible value, unless the option says the highest."""
    without, low = candidate(2, 7), candidate(1, 7, med=5)
    assert select([without, low], cost) == without
    assert select([without, low], cost, TieBreak(missing_med_as_worst=True)) == low


def test_age_counts_among_external_routes_only() -> None:
    """Interior ones go on to the identifier."""
    new, old = candidate(1, 7, ebgp=False, at=2), candidate(2, 7, ebgp=False, at=1)
    assert select([new, old], cost, TieBreak(oldest=True)) == new


def test_the_current_best_stays() -> None:
    """With the option, over whatever session it is, until it is worse by an earlier step; eBGP only."""
    rule = TieBreak(incumbent=True)
    routes = [candidate(1, 7), candidate(2, 8)]
    assert [select(routes, cost, rule, current) for current in (None, 1, 2, 5)] == [
        routes[0],
        routes[0],
        routes[1],
        routes[0],
    ]
    assert explain(routes, cost, rule, 2).decided_by is Step.INCUMBENT
    longer = [candidate(1, 7), candidate(2, 8, 9)]
    assert select(longer, cost, rule, 2) == longer[0]
    interior = [candidate(1, 7, ebgp=False), candidate(2, 8, ebgp=False)]
    assert select(interior, cost, rule, 2) == interior[0]
