"""What a speaker sends, and what it does not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.bgp.config import MraiScope, WithdrawalRule
from emulator.bgp.messages import Update
from emulator.bgp.policy import GaoRexford, Relation

from speakers import GONE, OWN, route, speaker

EBGP = Relation.NONE
IBGP = Relation.INTERNAL


def test_announces_to_all_with_its_own_as_in_front() -> None:
    """EBGP hears the path with our AS and ourselves as next hop, also the one that it came from."""
    it, notebook = speaker((7, EBGP), (8, EBGP))
    it.receive(0, route(7, 9), 0)
    it.decide(0)
    assert notebook.heard() == {0: [(OWN, 7, 9)], 1: [(OWN, 7, 9)]}
    sent = it.peers[1].adj_rib_out[0]
    assert (sent.next_hop, sent.local_pref, sent.large_communities) == (0, 100, ())


def test_a_duplicate_is_not_sent_on() -> None:
    """The same announcement again, or another that makes no difference outside, sends nothing."""
    it, notebook = speaker((7, EBGP), (8, EBGP))
    it.receive(0, route(7, 9), 0)
    it.decide(0)
    notebook.heard()
    it.receive(0, route(7, 9), 1)
    it.receive(1, route(8, 8, 9, next_hop=2), 1)
    it.decide(1)
    assert notebook.heard() == {}


def test_what_changes_and_changes_back_between_decisions_is_not_sent() -> None:
    """Adj-RIB-Out is compared when the time has come, not when the route changed."""
    it, notebook = speaker((7, EBGP), (8, EBGP))
    it.receive(0, route(7, 9), 0)
    it.decide(0)
    notebook.heard()
    it.receive(0, GONE, 1)
    it.receive(0, route(7, 9), 1)
    it.decide(1)
    assert notebook.heard() == {}


def test_an_announcement_replaces_the_one_before() -> None:
    """RFC 4271 3.1: an implicit withdrawal; no explicit one is sent either."""
    it, notebook = speaker((7, EBGP), (8, EBGP))
    for update in (route(7, 9), route(7, 5, 9)):
        it.receive(0, update, 0)
        it.decide(0)
    assert notebook.heard()[1] == [(OWN, 7, 9), (OWN, 7, 5, 9)]
    assert it.loc_rib[0].attributes.as_path == (7, 5, 9)


def test_a_route_that_went_through_us_is_refused() -> None:
    """RFC 4271 9.1.2; as an implicit withdrawal it still takes the old route away."""
    it, notebook = speaker((7, EBGP), (8, EBGP))
    it.receive(0, route(7, 9), 0)
    it.decide(0)
    it.receive(0, route(7, OWN, 9), 1)
    it.decide(1)
    assert it.loc_rib == {}
    assert notebook.heard() == {0: [(OWN, 7, 9), None], 1: [(OWN, 7, 9), None]}
    assert it.peers[0].adj_rib_in[0].as_path == (7, OWN, 9)  # pre-policy, it is kept


def test_withdrawal_of_the_unknown_is_ignored() -> None:
    """No decision, no message."""
    it, notebook = speaker((7, EBGP))
    it.receive(0, GONE, 0)
    it.decide(0)
    assert (notebook.changes, notebook.sent) == ([], [])


def test_messages_on_a_session_that_is_down_are_ignored() -> None:
    """They belong to the session before."""
    it, notebook = speaker((7, EBGP), is_up=False)
    it.receive(0, route(7, 9), 0)
    it.decide(0)
    assert (it.loc_rib, notebook.sent) == ({}, [])


def test_session_down_withdraws_what_it_brought() -> None:
    """RFC 4271 8.2: implicitly, and nothing is sent to the lost peer."""
    it, notebook = speaker((7, EBGP), (8, EBGP))
    it.receive(0, route(7, 9), 0)
    it.decide(0)
    notebook.heard()
    it.session_down(0)
    it.decide(1)
    assert it.loc_rib == {}
    assert notebook.heard() == {1: [None]}


def test_session_up_advertises_everything() -> None:
    """Own and learned routes, once."""
    it, notebook = speaker((7, EBGP), (8, EBGP))
    it.originate(1, 0)
    it.receive(0, route(7, 9), 0)
    it.decide(0)
    it.session_down(1)
    it.decide(1)
    notebook.heard()
    it.session_up(1)
    it.decide(2)
    assert notebook.heard() == {1: [(OWN,), (OWN, 7, 9)]}


def test_sender_side_loop_detection() -> None:
    """A path is not sent to an AS that is in it."""
    it, notebook = speaker((7, EBGP), (8, EBGP), (9, EBGP), sender_side_loop_detection=True)
    it.receive(0, route(7, 9), 0)
    it.decide(0)
    assert notebook.heard() == {1: [(OWN, 7, 9)]}


def test_only_to() -> None:
    """An own prefix for AS 7 alone; the iBGP peer hears of the limit, nobody else does."""
    it, notebook = speaker((7, EBGP), (8, EBGP), (OWN, IBGP))
    it.originate(0, 0, frozenset({7}))
    it.decide(0)
    assert notebook.heard() == {0: [(OWN,)], 2: [()]}
    told = it.peers[2].adj_rib_out[0]
    assert it.peers[0].adj_rib_out[0].large_communities == ()

    border, border_notebook = speaker((7, EBGP), (8, EBGP), (OWN, IBGP))
    border.receive(2, Update(0, told), 0)
    border.decide(0)
    assert border_notebook.heard() == {0: [(OWN,)]}


def test_announcing_to_more_and_to_fewer() -> None:
    """A new limit is acted upon, also at the same instant."""
    it, notebook = speaker((7, EBGP), (8, EBGP))
    it.originate(0, 0, frozenset({7}))
    it.decide(0)
    assert notebook.heard() == {0: [(OWN,)]}
    it.originate(0, 0)
    it.decide(0)
    assert notebook.heard() == {1: [(OWN,)]}
    it.originate(0, 0, frozenset())
    it.decide(0)
    assert notebook.heard() == {0: [None], 1: [None]}


def test_mute_withdraws_and_unmute_announces() -> None:
    """From the peers in one AS; the session stays up and is listened to."""
    it, notebook = speaker((7, EBGP), (8, EBGP), mrai=0)
    it.originate(0, 0)
    it.decide(0)
    notebook.heard()
    it.mute(7, is_muted=True)
    it.decide(1)
    assert notebook.heard() == {0: [None]}
    it.receive(0, Update(5, route(7, 9).attributes), 1)
    it.decide(2)
    assert notebook.heard() == {1: [(OWN, 7, 9)]}
    it.mute(7, is_muted=False)
    it.decide(3)
    assert notebook.heard() == {0: [(OWN,), (OWN, 7, 9)]}


@pytest.mark.parametrize("relation", [Relation.CUSTOMER, Relation.PEER, Relation.PROVIDER])
def test_ibgp_carries_preference_and_its_own_border(relation: Relation) -> None:
    """Inside the AS: the path as it came, LOCAL_PREF, ourselves as next hop."""
    it, _ = speaker((7, relation), (OWN, IBGP), policy=GaoRexford())
    it.receive(0, route(7, 9), 0)
    it.decide(0)
    told = it.peers[1].adj_rib_out[0]
    assert (told.as_path, told.next_hop) == ((7, 9), 0)
    assert told.local_pref == {Relation.CUSTOMER: 300, Relation.PEER: 200, Relation.PROVIDER: 100}[relation]


def test_ibgp_routes_are_not_sent_on_over_ibgp() -> None:
    """RFC 4271 9.2.1; nor is our own eBGP route once an interior one is better."""
    it, notebook = speaker((7, EBGP), (OWN, IBGP), (OWN, IBGP))
    it.receive(0, route(7, 5, 9), 0)
    it.decide(0)
    assert notebook.heard() == {0: [(OWN, 7, 5, 9)], 1: [(7, 5, 9)], 2: [(7, 5, 9)]}
    it.receive(1, route(8, 9, next_hop=2), 1)
    it.decide(1)
    assert notebook.heard() == {0: [(OWN, 8, 9)], 1: [None], 2: [None]}


def test_hot_potato_follows_the_igp() -> None:
    """Among equal interior routes the nearest exit; when costs change the choice is made anew."""
    costs: dict[int, int | None] = {1: 5, 2: 9}
    it, notebook = speaker((OWN, IBGP), (OWN, IBGP), igp_cost=costs.get)
    it.receive(0, route(7, 9, next_hop=1), 0)
    it.receive(1, route(8, 9, next_hop=2), 0)
    it.decide(0)
    assert it.loc_rib[0].attributes.next_hop == 1
    costs[1] = 20
    it.igp_changed()
    it.decide(1)
    assert it.loc_rib[0].attributes.next_hop == 2
    costs[2] = None
    it.igp_changed()
    it.decide(2)
    assert it.loc_rib[0].attributes.next_hop == 1
    assert [best.attributes.next_hop for _, best in notebook.changes if best is not None] == [1, 2, 1]


def test_mrai_holds_announcements_and_lets_withdrawals_pass() -> None:
    """RFC 4271 9.2.1.1: the latest state goes when the timer asked for expires."""
    it, notebook = speaker((7, EBGP), (8, EBGP), mrai=30)
    it.receive(0, route(7, 9), 0)
    it.decide(0)
    it.receive(0, route(7, 5, 9), 10)
    it.decide(10)
    assert notebook.heard()[1] == [(OWN, 7, 9)]
    assert notebook.alarms == [(30, 0), (30, 1)]
    it.receive(0, route(7, 6, 9), 20)
    it.decide(20)
    assert notebook.heard() == {}
    it.timer(1, 30)
    assert notebook.heard() == {1: [(OWN, 7, 6, 9)]}
    it.receive(0, GONE, 31)
    it.decide(31)
    assert notebook.heard() == {0: [None], 1: [None]}


def test_a_clock_of_ticks_cuts_a_wait_whose_route_changes() -> None:
    """FRR 8.4: to the interval less the ticks begun, where that is at most the whole ticks left to wait."""
    it, notebook = speaker((7, EBGP), mrai=50, mrai_clock=10, mrai_clock_phase=0)
    it.originate(0, 8)
    it.decide(8)
    it.receive(0, route(7, 9, prefix=1), 9)  # before the second tick: all of the interval from here
    it.decide(9)
    assert notebook.alarms == [(59, 0)]
    it.receive(0, route(7, 6, 9, prefix=1), 10)  # a tick begun: 40 are left of it, and 49 to wait
    it.decide(10)
    assert notebook.alarms == [(59, 0), (50, 0)]
    it.receive(0, route(7, 5, 9, prefix=1), 11)  # still 40 left of it, but 3 whole ticks to wait
    it.decide(11)
    assert notebook.alarms == [(59, 0), (50, 0)]
    assert notebook.heard() == {0: [(OWN,)]}
    it.timer(0, 59)
    assert notebook.heard() == {}
    it.timer(0, 50)
    assert notebook.heard() == {0: [(OWN, 7, 5, 9)]}


def test_a_clock_of_ticks_leaves_a_wait_that_another_prefix_needs() -> None:
    """FRR 8.4 looks at the interval again when nothing waits to be announced but what is replaced."""
    it, notebook = speaker((7, EBGP), mrai=50, mrai_clock=10, mrai_clock_phase=0)
    it.originate(0, 8)
    it.decide(8)
    for prefix in (1, 2):
        it.receive(0, route(7, 9, prefix=prefix), 9)
        it.decide(9)
    for prefix in (1, 2, 3):
        it.receive(0, route(7, 6, 9, prefix=prefix), 10)
    it.decide(10)
    assert notebook.alarms == [(59, 0)]
    for prefix in (1, 2):
        it.receive(0, Update(prefix, None), 11)
    it.decide(11)
    it.receive(0, route(7, 5, 9, prefix=3), 20)
    it.decide(20)
    assert notebook.alarms == [(59, 0), (50, 0)]


def test_a_timer_that_never_rests_lets_go_at_its_own_instants() -> None:
    """Also after a quiet time; one that expired while the router was busy lets go when it looks."""
    own_run = {"mrai_run": (30, 7)}
    it, notebook = speaker((7, EBGP, own_run), mrai=30, mrai_scope=MraiScope.FULL_TABLE)
    it.originate(0, 0)
    it.decide(0)
    assert (notebook.heard(), notebook.alarms) == ({}, [(7, 0)])
    it.timer(0, 7)
    assert notebook.heard() == {0: [(OWN,)]}
    it.originate(1, 600)
    it.decide(600)
    assert (notebook.heard(), notebook.alarms[1:]) == ({}, [(607, 0)])
    it.originate(2, 607)
    it.decide(607)  # before the timer's own turn in the same instant
    assert notebook.heard() == {0: [(OWN,), (OWN,)]}
    it.timer(0, 607)
    it.originate(3, 630)
    it.decide(630)
    it.originate(4, 640)
    it.decide(640)  # busy since 637
    assert notebook.heard() == {0: [(OWN,), (OWN,)]}
    it.originate(5, 641)
    it.decide(641)
    assert (notebook.heard(), notebook.alarms[-1]) == ({}, (667, 0))


def test_wrate_holds_withdrawals_too() -> None:
    """They wait for the timer and start it."""
    it, notebook = speaker((8, EBGP), mrai=30, withdrawals=WithdrawalRule.WAIT)
    it.originate(0, 0)
    it.decide(0)
    it.withdraw(0)
    it.decide(10)
    assert notebook.heard() == {0: [(OWN,)]}
    it.timer(0, 30)
    assert notebook.heard() == {0: [None]}
    it.originate(0, 40)
    it.decide(40)
    assert notebook.heard() == {}
    assert notebook.alarms[-1] == (60, 0)


def test_ghost_flushing_withdraws_a_path_that_got_longer() -> None:
    """At once, and the longer one follows when the timer allows; a shorter one just waits."""
    it, notebook = speaker((7, EBGP), (8, EBGP), mrai=30, ghost_flushing=True)
    it.receive(0, route(7, 9), 0)
    it.decide(0)
    notebook.heard()
    it.receive(0, route(7, 5, 9), 1)
    it.decide(1)
    assert notebook.heard() == {0: [None], 1: [None]}
    it.timer(1, 30)
    assert notebook.heard() == {1: [(OWN, 7, 5, 9)]}
    it.receive(0, route(7), 31)
    it.decide(31)
    assert 1 not in notebook.heard()


PEERS = [
    (7, Relation.CUSTOMER),
    (8, Relation.PEER),
    (9, Relation.PROVIDER),
    (10, Relation.CUSTOMER),
    (11, Relation.PEER),
]


@given(
    st.lists(
        st.tuples(st.integers(0, 4), st.one_of(st.none(), st.lists(st.integers(20, 30), max_size=4))),
        max_size=20,
    )
)
def test_exports_are_valley_free(steps: list[tuple[int, list[int] | None]]) -> None:
    """Gao and Rexford: what peers and providers hear of is a customer's, whatever arrived in whatever order.

    Customers hear of everything that is best, and every Adj-RIB-Out is what was sent last.
    """
    it, notebook = speaker(*PEERS, policy=GaoRexford())
    told: dict[int, tuple[int, ...] | None] = {}
    for now, (peer, tail) in enumerate(steps):
        update = GONE if tail is None else route(PEERS[peer][0], *tail, next_hop=peer + 1)
        it.receive(peer, update, now)
        it.decide(now)
        told |= {to: paths[-1] for to, paths in notebook.heard().items()}
        best = it.loc_rib.get(0)
        for to, (_, relation) in enumerate(PEERS):
            is_for_all = best is not None and PEERS[best.peer][1] is Relation.CUSTOMER
            if best is None or (relation is not Relation.CUSTOMER and not is_for_all):
                assert told.get(to) is None
            else:
                assert told[to] == (OWN, *best.attributes.as_path)
