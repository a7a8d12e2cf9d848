"""Route refresh (RFC 2918), End-of-RIB and the helper's side of graceful restart (RFC 4724)."""

from __future__ import annotations

from emulator.bgp.messages import Family, Update
from emulator.bgp.policy import Relation

from speakers import GONE, OWN, route, speaker

EBGP = Relation.NONE


def test_refresh_sends_everything_again() -> None:
    """To the one that asks, though nothing has changed; what came meanwhile is not sent twice."""
    it, notebook = speaker((7, EBGP), (8, EBGP))
    it.originate(0, 0)
    it.receive(0, Update(1, route(7, 9).attributes), 0)
    it.decide(0)
    notebook.heard()
    it.refresh(1, Family.IPV4)
    it.decide(1)
    assert notebook.heard() == {1: [(OWN,), (OWN, 7, 9)]}
    it.decide(2)
    assert notebook.heard() == {}


def test_refresh_is_for_one_family() -> None:
    """Prefix 1 is IPv6."""
    it, notebook = speaker((7, EBGP), family_of=lambda prefix: list(Family)[prefix])
    for prefix in range(2):
        it.originate(prefix, 0)
    it.decide(0)
    notebook.heard()
    it.refresh(0, Family.IPV6)
    it.decide(1)
    assert [update.prefix for _, update in notebook.sent] == [1]


def test_refresh_waits_for_the_timer_and_gives_way_to_a_withdrawal() -> None:
    """RFC 4271 9.2.1.1 holds for it too; what is gone by then is withdrawn, once."""
    it, notebook = speaker((7, EBGP), mrai=30)
    it.originate(0, 0)
    it.decide(0)
    notebook.heard()
    it.refresh(0, Family.IPV4)
    it.decide(1)
    assert notebook.heard() == {}
    it.withdraw(0)
    it.decide(2)
    assert notebook.heard() == {0: [None]}
    it.timer(0, 30)
    assert notebook.heard() == {}


def test_end_of_rib_follows_the_first_advertisement() -> None:
    """Once a session and family, also where there was nothing to send."""
    it, notebook = speaker((7, EBGP), (8, EBGP), is_up=False)
    it.session_up(0)
    it.decide(0)
    it.originate(0, 1)
    it.decide(1)
    it.session_up(1)
    it.decide(2)
    it.decide(3)
    assert notebook.ends_of_rib == [(0, Family.IPV4), (1, Family.IPV4)]


def test_stale_routes_stay_in_use_until_they_are_swept() -> None:
    """RFC 4724 4.2: nobody else notices the restart; what is not announced again is withdrawn at its end."""
    it, notebook = speaker((7, EBGP), (8, EBGP))
    for prefix in range(3):
        it.receive(0, Update(prefix, route(7, 9).attributes), 0)
    it.decide(0)
    notebook.heard()
    it.session_down(0, retain=True)
    it.decide(1)
    assert (notebook.heard(), sorted(it.loc_rib)) == ({}, [0, 1, 2])
    it.session_up(0)
    it.decide(2)
    assert notebook.heard() == {0: [(OWN, 7, 9)] * 3}  # the restarted peer has forgotten what we sent
    it.receive(0, Update(0, route(7, 9).attributes), 3)
    it.receive(0, Update(1, route(7, 5, 9).attributes), 3)
    it.decide(3)
    it.sweep_stale(0, Family.IPV6)
    it.sweep_stale(0, Family.IPV4)
    it.decide(4)
    assert notebook.heard()[1] == [(OWN, 7, 5, 9), None]
    assert sorted(it.loc_rib) == [0, 1]


def test_a_second_restart_takes_what_was_stale_already() -> None:
    """RFC 4724 4.2: of two routes one was announced again before the peer restarted once more."""
    it, _ = speaker((7, EBGP), (8, EBGP))
    for prefix in range(2):
        it.receive(0, Update(prefix, route(7, 9).attributes), 0)
    it.session_down(0, retain=True)
    it.session_up(0)
    it.receive(0, Update(0, route(7, 9).attributes), 1)
    it.session_down(0, retain=True)
    it.decide(2)
    assert sorted(it.loc_rib) == [0]


def test_stale_routes_go_with_a_session_that_is_lost_for_good() -> None:
    """Nor does a withdrawal leave anything stale behind."""
    it, _ = speaker((7, EBGP), (8, EBGP))
    it.receive(0, route(7, 9), 0)
    it.session_down(0, retain=True)
    it.session_up(0)
    it.receive(0, GONE, 1)
    it.sweep_stale(0, Family.IPV4)
    it.decide(1)
    assert it.loc_rib == {}
    it.receive(0, route(7, 9), 2)
    it.session_down(0, retain=True)
    it.session_down(0)
    it.decide(2)
    assert (it.loc_rib, it.peers[0].adj_rib_in, it.peers[0].stale) == ({}, {}, {})
