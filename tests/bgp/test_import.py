"""What a speaker refuses, and why it says it did."""

from __future__ import annotations

import pytest

from emulator.bgp.config import Damping
from emulator.bgp.importing import Refusal
from emulator.bgp.messages import Family, Notification, Role, Update
from emulator.bgp.notification import CeaseError, ErrorCode
from emulator.bgp.peer import MaxPrefixes
from emulator.bgp.policy import GaoRexford, RankedPaths, Relation
from emulator.bgp.rov import Roas
from emulator.units import MINUTE

from speakers import GONE, OWN, route, speaker

EBGP, IBGP = Relation.NONE, Relation.INTERNAL


def reasons(it: object, prefix: int = 0) -> list[tuple[int, Refusal]]:
    """Peer and reason of each refusal."""
    return [(peer, why) for peer, _, why in it.refused(prefix)]  # type: ignore[attr-defined]


def test_first_as() -> None:
    """RFC 4271 6.3; a route server's client does not ask (RFC 7947 2.2.2.1), nor whoever is set not to."""
    it, _ = speaker((7, EBGP), (8, EBGP, {"role": Role.RS_CLIENT}))
    it.receive(0, route(5, 9), 0)
    it.receive(1, route(5, 9), 0)
    it.decide(0)
    assert reasons(it) == [(0, Refusal.FIRST_AS)]
    assert it.loc_rib[0].peer == 1
    lax, _ = speaker((7, EBGP), enforce_first_as=False)
    lax.receive(0, route(5, 9), 0)
    assert lax.refused(0) == ()


@pytest.mark.parametrize(
    ("allowed", "times", "is_taken"), [(0, 1, False), (1, 1, True), (1, 2, False), (2, 2, True)]
)
def test_allow_own_as(allowed: int, times: int, is_taken: bool) -> None:
    """Our own AS may be in the path so often and no oftener."""
    it, _ = speaker((7, EBGP, {"allow_own_as": allowed}))
    it.receive(0, route(7, *[OWN] * times, 9), 0)
    it.decide(0)
    assert (0 in it.loc_rib) is is_taken
    assert reasons(it) == ([] if is_taken else [(0, Refusal.AS_LOOP)])


def test_rfc_8212() -> None:
    """Without a policy nothing comes in over eBGP nor goes out; iBGP and sessions with one are free."""
    it, notebook = speaker((7, EBGP), (8, EBGP, {"policy": GaoRexford()}), (OWN, IBGP), require_policy=True)
    it.receive(0, route(7, 9), 0)
    it.receive(1, Update(1, route(8, 9).attributes), 0)
    it.decide(0)
    assert reasons(it) == [(0, Refusal.NO_POLICY)]
    assert notebook.heard() == {1: [(OWN, 8, 9)], 2: [(8, 9)]}
    relations, _ = speaker((7, EBGP), policy=GaoRexford(), require_policy=True)
    relations.receive(0, route(7, 9), 0)
    assert relations.refused(0) == ()


def test_sessions_may_have_policies_of_their_own() -> None:
    """Before the speaker's, and over iBGP only where the session has one."""
    picky = RankedPaths(((7, 9),))
    it, _ = speaker((7, EBGP), (8, EBGP, {"policy": picky}), (OWN, IBGP), (OWN, IBGP, {"policy": picky}))
    for peer, first in enumerate((7, 8, 5, 5)):
        it.receive(peer, route(first, 9), 0)
    assert reasons(it) == [(1, Refusal.POLICY), (3, Refusal.POLICY)]


def test_origin_validation() -> None:
    """RFC 6811: AS 9 may announce prefix 0, nobody prefix 1 at this length, and 2 is covered by nothing."""
    roas = Roas(frozenset({0, 1}), {0: frozenset({9})})
    it, _ = speaker((7, EBGP), (OWN, IBGP), roas=roas)
    for prefix in range(3):
        it.receive(0, Update(prefix, route(7, 9).attributes), 0)
    it.receive(0, Update(0, route(7, 6).attributes), 0)
    assert reasons(it) == [(0, Refusal.INVALID_ORIGIN)]
    assert reasons(it, 1) == [(0, Refusal.INVALID_ORIGIN)]
    assert reasons(it, 2) == []
    it.receive(0, route(7, 9), 1)
    it.receive(1, Update(1, route(5, 9).attributes), 1)
    it.decide(1)
    assert sorted(it.loc_rib) == [0, 1, 2]  # what comes over iBGP has been judged at the border
    lenient, _ = speaker((7, EBGP), roas=roas, drop_invalid=False)
    lenient.receive(0, route(7, 6), 0)
    assert lenient.refused(0) == ()


