"""Route reflection (RFC 4456): who is told what, loops, and what it does to the choice."""

from __future__ import annotations

from emulator.bgp.decision import Step
from emulator.bgp.exporting import Withheld
from emulator.bgp.importing import Refusal
from emulator.bgp.policy import Relation

from speakers import GONE, OWN, route, speaker

IBGP = Relation.INTERNAL
EBGP = Relation.NONE
CLIENT = (OWN, IBGP, {"is_client": True})
OTHER = (OWN, IBGP)


def test_a_clients_route_goes_to_everybody_else() -> None:
    """RFC 4456 section 6: to clients, to other iBGP peers and over eBGP."""
    it, notebook = speaker(CLIENT, CLIENT, OTHER, (7, EBGP))
    it.receive(0, route(8, 9, next_hop=1), 0)
    it.decide(0)
    assert notebook.heard() == {1: [(8, 9)], 2: [(8, 9)], 3: [(OWN, 8, 9)]}
    assert it.offered(0)[0] == (0, Withheld.SPLIT_HORIZON)


def test_another_ones_route_goes_to_clients() -> None:
    """RFC 4456 section 6: not to other non-clients, which have heard it themselves."""
    it, notebook = speaker(CLIENT, OTHER, OTHER)
    it.receive(1, route(8, 9, next_hop=2), 0)
    it.decide(0)
    assert notebook.heard() == {0: [(8, 9)]}
    assert it.offered(0)[2] == (2, Withheld.NOT_REFLECTED)


def test_an_external_route_goes_to_all_with_ourselves_as_next_hop() -> None:
    """RFC 4271 9.2.1; nothing is reflected, so nothing says so."""
    it, _ = speaker((7, EBGP), CLIENT, OTHER)
    it.receive(0, route(7, 9), 0)
    it.decide(0)
    for peer in (1, 2):
        sent = it.peers[peer].adj_rib_out[0]
        assert (sent.next_hop, sent.originator_id, sent.cluster_list) == (0, None, ())


def test_reflection_marks_the_route_and_leaves_the_rest() -> None:
    """RFC 4456 sections 8 and 10: who brought it, our cluster in front; NEXT_HOP and LOCAL_PREF stay."""
    it, _ = speaker(CLIENT, CLIENT, cluster_id=77)
    it.receive(0, route(8, 9, next_hop=5, local_pref=300, med=4), 0)
    it.decide(0)
    sent = it.peers[1].adj_rib_out[0]
    assert (sent.originator_id, sent.cluster_list) == (11, (77,))
    assert (sent.next_hop, sent.local_pref, sent.med) == (5, 300, 4)


def test_reflecting_again_keeps_the_originator_and_adds_the_cluster() -> None:
    """RFC 4456 section 8; without a cluster of its own the identifier serves."""
    it, _ = speaker(CLIENT, CLIENT)
    it.receive(0, route(8, 9, originator_id=33, cluster_list=(77, 78)), 0)
    it.decide(0)
    sent = it.peers[1].adj_rib_out[0]
    assert (sent.originator_id, sent.cluster_list) == (33, (1, 77, 78))


def test_neither_leaves_the_as_nor_comes_from_outside() -> None:
    """RFC 4456 section 8 and RFC 7606 7.9, 7.10: both are non-transitive."""
    it, _ = speaker(CLIENT, (7, EBGP))
    it.receive(0, route(8, 9, originator_id=33, cluster_list=(77,)), 0)
    it.receive(1, route(7, originator_id=33, cluster_list=(77,), local_pref=900), 0)
    it.decide(0)
    external = it.candidates[0][1].attributes
    assert (external.originator_id, external.cluster_list, external.local_pref) == (None, (), 100)
    it.receive(1, GONE, 1)
    it.decide(1)
    sent = it.peers[1].adj_rib_out[0]
    assert (sent.originator_id, sent.cluster_list, sent.local_pref) == (None, (), 100)


def test_loops() -> None:
    """RFC 4456 section 8: our own route, or one that passed our cluster, is not taken."""
    it, _ = speaker(CLIENT, OTHER, cluster_id=77)
    it.receive(0, route(8, 9, originator_id=1, cluster_list=(5,)), 0)
    it.receive(1, route(8, 9, originator_id=33, cluster_list=(5, 77)), 0)
    it.decide(0)
    assert it.loc_rib == {}
    assert [(peer, why) for peer, _, why in it.refused(0)] == [
        (0, Refusal.ORIGINATOR_LOOP),
        (1, Refusal.CLUSTER_LOOP),
    ]


def test_originator_stands_for_the_identifier() -> None:
    """RFC 4456 section 9: the peers are 11 and 12, but the second one's route was brought by 5."""
    it, _ = speaker(OTHER, OTHER)
    it.receive(0, route(8, 9), 0)
    it.receive(1, route(8, 9, originator_id=5, cluster_list=(77,)), 0)
    it.decide(0)
    decision = it.why(0)
    assert decision.best is not None
    assert (decision.best.peer, decision.decided_by) == (1, Step.ROUTER_ID)


def test_shorter_cluster_list_before_peer_address() -> None:
    """RFC 4456 section 9: the same route by two ways, the one through fewer reflectors is taken."""
    it, _ = speaker(OTHER, OTHER)
    it.receive(0, route(8, 9, originator_id=5, cluster_list=(77, 78)), 0)
    it.receive(1, route(8, 9, originator_id=5, cluster_list=(79,)), 0)
    it.decide(0)
    decision = it.why(0)
    assert decision.best is not None
    assert (decision.best.peer, decision.decided_by) == (1, Step.CLUSTER_LIST)


def test_without_clients_nothing_changes_for_ibgp_peers() -> None:
    """A router that reflects for nobody is silent about what it heard over iBGP."""
    it, notebook = speaker(OTHER, OTHER, (7, EBGP))
    it.receive(0, route(8, 9, next_hop=1), 0)
    it.decide(0)
    it.receive(0, route(8, next_hop=1), 1)
    it.decide(1)
    assert notebook.heard() == {2: [(OWN, 8, 9), (OWN, 8)]}
    assert it.offered(0)[1] == (1, Withheld.NOT_REFLECTED)


def test_next_hop_of_the_neighbour() -> None:
    """Without next-hop-self iBGP peers get the eBGP neighbour's address (RFC 4271 5.1.3)."""
    it, _ = speaker((7, EBGP), (OWN, IBGP, {"next_hop_self": False}), OTHER)
    it.receive(0, route(7, 9, next_hop=1), 0)
    it.decide(0)
    assert [it.peers[peer].adj_rib_out[0].next_hop for peer in (1, 2)] == [1, 0]
