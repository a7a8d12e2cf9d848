"""Communities that the speaker itself understands, and how far the others travel."""

from __future__ import annotations

import pytest

from emulator.bgp.attributes import (
    BLACKHOLE,
    GRACEFUL_SHUTDOWN,
    NO_ADVERTISE,
    NO_EXPORT,
    NO_EXPORT_SUBCONFED,
)
from emulator.bgp.exporting import Withheld
from emulator.bgp.policy import GaoRexford, Relation

from speakers import OWN, route, speaker

EBGP, IBGP = Relation.NONE, Relation.INTERNAL
TRANSITIVE = 0x0002_0064_0000_0001
NON_TRANSITIVE = 0x4002_0064_0000_0001


@pytest.mark.parametrize(
    ("community", "told", "reason"),
    [
        (NO_EXPORT, [2], Withheld.NO_EXPORT),
        (NO_EXPORT_SUBCONFED, [2], Withheld.NO_EXPORT),
        (NO_ADVERTISE, [], Withheld.NO_ADVERTISE),
        (BLACKHOLE, [0, 1, 2], None),
        (0x0064_0001, [0, 1, 2], None),
    ],
)
def test_well_known_scopes(community: int, told: list[int], reason: Withheld | None) -> None:
    """RFC 1997: the route is used all the same. BLACKHOLE is for those who agreed on it (RFC 7999 3.1)."""
    it, notebook = speaker((7, EBGP), (8, EBGP), (OWN, IBGP))
    it.receive(0, route(7, 9, communities=(community,)), 0)
    it.decide(0)
    assert sorted(notebook.heard()) == told
    assert 0 in it.loc_rib
    if reason is not None:
        assert it.offered(0)[1] == (1, reason)


def test_no_export_of_our_own_route() -> None:
    """Set where it is announced, it holds here already."""
    it, notebook = speaker((7, EBGP), (OWN, IBGP))
    it.originate(0, 0, carrying=route(communities=(NO_EXPORT,), med=3).attributes)
    it.decide(0)
    assert notebook.heard() == {1: [()]}
    sent = it.peers[1].adj_rib_out[0]
    assert (sent.communities, sent.med) == ((NO_EXPORT,), 3)


def test_blackhole_stays_inside_where_it_is_honoured() -> None:
    """RFC 7999 3.2: NO_EXPORT is added, so that the other border routers keep to it too."""
    it, notebook = speaker((7, EBGP), (8, EBGP), (OWN, IBGP), honor_blackhole=True)
    it.receive(0, route(7, 9, communities=(BLACKHOLE,)), 0)
    it.decide(0)
    assert notebook.heard() == {2: [(7, 9)]}
    assert it.peers[2].adj_rib_out[0].communities == (BLACKHOLE, NO_EXPORT)
    assert it.offered(0)[1] == (1, Withheld.BLACKHOLE)


def test_graceful_shutdown_is_the_last_resort() -> None:
    """RFC 8326 4.1: LOCAL_PREF 0, whatever policy says; the community travels on."""
    it, _ = speaker((7, Relation.CUSTOMER), (8, Relation.PROVIDER), policy=GaoRexford())
    it.receive(0, route(7, 9, communities=(GRACEFUL_SHUTDOWN,)), 0)
    it.decide(0)
    assert it.loc_rib[0].attributes.local_pref == 0
    assert it.peers[1].adj_rib_out[0].communities == (GRACEFUL_SHUTDOWN,)
    it.receive(1, route(8, 5, 9, next_hop=2), 1)
    it.decide(1)
    assert it.loc_rib[0].peer == 1


def test_graceful_shutdown_where_it_is_not_honoured() -> None:
    """Just another community."""
    it, _ = speaker((7, EBGP), honor_graceful_shutdown=False)
    it.receive(0, route(7, 9, communities=(GRACEFUL_SHUTDOWN,)), 0)
    it.decide(0)
    assert it.loc_rib[0].attributes.local_pref == 100