def test_families() -> None:
    """RFC 4760: what was not negotiated is neither taken nor sent; both ends may have agreed on less."""

    def family_of(prefix: int) -> Family:
        return Family.IPV6 if prefix else Family.IPV4

    it, notebook = speaker((7, EBGP, {"families": (Family.IPV4,)}), (8, EBGP), family_of=family_of)
    it.receive(0, Update(1, route(7, 9).attributes), 0)
    it.receive(1, Update(1, route(8, 9).attributes), 0)
    it.receive(1, route(8, 9), 0)
    it.decide(0)
    assert reasons(it, 1) == [(0, Refusal.FAMILY)]
    assert notebook.heard() == {0: [(OWN, 8, 9)], 1: [(OWN, 8, 9), (OWN, 8, 9)]}
    it.session_down(1)
    it.session_up(1, (Family.IPV6,))
    it.decide(1)
    assert notebook.ends_of_rib == [(1, Family.IPV6)]
    it.receive(1, route(8, 9), 1)
    assert reasons(it) == [(1, Refusal.FAMILY)]


def test_damped_routes_say_so() -> None:
    """RFC 2439: the third withdrawal suppresses; the Adj-RIB-In has the route all the same."""
    it, _ = speaker((7, EBGP), damping=Damping(half_life=15 * MINUTE))
    for now in range(3):
        it.receive(0, route(7, 9), now)
        it.receive(0, GONE, now)
    it.receive(0, route(7, 9), 3)
    it.decide(3)
    assert reasons(it) == [(0, Refusal.DAMPED)]


@pytest.mark.parametrize(("penalties", "suppressed_after"), [((0, 500), 4), ((1000, 500), 2), ((0, 0), 4)])
def test_what_adds_to_the_penalty(penalties: tuple[float, float], suppressed_after: int) -> None:
    """Flapping at one instant, nothing decays: 1000 for a withdrawal, p for the announcement after it.

    (1000 + p) w > 3000 first holds for w = 4 with p = 0, and for w = 2 with p = 1000.
    """
    readvertisement, change = penalties
    damping = Damping(
        15 * MINUTE,
        suppress=3000,
        readvertisement_penalty=readvertisement,
        attribute_change_penalty=change,
    )
    it, _ = speaker((7, EBGP), damping=damping)
    it.receive(0, route(7, 9), 0)
    withdrawals = 0
    while not it.refused(0):
        it.receive(0, GONE, 0)
        withdrawals += 1
        it.receive(0, route(7, 9), 0)
    assert withdrawals == suppressed_after


def test_attribute_changes_count_where_configured() -> None:
    """Seven changes at 500 are over 3000; the same announcement again is no change."""
    it, _ = speaker((7, EBGP), damping=Damping(15 * MINUTE, suppress=3000, attribute_change_penalty=500))
    for count in range(7):
        it.receive(0, route(7, 9, med=count), 0)
        it.receive(0, route(7, 9, med=count), 0)
        assert it.refused(0) == ()
    it.receive(0, route(7, 9, med=8), 0)
    assert reasons(it) == [(0, Refusal.DAMPED)]


def limited(**limit: object) -> dict[str, object]:
    """A session that may send two prefixes."""
    return {"max_prefixes": MaxPrefixes(2, **limit)}  # type: ignore[arg-type]


def test_max_prefixes() -> None:
    """RFC 4486 section 4: the third one closes the session with Cease/1, and what it brought is gone.

    AFI 1, SAFI 1 and the limit go with the NOTIFICATION. A change of one of the two is no third.
    """
    it, notebook = speaker((7, EBGP, limited(restart_after=MINUTE)), (8, EBGP))
    for prefix in (0, 1, 1):
        it.receive(0, Update(prefix, route(7, 9 + prefix).attributes), 0)
    it.decide(0)
    assert notebook.closed == []
    notebook.heard()
    it.receive(0, Update(2, route(7, 9).attributes), 1)
    it.receive(0, Update(3, route(7, 9).attributes), 1)
    it.decide(1)
    data = bytes([0, 1, 1, 0, 0, 0, 2])
    cease = Notification(ErrorCode.CEASE, CeaseError.MAXIMUM_PREFIXES, data)
    assert notebook.closed == [(0, cease, MINUTE)]
    assert it.loc_rib == {}
    assert notebook.heard() == {1: [None, None]}


def test_max_prefixes_may_only_warn() -> None:
    """Then all are taken, and the warnings counted."""
    it, notebook = speaker((7, EBGP, limited(warn_only=True)))
    for prefix in range(4):
        it.receive(0, Update(prefix, route(7, 9).attributes), 0)
    it.decide(0)
    assert (len(it.loc_rib), it.peers[0].excess, notebook.closed) == (4, 2, [])


def test_max_prefixes_counts_each_family_apart() -> None:
    """RFC 4486 section 4: the limit is one address family's."""
    families = (Family.IPV4, Family.IPV6)
    it, notebook = speaker((7, EBGP, limited()), family_of=lambda prefix: families[prefix % 2])
    for prefix in range(4):
        it.receive(0, Update(prefix, route(7, 9).attributes), 0)
    assert notebook.closed == []
    it.receive(0, Update(5, route(7, 9).attributes), 0)
    assert [(peer, note.data[1]) for peer, note, _ in notebook.closed] == [(0, 2)]
