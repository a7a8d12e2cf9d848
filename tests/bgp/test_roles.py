"""Roles and Only to Customer (RFC 9234 section 5): every role, both ways, with and without the attribute."""

from __future__ import annotations

import pytest

from emulator.bgp.exporting import Withheld
from emulator.bgp.importing import Refusal
from emulator.bgp.messages import Role
from emulator.bgp.policy import Relation

from speakers import OWN, route, speaker

EBGP, IBGP = Relation.NONE, Relation.INTERNAL
NEIGHBOR = 7
LEAK = Refusal.ROUTE_LEAK


@pytest.mark.parametrize(
    ("role", "attached", "after"),
    [
        # from a customer or route-server client: nothing added, anything attached is a leak
        (Role.PROVIDER, None, None),
        (Role.PROVIDER, NEIGHBOR, LEAK),
        (Role.PROVIDER, 99, LEAK),
        (Role.RS, None, None),
        (Role.RS, 99, LEAK),
        # from a peer: added, and only its own AS may be attached
        (Role.PEER, None, NEIGHBOR),
        (Role.PEER, NEIGHBOR, NEIGHBOR),
        (Role.PEER, 99, LEAK),
        # from a provider or route server: added unless it is there
        (Role.CUSTOMER, None, NEIGHBOR),
        (Role.CUSTOMER, 99, 99),
        (Role.RS_CLIENT, None, NEIGHBOR),
        (Role.RS_CLIENT, 99, 99),
        # a session without a role does not look
        (None, None, None),
        (None, 99, 99),
    ],
)
def test_ingress(role: Role | None, attached: int | None, after: int | Refusal | None) -> None:
    """Our own role towards the sender decides."""
    it, _ = speaker((NEIGHBOR, EBGP, {"role": role}))
    it.receive(0, route(NEIGHBOR, 9, only_to_customer=attached), 0)
    it.decide(0)
    if after is LEAK:
        assert [why for _, _, why in it.refused(0)] == [LEAK]
        assert it.loc_rib == {}
    else:
        assert it.loc_rib[0].attributes.only_to_customer == after


@pytest.mark.parametrize(
    ("role", "held", "sent"),
    [
        # to a customer, peer or route-server client: marked with our AS unless it is marked
        (Role.PROVIDER, None, OWN),
        (Role.PROVIDER, 99, 99),
        (Role.RS, None, OWN),
        (Role.RS, 99, 99),
        (Role.PEER, None, OWN),
        # upwards and sideways nothing that is marked
        (Role.PEER, 99, Withheld.ONLY_TO_CUSTOMER),
        (Role.CUSTOMER, None, None),
        (Role.CUSTOMER, 99, Withheld.ONLY_TO_CUSTOMER),
        (Role.RS_CLIENT, None, None),
        (Role.RS_CLIENT, 99, Withheld.ONLY_TO_CUSTOMER),
        (None, None, None),
        (None, 99, 99),
    ],
)
def test_egress(role: Role | None, held: int | None, sent: int | Withheld | None) -> None:
    """Our own role towards the receiver decides; the route came in where nobody looks."""
    it, _ = speaker((NEIGHBOR, EBGP), (8, EBGP, {"role": role}), (OWN, IBGP))
    it.receive(0, route(NEIGHBOR, 9, only_to_customer=held), 0)
    it.decide(0)
    if isinstance(sent, Withheld):
        assert it.offered(0)[1] == (1, sent)
    else:
        assert it.peers[1].adj_rib_out[0].only_to_customer == sent
    assert it.peers[2].adj_rib_out[0].only_to_customer == held


def test_a_leak_that_policy_lets_through_is_stopped() -> None:
    """A customer that leaks its provider's route to another: it cannot send it, and if it did, is refused.

    Leaking ignores export policy (RFC 7908 type 1), not what the session's role says.
    """
    it, notebook = speaker((7, Relation.PROVIDER, {"role": Role.CUSTOMER}), (8, Relation.PROVIDER))
    it.receive(0, route(7, 9), 0)
    it.leak(True)
    it.decide(0)
    leaked = it.peers[1].adj_rib_out[0]
    assert leaked.only_to_customer == 7
    assert notebook.heard()[1] == [(OWN, 7, 9)]
    provider, _ = speaker((OWN + 1, EBGP, {"role": Role.PROVIDER}))
    provider.receive(0, route(OWN + 1, 7, 9, only_to_customer=leaked.only_to_customer), 0)
    assert [why for _, _, why in provider.refused(0)] == [LEAK]