def test_drain_one_session() -> None:
    """RFC 8326 4.2: marked towards that peer, whose own routes are the last choice here; and back."""
    it, _ = speaker((7, EBGP), (8, EBGP), (OWN, IBGP))
    it.receive(0, route(7, 9), 5)
    it.receive(1, route(8, 5, 9, next_hop=2), 5)
    it.decide(5)
    it.drain(0, True)
    it.decide(6)
    assert it.loc_rib[0].peer == 1
    assert it.peers[0].adj_rib_out[0].communities == (GRACEFUL_SHUTDOWN,)
    assert it.peers[1].adj_rib_out[0].communities == ()
    assert it.candidates[0][0].attributes.local_pref == 0
    it.drain(0, False)
    it.decide(7)
    assert (it.loc_rib[0].peer, it.loc_rib[0].received_at) == (0, 5)
    assert it.peers[0].adj_rib_out[0].communities == ()


def test_drain_a_router_with_one_way_out() -> None:
    """Nobody loses a route by it: inside the AS it has LOCAL_PREF 0, outside it carries the community."""
    it, notebook = speaker((7, EBGP), (8, EBGP), (OWN, IBGP))
    it.receive(0, route(7, 9), 0)
    it.decide(0)
    it.drain(None, True)
    it.decide(1)
    assert None not in [path for paths in notebook.heard().values() for path in paths]
    assert it.peers[2].adj_rib_out[0].local_pref == 0
    assert it.peers[1].adj_rib_out[0].communities == (GRACEFUL_SHUTDOWN,)


def test_drain_marks_what_the_session_brought() -> None:
    """RFC 8326 4.2: the inbound policy tags too, beside LOCAL_PREF 0, so that others hear of it in time.

    The session with AS 7 is drained and brings the only route. AS 8 and the iBGP peer
    hear it with the community; its own stay, and all is as before once the drain ends.
    An initiator does so even where it would not honour the community of others.
    """
    for honours in (True, False):
        it, _ = speaker((7, EBGP), (8, EBGP), (OWN, IBGP), honor_graceful_shutdown=honours)
        it.receive(0, route(7, 9, communities=(5, 6)), 0)
        it.decide(0)
        it.drain(0, True)
        it.decide(1)
        marked = (5, 6, GRACEFUL_SHUTDOWN)
        found = it.candidates[0][0].attributes
        assert (found.local_pref, found.communities) == (0, marked)
        assert [it.peers[peer].adj_rib_out[0].communities for peer in (1, 2)] == [marked, marked]
        assert it.peers[2].adj_rib_out[0].local_pref == 0
        it.drain(0, False)
        it.decide(2)
        assert it.peers[1].adj_rib_out[0].communities == (5, 6)
        assert it.candidates[0][0].attributes.local_pref == 100


def test_how_far_communities_travel() -> None:
    """Over eBGP: all standard ones, the extended ones that are transitive, the large ones but our marks.

    Those are (OWN, 1, 1 to 3), where we learned a route, and (OWN, 2, *), who may hear of
    it; others of our own, as an operator sets them to be read elsewhere, are sent.
    """
    marks, sent = ((OWN, 1, 1), (OWN, 1, 3), (OWN, 2, 0), (OWN, 2, 8)), ((7, 1, 1), (7, 2, 0))
    sent = tuple(sorted((*sent, (OWN, 0, 1), (OWN, 1, 0), (OWN, 1, 4), (OWN, 3, 1))))
    carried = {
        "communities": (5, 6),
        "large_communities": tuple(sorted((*marks, *sent))),
        "extended_communities": (TRANSITIVE, NON_TRANSITIVE),
    }
    it, _ = speaker((7, EBGP), (8, EBGP), (OWN, IBGP))
    it.receive(0, route(7, 9, **carried), 0)
    it.decide(0)
    outside, inside = it.peers[1].adj_rib_out[0], it.peers[2].adj_rib_out[0]
    assert (outside.communities, outside.large_communities) == ((5, 6), sent)
    assert outside.extended_communities == (TRANSITIVE,)
    assert inside.large_communities == carried["large_communities"]
    assert inside.extended_communities == carried["extended_communities"]
